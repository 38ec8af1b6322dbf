"""`yivideo submit`: videos to a real API, whose workers the tests play."""

import contextlib
import json
import os
import re
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.acceptance.station import line, until
from tests.acceptance.system import CHAIN, System, interrupted, make_system, subtitles
from tests.acceptance.test_terminal import on_terminal

from yivideo.engine.ledger.records import ErrorKind

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no server runs on Windows")

FIRST = CHAIN[0]
ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@pytest.fixture(scope="module")
def moody(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system whose API goes and comes back."""
    made = make_system(tmp_path_factory.mktemp("moody"))
    made.start_api()
    yield made
    made.end()


def test_files_folders_and_patterns_become_workflows(system: System) -> None:
    """An id a line, in the order given; what each is asked for arrives whole."""
    folder = system.videos / "season"
    folder.mkdir()
    for name in ("2.mkv", "10.mkv"):
        (folder / name).write_bytes(b"a film")
    link = system.yivideo.folder / "link.mp4"
    link.symlink_to(system.video("one.mp4"))
    words = ("--priority", "8", "--group", "anna", "--label", "shelf=a", "--label", "year=1984")
    more = ("--chain", f"{FIRST},{CHAIN[1]}", "--param", f"{FIRST}.side=480")
    ended = system("submit", "link.mp4", folder, *words, *more)
    assert (ended.status, ended.err) == (0, "")
    ids = ended.out.split()
    assert all(ID.fullmatch(one) for one in ids)
    records = [system.record(one) for one in ids]
    names = [Path(record.video_path).name for record in records]
    # The real path: the API may run in another folder.
    assert names == ["one.mp4", "2.mkv", "10.mkv"]
    record = records[0]
    assert (record.priority, record.group) == (8, "anna")
    assert record.labels == {"shelf": "a", "year": "1984"}
    assert [step.name for step in record.steps] == [FIRST, CHAIN[1]]
    assert record.steps[0].params == {"side": 480}


def test_json_tells_of_each_and_a_bad_one_stops_nothing(system: System) -> None:
    """Of several that fail in part the code is 8; of one it is its own."""
    there = system.video("there.mp4")
    records = system.told("submit", "missing.mp4", there, status=8)
    assert [record["id"] is None for record in records] == [True, False]
    assert records[0]["error"]["code"] == "input-missing"
    assert (records[1]["status"], records[1]["error"]) == ("queued", None)
    assert records[1]["links"]["self"].endswith(records[1]["id"])
    assert system("submit", "missing.mp4").status == 3


def test_mistakes_end_all_with_the_sentence_of_the_api(system: System) -> None:
    """Whatever the API would say of each of them is said once."""
    videos = [system.video(f"wrong{number}.mp4") for number in range(3)]
    unknown = system("submit", *videos, "--chain", "ffmpeg.nonsense")
    assert (unknown.status, unknown.out, len(unknown.err.splitlines())) == (2, "", 1)
    assert "There is no step 'ffmpeg.nonsense'" in unknown.err
    order = system("submit", videos[0], "--chain", f"{CHAIN[1]},{FIRST}",
                   "--param", f"{FIRST}.sidle=480")  # fmt: skip
    assert (order.status, "has to stand before" in order.err) == (2, True)
    assert "has no parameter 'sidle'" in order.err
    for words in (("--param", "side=3"), ("--api", "http://")):
        ended = system("submit", videos[0], *words)
        assert (ended.status, ended.out) == (2, "")


def test_nobody_answers(system: System) -> None:
    """Exit code 9 at once, and what to do about it; also where some other server listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{bound.getsockname()[1]}"
        ended = system("submit", system.video("a.mp4"), YIVIDEO_API=dead)
        assert (ended.status, ended.out) == (9, "")
        assert "Is `yivideo up` running?" in ended.err
        error = json.loads(system("workflows", "list", "--api", dead, "--json").out)["error"]
        assert error["code"] == "server-unavailable"


def test_the_same_command_with_the_same_key_makes_nothing_new(system: System) -> None:
    """Each video has its own part of the key, so that a longer list may repeat a shorter one."""
    first, second = system.video("k1.mp4"), system.video("k2.mp4")
    key = ("--idempotency-key", "monday")
    both = system("submit", first, second, *key).out.split()
    assert len(set(both)) == 2
    assert system("submit", second, first, *key).out.split() == both[::-1]
    other = system("submit", first, second, *key, "--priority", "9")
    assert (other.status, other.out) == (8, "")


def test_what_the_api_cannot_see_is_uploaded(system: System) -> None:
    """It says so; with --upload the very bytes arrive, and the same file is not sent twice."""
    film = system.yivideo.folder / "my film.mp4"
    film.write_bytes(os.urandom(9 * 2**20))
    refused = system("submit", film)
    assert (refused.status, refused.out) == (3, "")
    assert "--upload" in refused.err
    sent = system("submit", film, "--upload")
    assert sent.status == 0
    record = system.record(sent.out.strip())
    assert record.labels == {"file": "my film.mp4"}
    again = system.record(system("submit", film, "--upload").out.strip())
    assert (again.id != record.id, again.video_path) == (True, record.video_path)
    assert Path(record.source).read_bytes() == film.read_bytes()
    assert "my film.mp4" in system("workflows", "list", "--limit", "1").out


@contextlib.contextmanager
def forgetful(url: str) -> Iterator[str]:
    """The address of a proxy before `url` that breaks its first connection off unanswered."""
    target = ("127.0.0.1", int(url.rpartition(":")[2]))

    def copy(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(2**16):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

    def relay(near: socket.socket) -> None:
        with near, socket.create_connection(target) as far:
            back = threading.Thread(target=copy, args=(far, near))
            back.start()
            copy(near, far)
            back.join()

    def accept(listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            first, _ = listener.accept()
            with first:
                first.recv(2**16)
            while True:
                threads.append(threading.Thread(target=relay, args=(listener.accept()[0],)))
                threads[-1].start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threads = [threading.Thread(target=accept, args=(listener,))]
        threads[0].start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join()


def test_an_upload_whose_beginning_is_not_answered(system: System) -> None:
    """It is begun once more; where nobody listens at all that is said at once."""
    film = system.yivideo.folder / "other film.mp4"
    film.write_bytes(os.urandom(2**20))
    with forgetful(system.url) as proxy:
        sent = system("submit", film, "--upload", YIVIDEO_API=proxy)
    assert sent.status == 0, sent.err
    source = Path(system.record(sent.out.strip()).source)
    assert source.read_bytes() == film.read_bytes()
    assert system("submit", film, "--upload", YIVIDEO_API=proxy).status == 9


def test_an_upload_goes_on_where_it_stopped(moody: System) -> None:
    """After the API was away: the command comes back by itself, and ends with the whole file."""
    film = moody.yivideo.folder / "film.mp4"
    film.write_bytes(os.urandom(128 * 2**20))
    process = moody.start("submit", film, "--upload")

    def there() -> int:
        with contextlib.suppress(FileNotFoundError):
            return sum(path.stat().st_size for path in moody.state.rglob("[!.]*.part"))
        return 0

    deadline = time.monotonic() + 20
    while not there():
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.send_signal(signal.SIGSTOP)
    assert 0 < there() < 128 * 2**20
    moody.stop_api()
    process.send_signal(signal.SIGCONT)
    moody.start_api()
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    source = Path(moody.record(out.decode().strip()).source)
    assert source.read_bytes() == film.read_bytes()
    assert there() == 0


@pytest.mark.parametrize(
    ("texts", "status"), [(("Who is there?", "It is only me."), 0), ((), 4)], ids=["some", "none"]
)
def test_waiting_ends_as_the_workflow_did(
    system: System, texts: tuple[str, ...], status: int
) -> None:
    """A line for each step elsewhere than on a terminal; 4 when there were no subtitles."""
    process = system.start("submit", system.video("w.mp4"), "--wait")
    identity = line(process)
    claimed = system.begin(identity)
    seen = [line(process, of_errors=True)]
    while f"w.mp4: {FIRST}" not in seen:
        seen.append(line(process, of_errors=True))
    system.finish(claimed)
    system.run(identity, subtitles(*texts))
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (status, b"")
    assert re.search(r"^w\.mp4: succeeded in \S+( s)?\.$", err.decode(), re.MULTILINE)


def test_waiting_for_failures(system: System) -> None:
    """3 for a fault of the video, 1 for one of the machine, 8 for some of several; as JSON too."""
    endings = {
        "bad.mp4": (ErrorKind.USER, "not-a-video", "The file is empty.", 1, 3),
        "odd.mp4": (ErrorKind.MACHINE, "worker-lost", "The worker was killed.", 3, 1),
    }
    for name, (kind, code, message, times, status) in endings.items():
        process = system.start("submit", system.video(name), "--wait", "--chain", FIRST)
        identity = line(process)
        for _ in range(times):
            system.fail(system.begin(identity), kind, code, message)
        _, err = process.communicate(timeout=20)
        assert process.returncode == status
        assert message in err.decode()
    watched = system.start("submit", *[system.video(name) for name in ("g.mp4", "h.mp4")],
                           "--wait", "--json", "--chain", FIRST)  # fmt: skip
    until(lambda: len(_queued(system)) == 2)
    good, bad = _queued(system)
    system.run(good)
    system.fail(system.begin(bad), ErrorKind.USER, "no-frames", "No frame could be decoded.")
    out, err = watched.communicate(timeout=20)
    records = {record["id"]: record for record in json.loads(out)}
    assert (watched.returncode, records[good]["exit_code"], records[bad]["exit_code"]) == (8, 0, 3)
    assert records[bad]["steps"][0]["attempts"][0]["error"]["code"] == "no-frames"
    assert "1 of 2 videos failed." in err.decode()


def test_cancelled_by_somebody_while_waited_for(system: System) -> None:
    """130, as by Ctrl-C."""
    process = system.start("submit", system.video("c.mp4"), "--wait")
    identity = line(process)
    assert system("workflows", "cancel", identity).status == 0
    assert process.wait(20) == 130


def test_ctrl_c_leaves_the_workflow_running(system: System) -> None:
    """And says how to watch it and how to end it."""
    process = system.start("submit", system.video("i.mp4"), "--wait")
    identity = line(process)
    assert "i.mp4" in line(process, of_errors=True)
    status, err = interrupted(process)
    assert status == 130
    assert f"yivideo workflows watch {identity}" in err
    assert f"yivideo workflows cancel {identity}" in err
    assert system.record(identity).status == "queued"
    system("workflows", "cancel", identity)


def test_waiting_survives_a_restart_of_the_api(moody: System) -> None:
    """It says that it waits, misses nothing, and ends as the workflow did."""
    process = moody.start("submit", moody.video("r.mp4"), "--wait", "--chain", FIRST)
    identity = line(process)
    assert "waits for a worker" in line(process, of_errors=True)
    moody.stop_api()
    assert "Waiting for it." in line(process, of_errors=True)
    moody.run(identity)
    moody.start_api()
    _, err = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "r.mp4: succeeded" in err.decode()


def test_progress_on_a_terminal(system: System) -> None:
    """The step, a bar and the percent, gone afterwards; the id and the end stay."""
    played = threading.Thread(target=_play, args=(system, "t.mp4"))
    played.start()
    before = dict(os.environ)
    with contextlib.ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        for name, value in system.environment.items():
            patch.setenv(name, value) if value is not None else patch.delenv(name, raising=False)
        words = ["submit", system.video("t.mp4"), "--wait"]
        status, seen = on_terminal(system.yivideo, words)
    played.join()
    assert dict(os.environ) == before
    assert status == 0
    for part in (f"{FIRST} waits for a worker", CHAIN[1], " 33 %", "t.mp4: succeeded in"):
        assert part in seen
    assert seen.rfind("\x1b[?25h") > seen.rfind("\x1b[?25l")


def _queued(system: System, text: str = "") -> list[str]:
    """Ids of those that wait for their first step, oldest first."""
    words = ("--text", text) if text else ()
    listed = system.told("workflows", "list", "--status", "queued", *words)["workflows"]
    return [
        one["id"]
        for one in reversed(listed)
        if text or Path(one["video_path"]).name in {"g.mp4", "h.mp4"}
    ]


def _play(system: System, name: str) -> None:
    """Carry out the workflow of that video, slowly enough to be seen."""
    until(lambda: len(_queued(system, name)) == 1)
    (identity,) = _queued(system, name)
    for _ in CHAIN[:2]:
        threading.Event().wait(0.6)
        claimed = system.begin(identity)
        threading.Event().wait(0.6)
        system.finish(claimed)
    threading.Event().wait(0.6)
    system.run(identity, subtitles("There!"))


def test_without_the_extra_it_is_named(system: System, tmp_path: Path) -> None:
    """An installation without what the commands need says what to install."""
    (tmp_path / "sitecustomize.py").write_text(
        "from importlib.machinery import PathFinder\n"
        "find = PathFinder.find_spec\n"
        "hidden = {'httpx', 'sqlalchemy'}\n"
        "PathFinder.find_spec = lambda name, *a: None if name in hidden else find(name, *a)\n"
    )
    for words in (("submit", system.video("a.mp4")), ("workflows", "list"), ("key", "list")):
        ended = system(*words, PYTHONPATH=str(tmp_path))
        assert (ended.status, ended.out) == (2, "")
        assert "pip install 'yivideo[server]'" in ended.err
