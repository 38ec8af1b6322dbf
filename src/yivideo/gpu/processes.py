"""Who lives: processes told apart beyond their number, watched, and ended.

A process number alone names nobody, because numbers are used again. A number *and* a start time in
one PID namespace of one boot name exactly one process, for ever. Whoever must say that a holder is
gone says so from here: never from a time limit, and never about a process that cannot be seen.
"""

import contextlib
import errno
import os
import selectors
import socket
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Self

from yivideo.gpu import system

# How often those are looked at that cannot be waited for, in seconds.
_LOOK_S = 0.2
# Where there is no /proc, a start time is a date, which moves a little when the clock is set.
_SLACK_MS = 2000


@dataclass(frozen=True)
class Process:
    """One process of this host, told from every other that had or will have its number.

    Attributes:
        pid: its number in its PID namespace.
        start: when it started: clock ticks since boot on Linux, elsewhere milliseconds since 1970.
        namespace: its PID namespace, "pid:[4026531836]"; "" where there are none.
        boot: the id of the boot it runs in; "" where a start time is a date and needs none.
    """

    pid: int
    start: int
    namespace: str
    boot: str

    @classmethod
    def current(cls) -> Self:
        """This process.

        Raises:
            ProcessLookupError: the system does not tell (/proc is not mounted).
        """
        pid = os.getpid()
        # Through "self", which is right even where /proc belongs to another namespace.
        start = system.look(pid, "self").start
        if start is None:
            raise ProcessLookupError(errno.ESRCH, "The system does not say when this one started")
        return cls(pid, start, system.namespace(), system.boot())

    @classmethod
    def of(cls, pid: int) -> Self | None:
        """The process that has the number `pid` in this PID namespace now; None for none.

        None as well where it cannot be looked at: then nobody here can vouch for it.
        """
        look = system.look(pid)
        if look.gone or look.start is None:
            return None
        return cls(pid, look.start, system.namespace(), system.boot())

    def as_record(self) -> dict[str, int | str]:
        """The same as a plain dictionary, for JSON."""
        return asdict(self)

    @classmethod
    def from_record(cls, record: Mapping[str, object]) -> Self:
        """The process that `as_record` wrote down; further keys are allowed.

        Raises:
            ValueError: a key is missing or of another type.
        """
        match record:
            case {"pid": int(pid), "start": int(start), "namespace": str(space), "boot": str(boot)}:
                return cls(pid, start, space, boot)
            case _:
                raise ValueError(f"This describes no process: {dict(record)!r}.")


def is_alive(process: Process) -> bool | None:
    """Whether `process`, one of this host, still lives; a stopped one does.

    A zombie is gone: its memory is freed and its files are closed, those of the GPU among them,
    before it becomes one. Ask on the host of the process: another host is another boot.

    Returns:
        None where nobody here can tell: it lives in another PID namespace, or is hidden.
    """
    boot = system.boot()
    if process.boot and boot and process.boot != boot:
        return False
    if process.namespace != system.namespace():
        return None
    look = system.look(process.pid)
    if look.gone:
        return False
    if look.start is None:
        return None
    if sys.platform == "linux":
        return look.start == process.start
    return abs(look.start - process.start) <= _SLACK_MS


def kill(process: Process) -> bool:
    """End exactly this process by SIGKILL, also when it is stopped. Does not wait for its end.

    Returns:
        False when it was gone already.

    Raises:
        PermissionError: it is another user's, or nobody here can tell whether it is still this one.
    """
    handle = system.open_handle(process.pid)
    try:
        # Asked after opening: from here on the handle cannot come to mean another process.
        match is_alive(process):
            case False:
                return False
            case None:
                raise PermissionError(
                    errno.EPERM, f"Process {process.pid} cannot be seen from here: not killed"
                )
            case True:
                return system.kill(process.pid, handle)
    finally:
        if handle is not None:
            os.close(handle)


@dataclass
class _Watched:
    process: Process
    # A pidfd; None where there are none: then it is looked at now and again.
    handle: int | None = None


@dataclass
class Watch:
    """Waits for the end of processes that need not be children, and tells each end once.

    On Linux an end is known at once (pidfd); elsewhere, and where the system refuses pidfds, within
    0.2 s. One thread waits; any may add, remove and wake. Close it, or use it in a `with`.
    """

    _watched: dict[str, _Watched] = field(default_factory=dict[str, _Watched])
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _woken: bool = False

    def __post_init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._bell, self._ringer = socket.socketpair()
        self._bell.setblocking(False)
        self._ringer.setblocking(False)
        self._selector.register(self._bell, selectors.EVENT_READ)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Watch nobody any more; twice is no error."""
        with self._lock:
            for key in list(self._watched):
                self._forget(key)
            self._selector.close()
            self._bell.close()
            self._ringer.close()

    def add(self, key: str, process: Process) -> bool:
        """Watch `process` under the name `key`, in place of whoever had that name.

        One that is gone already is told by the next `wait`.

        Returns:
            False when nobody here can vouch for it (`is_alive` is None): it is not watched.
        """
        handle = system.open_handle(process.pid)
        # Asked after opening, or the handle might mean a later process with the same number.
        alive = is_alive(process)
        if alive is not True and handle is not None:
            os.close(handle)
            handle = None
        with self._lock:
            self._forget(key)
            if alive is not None:
                self._watched[key] = _Watched(process, handle)
            if handle is not None:
                self._selector.register(handle, selectors.EVENT_READ)
        # Whoever waits must count anew: this one may be gone, or may have to be looked at.
        self._ring()
        return alive is not None

    def remove(self, key: str) -> None:
        """Watch it no more; a name that is not there is no error."""
        with self._lock:
            self._forget(key)

    def wake(self) -> None:
        """Make a `wait`, the present one or the next, return at once; from any thread."""
        self._woken = True
        self._ring()

    def wait(self, timeout_s: float) -> list[str]:
        """Wait until somebody watched is gone, `wake` is called, or the time is over.

        Returns:
            The names of those gone since the last call; each is watched no more.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            gone = self._take_gone()
            left = deadline - time.monotonic()
            if gone or self._woken or left <= 0:
                self._woken = False
                return gone
            self._sleep(left)

    def _ring(self) -> None:
        # When it is full, the sleeper wakes as well; when it is closed, nobody sleeps.
        with contextlib.suppress(OSError):
            self._ringer.send(b"\0")

    def _sleep(self, seconds: float) -> None:
        """Sleep until something may have happened."""
        with self._lock:
            blind = any(one.handle is None for one in self._watched.values())
        self._selector.select(min(seconds, _LOOK_S) if blind else seconds)
        with contextlib.suppress(BlockingIOError):
            self._bell.recv(4096)

    def _take_gone(self) -> list[str]:
        # The handles are asked, not what the selector said: between its answer and the lock a
        # handle may have been closed and its number given to the handle of another process.
        with self._lock:
            gone = [key for key, one in self._watched.items() if _is_over(one)]
            for key in gone:
                self._forget(key)
        return gone

    def _forget(self, key: str) -> None:
        one = self._watched.pop(key, None)
        if one is not None and one.handle is not None:
            self._selector.unregister(one.handle)
            os.close(one.handle)


def _is_over(one: _Watched) -> bool:
    if one.handle is None:
        return is_alive(one.process) is False
    return system.has_ended(one.handle)
