"""What was read in one stretch of unchanged text."""

from dataclasses import dataclass, replace

from yivideo.subtitles.cleaning import comparable
from yivideo.subtitles.model import Line, Picture


@dataclass(frozen=True, slots=True, kw_only=True)
class StretchReading:
    """What one stretch of unchanged text said.

    Times in seconds; boxes in pixels of the film's picture. ``stays`` says that something like
    text stood on through the stretch's end.
    """

    band: int
    start: float
    end: float
    stays: bool
    lines: tuple[Line, ...]
    confidences: tuple[tuple[float, ...], ...]
    pictures: tuple[Picture, ...]

    @property
    def text(self) -> str:
        """The lines, one below the other."""
        return "\n".join(line.text for line in self.lines)

    def letters(self) -> list[tuple[str, float]]:
        """Characters as they are compared, each with its confidence."""
        return [
            (shape, confidence)
            for line, values in zip(self.lines, self.confidences, strict=True)
            for letter, confidence in zip(line.text, values, strict=False)
            for shape in comparable(letter)
        ]


def picked(reading: StretchReading, wanted: list[bool]) -> StretchReading:
    """The reading with the lines that are ``wanted`` alone."""
    return replace(
        reading,
        lines=tuple(line for line, good in zip(reading.lines, wanted, strict=True) if good),
        confidences=tuple(
            values for values, good in zip(reading.confidences, wanted, strict=True) if good
        ),
    )
