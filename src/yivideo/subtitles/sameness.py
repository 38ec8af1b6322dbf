"""Whether two readings are of the same words, one of them perhaps misread."""

from difflib import SequenceMatcher

from yivideo.subtitles.cleaning import comparable
from yivideo.subtitles.stretch_reading import StretchReading

# Two stretches that touch are one event from this likeness of their texts on.
_SAME_TEXT = 0.8
# A character read with more confidence than this is not a misreading.
_SURE = 0.85
# So many letters get lost at an end of a line, and so many at its beginning where its other end
# stands where it stood: text that grows does so at its end.
_LOST = 2
_LOST_AT_BEGINNING = 4
# A line of so many letters below or above another is overlooked as a whole.
_LOST_LINE = 4
# Quotation marks, and colons, are told apart by a pixel or two.
_ALIKE = str.maketrans(dict.fromkeys("\u201c\u201d\u2018\u2019`\u00b4'", '"') | {";": ":"})

_Letters = list[tuple[str, float]]


def same_text(one: StretchReading, other: StretchReading) -> bool:
    """Whether two readings are of the same words, ``other`` following upon ``one``.

    Where they differ, a misreading shows by its lack of confidence. Punctuation that one has and
    the other has not was overlooked.
    """
    a, b = one.letters(), other.letters()
    if not a or not b:
        return False
    shapes = [[letter.translate(_ALIKE) for letter, _ in letters] for letters in (a, b)]
    matcher = SequenceMatcher(None, *shapes, autojunk=False)
    if matcher.ratio() < _SAME_TEXT:
        return False
    for kind, a1, a2, b1, b2 in matcher.get_opcodes():
        if kind == "equal" or (kind != "replace" and _overlooked(one, other, (a1, a2), (b1, b2))):
            continue
        if min(_mean(_or_beside(a, a1, a2)), _mean(_or_beside(b, b1, b2))) > _SURE:
            return False
    return True


def contains(whole: str, part: str) -> float:
    """0 to 1: how much of ``part`` stands in ``whole``, in order."""
    a, b = comparable(whole), comparable(part)
    if not b:
        return 1.0
    blocks = SequenceMatcher(None, a, b, autojunk=False).get_matching_blocks()
    return sum(block.size for block in blocks) / len(b)


def _overlooked(
    one: StretchReading, other: StretchReading, left: tuple[int, int], right: tuple[int, int]
) -> bool:
    """Whether what one has and the other lacks is what detection and recognition overlook."""
    whole, (first, last) = (one, left) if left[1] > left[0] else (other, right)
    if not any(letter.isalnum() for letter, _ in whole.letters()[first:last]):
        return True
    if not one.stays:
        return False
    borders = _borders(whole)
    if last - first <= _LOST:
        return first in borders or last in borders
    if last - first <= _LOST_LINE and {first, last} <= borders:
        return True
    return last - first <= _LOST_AT_BEGINNING and first == 0 and _end_alike(one, other)


def _borders(reading: StretchReading) -> set[int]:
    """Numbers of the letters with which lines begin, and that of the last letter, plus one."""
    borders = {0}
    for line in reading.lines:
        borders.add(max(borders) + len(comparable(line.text)))
    return borders


def _end_alike(one: StretchReading, other: StretchReading) -> bool:
    """Whether the first lines end at the same column."""
    a, b = one.lines[0].box, other.lines[0].box
    return abs(a.right - b.right) <= 0.2 * max(a.height, b.height)


def _or_beside(letters: _Letters, first: int, last: int) -> _Letters:
    """Those letters, or where there are none the one before and the one after that place."""
    return letters[first:last] or letters[max(0, first - 1) : first + 1]


def _mean(letters: _Letters) -> float:
    return sum(confidence for _, confidence in letters) / len(letters)
