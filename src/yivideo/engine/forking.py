"""Starts programs of ours: on Linux as forks of their supervisor, with what they need loaded.

Such a program runs within milliseconds, where importing takes seconds, and all share the memory of
what was loaded once. Whoever forks must have no threads of Python's: a lock that another thread
holds would stay locked in the fork for ever. Elsewhere programs are started anew.
"""

import contextlib
import ctypes
import gc
import importlib
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

# From linux/prctl.h.
_PR_SET_PDEATHSIG = 1
_LOOK_S = 0.01


class Forked:
    """A process that was forked from this one; used as `subprocess.Popen` is.

    Attributes:
        pid: its number.
        returncode: as `subprocess.Popen` has it; None until it was seen to have ended.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Look whether it has ended; its return code."""
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self) -> int:
        """Wait for its end; its return code."""
        while (code := self.poll()) is None:
            time.sleep(_LOOK_S)
        return code

    def send_signal(self, number: int) -> None:
        """Send it a signal, if it has not ended."""
        if self.poll() is None:
            os.kill(self.pid, number)


def start(
    module: str,
    arguments: Sequence[str],
    environment: Mapping[str, str],
    *,
    name: str,
    loads: Sequence[str] = (),
) -> "Forked | subprocess.Popen[bytes]":
    """Run a module's ``main()`` in a process of its own, in a session of its own.

    It has no input; what it prints goes to standard error. On Linux it ends with this process,
    however that ends.

    Args:
        module: its ``main`` takes its arguments from ``sys.argv`` and returns an exit status.
        arguments: what stands in ``sys.argv``.
        environment: variables besides ours.
        name: for people who list processes.
        loads: names of modules that it is going to need.

    Raises:
        OSError: the system has no room for another process.
    """
    if sys.platform != "linux":
        return subprocess.Popen(  # noqa: S603 - our own programs
            [sys.executable, "-m", module, *arguments],
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            # Standard output is the supervisor's own.
            stdout=2,
            # Ctrl-C goes to the supervisor alone, which ends the others in good order.
            start_new_session=True,
        )
    _load([module, *loads])
    parent = os.getpid()
    # What waits to be written would be written twice.
    sys.stdout.flush()
    sys.stderr.flush()
    # None may reach the fork before it has forgotten our handlers.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        pid = os.fork()
        if pid == 0:
            _end_with(parent)
            _become(module, [name, *arguments], environment, mask)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    return Forked(pid)


def _load(modules: Sequence[str]) -> None:
    """Import what is not there yet, once for all forks to come."""
    missing = [name for name in modules if name not in sys.modules]
    if not missing:
        return
    # What modules consist of is no garbage: looking for some takes a tenth of the time of loading.
    gc.disable()
    for name in missing:
        # Whatever it is, the program itself will say so.
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    # A collection in a fork would write to each of the objects, and so end their being shared.
    gc.freeze()
    gc.enable()


def _end_with(parent: int) -> None:
    """Have the kernel end this process when its parent ends; end now if that has happened."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def _become(
    module: str,
    words: list[str],
    environment: Mapping[str, str],
    mask: "set[signal.Signals | int]",
) -> NoReturn:
    """Be the program from here on, in the fork; ``words`` are its name and its arguments."""
    status = 1
    try:
        os.setsid()
        _let_go(mask)
        os.environ.update(environment)
        _show(f"yivideo\0{words[0]}\0".encode())
        sys.argv[:] = words
        status = _status(importlib.import_module(module).main)
    except BaseException:  # noqa: BLE001 - the supervisor's own code must not go on in the fork
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.flush()
        os._exit(status)


def _status(main: Callable[[], int | None]) -> int:
    """Run the program; its exit status, as the interpreter would have it."""
    try:
        return main() or 0
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        sys.stderr.write(f"{end.code}\n")
        return 1


def _let_go(mask: "set[signal.Signals | int]") -> None:
    """Drop what is the supervisor's: its signal handlers, files and streams."""
    signal.set_wakeup_fd(-1)
    for number in signal.valid_signals():
        if callable(signal.getsignal(number)):
            signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    # Its locks, too, which are held as long as any process has them open.
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)


def _show(words: bytes) -> None:
    """Let lists of processes show these words, as far as there is room, in place of the parent's.

    The kernel shows what stands in memory where the arguments were when the program began.
    """
    fields = Path("/proc/self/stat").read_text(encoding="ascii", errors="replace")
    # The 48th and the 49th; the second may hold spaces, but ends with the last bracket.
    begin, end = (int(field) for field in fields.rpartition(")")[2].split()[45:47])
    if 0 < begin < end:
        ctypes.memmove(begin, words[: end - begin - 1].ljust(end - begin, b"\0"), end - begin)
