"""`yivideo agent`: its server, its signals, its death."""

import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.acceptance.command import Run
from tests.acceptance.station import HOST, Station, line, released, stopped, until

from yivideo.storage.valkey import running_address

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no agent for Windows")

# A second is promised; a machine that wakes slowly and runs other tests has more.
SOON = 5.0


@pytest.fixture
def station(yivideo: Run, tmp_path: Path) -> Iterator[Station]:
    """A host on which nothing runs yet."""
    made = Station(yivideo, tmp_path / "state")
    yield made
    made.end()


def test_an_agent_says_when_it_is_ready_and_stops_with_its_server(station: Station) -> None:
    """One line with devices and address; Ctrl-C within a second, exit code 0, nothing runs on."""
    process, ready = station.agent("--service", "ffmpeg,paddleocr", "--places", "2")
    assert ready.keys() == {
        "ready", "host", "address", "redis_cli", "server", "state", "services", "devices",
    }  # fmt: skip
    assert (ready["host"], ready["server"]) == (HOST, "started")
    assert ready["services"] == ["ffmpeg", "paddleocr"]
    (device,) = ready["devices"]
    assert (device["index"], device["memory"], device["compute"]) == (0, 8192, 2000)
    assert ready["redis_cli"] == f"redis-cli -s {station.state}/valkey.sock -n 2"
    status, err, took = stopped(process, signal.SIGINT)
    assert status == 0
    assert "The server is stopped" in err
    assert took < SOON
    assert running_address(station.state) is None


def test_the_heartbeat_limit_is_that_of_the_system(station: Station) -> None:
    """One variable sets it for agents, as for all other parts of a system; an option wins."""
    limit = {"YIVIDEO_HEARTBEAT_LIMIT": "7"}
    for words, expected in (((), 7), (("--heartbeat-limit", "9"), 9)):
        process = station.yivideo.start(
            "agent", "--stand-in", "--json", *words, env={**station.environment, **limit}
        )
        station.processes.append(process)
        assert line(process)
        with station.pool() as pool:
            assert pool.field("meta", "beat_limit") == str(expected * 1_000_000)
        stopped(process)


def test_a_second_agent_is_refused(station: Station, tmp_path: Path) -> None:
    """In the same folder at once; of the same host elsewhere by the pool; the first goes on."""
    process, ready = station.agent()
    again = station("agent", "--stand-in", "--json")
    assert (again.status, json.loads(again.out)["error"]["code"]) == (7, "agent-exists")
    assert str(station.state) in again.err
    elsewhere = station(
        "agent", "--stand-in", "--state", tmp_path / "other", "--redis", ready["address"]
    )
    assert (elsewhere.status, elsewhere.out) == (7, "")
    assert "Another agent vouches for this host" in elsewhere.err
    assert process.poll() is None


def test_an_agent_that_was_killed_is_followed_by_the_next(station: Station) -> None:
    """The next adopts the server, and the holder holds on; the server stays while it does."""
    first, _ = station.agent()
    holder, fence = station.holding(what="reading", workflow="film")
    first.kill()
    second, ready = station.agent()
    assert ready["server"] == "adopted"
    (lease,) = station.device.leases
    assert (lease.holder and lease.holder.pid, int(lease.fence)) == (holder.pid, fence)
    status, err, took = stopped(second)
    assert (status, took < SOON) == (0, True)
    assert "runs on: 1 lease held" in err
    assert running_address(station.state) is not None
    station.agent()
    released(holder)
    until(lambda: station.device.leases == ())


def test_a_server_that_dies_comes_back(station: Station) -> None:
    """Its agent starts it anew, attests what lives, and tells so in its log."""
    process, _ = station.agent()
    holder, _ = station.holding(what="reading")
    os.kill(json.loads((station.state / "valkey.json").read_text())["pid"], signal.SIGKILL)
    until(lambda: running_address(station.state) is not None)
    until(lambda: station.device.state == "open")
    (lease,) = station.device.leases
    assert lease.holder and lease.holder.pid == holder.pid
    assert station.now.epoch == 2
    _, err, _ = stopped(process)
    for words in ("is gone.", "is back.", "Attested 1 leases in epoch 2."):
        assert words in err


def test_an_agent_uses_the_server_it_is_given(station: Station, tmp_path: Path) -> None:
    """It starts none, and leaves that one alone."""
    station.agent("--host", "a")
    address = running_address(station.state)
    assert address is not None
    process, ready = station.agent("--state", tmp_path / "b", "--host", "b", "--redis", address)
    assert (ready["host"], ready["server"], ready["address"]) == ("b", None, address)
    assert [device.id for device in station.now.devices] == ["a:0", "b:0"]
    assert stopped(process)[0] == 0
    assert running_address(tmp_path / "b") is None
    assert running_address(station.state) == address


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--redis", "redis://127.0.0.1", "--port", "7000"], "--port is for the server"),
        (["--redis", "http://127.0.0.1"], "is no address of a Redis"),
        (["--stand-in", "--memory", "much"], "no size of memory"),
        (["--host", "a:b"], "no name for a host"),
    ],
)
def test_mistakes_are_one_sentence(station: Station, words: list[str], said: str) -> None:
    """Exit code 2, before anything is started."""
    ended = station("agent", *words)
    assert (ended.status, ended.out) == (2, "")
    assert said in ended.err
    assert not station.state.exists()


def test_without_the_extra_it_is_named(yivideo: Run, tmp_path: Path) -> None:
    """An installation without Redis' client says what to install."""
    (tmp_path / "sitecustomize.py").write_text(
        "from importlib.machinery import PathFinder\n"
        "find = PathFinder.find_spec\n"
        "PathFinder.find_spec = lambda name, *a: None if name == 'redis' else find(name, *a)\n"
    )
    ended = yivideo("agent", env={"PYTHONPATH": str(tmp_path)})
    assert ended.status == 2
    assert "pip install 'yivideo[server]'" in ended.err
