"""Subtitles that cover a part of a line of a page: the page's line is known from before."""

from collections import deque
from dataclasses import dataclass

from yivideo.ocr.recognition import Reading

_REMEMBERED = 16
# The ends of a line stay where they are, in line heights.
_ENDS = 0.4
# So many letters at either end are still the page's, and so much of its line together.
_LEAST_LEFT = 3
_LEAST_SHARE = 0.12
# What covers it has at least so many letters.
_LEAST_COVER = 3
# What is left of the letters beside a cover is at most so wide, in line heights.
_REST = 0.1


@dataclass(slots=True)
class _Known:
    left: int
    right: int
    reading: Reading
    times: int = 1


@dataclass(frozen=True, slots=True)
class Cover:
    """What covers a part of a known line: its left and right column, and the line beneath."""

    left: int
    right: int
    beneath: Reading


class Pages:
    """Lines that were read a while ago, and may be covered now."""

    def __init__(self) -> None:
        self._known: deque[_Known] = deque(maxlen=_REMEMBERED)

    def cover(self, left: int, right: int, height: int, reading: Reading) -> Cover | None:
        """What covers a known line between these columns; None where nothing does.

        A line that covers none is known from then on.
        """
        here = [
            known
            for known in self._known
            if max(abs(known.left - left), abs(known.right - right)) <= _ENDS * height
        ]
        for known in here:
            if _same(known.reading.text, reading.text):
                known.times += 1
                return None
        for known in sorted(here, key=lambda k: -k.times):
            before, after = _common_ends(known.reading.text, reading.text)
            if _covers(known.reading.text, reading.text, before, after):
                width = right - left
                return Cover(
                    left + round(reading.positions[before - 1] * width + _REST * height),
                    left + round(reading.positions[-after] * width - _REST * height),
                    known.reading,
                )
        self._known.appendleft(_Known(left, right, reading))
        return None


def _same(one: str, other: str) -> bool:
    """Whether the texts differ by a letter at most."""
    return sum(_common_ends(one, other)) >= max(len(one), len(other)) - 1


def _covers(beneath: str, seen: str, before: int, after: int) -> bool:
    """Whether enough of the line beneath is left at both ends, and enough of it is hidden."""
    enough = before + after >= _LEAST_SHARE * len(beneath)
    hidden = len(seen) - before - after >= _LEAST_COVER
    return enough and hidden and min(before, after) >= _LEAST_LEFT


def _common_ends(beneath: str, seen: str) -> tuple[int, int]:
    """How many letters at the beginning and at the end are still those of the line beneath."""
    shorter = min(len(beneath), len(seen))
    before = next((i for i in range(shorter) if beneath[i] != seen[i]), shorter)
    rest = shorter - before
    after = next((i for i in range(rest) if beneath[-1 - i] != seen[-1 - i]), rest)
    return before, after
