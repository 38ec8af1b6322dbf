"""What a film shows at times spread over all of it: lines of text, and how they look.

The film is looked at in *bursts*: a few frames within half a second.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from yivideo.ocr.detection import TextBox
from yivideo.subtitles.ink import Gray, square
from yivideo.subtitles.model import Polarity

# How alike two pictures of the same words are, at least (correlation).
_SAME_WORDS = 0.75
# Letters higher than this share of the picture are a title's, or none at all.
_TALLEST = 0.2
# Seconds after which a line that never changes is no longer taken for a subtitle.
LONG = 8.0


@dataclass(frozen=True, slots=True)
class Burst:
    """A few frames close together: presentation time of the first in seconds, luma pictures."""

    time: float
    pictures: Sequence[Gray]

    @property
    def middle(self) -> Gray:
        """The picture in which text is looked for."""
        return self.pictures[len(self.pictures) // 2]


@dataclass(slots=True, eq=False)
class Sighting:
    """A line of text seen in a burst, in pixels of the burst's pictures."""

    burst: int
    time: float
    box: TextBox
    still: float
    polarity: Polarity
    contrast: float
    level: float
    patch: Gray
    repeated: bool = False

    @property
    def middle(self) -> float:
        """The row of its middle."""
        return (self.box.top + self.box.bottom) / 2

    @property
    def centre(self) -> float:
        """The column of its middle."""
        return (self.box.left + self.box.right) / 2


@dataclass(slots=True)
class Survey:
    """What all bursts showed, in pictures of that size."""

    width: int
    height: int
    bursts: int = 0
    sightings: list[Sighting] = field(default_factory=list)

    def add(self, burst: Burst, boxes: Iterable[TextBox]) -> None:
        """Take in a burst, and the lines of text that its middle picture shows."""
        for box in boxes:
            sighting = _sighting(self.bursts, burst.time, box, burst.pictures)
            if sighting is not None:
                self.sightings.append(sighting)
        self.bursts += 1


def _sighting(burst: int, time: float, box: TextBox, pictures: Sequence[Gray]) -> Sighting | None:
    left, top, right, bottom = int(box.left), int(box.top), int(box.right), int(box.bottom)
    if right - left < 6 or bottom - top < 6 or bottom - top > _TALLEST * pictures[0].shape[0]:
        return None
    patches = [picture[top:bottom, left:right] for picture in pictures]
    middle = patches[len(patches) // 2]
    # One neighbour is enough: a brief line is gone in the other.
    still = max((alike(middle, patch) for patch in patches if patch is not middle), default=1.0)
    if _shifted(patches[0], patches[-1]):
        still = 0.0
    polarity, contrast, level = look(middle)
    return Sighting(burst, time, box, still, polarity, contrast, level, middle)


def _shifted(first: Gray, last: Gray) -> bool:
    """Whether the words moved sideways from one picture to the other."""
    width = first.shape[1]
    reach = min(24, width // 4)
    if reach < 2:
        return False
    inner = first[:, reach : width - reach]
    answer = cv2.matchTemplate(last, inner, cv2.TM_CCOEFF_NORMED)[0]
    best = int(answer.argmax())
    return abs(best - reach) >= 2 and float(answer[best]) > max(0.6, float(answer[reach]) + 0.1)


def look(patch: Gray, margin: float = 20) -> tuple[Polarity, float, float]:
    """Whether strokes are bright or dark, by how many levels, and how dark bright ones get.

    Outlined letters have strokes of both kinds. Text is taken for dark only where its bright
    strokes are no brighter than a flat bright ground: a box. ``margin`` is the levels by which they
    have to be.
    """
    size = max(5, int(patch.shape[0] * 0.36) | 1)
    counts = np.bincount(patch.ravel() >> 3, minlength=32)
    ground, share = float(counts.argmax() * 8 + 4), counts.max() / patch.size
    if share > 0.3 and ground > 150 and float(np.percentile(patch, 97)) < ground + margin:
        polarity: Polarity = "dark"
        fill = 255 - patch
    else:
        polarity, fill = "bright", patch
    response = cv2.morphologyEx(fill, cv2.MORPH_TOPHAT, square(size))
    contrast = float(np.percentile(response, 92))
    strokes = response > 0.5 * contrast
    level = float(np.percentile(fill[strokes], 15)) if strokes.any() else 0.0
    return polarity, contrast, level


def alike(one: Gray, other: Gray) -> float:
    """Correlation of two pictures of one size, -1 to 1."""
    a = one.astype(np.float32) - float(one.mean())
    b = other.astype(np.float32) - float(other.mean())
    norm = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / norm if norm > 0 else 0.0


def mark_repeated(found: Survey) -> None:
    """A line that shows the same words in the same place for long is a logo, not a subtitle."""
    for i, one in enumerate(found.sightings):
        twins = [one, *(other for other in found.sightings[i + 1 :] if same_words(one, other))]
        times = [twin.time for twin in twins]
        bursts = {twin.burst for twin in twins}
        between = {s.burst for s in found.sightings if min(times) <= s.time <= max(times)}
        # A line that comes again, as in a refrain, has other words, or none, in between.
        mostly = len(bursts) >= 0.6 * len(between)
        if len(bursts) >= 3 and max(times) - min(times) >= LONG and mostly:
            for twin in twins:
                twin.repeated = True


def how_many_words(row: list[Sighting]) -> int:
    """How many different words a row has shown."""
    kinds: list[Sighting] = []
    for sighting in row:
        if not any(same_words(kind, sighting) for kind in kinds):
            kinds.append(sighting)
    return len(kinds)


def same_words(one: Sighting, other: Sighting) -> bool:
    """Whether two sightings show the same words in the same place."""
    a, b = one.box, other.box
    shared_w = min(a.right, b.right) - max(a.left, b.left)
    shared_h = min(a.bottom, b.bottom) - max(a.top, b.top)
    if shared_w < 0.7 * max(a.width, b.width) or shared_h < 0.7 * max(a.height, b.height):
        return False
    left, top = int(max(a.left, b.left)), int(max(a.top, b.top))
    wide, high = int(shared_w), int(shared_h)
    first = one.patch[top - int(a.top) :, left - int(a.left) :][:high, :wide]
    second = other.patch[top - int(b.top) :, left - int(b.left) :][:high, :wide]
    rows, columns = min(len(first), len(second)), min(first.shape[1], second.shape[1])
    if rows <= 4 or columns <= 4:
        return False
    return alike(first[:rows, :columns], second[:rows, :columns]) >= _SAME_WORDS
