"""Brief readings that are no text of their own: a neighbour's, coming, going, or misread."""

from collections import Counter
from difflib import SequenceMatcher

from yivideo.subtitles.cleaning import comparable
from yivideo.subtitles.model import Line
from yivideo.subtitles.sameness import contains
from yivideo.subtitles.stretch_reading import StretchReading

# Shorter stretches are looked upon as what is left of their neighbour, in seconds.
_BRIEF = 0.3
# A text that fades is read in part for so long, and is unreadable for so long before or after.
_FADING = 0.5
_FAINT = 0.15
# Text that stands on may be misread for so long, in seconds.
_MISREAD = 0.7
_ALIKE = 0.9


def is_remnant(
    part: StretchReading, length: float, whole: StretchReading, gap: float, frame: float
) -> bool:
    """Whether a reading is what is seen of a neighbour's text while that comes or goes.

    Args:
        part: the reading.
        length: how long it stood, in seconds.
        whole: the neighbour's reading.
        gap: seconds between the two.
        frame: the length of a frame in seconds.
    """
    if length < _BRIEF and gap < 1.5 * frame:
        return _held(part, whole, 0.75)
    fades = length < _FADING and gap < max(_FAINT, 1.5 * frame)
    return fades and _held(part, whole, 0.9) and _in_place(part, whole)


def is_misread(between: StretchReading, length: float, around: StretchReading) -> bool:
    """Whether a reading between two of the same text is that text with a letter misread."""
    texts = comparable(between.text), comparable(around.text)
    return length < _MISREAD and SequenceMatcher(None, *texts, autojunk=False).ratio() >= _ALIKE


def _held(part: StretchReading, whole: StretchReading, share: float) -> bool:
    """Whether that share of the part's letters is the whole's, in their order or by lines."""
    few, many = comparable(part.text), comparable(whole.text)
    if len(few) > len(many):
        return False
    if contains(whole.text, part.text) >= share:
        return True
    # Words that are torn apart while they fade are read in another order.
    return len(part.lines) > 1 and (Counter(few) & Counter(many)).total() >= share * len(few)


def _in_place(part: StretchReading, whole: StretchReading) -> bool:
    """Whether the part's lines lie where the whole's are: a shorter text would be centred anew."""
    return all(any(_covers(other, line) for other in whole.lines) for line in part.lines)


def _covers(whole: Line, part: Line) -> bool:
    a, b = whole.box, part.box
    reach = 0.6 * a.height
    if b.left < a.left - reach or b.right > a.right + reach or abs(b.top - a.top) > reach:
        return False
    narrow = b.right - b.left < a.right - a.left - reach
    return not narrow or abs((b.left + b.right) - (a.left + a.right)) > 2 * reach
