"""`yivideo gpu`: what it shows and does, with a real pool."""

import contextlib
import json
import os
import re
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.acceptance.command import Run
from tests.acceptance.station import HOST, Station, line, released, stopped, until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no agent for Windows")

DEVICE = f"{HOST}:0"
DEVICE_KEYS = {
    "device", "host", "index", "uuid", "model", "state", "reason", "memory_mib",
    "memory_leased_mib", "memory_used_mib", "compute", "compute_leased", "decoders",
    "decoders_leased", "utilisation", "decoder_utilisation", "temperature", "leases",
}  # fmt: skip
LEASE_KEYS = {
    "request", "fence", "state", "what", "workflow", "group", "memory_mib", "compute", "decoders",
    "host", "pid", "held_s", "expected_s", "limit_s", "evicting",
}  # fmt: skip
WAITER_KEYS = {
    "position", "request", "what", "workflow", "group", "weight", "waiting_s", "key_age_s",
    "demand", "expected_s", "reserved", "waits_for", "start_median_s", "start_bound90_s",
}  # fmt: skip
SHOW_CURSOR, HIDE_CURSOR = "\x1b[?25h", "\x1b[?25l"
OWN_SCREEN, OLD_SCREEN = "\x1b[?1049h", "\x1b[?1049l"


def make(folder: Path) -> Station:
    (folder / "here").mkdir()
    (folder / "scratch").mkdir()
    return Station(Run(folder / "here", folder / "scratch"), folder / "state")


@pytest.fixture(scope="module")
def with_agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    """A host with an agent."""
    made = make(tmp_path_factory.mktemp("station"))
    made.agent()
    yield made
    made.end()


@pytest.fixture
def station(with_agent: Station) -> Iterator[Station]:
    """The same, with nothing else running, before and after."""
    yield with_agent
    with_agent.clear(keep=1)
    until(lambda: with_agent.device.leases == () and with_agent.now.waiting == 0)


@pytest.fixture
def own_station(tmp_path: Path) -> Iterator[Station]:
    """A host of one's own, to break."""
    made = make(tmp_path)
    yield made
    made.end()


def test_status_and_queue_show_who_holds_and_who_waits(station: Station) -> None:
    """For people and for programs, on no terminal as aligned text."""
    holder, fence = station.holding(
        memory="2 GiB", compute=1, what="reading", workflow="film-1", limit=600
    )
    waiter = station.holder(exclusive=True, what="big", workflow="film-2", group="anna", priority=7)
    until(lambda: station.now.waiting == 1)
    record = station.told("status")
    assert record.keys() == {"server", "now", "epoch", "waiting", "hosts", "devices"}
    (device,) = record["devices"]
    assert device.keys() == DEVICE_KEYS
    assert (device["device"], device["state"], device["reason"]) == (DEVICE, "open", "")
    assert (device["memory_mib"], device["memory_leased_mib"]) == (8192, 2048)
    (lease,) = device["leases"]
    assert lease.keys() == LEASE_KEYS
    assert (lease["what"], lease["workflow"], lease["state"]) == ("reading", "film-1", "held")
    assert (lease["pid"], int(lease["fence"]), lease["limit_s"]) == (holder.pid, fence, 600)
    assert [host["lives"] for host in record["hosts"]] == [True]
    text = station("gpu", "status").out
    assert re.search(rf"^{DEVICE} +\S+ +open +2\.0/8\.0 +- +1/1 +0/1 +- +-$", text, re.MULTILINE)
    row = rf"^{DEVICE} +reading +film-1 +2\.0 GiB, 1 compute +{holder.pid} +\S+( s)? +10:00 +lease:"
    assert re.search(row, text, re.MULTILINE)
    assert "One request waits." in text

    queue = station.told("queue", "--limit", "5")
    (waits,) = queue["waiters"]
    assert waits.keys() == WAITER_KEYS
    assert (waits["position"], waits["group"], waits["workflow"]) == (1, "anna", "film-2")
    assert waits["demand"]["exclusive"]
    # Seven levels of priority count as seven minutes.
    assert waits["key_age_s"] - waits["waiting_s"] == pytest.approx(420, abs=1)
    text = station("gpu", "queue").out
    assert re.search(r"^1  big +film-2 +anna +\S+( s)? +7:\d\d +a whole device", text, re.MULTILINE)
    top = station.told("top")
    assert [one["request"] for one in top["waiters"]] == [waits["request"]]
    released(holder)
    assert int(line(waiter)) > fence
    released(waiter)


def test_history_tells_what_happened_and_can_be_filtered(station: Station) -> None:
    """With times and names; of one workflow, one kind, one device."""
    for workflow in ("film-3", "film-4"):
        released(station.holding(what="reading", workflow=workflow)[0])
    events = station.told("history", "--workflow", "film-4")["events"]
    assert [event["kind"] for event in events] == ["grant", "release"]
    assert events[0].keys() >= {"id", "kind", "at", "request", "fence", "device", "waited"}
    assert events[1]["held"] >= 0
    kinds = ("history", "--kind", "grant", "--kind", "open", "--device", "0")
    assert {event["kind"] for event in station.told(*kinds)["events"]} == {"grant", "open"}
    text = station("gpu", "history", "--limit", "1").out
    assert re.fullmatch(
        rf"[\d-]{{10}} [\d:]{{8}}  release +{DEVICE}  reading of film-4  held for \S+( s)?\n",
        text,
    )
    wrong = station("gpu", "history", "--kind", "nonsense")
    assert (wrong.status, "release" in wrong.err) == (2, True)


def test_history_is_followed_until_ctrl_c(station: Station) -> None:
    """Each event is one line of JSON, there at once."""
    follower = station.start("gpu", "history", "--follow", "--json", "--limit", "1")
    line(follower)
    released(station.holding(what="reading", workflow="film-5")[0])
    seen = [json.loads(line(follower)) for _ in range(2)]
    assert [(event["kind"], event["workflow"]) for event in seen] == [
        ("grant", "film-5"),
        ("release", "film-5"),
    ]
    assert stopped(follower, signal.SIGINT)[:2] == (130, "")


def test_a_device_is_drained_and_resumed(station: Station) -> None:
    """Nothing new is granted meanwhile; waiting for it names the holder, and may have an end."""
    holder, _ = station.holding(what="reading", workflow="film-6")
    late = station("gpu", "drain", "0", "--wait", "--timeout", "0.2")
    assert (late.status, late.out) == (7, "")
    assert f"{DEVICE} is still held by reading of film-6 (process {holder.pid}" in late.err
    drain = station.start("gpu", "drain", DEVICE, "--wait")
    assert line(drain, of_errors=True).startswith(f"{DEVICE}: waits for reading of film-6")
    waiter = station.holder(what="next")
    until(lambda: station.now.waiting == 1)
    assert station.device.state == "cordoned"
    released(holder)
    assert line(drain) == f"{DEVICE} is drained: nothing new is granted on it, and nothing is held."
    assert drain.wait(20) == 0
    assert station.now.waiting == 1
    (resumed,) = station.told("resume", "--host", HOST)["devices"]
    assert (resumed["state"], resumed["lifted_quarantine"]) == ("open", "")
    line(waiter)
    released(waiter)


def test_resuming_lifts_a_quarantine_and_says_so(station: Station) -> None:
    """The reason is shown wherever the device is."""
    with station.pool() as pool:
        pool.mark(DEVICE, quarantine="its memory did not come back")
    assert "quarantined: its memory did not come back" in station("gpu", "status").out
    ended = station("gpu", "resume", "0")
    assert ended.status == 0
    assert ended.out == (
        f"{DEVICE} is open; its quarantine is lifted (its memory did not come back).\n"
    )


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["drain", "7"], 7, f"The pool knows no device {HOST}:7: it has {DEVICE}."),
        (["resume", "--host", "none"], 7, "The pool knows no device of the host none: it has"),
        (["drain"], 2, "Which device?"),
        (["drain", DEVICE, "--host", "other"], 2, "give one of the two"),
        (["drain", "0", "--timeout", "1"], 2, "give both"),
        (["reclaim", "nonsense"], 7, "No device is held by a request nonsense."),
    ],
)
def test_mistakes_are_one_sentence(
    station: Station, words: list[str], status: int, said: str
) -> None:
    """With the exit code of what kind of mistake it is, and nothing changed."""
    ended = station("gpu", *words)
    assert (ended.status, ended.out) == (status, "")
    assert said in ended.err
    assert station.device.state == "open"


def test_without_a_server_a_command_says_so(yivideo: Run, tmp_path: Path) -> None:
    """Exit code 9, for one that is not there and one that does not answer."""
    ended = yivideo("gpu", "drain", "0", "--state", tmp_path / "none", "--json")
    assert (ended.status, json.loads(ended.out)["error"]["code"]) == (9, "server-unavailable")
    assert "yivideo agent" in ended.err
    ended = yivideo("gpu", "status", "--redis", "unix:///nowhere/valkey.sock")
    assert (ended.status, len(ended.err.splitlines())) == (9, 1)
    assert not (tmp_path / "none").exists()


def test_a_lease_is_taken_back_on_an_operators_word(own_station: Station) -> None:
    """Not while the process lives, nor while its agent watches it, nor without the word."""
    agent, _ = own_station.agent()
    holder, _ = own_station.holding(what="reading", workflow="film-7")
    request = own_station.device.leases[0].request
    lives = own_station("gpu", "reclaim", request, "--process-is-gone")
    assert lives.status == 7
    assert f"Process {holder.pid} lives and holds {DEVICE}" in lives.err
    agent.kill()
    holder.kill()
    holder.wait()
    watched = own_station("gpu", "reclaim", request, "--process-is-gone", "--json")
    assert json.loads(watched.out)["error"]["code"] == "lease-held"
    with own_station.pool() as pool:
        # Rather than wait for as long as it is.
        pool.client.hset(f"{pool.prefix}meta", "beat_limit", 1)
    assert re.search(r"lost: its agent is silent for \d+ s", own_station("gpu", "status").out)
    asked = own_station("gpu", "reclaim", request)
    assert asked.status == 7
    assert "Nothing was done." in asked.err
    assert f"process  {holder.pid} on {HOST} is gone, as seen from here" in asked.out
    record = own_station.told("reclaim", request, "--process-is-gone")
    assert (record["done"], record["process_alive"], record["device"]) == (True, False, DEVICE)
    assert record["lease"].keys() == LEASE_KEYS
    (event,) = own_station.told("history", "--kind", "reclaim")["events"]
    assert "an operator vouched" in event["why"]
    assert own_station.device.leases == ()


def test_top_draws_on_a_terminal_and_gives_it_back(station: Station) -> None:
    """Bars and waiters, on a screen of its own; q ends it, and the keyboard is as before."""
    import fcntl
    import pty
    import struct
    import termios

    holder, _ = station.holding(memory="4 GiB", compute=0.5, what="reading", workflow="film-8")
    waiter = station.holder(exclusive=True, what="big")
    until(lambda: station.now.waiting == 1)
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 140, 0, 0))
    before = termios.tcgetattr(follower)
    process = station.yivideo.start(
        "gpu",
        "top",
        env={**station.environment, "TERM": "xterm-256color", "COLUMNS": None, "NO_COLOR": "1"},
        stdin=follower,
        stdout=follower,
        stderr=follower,
    )
    station.processes.append(process)
    seen = b""
    deadline = time.monotonic() + 20
    # Drawn twice: it lives.
    while seen.count(b"reading of film-8") < 2:
        assert time.monotonic() < deadline
        seen += os.read(leader, 65536)
    os.write(leader, b"q")
    while process.poll() is None:
        assert time.monotonic() < deadline
        os.set_blocking(leader, False)
        try:
            seen += os.read(leader, 65536)
        except BlockingIOError:
            time.sleep(0.02)
    assert process.returncode == 0
    assert termios.tcgetattr(follower) == before
    os.set_blocking(leader, False)
    with contextlib.suppress(BlockingIOError):
        seen += os.read(leader, 65536)
    os.close(leader)
    os.close(follower)
    text = seen.decode()
    for part in (OWN_SCREEN, "██████░░░░░░ 4.0/8.0", "big", "One request waits."):
        assert part in text
    assert text.rfind(OLD_SCREEN) > text.rfind(OWN_SCREEN)
    assert text.rfind(SHOW_CURSOR) > text.rfind(HIDE_CURSOR)
    released(holder)
    line(waiter)
    released(waiter)
