"""Reads the picture of a stretch: where its lines are, then what they say."""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from yivideo.ocr.detection import Detector, TextBox
from yivideo.ocr.recognition import Reading, Recognizer
from yivideo.subtitles.covering import Pages
from yivideo.subtitles.ellipses import spread_over_dots, with_ellipses
from yivideo.subtitles.ends import with_dash, with_sign_behind
from yivideo.subtitles.ink import Gray
from yivideo.subtitles.plates import only_plates
from yivideo.subtitles.survey import look

# Detection needs letters of about this height, in pixels; more only costs more.
_DETECTION_TEXT_HEIGHT = 28


@dataclass(frozen=True, slots=True)
class ReadLine:
    """One line of a picture: where it stands (pixels of that picture), and what was read."""

    left: int
    top: int
    right: int
    bottom: int
    reading: Reading

    @property
    def height(self) -> int:
        """Rows from top to bottom."""
        return self.bottom - self.top


class Reader:
    """Detection and recognition for one video."""

    def __init__(self, detector: Detector, recognizer: Recognizer) -> None:
        self.detector = detector
        self.recognizer = recognizer
        self.detections = 0
        self._pages = Pages()

    def __call__(
        self, picture: Gray, text_height: float, aspect: float = 1.0, *, pure: bool = False
    ) -> list[ReadLine]:
        """The lines of ``picture``, top to bottom, in its own pixels.

        ``text_height`` is a detected line's height in pixels, ``aspect`` how many times wider than
        high its pixels are shown. ``pure`` says that all text of the band is brighter than what is
        around it, so that dark letters on a bright ground are not of it.
        """
        square = picture
        if abs(aspect - 1) > 0.02:
            size = (max(1, round(picture.shape[1] * aspect)), picture.shape[0])
            resized = cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR)
            square = np.asarray(resized, np.uint8)
        plates = None if pure else only_plates(square, text_height)
        self.detections += 1
        boxes = self.detector(
            square if plates is None else plates,
            scale=min(1.0, _DETECTION_TEXT_HEIGHT / text_height),
        )
        if pure:
            boxes = [box for box in boxes if _is_bright(square, box)]
        lines: list[ReadLine] = []
        for box in _rows(boxes):
            line = self._line(square, box)
            lines += [line] if pure else self._uncovered(square, line)
        stretch = picture.shape[1] / square.shape[1]
        return [_stretched(line, stretch) for line in lines if line.reading.text.strip()]

    def _line(self, square: Gray, box: TextBox) -> ReadLine:
        top, bottom = round(box.top), round(box.bottom)
        left, right = spread_over_dots(square, box)
        line = np.ascontiguousarray(square[top:bottom, left:right])
        reading = with_dash(line, with_ellipses(line, self.recognizer(line)))
        right, reading = with_sign_behind(
            square, (left, right), (top, bottom), reading, self.recognizer
        )
        return ReadLine(left, top, right, bottom, reading)

    def _uncovered(self, square: Gray, line: ReadLine) -> list[ReadLine]:
        """The line, or the page's line and the subtitle that covers a part of it."""
        cover = self._pages.cover(line.left, line.right, line.height, line.reading)
        if cover is None or cover.right - cover.left < line.height:
            return [line]
        part = square[line.top : line.bottom, cover.left : cover.right]
        reading = self.recognizer(np.ascontiguousarray(part))
        return [
            replace(line, reading=cover.beneath),
            ReadLine(cover.left, line.top, cover.right, line.bottom, reading),
        ]


def _stretched(line: ReadLine, factor: float) -> ReadLine:
    return replace(line, left=round(line.left * factor), right=round(line.right * factor))


def _is_bright(picture: Gray, box: TextBox) -> bool:
    patch = picture[int(box.top) : int(box.bottom), int(box.left) : int(box.right)]
    return patch.size > 0 and look(patch)[0] == "bright"


def _rows(boxes: list[TextBox]) -> list[TextBox]:
    """Boxes that stand side by side made one: the recogniser then sees the spaces between them."""
    rows: list[TextBox] = []
    for box in sorted(boxes, key=lambda b: b.left):
        for i, row in enumerate(rows):
            shared = min(row.bottom, box.bottom) - max(row.top, box.top)
            near = box.left - row.right < 2.5 * max(row.height, box.height)
            if shared > 0.5 * min(row.height, box.height) and near:
                rows[i] = TextBox(
                    min(row.left, box.left),
                    min(row.top, box.top),
                    max(row.right, box.right),
                    max(row.bottom, box.bottom),
                    (row.score * row.width + box.score * box.width) / (row.width + box.width),
                )
                break
        else:
            rows.append(box)
    return sorted(rows, key=lambda b: b.top + b.bottom)
