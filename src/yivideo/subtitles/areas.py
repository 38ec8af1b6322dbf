"""A part of the picture as a user writes it: in pixels or in percent of the picture."""

import re
from dataclasses import dataclass

from yivideo.errors import UsageError

_NUMBER = re.compile(r"(\d{1,6}(?:\.\d{1,6})?)(%?)")
_FORM = "LEFT,TOP,RIGHT,BOTTOM in pixels (0,600,1280,720) or percent (0%,80%,100%,100%)"


@dataclass(frozen=True, slots=True)
class Length:
    """A distance from the left or upper edge, in pixels or in percent of the picture."""

    value: float
    percent: bool

    def pixels(self, whole: int) -> int:
        """The distance in pixels of a picture that is `whole` pixels wide or high."""
        return round(self.value * whole / 100) if self.percent else round(self.value)


@dataclass(frozen=True, slots=True)
class Area:
    """A rectangle; every side may be in pixels or in percent."""

    left: Length
    top: Length
    right: Length
    bottom: Length
    text: str

    def pixels(self, width: int, height: int) -> tuple[int, int, int, int]:
        """Left, top, right and bottom in a picture of that size; the last two are exclusive.

        What sticks out of the picture is cut off.

        Raises:
            UsageError: nothing of the area lies within the picture.
        """
        left, right = self.left.pixels(width), min(width, self.right.pixels(width))
        top, bottom = self.top.pixels(height), min(height, self.bottom.pixels(height))
        if left >= right or top >= bottom:
            raise UsageError(
                f"The area {self.text} has nothing in a picture of {width}x{height} pixels."
            )
        return left, top, right, bottom


def parse_area(text: str) -> Area:
    """Read an area such as "0,600,1280,720" or "0%,80%,100%,100%".

    Raises:
        UsageError: it is not of that form, is empty, or goes beyond 100 %.
    """
    matches = [_NUMBER.fullmatch(part.strip()) for part in text.split(",")]
    sides = [Length(float(m[1]), m[2] == "%") for m in matches if m is not None]
    if len(matches) != 4 or len(sides) != 4:
        raise UsageError(f'The area "{text}" cannot be read; write {_FORM}.')
    left, top, right, bottom = sides
    if any(side.percent and side.value > 100 for side in sides):
        raise UsageError(f'The area "{text}" goes beyond 100 %.')
    for low, high, names in ((left, right, "right of"), (top, bottom, "below")):
        if low.percent == high.percent and low.value >= high.value:
            raise UsageError(
                f'The area "{text}" is empty: its end must lie {names} its beginning ({_FORM}).'
            )
    return Area(left, top, right, bottom, text)
