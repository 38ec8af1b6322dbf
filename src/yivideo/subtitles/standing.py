"""Text that stands in the scene while subtitles come and go over it: signs, pages, logos."""

from dataclasses import dataclass, field
from difflib import SequenceMatcher

from yivideo.subtitles.cleaning import comparable
from yivideo.subtitles.model import Box, Line
from yivideo.subtitles.stretch_reading import StretchReading, picked

# A line is part of the scene when it was seen beside so many different other texts, ...
_COMPANIES = 3
# ... over at least so many seconds.
_LONG = 6.0
_SAME_PLACE = 0.55
_SAME_TEXT = 0.7


@dataclass(slots=True)
class _Inscription:
    """One line that was read in several stretches."""

    box: Box
    text: str
    start: float
    end: float = 0.0
    companies: set[str] = field(default_factory=set[str])

    def is_standing(self) -> bool:
        return len(self.companies) >= _COMPANIES and self.end - self.start >= _LONG


def without_standing_text(
    readings: list[StretchReading],
) -> tuple[list[StretchReading], list[StretchReading]]:
    """The readings without lines that stand in the scene, and those lines alone.

    A subtitle keeps its company: its other lines come and go with it. What stays while the lines
    beside it change is not part of them.
    """
    seen: list[_Inscription] = []
    of_line: list[list[_Inscription]] = []
    for reading in readings:
        texts = [comparable(line.text) for line in reading.lines]
        mine: list[_Inscription] = []
        for i, line in enumerate(reading.lines):
            inscription = _known(seen, line, texts[i], reading)
            inscription.end = max(inscription.end, reading.end)
            others = "|".join(t for j, t in enumerate(texts) if j != i)
            inscription.companies.add(others)
            mine.append(inscription)
        of_line.append(mine)
    kept: list[StretchReading] = []
    standing: list[StretchReading] = []
    for reading, inscriptions in zip(readings, of_line, strict=True):
        stands = [inscription.is_standing() for inscription in inscriptions]
        kept.append(picked(reading, [not yes for yes in stands]))
        if any(stands):
            standing.append(picked(reading, stands))
    return kept, standing


def _known(
    seen: list[_Inscription], line: Line, text: str, reading: StretchReading
) -> _Inscription:
    for inscription in reversed(seen):
        # A watermark that drifts is told by its words alone.
        drifts = len(text) >= 5 and inscription.text == text
        if drifts or (
            _overlap(inscription.box, line.box) >= _SAME_PLACE
            and SequenceMatcher(None, inscription.text, text, autojunk=False).ratio() >= _SAME_TEXT
        ):
            return inscription
    new = _Inscription(line.box, text, reading.start)
    seen.append(new)
    return new


def _overlap(one: Box, other: Box) -> float:
    """Shared area by the area of both, 0 to 1."""
    width = min(one.right, other.right) - max(one.left, other.left)
    height = min(one.bottom, other.bottom) - max(one.top, other.top)
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return shared / (one.width * one.height + other.width * other.height - shared)
