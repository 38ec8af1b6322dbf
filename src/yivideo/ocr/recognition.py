"""Reads a picture of one line: a CTC network (PP-OCR) and its greedy decoding."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from yivideo.errors import ModelMissing
from yivideo.ocr.runtime import Session, Tensor

Gray = npt.NDArray[np.uint8]

LINE_HEIGHT = 48
# The network's output is one step for every eight pixels of width.
STEP = 8
# A new width costs as much as reading some lines.
_WIDTH_BUCKET = 128
# A character read with less confidence makes a line doubtful that is sure as a whole; a line that
# is not is no line at all.
_DOUBT = 0.5
_SURE = 0.7
# The second look is at a little less of the ground above and below, as a part of the height.
_CLOSER = 0.08
_MAX_WIDTH = 3200


@dataclass(frozen=True, slots=True)
class Reading:
    """One line as read.

    ``text`` and ``confidences`` (0..1) have the same length; ``positions`` are the characters'
    centres as fractions of the picture's width.
    """

    text: str
    confidences: tuple[float, ...]
    positions: tuple[float, ...]

    @property
    def confidence(self) -> float:
        """The mean over characters; 0 for an empty reading."""
        return sum(self.confidences) / len(self.confidences) if self.confidences else 0.0


def load_alphabet(session: Session, file: Path | None) -> list[str]:
    """The characters of the model's classes, the blank first, the space last."""
    text = file.read_text("utf-8") if file else session.metadata("character")
    if not text:
        raise ModelMissing(
            "The recognition model carries no alphabet; name its character file beside it."
        )
    return ["", *text.splitlines(), " "]


class Recognizer:
    """Turns pictures of single lines into text."""

    def __init__(
        self,
        session: Session,
        alphabet: list[str],
        exact: Callable[[], Session] | None = None,
    ) -> None:
        """``exact`` gives the same model in single precision, for lines read with doubt."""
        self._session = session
        self._alphabet = alphabet
        self._exact = exact
        self.calls = 0

    def __call__(self, line: Gray) -> Reading:
        """Read one line: (h, w) or (h, w, 3), bright or dark text, any size."""
        batch, used = self._prepare(line)
        self.calls += 1
        reading = self._decode(self._session(batch)[0], used)
        doubtful = min(reading.confidences, default=1.0) < _DOUBT and reading.confidence > _SURE
        if self._exact is None or not doubtful:
            return reading
        self.calls += 1
        margin = int(_CLOSER * line.shape[0])
        batch, used = self._prepare(line[margin : line.shape[0] - margin])
        again = self._decode(self._exact()(batch)[0], used)
        return again if again.confidence > reading.confidence else reading

    def _prepare(self, line: Gray) -> tuple[Tensor, int]:
        height, width = line.shape[:2]
        wide = min(_MAX_WIDTH, max(LINE_HEIGHT // 2, round(width * LINE_HEIGHT / height)))
        way = cv2.INTER_AREA if height > LINE_HEIGHT else cv2.INTER_LINEAR
        scaled = cv2.resize(line, (wide, LINE_HEIGHT), interpolation=way)
        padded = -(-wide // _WIDTH_BUCKET) * _WIDTH_BUCKET
        batch = np.zeros((1, 3, LINE_HEIGHT, padded), np.float32)
        values = scaled.astype(np.float32) * (2 / 255) - 1
        batch[0, :, :, :wide] = values if values.ndim == 2 else values.transpose(2, 0, 1)
        return batch, wide

    def _decode(self, probabilities: Tensor, used: int) -> Reading:
        best = probabilities.argmax(axis=1)
        kept = np.flatnonzero((best != 0) & (best != np.concatenate(([0], best[:-1]))))
        text, confidences, positions = [], [], []
        for step in kept:
            text.append(self._alphabet[best[step]])
            confidences.append(float(probabilities[step, best[step]]))
            positions.append(min(1.0, (float(step) + 0.5) * STEP / used))
        return Reading("".join(text), tuple(confidences), tuple(positions))
