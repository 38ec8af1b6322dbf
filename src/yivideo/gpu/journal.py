"""A host's own record of who holds what, for the day on which Redis has forgotten it.

One small file per held lease, written by whoever holds it. Agents attest from it what lives after
Redis vanished or came back older. Beside these, one per waiter that stands by: its promise.
"""

import contextlib
import hashlib
import itertools
import json
import os
import sys
import threading
import time
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

from yivideo.files import output_error, write_atomic

# What a writer that was killed left behind is swept after so many seconds.
_ABANDONED_S = 60.0
_PROMISE = ".promise"

_numbers = itertools.count()


class Journal:
    """The leases held on this host, in files below one folder that all its processes share.

    Entries are renamed into place, so that nobody reads half of one, but not flushed to the disk:
    a host that crashed has no living holders, and a lost entry then speaks of nobody.

    Args:
        folder: made, for its owner alone, where it is missing.

    Raises:
        OutputError: the folder cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise output_error(error, folder) from error

    def write(self, entry: Mapping[str, object]) -> None:
        """Write down a held lease, in place of its holder's entry for the same request and fence.

        Args:
            entry: JSON values, among them "request", any text, "fence", a whole number, and, where
                two may believe that they hold the same, "holder": what tells one from another.

        Raises:
            ValueError: one of the two is missing or of another type.
            OutputError: it could not be written; an older entry is as it was.
        """
        match entry:
            case {"request": str(request), "fence": int(fence)}:
                path = self._path(request, fence, entry.get("holder"))
            case _:
                raise ValueError(f"An entry needs a request and a fence: {dict(entry)!r}.")
        self._put(path, entry)

    def _put(self, path: str, record: Mapping[str, object]) -> None:
        data = json.dumps(dict(record)).encode()
        # A name of its own for each writer: processes, their threads, and a fork of either.
        aside = f"{path}.{os.getpid()}-{threading.get_ident()}-{next(_numbers)}.part"
        try:
            try:
                handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with open(handle, "wb") as file:  # noqa: PTH123 - it is open already
                    file.write(data)
                os.replace(aside, path)  # noqa: PTH105 - twice as fast, and counted
            except BaseException:
                with contextlib.suppress(OSError):
                    os.unlink(aside)  # noqa: PTH108
                raise
        except OSError as error:
            raise output_error(error, Path(path)) from error

    def remove(self, request: str, fence: int, holder: object = None) -> None:
        """Take the holder's entry out; one that is not there is no error.

        Raises:
            OutputError: it is there and cannot be removed.
        """
        _remove(self._path(request, fence, holder))

    def promise(self, entry: Mapping[str, object]) -> None:
        """Write down that a holder stands by, and will begin as soon as its request is served.

        Args:
            entry: what is known of the entry before: at least "request" and "holder".

        Raises:
            OutputError: it could not be written.
        """
        self._put(self._promise(str(entry["request"]), entry["holder"]), entry)

    def keep_promise(self, request: str, fence: int, holder: object, more: object) -> bool:
        """Make an entry of a promise, with ``more`` of it that is known only now.

        No file is made, which takes most of the time that `write` does.

        Returns:
            False where `end_promise` came first: of the two exactly one succeeds.

        Raises:
            OutputError: it could not be written.
        """
        name = self._name(request, holder)
        path = f"{name}{_PROMISE}"
        try:
            handle = os.open(path, os.O_WRONLY | os.O_APPEND)
            try:
                os.write(handle, b"\n" + json.dumps(more).encode())
            finally:
                os.close(handle)
            os.rename(path, f"{name}.{fence}.json")  # noqa: PTH104 - as above
        except FileNotFoundError:
            return False
        except OSError as error:
            raise output_error(error, Path(path)) from error
        return True

    def end_promise(self, request: str, holder: object) -> bool:
        """End a promise, so that it cannot be kept any more; whether there was one.

        Raises:
            OutputError: it cannot be removed.
        """
        return _remove(self._promise(request, holder))

    def is_promised(self, request: str, holder: object) -> bool:
        """Whether the holder stands by for the request. An entry is looked for after this."""
        return os.path.exists(self._promise(request, holder))  # noqa: PTH110 - as above

    def promises(self) -> list[dict[str, Any]]:
        """What was written down of those who stand by, in no order.

        Raises:
            OutputError: the folder or a file cannot be read.
        """
        return [one for one in self._read_all(_PROMISE) if "request" in one and "holder" in one]

    def entries(self) -> list[dict[str, Any]]:
        """All entries, in no order. What is being written or removed meanwhile may be in or not.

        Files that hold no entry, which only a crash of the host leaves behind, are passed over.

        Raises:
            OutputError: the folder or a file cannot be read. Then nobody may say what is held.
        """
        return [
            entry
            for entry in self._read_all(".json")
            if isinstance(entry.get("request"), str) and isinstance(entry.get("fence"), int)
        ]

    def _read_all(self, ending: str) -> list[dict[str, Any]]:
        """The records in the files whose names end so; what writers left behind is swept."""
        found: list[dict[str, Any]] = []
        path = self.folder
        try:
            for name in os.listdir(self.folder):  # noqa: PTH208 - names are all that is needed
                path = self.folder / name
                if name.endswith(ending):
                    record = _read(path)
                    if record is not None:
                        found.append(record)
                elif name.endswith(".part"):
                    _sweep(path)
        except OSError as error:
            raise output_error(error, path) from error
        return found

    @property
    def epoch(self) -> int:
        """The newest epoch of the pool that this host has seen; 0 before the first.

        Setting it writes it to the disk. It only grows: setting a smaller one changes nothing.
        """
        try:
            # Read by whoever begins, in a fifth of the time that a Path takes.
            handle = os.open(f"{self.folder}{os.sep}epoch", os.O_RDONLY)
            try:
                return int(os.read(handle, 32))
            finally:
                os.close(handle)
        except (FileNotFoundError, ValueError):
            return 0
        except OSError as error:
            raise output_error(error, self.folder / "epoch") from error

    @epoch.setter
    def epoch(self, epoch: int) -> None:
        # The lock is for two that compare at the same time; readers need none.
        with _locked(self.folder / "epoch.lock"):
            if epoch > self.epoch:
                write_atomic(self.folder / "epoch", str(epoch))

    def _path(self, request: str, fence: int, holder: object) -> str:
        return f"{self._name(request, holder)}.{fence}.json"

    def _promise(self, request: str, holder: object) -> str:
        return f"{self._name(request, holder)}{_PROMISE}"

    def _name(self, request: str, holder: object) -> str:
        # Any id makes a safe name of one length, also where "A" and "a" are one file.
        name = request if holder is None else f"{request} {json.dumps(holder, sort_keys=True)}"
        digest = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=16)
        return f"{self.folder}{os.sep}{digest.hexdigest()}"


def _remove(path: str) -> bool:
    """Remove a file; whether it was there. Of several who try exactly one is told so."""
    try:
        os.unlink(path)  # noqa: PTH108 - twice as fast, and counted
    except FileNotFoundError:
        return False
    except OSError as error:
        raise output_error(error, Path(path)) from error
    return True


def _read(path: Path) -> dict[str, Any] | None:
    """A record: the first line, and those that a kept promise added."""
    try:
        first, *more = [json.loads(line) for line in path.read_bytes().splitlines()]
    except (FileNotFoundError, ValueError):
        return None
    if not isinstance(first, dict):
        return None
    for added in more:
        first |= added
    return first


def _sweep(aside: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        if time.time() - aside.stat().st_mtime > _ABANDONED_S:
            aside.unlink()


@contextlib.contextmanager
def _locked(path: Path) -> Generator[None]:
    """Hold the lock file `path`; one process at a time. Windows has no such lock: nobody waits."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise output_error(error, path) from error
    try:
        if sys.platform != "win32":
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
