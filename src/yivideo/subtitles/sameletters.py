"""Whether two pictures of a band show the very same letters over different backgrounds.

A moving background may cut a standing line in two. Told by their ink alone both halves differ,
since the background has ink of its own. The *cores* of the strokes do not: there the text is as
bright as it gets, which scenery seldom is, and the least of several frames is kept, in which what
is bright for a moment is dark. A core of one picture that is dark in the other, with all that is
beside it, is a letter that came or went.
"""

import cv2
import numpy as np

from yivideo.subtitles.ink import Gray, Mask, densest

# Less ink than this in common is no text to go by (pixels at the working scale).
_LEAST_SHARED = 50
# Percentiles of the strokes' levels that stand for their cores and for their edges. What is darker
# than the core by a small part of the distance between the two counts as core.
_CORE = 70
_EDGE = 30
_BELOW = 0.1
# A core has gone where it is darker by this part of its level.
_DROP = 0.15
# What two different texts share are crossings of their strokes: edges, which are darker than cores
# by more levels than this.
_AS_BRIGHT = 12
# The most pixels, at the working scale, that a letter's square may lose. Of 1,200 cuts in the
# benchmark's clips, where 667 were changes of text, none of those passed at 12.
_MOST_LOST = 3
_LETTER = 20


def same_letters(one: tuple[Gray, Mask], other: tuple[Gray, Mask], shrink: int) -> bool:
    """Whether no letter of either picture, bright on dark, is missing in the other.

    Each is a picture (h, w) with its ink at the working scale; ``shrink`` pixels of the picture
    are one of that. In doubt the answer is no.
    """
    shared = one[1] & other[1]
    if np.count_nonzero(shared) < _LEAST_SHARED:
        return False
    edge, core = _levels(np.minimum(one[0], other[0]), shared, shrink)
    if any(_levels(*each, shrink)[1] - core > _AS_BRIGHT for each in (one, other)):
        return False
    bright = core - _BELOW * (core - edge)
    dark = bright - _DROP * core
    return all(
        _lost(here, there, bright, dark, shrink) <= _MOST_LOST
        for here, there in ((one[0], other[0]), (other[0], one[0]))
    )


def _levels(picture: Gray, ink: Mask, shrink: int) -> tuple[float, float]:
    """How bright the edges and the cores of the strokes are, 0 to 255."""
    strokes = np.repeat(np.repeat(ink, shrink, axis=0), shrink, axis=1)
    height, width = strokes.shape
    edge, core = np.percentile(picture[:height, :width][strokes], (_EDGE, _CORE))
    return float(edge), float(core)


def _lost(here: Gray, there: Gray, bright: float, dark: float, shrink: int) -> float:
    """The most core, in working pixels, that a letter's square has here and lacks there."""
    # A pixel to each side is allowed for what coding does to edges.
    beside = cv2.dilate(there, np.ones((3, 3), np.uint8)) if shrink > 1 else there
    lost = (here >= bright) & (beside < dark)
    if not lost.any():
        return 0.0
    if shrink > 1:
        lost = cv2.erode(lost.view(np.uint8), np.ones((2, 2), np.uint8)).view(np.bool_)
    side = _LETTER * shrink
    return densest(lost, side, side) / shrink**2
