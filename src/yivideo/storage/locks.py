"""Lock files that the system frees when their holder dies, however it dies."""

import os
import sys
from pathlib import Path

from yivideo.errors import ServerUnavailable
from yivideo.files import output_error


def take(path: Path) -> int | None:
    """Lock the file `path`, made where it is missing, for this process and who inherits its handle.

    Returns:
        The open file: closing it, everywhere, frees the lock. None when somebody else holds it.

    Raises:
        OutputError: the file cannot be made or opened.
        ServerUnavailable: on Windows, which has no such locks.
    """
    return _lock(path, shared=False)


def is_held(path: Path) -> bool:
    """Whether anybody holds the lock now.

    Raises:
        OutputError, ServerUnavailable: as `take`.
    """
    # Shared, so that two who ask do not take each other for a holder.
    handle = _lock(path, shared=True)
    if handle is None:
        return True
    os.close(handle)
    return False


def _lock(path: Path, *, shared: bool) -> int | None:
    if sys.platform == "win32":
        raise ServerUnavailable(
            "There is no Valkey server inside for Windows: give the address of a Redis."
        )
    import fcntl

    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise output_error(error, path) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_NB | (fcntl.LOCK_SH if shared else fcntl.LOCK_EX))
    except BlockingIOError:
        os.close(handle)
        return None
    return handle
