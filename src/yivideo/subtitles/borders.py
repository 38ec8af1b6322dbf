"""When a change happened: to the frame, by how far its pixels stand out of what is around them."""

from collections import deque
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from yivideo.subtitles.changes import Change
from yivideo.subtitles.ink import Gray, Mask, surroundings

# Seconds between samples.
SAMPLE_EVERY = 0.08
# The longest that text takes to fade in or out, in seconds.
LONGEST_FADE = 0.7
# Seconds of frames that are kept.
_MEMORY = 1.0
# Levels of 0..255 by which the pixels of a change must step to time it.
_LEAST_STEP = 10
# The part of its full strength at which fading text counts as seen.
_FAINT = 0.2


@dataclass(slots=True)
class Shot:
    """One frame of a band.

    Attributes:
        time: its presentation time in seconds.
        picture: what it shows, inverted if its text is dark.
        small: the same at the working scale.
    """

    time: float
    picture: Gray
    small: Gray


class Borders:
    """Remembers the last frames of a band and finds the borders of changes among them."""

    def __init__(self) -> None:
        self._memory: deque[tuple[float, Gray]] = deque()

    def remember(self, shot: Shot) -> None:
        """Keep a frame for a while, at the working scale."""
        self._memory.append((shot.time, shot.small))
        while self._memory[0][0] < shot.time - _MEMORY:
            self._memory.popleft()

    def of(self, change: Change, after: float, *, gone: bool, come: bool) -> tuple[float, float]:
        """The first frame without the old text, and the first with the new one.

        ``after`` is the time of the first sample after the change; ``gone`` and ``come`` say
        which of the two there is: without one, both borders are the other's.
        """
        if change.stays and max(change.gone, change.come) < 0.6 * change.stayed:
            # A word of a standing line changed: that happens from one frame to the next.
            border = self._time_word(change, after)
            return border, border
        end = self._time_end(change.vanished, after) if gone else None
        start = self._time_start(change.appeared, after) if come else None
        if end is None or start is None:
            border = end if start is None else start
            assert border is not None
            return border, border
        if end > start:
            end = start = end if change.gone > change.come else start
        return end, start

    def _time_word(self, change: Change, after: float) -> float:
        """The frame at which some letters were replaced, not before the last sample."""
        earlier = (time for time, _ in self._memory if time <= after - SAMPLE_EVERY)
        before = max(earlier, default=after)
        if change.gone > change.come:
            border = self._time_end(change.vanished, after)
        else:
            border = self._time_start(change.appeared, after)
        return min(after, max(before, border))

    def _levels(self, pixels: Mask, after: float) -> list[tuple[float, float]]:
        """How far the pixels stand out of their surroundings in every frame around a change."""
        rows, columns = np.flatnonzero(pixels.any(axis=1)), np.flatnonzero(pixels.any(axis=0))
        top, left = max(0, int(rows[0]) - 4), max(0, int(columns[0]) - 4)
        bottom, right = int(rows[-1]) + 5, int(columns[-1]) + 5
        inner = pixels[top:bottom, left:right]
        # The mean of the pixels less that of those around them, in one sum.
        weights = _shares(inner) - _shares(surroundings(inner))
        return [
            (time, float((small[top:bottom, left:right] * weights).sum()))
            for time, small in self._memory
            if time >= after - LONGEST_FADE
        ]

    def _time_start(self, pixels: Mask, after: float) -> float:
        """The first frame that shows the pixels that were seen on at ``after``."""
        levels = self._levels(pixels, after)
        earlier = [(time, level) for time, level in levels if time < after]
        on = float(np.median([level for time, level in levels if time >= after]))
        off = float(np.median([level for _, level in earlier[:-2]])) if earlier[:-2] else 0.0
        off = max(0.0, off)
        found = _last_change(earlier[::-1], after, on, off)
        return found if found is not None else after

    def _time_end(self, pixels: Mask, after: float) -> float:
        """The first frame that no longer shows the pixels that were seen off at ``after``."""
        levels = self._levels(pixels, after)
        earlier = [(time, level) for time, level in levels if time < after]
        # Only what follows at once: the next text may already stand there a few frames later.
        # What stands out less than nothing is the edge of that text.
        off = max(0.0, float(np.median([level for time, level in levels if time >= after][:3])))
        on = float(np.percentile([level for _, level in earlier], 70)) if earlier else 0.0
        if on - off < _LEAST_STEP:
            return after
        # Back to a frame that surely shows it, then forward to the first that does not.
        middle = (on + off) / 2
        surely = max((i for i, (_, level) in enumerate(earlier) if level >= middle), default=0)
        for (_, level), (time, following) in pairwise(levels[surely:]):
            sudden = level - following >= 0.4 * (on - off)
            if sudden or following < off + _FAINT * (on - off):
                return time
        return after


def _shares(mask: Mask) -> npt.NDArray[np.float64]:
    """What each pixel adds to the mean of those in the mask."""
    return mask / max(1, np.count_nonzero(mask))


def _last_change(
    backwards: list[tuple[float, float]], after: float, on: float, off: float
) -> float | None:
    """Walk back from a frame that shows the text to the first that does."""
    if on - off < _LEAST_STEP:
        return None
    start, above = after, on
    for time, level in backwards:
        sudden = above - level >= 0.4 * (on - off) and level < (on + off) / 2
        if sudden or level < off + _FAINT * (on - off):
            break
        start, above = time, level
    return start
