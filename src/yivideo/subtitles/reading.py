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
# Confidence with which a line is surely found, and with which the rest of such a line is: strokes
# as thin as those of "一" break lines in two.
_SURE = 0.5
_FAINT = 0.3
# What stands beside a line is of it up to so many line heights away.
_NEAR = 2.5
# How high it is then, against the line: a line's letters are of one size.
_LOW = 0.55
_HIGH = 1.2
# Where a band's text is bright, what is brighter than its ground by so many levels is of it.
_BRIGHTER = 8
# So many lines below each other are a page: subtitles have one or two, and the band room for them.
_PAGE_LINES = 3


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
        scale = min(1.0, _DETECTION_TEXT_HEIGHT / text_height)
        boxes = self._boxes(square, scale)
        page = not pure and len(_rows(boxes)) >= _PAGE_LINES
        plates = only_plates(square, text_height) if page else None
        if plates is not None:
            # On a page of writing only what stands on a plate of its own can be a subtitle.
            boxes = self._boxes(plates, scale)
        elif pure:
            boxes = [box for box in boxes if _is_bright(square, box)]
        lines: list[ReadLine] = []
        for box in _rows(boxes):
            line = self._line(square, box)
            lines += self._uncovered(square, line) if page else [line]
        stretch = picture.shape[1] / square.shape[1]
        return [_stretched(line, stretch) for line in lines if line.reading.text.strip()]

    def _boxes(self, picture: Gray, scale: float) -> list[TextBox]:
        """Lines that were surely found, and what was found faintly beside them."""
        self.detections += 1
        return supported(self.detector(picture, scale=scale, box_threshold=_FAINT))

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
    return patch.size > 0 and look(patch, _BRIGHTER)[0] == "bright"


def supported(boxes: list[TextBox]) -> list[TextBox]:
    """The boxes that were surely found, and those found faintly that may be the rest of one."""
    sure = [box for box in boxes if box.score >= _SURE]
    return [b for b in boxes if b.score >= _SURE or any(_beside(b, line) for line in sure)]


def _beside(box: TextBox, line: TextBox) -> bool:
    """Whether a box may be the rest of a line: at its height, of its size, and not far away."""
    shared = min(line.bottom, box.bottom) - max(line.top, box.top)
    gap = max(box.left - line.right, line.left - box.right)
    alike = _LOW < box.height / line.height < _HIGH
    return alike and shared > 0.7 * box.height and gap < _NEAR * line.height


def _rows(boxes: list[TextBox]) -> list[TextBox]:
    """Boxes that stand side by side made one: the recogniser then sees the spaces between them."""
    rows: list[TextBox] = []
    for box in sorted(boxes, key=lambda b: b.left):
        for i, row in enumerate(rows):
            shared = min(row.bottom, box.bottom) - max(row.top, box.top)
            near = box.left - row.right < _NEAR * max(row.height, box.height)
            low, high = sorted((row.height, box.height))
            if shared > 0.5 * low and low > _LOW * high and near:
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
