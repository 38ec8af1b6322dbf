"""Who lives, who watches, and who is ended: with real processes."""

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from yivideo.gpu import system
from yivideo.gpu.processes import Process, Watch, is_alive, kill

linux = pytest.mark.skipif(sys.platform != "linux", reason="/proc and pidfds are Linux's")
posix = pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts Python with some code, and returns when that has said a line; ended with the test."""
    started: list[subprocess.Popen[str]] = []

    def run(code: str = "", before: tuple[str, ...] = ()) -> subprocess.Popen[str]:
        line = [
            *before,
            sys.executable,
            "-c",
            f"{code}\nprint(flush=True)\nimport time\ntime.sleep(60)",
        ]
        child = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        started.append(child)
        assert child.stdout is not None
        child.said = child.stdout.readline().strip()  # type: ignore[attr-defined]
        return child

    yield run
    for child in started:
        child.kill()
        child.communicate()


def described(child: subprocess.Popen[str]) -> Process:
    found = Process.of(child.pid)
    assert found is not None
    return found


def eventually(true: Callable[[], bool], seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(0.005)
    return true()


def test_this_process_lives_and_survives_a_record() -> None:
    """It finds itself by number and by itself, and again from JSON's plain values."""
    me = Process.current()
    assert me.pid == os.getpid()
    assert Process.of(os.getpid()) == me
    assert is_alive(me) is True
    assert Process.from_record({**me.as_record(), "more": 1}) == me
    assert pickle.loads(pickle.dumps(me)) == me


@pytest.mark.parametrize("record", [{}, {"pid": 1, "start": "x", "namespace": "", "boot": ""}])
def test_a_record_of_something_else_is_refused(record: dict[str, object]) -> None:
    """A missing or a wrong value is told, not guessed."""
    with pytest.raises(ValueError, match="describes no process"):
        Process.from_record(record)


def test_an_ended_process_is_gone(start: Start) -> None:
    """Ended and waited for: not alive, and nobody has its number."""
    child = start()
    process = described(child)
    assert is_alive(process) is True
    child.kill()
    child.wait()
    assert is_alive(process) is False
    assert Process.of(child.pid) is None


@posix
def test_a_zombie_is_gone(start: Start) -> None:
    """Ended and not waited for: its number is taken, and it is gone all the same."""
    child = start()
    process = described(child)
    os.kill(child.pid, signal.SIGKILL)
    assert eventually(lambda: is_alive(process) is False)
    os.kill(child.pid, 0)  # it is there still
    assert Process.of(child.pid) is None
    assert kill(process) is False


@linux
def test_a_process_whose_first_thread_has_ended_lives(start: Start) -> None:
    """Its number looks like a zombie's, while another thread may still hold the device."""
    child = start(
        "import ctypes, threading, time\n"
        "threading.Thread(target=time.sleep, args=(60,)).start()\n"
        "print(flush=True)\n"
        "ctypes.CDLL(None).syscall(60 if __import__('platform').machine() == 'x86_64' else 93, 0)"
    )
    stat = Path(f"/proc/{child.pid}/stat")
    assert eventually(lambda: stat.read_text().split(") ")[1][0] == "Z")
    process = described(child)
    assert is_alive(process) is True
    with Watch() as watch:
        assert watch.add("it", process)
        assert watch.wait(0.05) == []
        assert kill(process)
        assert watch.wait(10) == ["it"]
    assert is_alive(process) is False


@posix
def test_a_stopped_process_lives_until_it_is_killed(start: Start) -> None:
    """SIGSTOP makes nobody gone; SIGKILL reaches it all the same."""
    child = start()
    process = described(child)
    child.send_signal(signal.SIGSTOP)
    with Watch() as watch:
        watch.add("it", process)
        assert watch.wait(0.05) == []
        assert is_alive(process) is True
        assert kill(process) is True
        assert watch.wait(10) == ["it"]
    assert child.wait() == -signal.SIGKILL


def test_another_process_of_the_same_number_is_not_it(start: Start) -> None:
    """A number used again: the first is gone, and killing it leaves the second alone."""
    child = start()
    process = described(child)
    earlier = replace(process, start=process.start - 5000)
    assert is_alive(earlier) is False
    assert kill(earlier) is False
    with Watch() as watch:
        assert watch.add("earlier", earlier)
        assert watch.wait(10) == ["earlier"]
    assert is_alive(process) is True


@linux
def test_another_boot_has_ended_all(start: Start) -> None:
    """Whoever lived before the host started anew is gone, whatever its namespace was."""
    process = described(start())
    assert is_alive(replace(process, boot="another", namespace="pid:[1]")) is False


@linux
def test_nobody_vouches_for_another_namespace(start: Start) -> None:
    """Neither alive nor gone, not watched, and never killed: the number means another there."""
    child = start()
    process = replace(described(child), namespace="pid:[1]")
    assert is_alive(process) is None
    with pytest.raises(PermissionError, match="cannot be seen from here"):
        kill(process)
    with Watch() as watch:
        assert watch.add("it", process) is False
        assert watch.wait(0) == []
    assert child.poll() is None


@linux
@pytest.mark.parametrize("proc", ["its own", "its parent's"])
def test_a_real_namespace_is_told_apart(start: Start, proc: str) -> None:
    """A process in another PID namespace describes itself so, also with the /proc of its parent."""
    before = ("unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child")
    if subprocess.run([*before, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no new PID namespaces are permitted here")
    if proc == "its own":
        before += ("--mount-proc",)
    child = start(
        "from yivideo.gpu.processes import Process, is_alive, kill\n"
        "import subprocess\n"
        "me = Process.current()\n"
        "other = subprocess.Popen(['sleep', '60'])\n"
        "print(me.as_record(), is_alive(me), Process.of(other.pid) is not None, is_alive(\n"
        "    Process(99999, 1, me.namespace, me.boot)), flush=True, end='')",
        before=before,
    )
    record, _, rest = child.said.rpartition("} ")  # type: ignore[attr-defined]
    inside = Process.from_record(eval(record + "}"))
    # With another's /proc it can vouch for nobody's life, only for a number that nobody has.
    assert rest == ("True True False" if proc == "its own" else "None False False")
    assert inside.namespace != Process.current().namespace
    assert inside.boot == Process.current().boot
    assert is_alive(inside) is None


@pytest.mark.parametrize("handles", [True, False], ids=["pidfd", "no pidfd"])
def test_each_end_is_told_once(
    start: Start, monkeypatch: pytest.MonkeyPatch, *, handles: bool
) -> None:
    """The right name, once; the others are watched on; a removed one is not told."""
    if not handles:
        monkeypatch.setattr(system, "open_handle", lambda _: None)
    children = {name: start() for name in ("a", "b", "c")}
    with Watch() as watch:
        for name, child in children.items():
            assert watch.add(name, described(child))
        assert watch.wait(0) == []
        watch.remove("c")
        watch.remove("never there")
        children["c"].kill()
        children["a"].kill()
        assert watch.wait(10) == ["a"]
        assert watch.wait(0.3) == []
        children["b"].kill()
        assert watch.wait(10) == ["b"]


def test_one_gone_before_it_was_watched_is_told(start: Start) -> None:
    """Watching comes late: the next wait says so at once."""
    child = start()
    process = described(child)
    child.kill()
    child.wait()
    with Watch() as watch:
        assert watch.add("it", process)
        assert watch.wait(10) == ["it"]
        assert watch.wait(0) == []


def test_a_name_may_be_given_to_another(start: Start) -> None:
    """The later one has the name: the end of the first is nobody's any more."""
    first, second = start(), start()
    with Watch() as watch:
        watch.add("it", described(first))
        watch.add("it", described(second))
        first.kill()
        first.wait()
        assert watch.wait(0.05) == []
        second.kill()
        assert watch.wait(10) == ["it"]


@pytest.mark.parametrize("handles", [True, False], ids=["pidfd", "no pidfd"])
def test_a_sleeper_is_woken_and_sees_who_was_added_meanwhile(
    start: Start, monkeypatch: pytest.MonkeyPatch, *, handles: bool
) -> None:
    """`wake` ends a wait, `add` does not; both from another thread, and one wake ends one wait."""
    if not handles:
        monkeypatch.setattr(system, "open_handle", lambda _: None)
    child = start()
    process = described(child)
    with Watch() as watch:
        told: list[list[str]] = []
        sleeper = threading.Thread(target=lambda: told.append(watch.wait(60)))
        sleeper.start()
        watch.wake()
        sleeper.join(10)
        assert told == [[]]

        sleeper = threading.Thread(target=lambda: told.append(watch.wait(60)))
        sleeper.start()
        watch.add("it", process)
        sleeper.join(0.1)
        assert sleeper.is_alive()
        child.kill()
        sleeper.join(10)
        assert told == [[], ["it"]]

        watch.wake()
        assert watch.wait(60) == []


def test_many_come_and_go_while_one_waits(start: Start) -> None:
    """Names and handles are used again and again, and nobody is told who lives."""
    child = start()
    process = described(child)
    with Watch() as watch:
        told: list[str] = []
        ended = threading.Event()

        def sleep() -> None:
            while not ended.is_set():
                told.extend(watch.wait(60))

        sleeper = threading.Thread(target=sleep)
        sleeper.start()
        for number in range(20):
            brief = subprocess.Popen(["sleep", "60"])
            watch.add(f"brief {number}", described(brief))
            brief.kill()
            brief.wait()
            for _ in range(20):
                watch.add("it", process)
                watch.remove("it")
            watch.add("it", process)
        assert eventually(lambda: len(told) == 20)
        ended.set()
        watch.wake()
        sleeper.join(10)
        assert sorted(told) == sorted(f"brief {number}" for number in range(20))


def test_closing_leaves_no_handles(start: Start) -> None:
    """A watch closes what it opened, also for those it still watches; twice is no error."""
    process = described(start())
    before = open_handles()
    watch = Watch()
    watch.add("it", process)
    watch.close()
    watch.close()
    watch.wake()
    assert open_handles() == before
    assert is_alive(process)


def open_handles() -> int:
    folder = Path("/proc/self/fd" if sys.platform == "linux" else "/dev/fd")
    return len(list(folder.iterdir())) if folder.is_dir() else 0


@posix
def test_another_users_process_is_not_ours_to_kill() -> None:
    """The system's refusal is told; the process lives on."""
    if os.getuid() != 0:
        process = Process.of(1)
        assert process is not None
        with pytest.raises(PermissionError):
            kill(process)
        return
    # Root may kill anyone: try as nobody.
    code = (
        "import os, sys\nfrom yivideo.gpu.processes import Process, kill, is_alive\n"
        "it = Process.of(int(sys.argv[1]))\nos.setgid(65534); os.setuid(65534)\n"
        "try: kill(it)\nexcept PermissionError: print('refused', is_alive(it))"
    )
    line = [sys.executable, "-c", code, str(os.getpid())]
    assert (
        subprocess.run(line, capture_output=True, text=True, check=True).stdout == "refused True\n"
    )
