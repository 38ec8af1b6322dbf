"""Uploads on the disk: a folder each, whose file's size says how far it has come.

An upload that is not finished goes a day after its last piece, a finished one a week after it was
last asked for, unless a workflow that has not ended reads it.
"""

import contextlib
import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Callable, Generator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from yivideo.api.problems import Problem
from yivideo.files import ensure_folder, output_error, write_atomic
from yivideo.storage.locks import take

PREFIX = "upload:"
UNFINISHED_LIFE_S = 86400.0
FINISHED_LIFE_S = 7 * 86400.0
_ID = re.compile(r"[0-9a-f]{32}")
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,8}")
# So much of the disk is left to others.
_RESERVE = 2**28


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload, as its folder tells of it; sizes in bytes, times in seconds since 1970."""

    id: str
    length: int
    filename: str
    metadata: str
    offset: int
    touched: float

    @property
    def finished(self) -> bool:
        """Whether all of it is there."""
        return self.offset >= self.length

    @property
    def expires(self) -> float:
        """When it goes unless something happens."""
        return self.touched + (FINISHED_LIFE_S if self.finished else UNFINISHED_LIFE_S)


@dataclass(frozen=True, slots=True)
class _Facts:
    length: int
    filename: str
    metadata: str


class Shelf:
    """The uploads below a folder.

    Args:
        folder: made when first needed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def create(self, length: int, filename: str, metadata: str) -> Upload:
        """A new upload, empty.

        Raises:
            Problem: the disk has no room for it.
            OutputError: the folder cannot be written.
        """
        ensure_folder(self._folder)
        if length + _RESERVE > shutil.disk_usage(self._folder).free:
            raise Problem("content-too-large", "The disk of this server has no room for it.")
        identity = secrets.token_hex(16)
        folder = ensure_folder(self._folder / identity)
        try:
            self._video(identity, filename).touch()
        except OSError as error:
            raise output_error(error, folder) from error
        facts = _Facts(length, filename, metadata)
        # Last: an upload without it is not there.
        write_atomic(folder / "upload.json", json.dumps(asdict(facts)))
        return self.find(identity)

    def find(self, identity: str) -> Upload:
        """An upload as it stands.

        Raises:
            Problem: ``upload-unknown``.
        """
        if not _ID.fullmatch(identity):
            raise _unknown()
        try:
            facts = _Facts(**json.loads((self._folder / identity / "upload.json").read_bytes()))
            about = self._video(identity, facts.filename).stat()
        except (OSError, ValueError, TypeError):
            raise _unknown() from None
        return Upload(
            identity, facts.length, facts.filename, facts.metadata, about.st_size, about.st_mtime
        )

    def video(self, identity: str) -> Path:
        """The file of a finished upload; it is kept for a week from now.

        Raises:
            Problem: ``video-missing``.
        """
        try:
            upload = self.find(identity)
            path = self._video(identity, upload.filename)
            if upload.finished:
                os.utime(path)
                return path.resolve()
        except (Problem, OSError):
            raise _missing(f"There is no upload {identity}, or it has expired.") from None
        done = f"{upload.offset} of {upload.length} bytes"
        raise _missing(f"The upload {identity} is not finished: {done} are there.")

    @contextlib.contextmanager
    def writing(self, identity: str, offset: int) -> Generator[tuple[BinaryIO, Upload]]:
        """Open an upload to go on at ``offset``, alone; what was written is on the disk after.

        Raises:
            Problem: unknown, written by another request, or standing elsewhere.
            OutputError: it cannot be written.
        """
        upload = self.find(identity)
        lock = take(self._folder / identity / "lock")
        if lock is None:
            raise Problem("upload-locked", "Another request writes to this upload.")
        try:
            upload = self.find(identity)
            if upload.offset != offset:
                raise Problem(
                    "upload-conflict", f"The upload stands at byte {upload.offset}, not {offset}."
                )
            path = self._video(identity, upload.filename)
            try:
                with path.open("ab") as file:
                    yield file, upload
                    file.flush()
                    os.fsync(file.fileno())
            except OSError as error:
                raise output_error(error, path) from error
        finally:
            os.close(lock)

    def remove(self, identity: str) -> None:
        """Remove an upload.

        Raises:
            Problem: ``upload-unknown``.
        """
        self.find(identity)
        folder = self._folder / identity
        # First what makes it an upload: nothing half removed is ever found.
        (folder / "upload.json").unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)

    def sweep(self, in_use: Callable[[str], bool]) -> list[str]:
        """Remove what has expired; finished ones only if they are not in use. Returns their ids."""
        gone: list[str] = []
        with contextlib.suppress(FileNotFoundError):
            for folder in list(self._folder.iterdir()):
                with contextlib.suppress(Problem):
                    upload = self.find(folder.name)
                    if upload.expires < time.time() and not (
                        upload.finished and in_use(PREFIX + upload.id)
                    ):
                        self.remove(upload.id)
                        gone.append(upload.id)
        return gone

    def _video(self, identity: str, filename: str) -> Path:
        suffix = Path(filename).suffix
        # Containers are told by what is in them, but a few have only their name.
        known = suffix.lower() if _SUFFIX.fullmatch(suffix) else ""
        return self._folder / identity / f"video{known}"


def _unknown() -> Problem:
    return Problem("upload-unknown", "There is no such upload, or it has expired.")


def _missing(detail: str) -> Problem:
    return Problem.at("video-missing", "/video_path", detail)
