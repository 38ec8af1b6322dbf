"""Uploads: their parts in the state folder until they are whole, then in the file store.

An upload that is not whole goes a day after its last piece, a whole one a week after it was last
asked for, unless a workflow that has not ended reads it.
"""

import shutil
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from yivideo.api.problems import Problem
from yivideo.errors import InputMissing, UsageError
from yivideo.files import ensure_folder, output_error
from yivideo.storage.files import FileStore
from yivideo.storage.names import checked_part
from yivideo.storage.uploads import Upload, UploadBusy, Uploads, WrongOffset

PREFIX = "upload:"
UNFINISHED_LIFE_S = 86400.0
FINISHED_LIFE_S = 7 * 86400.0
# So much of the disk is left to others.
_RESERVE = 2**28
_LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class Shelved:
    """An upload as its sender sees it; sizes in bytes, times in seconds since 1970."""

    id: str
    length: int
    offset: int
    filename: str
    expires: float

    @property
    def finished(self) -> bool:
        """Whether all of it is there."""
        return self.offset == self.length


class Shelf:
    """The uploads of a system.

    Args:
        folder: of this host, for the parts; made when first needed.
        store: where whole ones go.
    """

    def __init__(self, folder: Path, store: FileStore) -> None:
        self._folder = folder
        self._uploads = Uploads(folder)
        self._store = store

    def create(self, length: int, filename: str) -> Shelved:
        """A new upload, empty.

        Raises:
            Problem: the disk has no room for it.
            OutputError: the folder cannot be written.
        """
        ensure_folder(self._folder)
        if length + _RESERVE > shutil.disk_usage(self._folder).free:
            raise Problem("storage-full", "The disk of this server has no room for it.")
        return _shelved(self._uploads.create(length, {"filename": filename}))

    def find(self, identity: str) -> Shelved:
        """An upload as it stands.

        Raises:
            Problem: ``upload-unknown``.
        """
        try:
            return _shelved(self._uploads.get(identity))
        except InputMissing:
            return self._stored(identity)

    def append(self, identity: str, offset: int, pieces: Iterable[bytes]) -> Shelved:
        """Add bytes that begin at ``offset``; a whole upload goes into the store.

        Raises:
            Problem: it is unknown, stands elsewhere, is being written, or gets too long.
            OutputError, StoreUnavailable: it cannot be written.
        """
        if self.find(identity).offset != offset:
            raise Problem("upload-conflict", "The upload stands at another byte.")
        try:
            upload = self._uploads.append(identity, offset, pieces)
            if upload.whole:
                return self._finished(upload)
        except InputMissing:
            # Another request has finished it, or it was whole before.
            return self._stored(identity)
        except WrongOffset as error:
            raise Problem("upload-conflict", error.message) from None
        except UploadBusy as error:
            raise Problem("upload-locked", error.message) from None
        except UsageError as error:
            raise Problem("content-too-large", error.message) from None
        return _shelved(upload)

    def source(self, identity: str) -> str:
        """Where the workers find a whole upload; it is kept for a week from now.

        Raises:
            Problem: ``video-missing``.
            OutputError, StoreUnavailable: the store does not take or have it.
        """
        try:
            found = self.find(identity)
            if not found.finished:
                raise _missing(
                    f"The upload {identity} is not finished: {found.offset} of"
                    f" {found.length} bytes are there."
                )
            address = self._address(identity)
        except (Problem, InputMissing) as error:
            if isinstance(error, Problem) and error.kind.name == "video-missing":
                raise
            raise _missing(f"There is no upload {identity[:64]}, or it has expired.") from None
        self._touch(identity)
        # A folder is used in place; elsewhere each host fetches a copy of its own.
        return str(self._store.fetch(address)) if self._store.local else address

    def remove(self, identity: str) -> None:
        """Remove an upload, whole or not.

        Raises:
            Problem: it is unknown, or being written.
        """
        self.find(identity)
        try:
            self._uploads.remove(identity)
        except UploadBusy as error:
            raise Problem("upload-locked", error.message) from None
        self._store.remove(self._place(identity))
        self._mark(identity).unlink(missing_ok=True)

    def sweep(self, in_use: Callable[[str], bool]) -> None:
        """Remove what has expired."""
        self._uploads.expire(UNFINISHED_LIFE_S)
        for mark in self._folder.glob("*.whole"):
            old = time.time() - mark.stat().st_mtime > FINISHED_LIFE_S
            if old and not in_use(PREFIX + mark.stem):
                self._store.remove(self._place(mark.stem))
                mark.unlink(missing_ok=True)

    def _finished(self, upload: Upload) -> Shelved:
        # Before it is gone from here: a mark without an upload is swept away, nothing else is lost.
        self._touch(upload.id)
        name = _name(upload.metadata.get("filename", ""))
        self._uploads.finish(upload.id, self._store, name)
        return Shelved(upload.id, upload.length, upload.length, name, time.time() + FINISHED_LIFE_S)

    def _stored(self, identity: str) -> Shelved:
        try:
            files = self._store.list(self._place(identity))
        except UsageError:
            files = ()
        if not files:
            raise Problem("upload-unknown", "There is no such upload, or it has expired.")
        file = files[0]
        expires = self._touched(identity) + FINISHED_LIFE_S
        return Shelved(identity, file.size, file.size, file.name, expires)

    def _address(self, identity: str) -> str:
        """Of a whole upload in the store, where it may not have come to yet."""
        files = self._store.list(self._place(identity))
        if not files:
            self._finished(self._uploads.get(identity))
            files = self._store.list(self._place(identity))
        return f"{self._place(identity)}/{files[0].name}"

    def _place(self, identity: str) -> str:
        return f"{self._store.url}/uploads/{checked_part(identity)}"

    def _mark(self, identity: str) -> Path:
        return self._folder / f"{checked_part(identity)}.whole"

    def _touch(self, identity: str) -> None:
        mark = self._mark(identity)
        try:
            ensure_folder(self._folder)
            mark.touch()
        except OSError as error:
            raise output_error(error, mark) from error

    def _touched(self, identity: str) -> float:
        try:
            return self._mark(identity).stat().st_mtime
        except OSError:
            return time.time()


def _shelved(upload: Upload) -> Shelved:
    name = upload.metadata.get("filename", "")
    expires = upload.changed_at + (FINISHED_LIFE_S if upload.whole else UNFINISHED_LIFE_S)
    return Shelved(upload.id, upload.length, upload.offset, name, expires)


def _name(filename: str) -> str:
    """What it is called in the store: plain letters, and the suffix, which may say its kind."""
    kept = "".join(c if c.isalnum() or c in "-_." else "_" for c in filename)[-_LONGEST_NAME:]
    return kept.lstrip(".") or "video"


def _missing(detail: str) -> Problem:
    return Problem.at("video-missing", "/video_path", detail)
