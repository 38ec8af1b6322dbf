"""What may be taken for a subtitle, and what is noise, small print or scenery."""

from collections.abc import Sequence

from yivideo.subtitles.cleaning import comparable
from yivideo.subtitles.model import Band, Event, Line
from yivideo.subtitles.stretch_reading import StretchReading, picked

# Of what stands for less than so many seconds most confidence is asked.
_BRIEF = 0.3
# Of what stands for less than so many seconds more confidence is asked.
_SHORT = 0.7
_LEAST_CONFIDENCE_BRIEFLY = 0.8
# Nobody can read what stands for less, in seconds.
_LEAST_LENGTH = 0.2
_LEAST_CONFIDENCE = 0.6
# Of a single character more is asked: it has nobody to vouch for it.
_LEAST_CONFIDENCE_ALONE = 0.85
# What stands beside the column of all others needs so much confidence, and more if it is brief.
_SURE = 0.93
_SURE_BRIEFLY = 0.98
# A box so many times wider than high for each of its letters holds more than the text: where in it
# that stands is not known.
_LOOSE = 1.5
# Lines so much lower than the band's are seldom a subtitle's.
_TINY = 0.45
# A line read with less confidence is dropped beside one read with more that is so much higher.
_DOUBTFUL = 0.8
_BEYOND_DOUBT = 0.95
_OTHER_HEIGHT = 0.85
# A line that is smaller than the band's and stands as far from its column, in widths of the
# picture, is not one of a subtitle's.
_SMALL = 0.88
_BESIDE = 0.08


def lasts(event: Event) -> bool:
    """Whether an event stands for long enough to be read; the briefer, the surer it must be."""
    length = event.end - event.start
    least = 0.9 if length < _BRIEF else _LEAST_CONFIDENCE_BRIEFLY if length < _SHORT else 0.0
    return length >= _LEAST_LENGTH and event.confidence >= least


def strays(event: Event, band: Band, centre: float, width: int) -> bool:
    """Whether an event stands beside where all others do, and has nothing else to vouch for it."""
    box = event.box
    if box is None or abs((box.left + box.right) / 2 - centre) < _BESIDE * width:
        return False
    least = _SURE_BRIEFLY if event.end - event.start < _SHORT else _SURE
    if event.confidence < least or box.height < _TINY * band.text_height:
        return True
    letters = len(comparable(event.text))
    loose = box.right - box.left > _LOOSE * box.height * max(1, letters)
    return letters <= 3 and not loose


def cleaned(reading: StretchReading, band: Band) -> tuple[StretchReading, StretchReading | None]:
    """The reading with its trustworthy lines alone, and with the others alone."""
    credible = [
        _credible(line, band) and not _doubtful_beside(line, reading.lines)
        for line in reading.lines
    ]
    kept = picked(reading, credible)
    dropped = None if all(credible) else picked(reading, [not good for good in credible])
    return kept, dropped


def without_small_print(
    reading: StretchReading, band: Band, centre: float | None, width: int
) -> tuple[StretchReading, StretchReading | None]:
    """The reading without lines that are small and stand beside the column of the others."""
    if centre is None or len(reading.lines) < 2:
        return reading, None
    small = [
        line.box.height < _SMALL * band.text_height
        and abs((line.box.left + line.box.right) / 2 - centre) > _BESIDE * width
        for line in reading.lines
    ]
    if not any(small) or all(small):
        return reading, None
    return picked(reading, [not yes for yes in small]), picked(reading, small)


def _credible(line: Line, band: Band) -> bool:
    letters = comparable(line.text)
    if len(letters) == 1 and letters.isascii() and line.confidence < 0.98:
        return False
    least = _LEAST_CONFIDENCE_ALONE if len(letters) <= 2 else _LEAST_CONFIDENCE
    if line.box.height < _TINY * band.text_height:
        least = 0.97
    return bool(letters) and line.confidence >= least


def _doubtful_beside(line: Line, lines: Sequence[Line]) -> bool:
    """Whether a line was read with doubt and is of another height than one that was not.

    What is higher may be a line of another language, unless it stands in the same row.
    """
    if line.confidence >= _DOUBTFUL:
        return False
    return any(
        other.confidence >= _BEYOND_DOUBT
        and (
            line.box.height < _OTHER_HEIGHT * other.box.height
            or (other.box.height < _OTHER_HEIGHT * line.box.height and _in_a_row(line, other))
        )
        for other in lines
    )


def _in_a_row(line: Line, other: Line) -> bool:
    shared = min(line.box.bottom, other.box.bottom) - max(line.box.top, other.box.top)
    return shared > 0.5 * min(line.box.height, other.box.height)
