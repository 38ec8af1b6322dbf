"""Child processes: what they return, and every way they can fail."""

import errno
import os
import queue
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from yivideo.engine.child.serving import Broken, Channel, Done, Failed, News, Task
from yivideo.engine.child.worker import Gone, Word, Worker, gone_sentence
from yivideo.errors import DiskFull, NotAVideo

# Children import what they run by its name: this file must be found there as well.
HERE = Path(__file__)


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(HERE.parent))
    monkeypatch.syspath_prepend(str(HERE.parent))


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    made = Worker(queue.Queue(), tmp_path / "child.log")
    yield made
    made.kill()
    made.wait(5)


def ask(worker: Worker, name: str, argument: object, scratch: Path) -> object:
    """Run the task of this module with that name; the last message about it."""
    import worker_tasks as tasks  # pyright: ignore[reportMissingImports]

    function: Callable[[Channel, object], object] = getattr(tasks, name)
    worker.send(Task(function, argument, scratch))
    return next_message(worker)


def next_message(worker: Worker) -> object:
    word: Word = worker.inbox.get(timeout=20)
    assert word.worker is worker
    return word.message


def test_a_child_does_one_task_after_the_other(worker: Worker, tmp_path: Path) -> None:
    """In the same process, so that what is loaded stays loaded."""
    first, second = (ask(worker, "process_id", None, tmp_path) for _ in range(2))
    assert isinstance(first, Done)
    assert first == second
    assert first.value != os.getpid()


def test_a_child_tells_news_before_the_end(worker: Worker, tmp_path: Path) -> None:
    """Progress arrives while the task runs, in order."""
    assert ask(worker, "count", 2, tmp_path) == News(0)
    assert [next_message(worker) for _ in range(2)] == [News(1), Done(2)]


def test_what_a_task_prints_is_no_message(worker: Worker, tmp_path: Path) -> None:
    """Libraries may write to standard output as they like."""
    assert ask(worker, "chatter", None, tmp_path) == Done("ok")


def test_temporary_files_go_to_the_scratch_folder(worker: Worker, tmp_path: Path) -> None:
    """So that the parent can remove what a killed child leaves."""
    done = ask(worker, "temporary_folder", None, tmp_path)
    assert isinstance(done, Done)
    assert Path(str(done.value)).parent == tmp_path


def test_errors_with_a_sentence_come_back_as_they_are(worker: Worker, tmp_path: Path) -> None:
    """With their type, which decides the exit code."""
    failed = ask(worker, "refuse", "It is a picture.", tmp_path)
    assert isinstance(failed, Failed)
    assert (type(failed.error), failed.error.message) == (NotAVideo, "It is a picture.")


def test_a_full_scratch_disk_is_told_as_such(worker: Worker, tmp_path: Path) -> None:
    """Whoever met it, it is the disk's fault."""
    failed = ask(worker, "raise_os_error", errno.ENOSPC, tmp_path)
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, DiskFull)


def test_surprises_come_back_with_their_traceback(worker: Worker, tmp_path: Path) -> None:
    """And the child goes on to the next task."""
    broken = ask(worker, "raise_os_error", errno.EIO, tmp_path)
    assert isinstance(broken, Broken)
    assert "raise_os_error" in broken.details
    assert ask(worker, "count", 0, tmp_path) == Done(0)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGKILL])
def test_a_child_that_dies_is_gone_with_its_signal(
    worker: Worker, tmp_path: Path, number: int
) -> None:
    """A crash in native code and a kill for memory are told apart."""
    gone = ask(worker, "die", int(number), tmp_path)
    assert isinstance(gone, Gone)
    assert gone.status == -number
    words = "memory" if number == signal.SIGKILL else f"signal {int(number)}"
    assert words in gone_sentence(gone)


def test_a_task_learns_that_it_should_stop(worker: Worker, tmp_path: Path) -> None:
    """And a child that was told to stop ends when its task does."""
    assert ask(worker, "wait_for_the_end", None, tmp_path) == News("waiting")
    began = time.monotonic()
    worker.send("cancel")
    assert next_message(worker) == Done("stopped")
    assert isinstance(next_message(worker), Gone)
    assert time.monotonic() - began < 2


def test_a_child_whose_parent_is_gone_ends(worker: Worker, tmp_path: Path) -> None:
    """Even in the middle of a task, taking its scratch folder with it."""
    scratch = Path(tempfile.mkdtemp(dir=tmp_path))
    assert ask(worker, "sleep_through", None, scratch) == News("asleep")
    worker.dismiss()
    assert isinstance(next_message(worker), Gone)
    assert not scratch.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
def test_a_child_leaves_signals_to_its_parent(worker: Worker, tmp_path: Path) -> None:
    """Ctrl-C reaches the whole terminal; only the command decides what it means."""
    done = ask(worker, "process_id", None, tmp_path)
    assert isinstance(done, Done)
    assert isinstance(done.value, int)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(done.value, number)
    assert ask(worker, "process_id", None, tmp_path) == done
