"""The ends of a line, where detection cuts punctuation off and recognition overlooks dashes."""

from collections.abc import Callable

import numpy as np

from yivideo.ocr.recognition import Reading
from yivideo.subtitles.blobs import Blob, blobs_of
from yivideo.subtitles.ink import Gray

# How far behind a line a sign is looked for, and how much wider than it the line then gets, in
# line heights.
_REACH = 0.6
_MARGIN = 0.3
# A sign must be read with so much confidence.
_SURE = 0.6
_MOST_SIGNS = 3


def with_sign_behind(
    picture: Gray,
    ends: tuple[int, int],
    rows: tuple[int, int],
    reading: Reading,
    read: Callable[[Gray], Reading],
) -> tuple[int, Reading]:
    """The right column of a line and its reading, with punctuation that its box has cut off.

    ``ends`` are the line's left and right column in the picture, ``rows`` its top and bottom.
    """
    left, right = ends
    top, bottom = rows
    height = bottom - top
    last = min(picture.shape[1], right + round(_REACH * height))
    if not reading.text.strip() or last <= right:
        return right, reading
    row = picture[top:bottom, left:last]
    behind = [b for b in blobs_of(row, 0, right - left) if _is_behind(b, right - left, height)]
    if not behind:
        return right, reading
    wider = left + max(b.right for b in behind) + round(_MARGIN * height)
    wider = min(picture.shape[1], wider)
    again = read(np.ascontiguousarray(picture[top:bottom, left:wider]))
    return (wider, again) if _adds_signs(reading, again) else (right, reading)


def _is_behind(blob: Blob, right: int, height: int) -> bool:
    """Whether strokes at the end of a box are those of a sign: thin, and within the row."""
    if blob.right <= right - 0.08 * height or blob.left < right - 0.3 * height:
        return False
    within = blob.top > 0 and blob.top + blob.height < height
    return within and blob.width < 0.4 * height and blob.area >= 3


def _adds_signs(reading: Reading, again: Reading) -> bool:
    """Whether the second reading is the first with nothing but punctuation behind it."""
    first, second = reading.text.rstrip(), again.text.rstrip()
    more = second[len(first) :]
    if not second.startswith(first) or not 0 < len(more) <= _MOST_SIGNS:
        return False
    signs = not any(letter.isalnum() or letter.isspace() for letter in more)
    return signs and min(again.confidences[len(first) : len(second)]) >= _SURE


def with_dash(line: Gray, reading: Reading) -> Reading:
    """The reading with the dash of a speaker before it, where the picture of the line has one."""
    text = reading.text
    if not text or not text[0].isalpha() or not text[0].isascii() or not reading.positions:
        return reading
    height, width = line.shape[:2]
    first = reading.positions[0] * width - 0.15 * height
    before = [b for b in blobs_of(line, 0, width) if b.right < first]
    if len(before) != 1 or not _is_dash(before[0], height):
        return reading
    return Reading(
        "- " + text,
        (0.9, 0.9, *reading.confidences),
        (before[0].left / width, before[0].right / width, *reading.positions),
    )


def _is_dash(blob: Blob, height: int) -> bool:
    flat = blob.height <= 0.14 * height and 0.14 * height <= blob.width <= 0.5 * height
    return flat and blob.width >= 2 * blob.height and 0.35 < blob.middle / height < 0.7
