"""A child process and its tasks: what breaks in there breaks one task only.

Decoders and model runtimes are native code that meets damaged files. In a child of their own they
can crash, be killed for their memory, or be stopped in the middle of a call that nothing else
interrupts, and whoever started it lives on to say so. The child reads tasks from its standard input
and answers on its standard output; when the process that started it is gone, it ends.
"""

import errno
import faulthandler
import os
import queue
import shutil
import signal
import sys
import tempfile
import threading
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from yivideo.engine.child.signals import SIGNALS
from yivideo.engine.child.wire import read_message, write_message
from yivideo.errors import YiVideoError
from yivideo.files import output_error

if TYPE_CHECKING:
    from collections.abc import Callable

# EDQUOT is missing on Windows.
_FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}
# A task that is told to stop because its parent died gets this long before the process ends.
_GRACE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Task:
    """Work for a child.

    Attributes:
        function: a function of a module, called with the channel and then `argument`.
        argument: anything that can be pickled.
        scratch: an empty folder for its temporary files.
    """

    function: "Callable[[Channel, Any], object]"
    argument: object
    scratch: Path


@dataclass(frozen=True, slots=True)
class StopTask:
    """The task under way should stop, and the child stay for the next one."""


@dataclass(frozen=True, slots=True)
class Done:
    """The task returned."""

    value: object


@dataclass(frozen=True, slots=True)
class Failed:
    """The task raised an error that has a sentence for the user."""

    error: YiVideoError


@dataclass(frozen=True, slots=True)
class Broken:
    """The task raised something that nobody foresaw."""

    details: str


@dataclass(frozen=True, slots=True)
class News:
    """Something the task has to say while it works."""

    value: object


class Channel:
    """What a task sees of the process that started its child."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._lock = threading.Lock()
        self._cancelled = threading.Event()
        self.ends = False

    def send(self, message: object) -> None:
        """Send a message; from any thread."""
        with self._lock:
            write_message(self._out, message)

    def tell(self, value: object) -> None:
        """Tell the parent something while the task goes on."""
        self.send(News(value))

    def cancelled(self) -> bool:
        """Whether the task should stop."""
        return self._cancelled.is_set()

    def cancel(self, *, ends: bool) -> None:
        """Ask the task to stop, and the child to end with it if it `ends`."""
        self.ends = self.ends or ends
        self._cancelled.set()

    def renew(self) -> None:
        """A new task has come: what was said to the one before does not concern it."""
        if not self.ends:
            self._cancelled.clear()


def main() -> None:
    """Serve tasks until standard input ends."""
    serve()


def serve(greeting: object = None, prepare: "Callable[[], object]" = lambda: None) -> None:
    """Serve tasks until standard input ends.

    Args:
        greeting: what is told before anything else, as `News`; None for nothing.
        prepare: what to do before the first task, such as importing what it will need.
    """
    _leave_signals_to_the_parent()
    faulthandler.enable()
    tasks: queue.Queue[Task] = queue.Queue()
    channel = Channel(_take_over_stdout())
    if greeting is not None:
        channel.tell(greeting)
    threading.Thread(target=_listen, args=(channel, tasks), daemon=True).start()
    prepare()
    while True:
        task = tasks.get()
        try:
            channel.send(_perform(channel, task))
        except OSError:
            # The parent is gone; the listener ends the process.
            time.sleep(_GRACE_SECONDS)
        if channel.ends:
            os._exit(0)


def _perform(channel: Channel, task: Task) -> Done | Failed | Broken:
    tempfile.tempdir = str(task.scratch)
    try:
        return Done(task.function(channel, task.argument))
    except YiVideoError as error:
        return Failed(error)
    except OSError as error:
        if error.errno in _FULL:
            return Failed(output_error(error, Path(str(error.filename or task.scratch))))
        return Broken(traceback.format_exc())
    except Exception:  # noqa: BLE001 - told to the parent, which says it in a sentence
        return Broken(traceback.format_exc())


def _listen(channel: Channel, tasks: queue.Queue[Task]) -> None:
    """Take tasks and the wish to cancel; end the process when the parent is gone or done."""
    source = cast("BinaryIO", sys.stdin.buffer)
    scratch: Path | None = None
    while True:
        try:
            message = read_message(source)
        except (EOFError, OSError):
            break
        if isinstance(message, Task):
            scratch = message.scratch
            channel.renew()
            tasks.put(message)
        else:
            channel.cancel(ends=not isinstance(message, StopTask))
    channel.cancel(ends=True)
    if scratch is not None and scratch.exists():
        # Only a parent that was killed leaves this to us.
        time.sleep(_GRACE_SECONDS)
        shutil.rmtree(scratch, ignore_errors=True)
    os._exit(0)


def _take_over_stdout() -> BinaryIO:
    """Keep standard output to ourselves: what libraries print goes to standard error."""
    ours = os.dup(1)
    os.dup2(2, 1)
    return os.fdopen(ours, "wb")


def _leave_signals_to_the_parent() -> None:
    """Ctrl-C reaches every process of the terminal; the parent decides what becomes of us."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


if __name__ == "__main__":
    main()
