"""Readings as tests write them."""

from yivideo.subtitles.model import Box, Line
from yivideo.subtitles.stretch_reading import StretchReading


def line(
    text: str, *, left: int = 100, top: int = 300, height: int = 40, sure: float = 0.99
) -> Line:
    """A line 20 pixels wide for each character."""
    box = Box(left=left, top=top, right=left + 20 * len(text), bottom=top + height)
    return Line(text=text, box=box, confidence=sure)


def reading(start: float, end: float, *lines: Line, stays: bool = True) -> StretchReading:
    """A reading whose characters are as sure as their line."""
    return StretchReading(
        band=0,
        start=start,
        end=end,
        stays=stays,
        lines=lines,
        confidences=tuple((one.confidence,) * len(one.text) for one in lines),
        pictures=(),
    )
