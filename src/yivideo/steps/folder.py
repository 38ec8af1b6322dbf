"""A step's folder: written aside, complete or not there at all.

It holds `output.json` (what the step returned), `records.jsonl` (one line for each thing it made on
the way, such as a picture of a subtitle) and the files those lines name.
"""

import contextlib
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO, TypeVar

import cv2
import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ValidationError

from yivideo.errors import InputUnreadable
from yivideo.files import ensure_folder, output_error, partial_path, partial_pattern

Pixels = npt.NDArray[np.uint8]
M = TypeVar("M", bound=BaseModel)

OUTPUT = "output.json"
RECORDS = "records.jsonl"


def encoded(picture: Pixels, suffix: str = ".png") -> bytes:
    """A picture (h, w) as PNG, which loses nothing, or as JPEG, for looking at only."""
    options = {
        ".png": [cv2.IMWRITE_PNG_COMPRESSION, 1],
        ".jpg": [cv2.IMWRITE_JPEG_QUALITY, 92],
    }[suffix]
    return cv2.imencode(suffix, picture, options)[1].tobytes()


def decoded(path: Path) -> Pixels:
    """The grey picture in a file, (h, w)."""
    try:
        data = np.fromfile(path, np.uint8)
        picture = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE) if data.size else None
    except OSError as error:
        raise InputUnreadable(f"The picture '{path}' of the work folder is missing.") from error
    if picture is None:
        raise InputUnreadable(f"The picture '{path}' of the work folder is damaged.")
    return np.asarray(picture, np.uint8)


class FinishedFolder:
    """What a step that has finished left behind."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def complete(self) -> bool:
        """Whether the step finished: its output is written last."""
        return (self.path / OUTPUT).is_file()

    def output(self, kind: type[M]) -> M:
        """What the step returned."""
        return self._parsed(kind, (self.path / OUTPUT).read_bytes(), OUTPUT)

    def records(self, kind: type[M]) -> Iterator[M]:
        """What the step made, in order."""
        file = self.path / RECORDS
        if file.is_file():
            with file.open("rb") as lines:
                for line in lines:
                    yield self._parsed(kind, line, RECORDS)

    def picture(self, name: str) -> Pixels:
        """A picture the step wrote."""
        return decoded(self.path / name)

    def _parsed(self, kind: type[M], text: bytes, name: str) -> M:
        try:
            return kind.model_validate_json(text)
        except ValidationError as error:
            raise InputUnreadable(
                f"'{self.path / name}' was not written by this version of YiVideo; "
                "remove the work folder and start again."
            ) from error


class WritingFolder:
    """A folder under way. `commit` gives it its name; leaving without removes it."""

    def __init__(self, final: Path) -> None:
        self._final = final
        self._lock = threading.Lock()
        self._records: TextIO | None = None
        self.path = partial_path(final)
        ensure_folder(final.parent)
        # What a run that was killed left behind: a work folder belongs to one run at a time.
        for stale in final.parent.glob(partial_pattern(final)):
            shutil.rmtree(stale, ignore_errors=True)
        ensure_folder(self.path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._records is not None:
            # On a full disk closing fails once more, which must not hide what was said already.
            with contextlib.suppress(OSError):
                self._records.close()
        shutil.rmtree(self.path, ignore_errors=True)

    def write(self, name: str, data: bytes) -> None:
        """Write a file of the folder."""
        try:
            (self.path / name).write_bytes(data)
        except OSError as error:
            raise output_error(error, self.path / name) from error

    def record(self, record: BaseModel) -> None:
        """Append a line to the records."""
        try:
            with self._lock:
                if self._records is None:
                    self._records = (self.path / RECORDS).open("w", encoding="utf-8")
                self._records.write(record.model_dump_json() + "\n")
        except OSError as error:
            raise output_error(error, self.path / RECORDS) from error

    def commit(self, output: BaseModel) -> None:
        """Write the output and give the folder its final name, replacing an older one."""
        try:
            if self._records is not None:
                self._records.close()
            (self.path / OUTPUT).write_text(output.model_dump_json(indent=1), "utf-8")
            shutil.rmtree(self._final, ignore_errors=True)
            self.path.replace(self._final)
        except OSError as error:
            raise output_error(error, self._final) from error
