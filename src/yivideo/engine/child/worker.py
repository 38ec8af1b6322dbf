"""The parent's side of a child process."""

import contextlib
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeVar, cast

from yivideo.engine.child.debugging import debugging
from yivideo.engine.child.serving import Broken, Channel, Done, Failed, Task
from yivideo.engine.child.signals import SIGNALS
from yivideo.engine.child.wire import read_message, write_message

Argument = TypeVar("Argument")
Value = TypeVar("Value")

_COMMAND = "from yivideo.engine.child.serving import main; main()"


@dataclass(frozen=True, slots=True)
class Launch:
    """What to start.

    Attributes:
        code: Python that the child runs.
        arguments: its arguments.
        session: whether the child leads a session of its own, all of which is killed when it ends.
    """

    code: str = _COMMAND
    arguments: tuple[str, ...] = ()
    session: bool = False


@dataclass(frozen=True, slots=True)
class Gone:
    """The child has ended, wanted or not.

    Attributes:
        status: as `subprocess` has it: negative is the signal that killed it.
        details: the end of what it wrote to standard error.
    """

    status: int
    details: str


@dataclass(frozen=True, slots=True)
class Word:
    """A message and the worker it came from."""

    worker: "Worker"
    message: object


class Worker:
    """One child process.

    Attributes:
        inbox: where what it says arrives, at last that it is `Gone`.
    """

    def __init__(
        self, inbox: "queue.Queue[Word]", log: Path | None, launch: Launch | None = None
    ) -> None:
        """Start the child.

        Args:
            inbox: where its messages go, as `Word`.
            log: file for what libraries in the child write to standard error; None to pass it on.
            launch: what to start, by default a child that serves tasks.

        Raises:
            OSError: the system cannot start it.
        """
        self.inbox = inbox
        self._log = None if debugging() else log
        self._launch = launch or Launch()
        self._started: queue.Queue[subprocess.Popen[bytes] | OSError] = queue.Queue()
        # The child belongs to the thread that started it: Linux can kill it when that thread ends,
        # so it is the one that stays for as long as the child lives.
        self._listener = threading.Thread(target=self._live, daemon=True)
        self._listener.start()
        started = self._started.get()
        if isinstance(started, OSError):
            raise started
        self._process = started

    @property
    def pid(self) -> int:
        """The child's number."""
        return self._process.pid

    @property
    def ended(self) -> bool:
        """Whether the child is seen gone."""
        return not self._listener.is_alive()

    def send(self, message: object) -> None:
        """Send a message; a child that is gone will say so in the inbox."""
        with contextlib.suppress(OSError, ValueError):
            write_message(cast("BinaryIO", self._process.stdin), message)

    def dismiss(self) -> None:
        """Tell the child that there is no more work; it ends."""
        with contextlib.suppress(OSError):
            cast("BinaryIO", self._process.stdin).close()

    def kill(self) -> None:
        """End the child at once."""
        with contextlib.suppress(OSError):
            self._process.kill()

    def wait(self, seconds: float) -> bool:
        """Wait until the child has ended; false if it has not by then."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        self._listener.join(seconds)
        return True

    def _live(self) -> None:
        """Start the child, pass on what it says, and see it gone."""
        try:
            process = self._start()
        except OSError as error:
            self._started.put(error)
            return
        self._started.put(process)
        source = cast("BinaryIO", process.stdout)
        with contextlib.suppress(EOFError, OSError, ValueError), source:
            while True:
                self.inbox.put(Word(self, read_message(source)))
        if self._launch.session:
            _end_session(process.pid)
        status = process.wait()
        with contextlib.suppress(OSError):
            cast("BinaryIO", process.stdin).close()
        self.inbox.put(Word(self, Gone(status, self._last_words())))

    def _start(self) -> "subprocess.Popen[bytes]":
        with contextlib.ExitStack() as stack:
            stack.enter_context(_signals_blocked())
            errors = stack.enter_context(self._log.open("wb")) if self._log else None
            # -P: no module of the folder we stand in may take the place of a library.
            return subprocess.Popen(  # noqa: S603 - our own interpreter
                [sys.executable, "-P", "-c", self._launch.code, *self._launch.arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=self._launch.session,
                env={
                    # Each arena of glibc's allocator reserves 64 MiB of the address space, and
                    # keeps what other threads free of it: frames go from thread to thread.
                    "MALLOC_ARENA_MAX": "2",
                    **os.environ,
                    "PYTHONIOENCODING": "utf-8:backslashreplace",
                },
            )

    def _last_words(self) -> str:
        if self._log is None:
            return ""
        with contextlib.suppress(OSError):
            return self._log.read_text("utf-8", "backslashreplace")[-20_000:]
        return ""


def run_in_child(
    function: Callable[[Channel, Argument], Value], argument: Argument, *, seconds: float
) -> Value | str:
    """Call a task in a child of its own and wait for it.

    Args:
        function: a function of a module.
        argument: what it is called with.
        seconds: how long it may take.

    Returns:
        What it returned, or a sentence that says why it did not.
    """
    inbox: queue.Queue[Word] = queue.Queue()
    with tempfile.TemporaryDirectory(prefix="yivideo-", ignore_cleanup_errors=True) as folder:
        worker = Worker(inbox, Path(folder, "child.log"))
        try:
            worker.send(Task(function, argument, Path(folder)))
            message = inbox.get(timeout=seconds).message
        except queue.Empty:
            return f"It did not answer within {seconds:.0f} seconds."
        finally:
            worker.kill()
            worker.wait(1.0)
    if isinstance(message, Done):
        return cast("Value", message.value)
    if isinstance(message, Failed):
        return message.error.message
    if isinstance(message, Broken):
        return message.details.strip().splitlines()[-1]
    return f"It {gone_sentence(message)}." if isinstance(message, Gone) else "It made no sense."


def gone_sentence(gone: Gone) -> str:
    """What became of a child that ended in the middle of its work."""
    if gone.status == -getattr(signal, "SIGKILL", 9):
        return "was killed from outside, perhaps because memory ran out"
    if gone.status < 0:
        return f"crashed (signal {-gone.status})"
    return f"ended unexpectedly (status {gone.status})"


def _end_session(pid: int) -> None:
    """Kill what a child that has ended leaves behind in its session.

    Before its number is free again: as long as nobody waited for it, the group is still its own.
    """
    if not hasattr(os, "killpg"):
        return
    # ChildProcessError: somebody who looked has waited already; the number may be another's now.
    with contextlib.suppress(ChildProcessError, ProcessLookupError, PermissionError):
        if hasattr(os, "waitid"):
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        os.killpg(pid, signal.SIGKILL)


@contextlib.contextmanager
def _signals_blocked() -> Generator[None]:
    """Keep the signals that ask to stop from a child that cannot ignore them yet.

    A child inherits the mask and lifts it when it is ready; ours waits until the block ends.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
