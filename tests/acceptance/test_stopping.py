"""Signals, crashes and kills: what is left, and with which exit status."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.acceptance.command import Run

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals"),
]

# How long a process may take to end before it is taken for one that never will, in seconds.
NEVER = 30


class Running:
    """An extraction under way, in a session of its own as under a terminal."""

    def __init__(self, yivideo: Run, *words: str | Path) -> None:
        self.process = yivideo.start("extract", *words, start_new_session=True)
        self.folder, self.scratch = yivideo.folder, yivideo.scratch

    def wait_for(self, words: str) -> None:
        """Read standard error up to a line with these words."""
        assert self.process.stderr is not None
        # Reading has no time limit; a process that never says it gets one.
        limit = threading.Timer(60, self.process.kill)
        limit.start()
        for line in self.process.stderr:
            if words in line.decode():
                break
        else:
            raise AssertionError(f"it ended without saying {words!r}")
        limit.cancel()

    def children(self) -> list[int]:
        """The processes it has started."""
        listed = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(self.process.pid)],
            capture_output=True,
            text=True,
            check=False,
        )
        return [int(word) for word in listed.stdout.split()]

    def end(self) -> tuple[int, str]:
        """Wait for its end: exit status, and the rest of standard error."""
        _, err = self.process.communicate(timeout=NEVER)
        return self.process.returncode, err.decode()

    def left(self) -> list[str]:
        """What it left in its own folder and in that for temporary files."""
        return sorted(
            path.name for folder in (self.folder, self.scratch) for path in folder.rglob("*")
        )


Start = Callable[..., Running]


@pytest.fixture
def start(yivideo: Run) -> Iterator[Start]:
    running: list[Running] = []

    def make(*words: str | Path) -> Running:
        running.append(Running(yivideo, *words))
        return running[-1]

    yield make
    for each in running:
        if each.process.poll() is None:
            os.killpg(each.process.pid, signal.SIGKILL)
        each.process.communicate()


def _runs(pid: int) -> bool:
    """Whether the process is there and more than an entry that nobody has fetched."""
    listed = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return listed.stdout.strip()[:1] not in {"", "Z"}


def gone(pids: list[int]) -> bool:
    """Whether all these processes end."""
    until = time.monotonic() + NEVER
    while any(map(_runs, pids)):
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


@pytest.mark.parametrize("delay", [0.15, 0.4, 0.8, 2.0, 4.0])
def test_ctrl_c_stops_it_and_leaves_nothing(start: Start, long: Path, delay: float) -> None:
    """At any moment: while starting, while loading models, while reading."""
    running = start(long, "-o", "out.srt")
    time.sleep(delay)
    children = running.children()
    os.killpg(running.process.pid, signal.SIGINT)
    status, err = running.end()
    assert status == 130
    assert "Traceback" not in err
    assert running.left() == []
    assert gone(children)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_other_signals_end_it_the_same_way(
    start: Start, long: Path, number: signal.Signals, status: int
) -> None:
    """A service manager's wish is as good as Ctrl-C."""
    running = start(long, "-o", "out.srt")
    running.wait_for(": reading")
    running.process.send_signal(number)
    ended, err = running.end()
    assert ended == status
    assert "yivideo: Stopped on request." in err
    assert running.left() == []


def test_a_second_ctrl_c_ends_it_as_well(start: Start, long: Path) -> None:
    """Without waiting for anything, and still without leaving anything."""
    running = start(long, "-o", "out.srt")
    running.wait_for(": reading")
    children = running.children()
    assert children
    # The child cannot answer the first one: only then is there something to wait for.
    os.kill(children[0], signal.SIGSTOP)
    os.killpg(running.process.pid, signal.SIGINT)
    time.sleep(0.1)
    os.killpg(running.process.pid, signal.SIGINT)
    status, _ = running.end()
    assert status == 130
    assert gone(children)
    assert running.left() == []


def test_a_child_that_cannot_answer_does_not_hold_up_ctrl_c(start: Start, long: Path) -> None:
    """Stopped, as if it hung in native code that nothing interrupts."""
    running = start(long, "-o", "out.srt")
    running.wait_for(": reading")
    children = running.children()
    os.kill(children[0], signal.SIGSTOP)
    os.killpg(running.process.pid, signal.SIGINT)
    status, _ = running.end()
    assert status == 130
    assert gone(children)
    assert running.left() == []


def test_what_was_done_before_ctrl_c_stays(start: Start, short: Path, long: Path) -> None:
    """The first video's result is whole, the second leaves nothing."""
    running = start(short, long, "-o", "out", "--json")
    running.wait_for("2 subtitles")
    running.wait_for("long.mp4: reading")
    os.killpg(running.process.pid, signal.SIGINT)
    status, _ = running.end()
    assert status == 130
    (name,) = [path.name for path in (running.folder / "out").iterdir()]
    assert name.startswith("short.")


def test_an_older_result_survives_ctrl_c(start: Start, long: Path) -> None:
    """Overwriting happens at the end or not at all."""
    running = start(long, "-o", "out.srt", "--overwrite")
    (running.folder / "out.srt").write_text("older")
    running.wait_for(": reading")
    os.killpg(running.process.pid, signal.SIGINT)
    assert running.end()[0] == 130
    assert (running.folder / "out.srt").read_text() == "older"


def test_a_crash_of_the_reader_is_one_videos_error(start: Start, short: Path, long: Path) -> None:
    """As a segmentation fault in a decoder would be: told in a sentence, the next video goes on."""
    running = start(long, short, "-o", "out")
    running.wait_for("long.mp4: reading")
    os.kill(running.children()[0], signal.SIGSEGV)
    status, err = running.end()
    assert status == 8
    assert "crashed (signal 11)" in err
    assert "1 of 2 videos failed." in err
    assert [path.name.split(".")[0] for path in (running.folder / "out").iterdir()] == ["short"]


def test_a_kill_for_memory_is_told_as_what_it_may_be(start: Start, long: Path) -> None:
    """The kernel kills without a word; the user should not have to guess."""
    running = start(long, "-o", "out.srt")
    running.wait_for(": reading")
    os.kill(running.children()[0], signal.SIGKILL)
    status, err = running.end()
    assert status == 1
    assert "memory ran out" in err
    assert not (running.folder / "out.srt").exists()


def test_nothing_outlives_a_command_that_is_killed(start: Start, long: Path) -> None:
    """Its children see that it is gone, clean up and end."""
    running = start(long, "-o", "out.srt")
    running.wait_for(": reading")
    children = running.children()
    assert children
    running.process.kill()
    assert gone(children)
    assert [path for path in running.scratch.rglob("*") if path.name.startswith("tmp")] == []
    assert not (running.folder / "out.srt").exists()


def test_a_stopped_extraction_goes_on_from_its_last_finished_step(
    start: Start, yivideo: Run, long: Path
) -> None:
    """With --keep-work nothing finished is done again, and nothing half-done is taken for done."""
    # A film that repeats itself is no film to find bands in: they are given.
    words = ("--area", "0%,70%,100%,100%", "--end", "150", "--keep-work", "work", "-o", "out.srt")
    running = start(long, *words)
    running.wait_for(": reading")
    os.killpg(running.process.pid, signal.SIGINT)
    assert running.end()[0] == 130
    keyframes = yivideo.folder / "work" / "ffmpeg.extract_keyframes" / "output.json"
    written = keyframes.stat().st_mtime_ns
    assert not (yivideo.folder / "work" / "ffmpeg.crop_subtitle_images").exists()
    ended = yivideo("extract", long, *words, "-q")
    assert ended.status == 0
    assert keyframes.stat().st_mtime_ns == written
    assert (yivideo.folder / "out.srt").is_file()
