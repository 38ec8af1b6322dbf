"""Programs are kept running, each in a process of its own that ends with its supervisor."""

import contextlib
import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
from tests.engine.waiting import PATIENCE_S, until

from yivideo.storage.locks import take

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


class Supervised:
    """A supervisor of one program."""

    def __init__(self, name: str, file: Path) -> None:
        self._file = file
        command = [sys.executable, "-m", "tests.engine.supervised", name, str(file)]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE)

    def starts(self) -> list[list[str]]:
        """What the program said at each start: its number, its session, the time, a variable."""
        text = self._file.read_text() if self._file.exists() else ""
        return [line.split() for line in text.splitlines()]

    def running(self, number: int) -> int:
        """Wait for that start of the program; its process."""
        until(lambda: len(self.starts()) >= number)
        return int(self.starts()[number - 1][0])


@contextlib.contextmanager
def supervised(name: str, folder: Path) -> Generator[Supervised]:
    """A supervisor that is ended in the end."""
    one = Supervised(name, folder / "starts")
    try:
        yield one
    finally:
        one.process.kill()
        one.process.communicate()


def gone(pid: int) -> bool:
    """Whether the process has ended."""
    try:
        return ")" not in (text := Path(f"/proc/{pid}/stat").read_text()) or ") Z" in text
    except OSError:
        return True


def test_program_that_dies_is_started_again(tmp_path: Path) -> None:
    """At once, in a session of its own, with what it was given and nothing of the supervisor's."""
    with supervised("steady", tmp_path) as one:
        first = one.running(1)
        os.kill(first, signal.SIGKILL)
        second = one.running(2)
        _, session, _, given = one.starts()[1]
        assert (int(session), given) == (second, "yes")
        assert Path(f"/proc/{second}/cmdline").read_bytes().split(b"\0")[:2] == [
            b"yivideo",
            b"steady",
        ]
        assert {str(file.readlink()) for file in Path(f"/proc/{second}/fd").iterdir()} == {
            "/dev/null",
            str(Path(f"/proc/{one.process.pid}/fd/2").readlink()),
        }
        one.process.send_signal(signal.SIGTERM)
        assert one.process.wait(PATIENCE_S) == 0
        assert gone(second)


def test_program_ends_with_its_supervisor(tmp_path: Path) -> None:
    """Even one that is killed, whose lock is free then."""
    with supervised("steady", tmp_path) as one:
        program = one.running(1)
        lock = tmp_path / "starts.lock"
        assert take(lock) is None
        one.process.kill()
        until(lambda: gone(program))
        taken = take(lock)
        assert taken is not None
        os.close(taken)


@pytest.mark.parametrize(
    ("name", "word"), [("failing", b"exit status 3"), ("raising", b"it does not add up")]
)
def test_program_that_fails_at_once(tmp_path: Path, name: str, word: bytes) -> None:
    """It is started ever more slowly, and how it ended is told."""
    with supervised(name, tmp_path) as one:
        one.running(5)
        at = [float(start[2]) for start in one.starts()]
        pauses = [later - earlier for earlier, later in itertools.pairwise(at)]
        # Each pause is the least that passes; a busy machine may add to it.
        assert all(
            pause >= least for pause, least in zip(pauses, (0.0, 0.1, 0.2, 0.4), strict=False)
        )
        one.process.send_signal(signal.SIGTERM)
        _, errors = one.process.communicate(timeout=PATIENCE_S)
        assert word in errors
