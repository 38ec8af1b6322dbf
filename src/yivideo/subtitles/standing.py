"""Text that stands in the scene while subtitles come and go over it: signs, pages, logos."""

from dataclasses import dataclass
from difflib import SequenceMatcher

from yivideo.subtitles.cleaning import comparable
from yivideo.subtitles.model import Box, Line
from yivideo.subtitles.stretch_reading import StretchReading, picked

# A line is part of the scene when so many other texts came and went while it stood, ...
_OTHERS = 3
# ... and it stood for at least so many seconds.
_LONG = 6.0
# Stretches follow each other when no more than this is between them, in seconds.
_GAP = 0.3
_SAME_PLACE = 0.55
_SAME_TEXT = 0.7
_DIFFERENT = 0.5
# Less confident readings are noise, which comes and goes beside any line.
_CREDIBLE = 0.85


@dataclass(slots=True, eq=False)
class _Inscription:
    """One line, from the first to the last of the stretches in which it stands without a break."""

    box: Box
    text: str
    start: float
    end: float
    credible: bool
    standing: bool = False


def without_standing_text(
    readings: list[StretchReading],
) -> tuple[list[StretchReading], list[StretchReading]]:
    """The readings without lines that stand in the scene, and those lines alone.

    The lines of a subtitle come and go together. What stays while others come and go is not one.
    """
    of_line: list[list[_Inscription]] = []
    standing_now: list[_Inscription] = []
    everything: list[_Inscription] = []
    for reading in readings:
        standing_now = [i for i in standing_now if reading.start - i.end <= _GAP]
        mine: list[_Inscription] = []
        for line in reading.lines:
            text = comparable(line.text)
            inscription = _known(standing_now, line, text)
            if inscription is None:
                credible = line.confidence >= _CREDIBLE and len(text) >= 2
                inscription = _Inscription(line.box, text, reading.start, reading.end, credible)
                standing_now.append(inscription)
                everything.append(inscription)
            inscription.end = max(inscription.end, reading.end)
            mine.append(inscription)
        of_line.append(mine)
    for inscription in everything:
        if inscription.end - inscription.start >= _LONG:
            inscription.standing = _outlives(inscription, everything)
    kept: list[StretchReading] = []
    standing: list[StretchReading] = []
    for reading, inscriptions in zip(readings, of_line, strict=True):
        stands = [inscription.standing for inscription in inscriptions]
        kept.append(picked(reading, [not yes for yes in stands]))
        if any(stands):
            standing.append(picked(reading, stands))
    return kept, standing


def _outlives(one: _Inscription, everything: list[_Inscription]) -> bool:
    """Whether several different texts came after this one and went before it."""
    others: list[str] = []
    for other in everything:
        inside = other.start > one.start and other.end < one.end
        if inside and other.credible:
            if all(_likeness(other.text, known) < _DIFFERENT for known in others):
                others.append(other.text)
            if len(others) >= _OTHERS:
                return True
    return False


def _known(standing: list[_Inscription], line: Line, text: str) -> _Inscription | None:
    for inscription in reversed(standing):
        # A watermark that drifts is told by its words alone.
        drifts = len(text) >= 5 and inscription.text == text
        if drifts or (
            _overlap(inscription.box, line.box) >= _SAME_PLACE
            and _likeness(inscription.text, text) >= _SAME_TEXT
        ):
            return inscription
    return None


def _likeness(one: str, other: str) -> float:
    if one == other:
        return 1.0
    return SequenceMatcher(None, one, other, autojunk=False).ratio()


def _overlap(one: Box, other: Box) -> float:
    """Shared area by the area of both, 0 to 1."""
    width = min(one.right, other.right) - max(one.left, other.left)
    height = min(one.bottom, other.bottom) - max(one.top, other.top)
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return shared / (one.width * one.height + other.width * other.height - shared)
