"""What the system says about a process number: Linux by /proc and pidfds, others by psutil."""

import errno
import os
import select
import signal
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Look:
    """What can be seen of a process number.

    Attributes:
        gone: nobody has it, or only a zombie, whose memory and files the system has taken back.
        start: when its process started, as in `Process`; None when it is gone or cannot be seen.
    """

    gone: bool = False
    start: int | None = None


if sys.platform == "linux":

    def look(pid: int, name: str = "") -> Look:
        """Look at the process `pid`, under /proc/`name` if that is not its number."""
        try:
            # /proc may be another PID namespace's: then its numbers are not ours.
            if not name and Path("/proc/self").readlink() != Path(str(os.getpid())):
                return Look(gone=not _has_number(pid))
            with open(f"/proc/{name or pid}/stat", "rb", buffering=0) as file:  # noqa: PTH123 - the fast way
                line = file.read(4096)
        except OSError:
            # Not there for us: nobody has the number, or we may not see who (hidepid).
            return Look(gone=not _has_number(pid))
        # The name, in brackets, may hold anything, also brackets and spaces.
        fields = line[line.rindex(b")") + 2 :].split()
        state, threads, start = fields[0], int(fields[17]), int(fields[19])
        # The first thread may end, a zombie to look at, while others go on.
        if state in b"ZXx" and threads <= 1:
            return Look(gone=True)
        return Look(start=start)

    def _has_number(pid: int) -> bool:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True

    def namespace() -> str:
        """The PID namespace of this process, as `Process.namespace`."""
        try:
            return str(Path("/proc/self/ns/pid").readlink())
        except OSError:
            return ""

    def boot() -> str:
        """The id of this boot, as `Process.boot`; "" where the system does not tell."""
        return _boot()

    @cache
    def _boot() -> str:
        try:
            return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        except OSError:
            return ""

    def open_handle(pid: int) -> int | None:
        """A pidfd; None where the number is nobody's or the system gives none (old, sandboxed)."""
        try:
            return os.pidfd_open(pid)
        except OSError:
            return None

    def has_ended(handle: int) -> bool:
        """Whether the process of this pidfd has ended, with all its threads."""
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        return bool(poll.poll(0))

    def kill(pid: int, handle: int | None) -> bool:
        """Send SIGKILL, by the pidfd if there is one; False when nobody is there.

        Raises:
            PermissionError: it is another user's.
        """
        try:
            if handle is None:
                os.kill(pid, signal.SIGKILL)
            else:
                signal.pidfd_send_signal(handle, signal.SIGKILL)
        except ProcessLookupError:
            return False
        return True

else:
    import psutil  # pyright: ignore[reportMissingModuleSource]

    def look(pid: int, name: str = "") -> Look:
        """Look at the process `pid`."""
        del name
        try:
            found = psutil.Process(pid)
            if found.status() == psutil.STATUS_ZOMBIE:
                return Look(gone=True)
            return Look(start=round(found.create_time() * 1000))
        except psutil.NoSuchProcess:  # a zombie's own error is one of these
            return Look(gone=True)
        except psutil.AccessDenied:
            return Look()

    def namespace() -> str:
        """There are none here."""
        return ""

    def boot() -> str:
        """None is needed here: a start time is a date."""
        return ""

    def open_handle(pid: int) -> int | None:
        """There are no pidfds here."""
        del pid

    def has_ended(handle: int) -> bool:
        """Never asked here."""
        del handle
        return False

    def kill(pid: int, handle: int | None) -> bool:
        """End the process; False when nobody is there.

        Raises:
            PermissionError: it is another user's.
        """
        del handle
        try:
            psutil.Process(pid).kill()
        except psutil.NoSuchProcess:
            return False
        except psutil.AccessDenied as error:
            raise PermissionError(errno.EPERM, f"Process {pid} may not be killed") from error
        return True
