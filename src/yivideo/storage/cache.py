"""Copies of what lies in a file store elsewhere: made once for a host, thrown away oldest first.

Several processes may use one cache. What one of them fetched is not thrown away while it holds it:
each holds a shared lock on its last few copies, and copies are made and removed under an exclusive
one. The system frees the locks of a process that dies.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

from yivideo.files import ensure_folder

# How many copies a process holds: the inputs of a step, and more.
_HELD = 16


class Cache:
    """A folder of copies, bounded in size."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        """Use `folder`, made when it is needed, for copies of `max_bytes` together."""
        self._folder = folder
        self._max_bytes = max_bytes
        self._held: OrderedDict[str, int] = OrderedDict()
        self._lock = threading.RLock()

    def get(self, uri: str, name: str, make: Callable[[Path], object]) -> Path:
        """The copy of `uri`, called `name`; if missing, made by `make` at the path given."""
        with self._lock:
            key = hashlib.sha256(uri.encode()).hexdigest()[:32]
            entry = ensure_folder(self._folder) / key
            while True:
                if key in self._held or self._hold(key, entry):
                    self._held.move_to_end(key)
                    # Used now: last to be thrown away.
                    os.utime(entry)
                    return entry / name
                handle = _locked(self._lock_file(key), fcntl.LOCK_EX)
                try:
                    if not entry.is_dir():
                        self._make(entry, name, make)
                finally:
                    os.close(handle)

    def forget(self, uri: str) -> None:
        """Throw the copy of `uri` away, unless somebody uses it."""
        with self._lock:
            key = hashlib.sha256(uri.encode()).hexdigest()[:32]
            self._release(key)
            self._remove(key)

    def close(self) -> None:
        """Hold nothing any more."""
        with self._lock:
            for key in list(self._held):
                self._release(key)

    def _hold(self, key: str, entry: Path) -> bool:
        handle = _locked(self._lock_file(key), fcntl.LOCK_SH)
        if not entry.is_dir():
            os.close(handle)
            return False
        self._held[key] = handle
        if len(self._held) > _HELD:
            self._release(next(iter(self._held)))
        return True

    def _release(self, key: str) -> None:
        handle = self._held.pop(key, None)
        if handle is not None:
            os.close(handle)

    def _make(self, entry: Path, name: str, make: Callable[[Path], object]) -> None:
        aside = Path(tempfile.mkdtemp(prefix=".", suffix=".partial", dir=self._folder))
        try:
            make(aside / name)
            self._make_room(_size(aside))
            aside.replace(entry)
        finally:
            shutil.rmtree(aside, ignore_errors=True)

    def _make_room(self, size: int) -> None:
        """Throw away what was not used for longest, until so many bytes fit."""
        entries = [path for path in self._folder.iterdir() if not path.name.startswith(".")]
        entries.sort(key=_last_used)
        sizes = {path: _size(path) for path in entries}
        total = sum(sizes.values())
        for path in entries:
            if total + size <= self._max_bytes:
                return
            if path.name not in self._held and self._remove(path.name):
                total -= sizes[path]

    def _remove(self, key: str) -> bool:
        file = self._lock_file(key)
        handle = _locked(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if handle < 0:
            return False
        try:
            shutil.rmtree(self._folder / key, ignore_errors=True)
            file.unlink(missing_ok=True)
        finally:
            os.close(handle)
        return True

    def _lock_file(self, key: str) -> Path:
        return ensure_folder(self._folder) / f".{key}.lock"


def _locked(path: Path, how: int) -> int:
    """The lock file, open and locked; -1 if that is not to be waited for and somebody holds it."""
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, how)
        except BlockingIOError:
            os.close(handle)
            return -1
        # Whoever threw the copy away removed the file that we waited for: the lock is another's.
        with contextlib.suppress(FileNotFoundError):
            if os.fstat(handle).st_ino == path.stat().st_ino:
                return handle
        os.close(handle)


def _last_used(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _size(path: Path) -> int:
    total = 0
    for file in path.rglob("*"):
        # Another process may throw it away meanwhile.
        with contextlib.suppress(FileNotFoundError):
            total += file.stat().st_size
    return total
