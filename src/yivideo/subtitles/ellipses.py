"""Ellipses, which detection cuts off and recognition reads as one dot or none.

A row of three dots or more is told by its shape: small blobs of one size at one height, evenly
spaced, with nothing else beside them.
"""

import re
from itertools import pairwise

from yivideo.ocr.detection import TextBox
from yivideo.ocr.recognition import Reading
from yivideo.subtitles.blobs import Blob, blobs_of
from yivideo.subtitles.ink import Gray

# How far from a line's ends dots are looked for, in line heights.
_REACH = 1.6
# The smallest and the largest dot, and the largest difference in height between dots, in line
# heights.
_SPECK = 0.06
_DOT = 0.2
_LEVEL = 0.08
# How far letters of the lines above and below reach into a line's picture, in line heights.
_FOOT = 0.08
_LEAST_DOTS = 3
_MOST_DOTS = 7

_DOTS_AT_END = re.compile(r"[.…·。•・]+$")
_DOTS_AT_START = re.compile(r"^[.…·。•・]+")
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")


def spread_over_dots(picture: Gray, box: TextBox) -> tuple[int, int]:
    """Left and right column of a detected line, moved out over an ellipsis beside it."""
    left, right = round(box.left), round(box.right)
    top, bottom = round(box.top), round(box.bottom)
    height = bottom - top
    reach = round(_REACH * height)
    first, last = max(0, left - reach), min(picture.shape[1], right + reach)
    blobs = blobs_of(picture[top:bottom, first:last], left - first, right - first)
    margin = round(0.12 * height)
    after = _dots([b for b in blobs if b.left >= right - first - 1], height)
    if after:
        right = min(picture.shape[1], first + max(b.right for b in after) + margin)
    before = _dots([b for b in blobs if b.right <= left - first + 1], height)
    if before:
        left = max(0, first + min(b.left for b in before) - margin)
    return left, right


def with_ellipses(line: Gray, reading: Reading) -> Reading:
    """The reading with the ellipses at its ends that the picture of the line shows."""
    if not reading.text.strip() or not reading.positions:
        return reading
    height, width = line.shape[:2]
    blobs = blobs_of(line, 0, width)
    sign = "……" if _CJK.search(reading.text) else "..."
    text, sure, places = reading.text, list(reading.confidences), list(reading.positions)
    inner = [i for i, letter in enumerate(text) if letter.isalnum()]
    if not inner:
        return reading
    half = (0.3 if _CJK.search(text) else 0.18) * height
    after = [b for b in blobs if b.left > places[inner[-1]] * width + half]
    if _dots(after, height):
        kept = len(_DOTS_AT_END.sub("", text))
        if kept <= inner[-1] + 1:
            text = text[:kept] + sign
            sure, places = sure[:kept] + [0.99] * len(sign), places[:kept] + [1.0] * len(sign)
    before = [b for b in blobs if b.right < places[inner[0]] * width - half]
    if _dots(before, height) and inner[0] == len(text) - len(_DOTS_AT_START.sub("", text)):
        text = sign + text[inner[0] :]
        sure, places = [0.99] * len(sign) + sure[inner[0] :], [0.0] * len(sign) + places[inner[0] :]
    return Reading(text, tuple(sure), tuple(places))


def _dots(blobs: list[Blob], height: int) -> list[Blob]:
    """The dots of an ellipsis; none where there is anything else."""
    # Feet and tops of letters of the lines above and below reach into a line's picture.
    dots = [b for b in blobs if b.height > _FOOT * height or 0 < b.top < height - b.height]
    if not _LEAST_DOTS <= len(dots) <= _MOST_DOTS:
        return []
    if not all(_SPECK * height <= max(b.width, b.height) <= _DOT * height for b in dots):
        return []
    areas = [b.area for b in dots]
    if max(areas) > 2.5 * min(areas):
        return []
    middles = [b.middle for b in dots]
    if max(middles) - min(middles) > _LEVEL * height:
        return []
    lefts = sorted(b.left for b in dots)
    steps = [b - a for a, b in pairwise(lefts)]
    return dots if max(steps) <= 1.5 * min(steps) and max(steps) < 0.6 * height else []
