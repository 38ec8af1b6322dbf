"""Dark plates behind bright text, where they lie over a page or a screen full of other text."""

import cv2
import numpy as np

from yivideo.subtitles.ink import Gray, Mask

# Plates are looked for at a scale at which a line is so many pixels high.
_TEXT_HEIGHT = 20
# The ground is the median of squares of so many pixels: most of a letter's is not stroke.
_SQUARE = 13
# A plate is darker than what it lies on by so many levels.
_DARKER = 70
# Least height and width of a plate, in line heights.
_HIGH = 0.45
_WIDE = 1.2
_HALF = 127


def only_plates(picture: Gray, text_height: float) -> Gray | None:
    """The picture with everything beside its dark plates made as dark as they are.

    None where there is no plate. Edges are rough: good for finding lines, not for reading them.
    ``text_height`` is a line's height in pixels.
    """
    scale = _TEXT_HEIGHT / text_height
    size = max(16, round(picture.shape[1] * scale)), max(8, round(picture.shape[0] * scale))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    ground = cv2.medianBlur(small, _SQUARE)
    _, bright = cv2.threshold(ground, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    dark = bright == 0
    if dark.all() or not dark.any():
        return None
    level, page = float(np.median(ground[dark])), float(np.median(ground[~dark]))
    if page - level < _DARKER:
        return None
    shape = picture.shape[1], picture.shape[0]
    plates = _bricks(dark)
    if not plates.any():
        return None
    shape = picture.shape[1], picture.shape[0]
    whole = cv2.resize(plates, shape, interpolation=cv2.INTER_LINEAR)
    return np.where(whole > _HALF, picture, np.uint8(level))


def _bricks(dark: Mask) -> Gray:
    """255 where dark rectangles lie that do not reach the sides of the picture."""
    brick = np.ones((round(_HIGH * _TEXT_HEIGHT), round(_WIDE * _TEXT_HEIGHT)), np.uint8)
    bricks = cv2.morphologyEx(dark.astype(np.uint8), cv2.MORPH_OPEN, brick)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(bricks)
    plates = np.zeros(dark.shape, np.uint8)
    for i in range(1, count):
        left, wide = int(stats[i][0]), int(stats[i][2])
        if left > 0 and left + wide < dark.shape[1]:
            plates[labels == i] = 255
    return plates
