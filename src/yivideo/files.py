"""Writing files whole or not at all."""

import contextlib
import errno
import os
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import BinaryIO

from yivideo.errors import DiskFull, OutputDenied, OutputError

# EDQUOT is missing on Windows.
_FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}


def output_error(error: OSError, path: Path) -> OutputError:
    """Turn an error of the operating system while writing `path` into one for the user.

    Args:
        error: what the operating system said.
        path: the file or folder that was to be written, for the sentence.
    """
    if error.errno in _FULL:
        return DiskFull(f"The disk is full: {path} could not be written.")
    if isinstance(error, FileNotFoundError):
        return OutputDenied(f"The folder {path.parent} does not exist: {path.name} has no place.")
    if isinstance(error, IsADirectoryError):
        return OutputDenied(f"{path} is a folder: a file of that name cannot be written.")
    if isinstance(error, NotADirectoryError | FileExistsError):
        return OutputDenied(f"Something on the way to {path} is a file and not a folder.")
    if isinstance(error, PermissionError) or error.errno == errno.EROFS:
        return OutputDenied(f"No permission to write {path}.")
    return OutputError(f"{path} could not be written: {error.strerror or error}.")


@contextlib.contextmanager
def atomic_writer(path: Path) -> Generator[BinaryIO]:
    """Open a file for writing that appears under its name only when the block ends well.

    The bytes go to a hidden file in the same folder, are flushed to the disk and renamed over
    `path`. When the block raises, nothing is left behind and an older `path` is untouched.

    Args:
        path: the file to be; its folder must exist.

    Yields:
        A binary file object open for writing.

    Raises:
        DiskFull: no space, or over quota.
        OutputDenied: the folder is missing or may not be written, or `path` is a folder.
        OutputError: any other failure of the operating system while writing.
    """
    aside: Path | None = None
    try:
        # os.replace onto a folder fails differently on every system: say it before any work.
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        handle, name = tempfile.mkstemp(prefix=".yivideo-", suffix=".part", dir=path.parent)
        aside = Path(name)
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        _give_usual_mode(aside, path)
        aside.replace(path)
    except OSError as error:
        raise output_error(error, path) from error
    finally:
        if aside is not None:
            aside.unlink(missing_ok=True)


def write_atomic(path: Path, data: str | bytes) -> None:
    """Write `data` to `path` whole or not at all; text is written as UTF-8 as it stands.

    Raises:
        OutputError: as `atomic_writer`.
    """
    with atomic_writer(path) as file:
        file.write(data.encode("utf-8") if isinstance(data, str) else data)


def ensure_folder(path: Path) -> Path:
    """Make the folder `path` and its parents where they are missing, and return it.

    Raises:
        OutputError: it cannot be made, or a file of that name is there.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise output_error(error, path) from error
    return path


def partial_path(final: Path) -> Path:
    """The hidden folder beside `final` in which this process writes it."""
    return final.with_name(f".{final.name}.{os.getpid()}.partial")


def partial_pattern(final: Path) -> str:
    """A pattern for those of all processes, within the folder of `final`."""
    return f".{final.name}.*.partial"


def _give_usual_mode(aside: Path, path: Path) -> None:
    """Give the new file the mode of the one it replaces, or what the umask allows.

    `mkstemp` makes files only their owner can read, which a subtitle file must not be.
    """
    try:
        mode = path.stat().st_mode & 0o777
    except FileNotFoundError:
        mode = 0o666 & ~_umask()
    with contextlib.suppress(PermissionError):
        aside.chmod(mode)


def _umask() -> int:
    """The umask of this process, which can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
