"""Uploads that may break off and go on: parts in a local folder until they are whole.

How much is there is the size of the part itself, so that no crash can make the two differ.
"""

import contextlib
import json
import os
import secrets
import time
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from yivideo.errors import InputMissing, UsageError
from yivideo.files import ensure_folder, output_error, write_atomic
from yivideo.storage.files import FileStore
from yivideo.storage.locks import take
from yivideo.storage.names import checked_name, checked_part


class WrongOffset(UsageError):
    """The bytes do not begin where the last ones ended.

    Attributes:
        offset: where they have to begin.
    """

    def __init__(self, message: str, *, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


class UploadBusy(UsageError):
    """Another request is adding to the upload."""


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload under way.

    Attributes:
        id: its name, hard to guess.
        length: bytes it will have.
        offset: bytes that are there.
        metadata: what its sender said of it.
        changed_at: when bytes came last, in seconds since 1970 by this computer's clock.
    """

    id: str
    length: int
    offset: int
    metadata: Mapping[str, str] = field(default_factory=dict[str, str])
    changed_at: float = 0.0

    @property
    def whole(self) -> bool:
        """Whether all bytes are there."""
        return self.offset == self.length


class Uploads:
    """Uploads in a local folder; any number of processes may use it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def create(self, length: int, metadata: Mapping[str, str] | None = None) -> Upload:
        """Begin an upload of so many bytes.

        Raises:
            UsageError: the length makes no sense.
            OutputError: it cannot be written down.
        """
        if length < 0:
            raise UsageError("An upload's length is 0 or more.")
        upload_id = secrets.token_hex(16)
        ensure_folder(self._folder)
        part = self._part(upload_id)
        try:
            part.touch(mode=0o600)
        except OSError as error:
            raise output_error(error, part) from error
        # Last: what it is not told of is no upload.
        record = {"length": length, "metadata": dict(metadata or {})}
        write_atomic(self._note(upload_id), json.dumps(record))
        return self.get(upload_id)

    def get(self, upload_id: str) -> Upload:
        """How an upload stands.

        Raises:
            InputMissing: there is none of that name.
        """
        try:
            record: dict[str, Any] = json.loads(self._note(upload_id).read_text("utf-8"))
            there = self._part(upload_id).stat()
        except (FileNotFoundError, UsageError):
            raise InputMissing("There is no such upload.") from None
        return Upload(
            upload_id, record["length"], there.st_size, record["metadata"], there.st_mtime
        )

    def append(self, upload_id: str, offset: int, pieces: Iterable[bytes]) -> Upload:
        """Add bytes that begin at `offset`; when the sender breaks off, what came is kept.

        Raises:
            InputMissing: there is no such upload.
            WrongOffset: they have to begin elsewhere; nothing was added.
            UploadBusy: somebody else is adding to it; nothing was added.
            UsageError: they are more than was announced; what fits was kept.
            DiskFull, OutputError: they cannot be written.
        """
        with self._held(upload_id):
            upload = self.get(upload_id)
            if offset != upload.offset:
                raise WrongOffset(
                    f"The upload goes on at byte {upload.offset}, not {offset}.",
                    offset=upload.offset,
                )
            _append(self._part(upload_id), pieces, upload.length - offset)
            return self.get(upload_id)

    def finish(self, upload_id: str, store: FileStore, name: str) -> str:
        """Take a whole upload into the store under a name; returns its address there.

        Raises:
            UsageError: it is not whole, or `name` is none.
            InputMissing: there is no such upload.
            OutputError, StoreUnavailable: the store does not take it.
        """
        checked_name(name)
        with self._held(upload_id):
            if not self.get(upload_id).whole:
                raise UsageError("The upload is not whole yet.")
            uri = store.put(self._part(upload_id), "uploads", upload_id, name)
            self._forget(upload_id)
            return uri

    def remove(self, upload_id: str) -> None:
        """Give an upload up; it is no error if there is none.

        Raises:
            UploadBusy: somebody is adding to it.
        """
        with contextlib.suppress(InputMissing), self._held(upload_id):
            self._forget(upload_id)

    def expire(self, max_age_s: float) -> Sequence[str]:
        """Remove uploads to which nothing came for so long; returns their names."""
        gone: list[str] = []
        if not self._folder.is_dir():
            return gone
        for part in sorted(self._folder.glob("*.part")):
            with contextlib.suppress(FileNotFoundError, UploadBusy):
                if time.time() - part.stat().st_mtime > max_age_s:
                    self.remove(part.stem)
                    gone.append(part.stem)
        return gone

    @contextlib.contextmanager
    def _held(self, upload_id: str) -> Generator[None]:
        """Keep others from changing the upload meanwhile."""
        part = self._part(upload_id)
        if not part.exists():
            raise InputMissing("There is no such upload.")
        lock = part.with_suffix(".lock")
        handle = take(lock)
        if handle is None:
            raise UploadBusy("Another request is adding to this upload.")
        try:
            yield
        finally:
            if not part.exists():
                lock.unlink(missing_ok=True)
            os.close(handle)

    def _forget(self, upload_id: str) -> None:
        self._note(upload_id).unlink(missing_ok=True)
        self._part(upload_id).unlink(missing_ok=True)

    def _part(self, upload_id: str) -> Path:
        try:
            return self._folder / f"{checked_part(upload_id)}.part"
        except UsageError:
            raise InputMissing("There is no such upload.") from None

    def _note(self, upload_id: str) -> Path:
        return self._part(upload_id).with_suffix(".json")


def _append(part: Path, pieces: Iterable[bytes], room: int) -> None:
    # Only our own errors are the disk's: those of whoever sends the pieces pass through.
    with _told(part):
        handle = os.open(part, os.O_WRONLY | os.O_APPEND)
    try:
        for piece in pieces:
            view = memoryview(piece)[:room]
            room -= len(view)
            fits = len(view) == len(piece)
            with _told(part):
                while view:
                    view = view[os.write(handle, view) :]
            if not fits:
                raise UsageError("More bytes came than the upload was said to have.")
    finally:
        # Whoever is told an offset may forget the bytes before it.
        with contextlib.ExitStack() as stack:
            stack.callback(os.close, handle)
            stack.enter_context(_told(part))
            os.fsync(handle)


@contextlib.contextmanager
def _told(part: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise output_error(error, part) from error
