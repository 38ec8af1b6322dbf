"""Finds the bands in which a film's subtitles stand.

The film is looked at in *bursts*: a few frames within half a second, at times spread over all of
it. A line of text is taken for part of a subtitle when

* it stands still within the burst (a ticker moves, scenery usually does),
* other bursts show other words at its height (a logo or a title shows the same),
* its height and its alignment are those of its neighbours in time (scene text stands anywhere).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from statistics import median

import cv2
import numpy as np

from yivideo.ocr.detection import TextBox
from yivideo.subtitles.ink import Gray
from yivideo.subtitles.model import Anchor, Band, Box, Polarity

# How alike two pictures of the same words are, at least (correlation).
_SAME = 0.7
# A second row belongs to the band when it is no further away than so many line heights.
_ROW_STEP = 1.9
# Letters higher than this share of the picture are a title's, or none at all.
_TALLEST = 0.2
# Seconds after which a line that never changes is no longer taken for a subtitle.
_LONG = 8.0
# Strokes of subtitles stand out by at least so many levels.
_LEAST_CONTRAST = 45


@dataclass(frozen=True, slots=True)
class Burst:
    """A few frames close together: presentation time of the first in seconds, luma pictures."""

    time: float
    pictures: Sequence[Gray]


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
        return (self.box.top + self.box.bottom) / 2

    @property
    def centre(self) -> float:
        return (self.box.left + self.box.right) / 2


@dataclass(frozen=True, slots=True)
class FoundBand:
    """A band, and how its text looks.

    Attributes:
        band: the band, in pixels of the bursts.
        contrast: levels by which strokes stand out.
        level: the darkest level that strokes have.
        words: how many different texts were seen.
        purity: part of the lines seen that have the band's polarity.
        centre: column on which its lines are centred; None where they are not.
    """

    band: Band
    contrast: float
    level: float
    words: int
    purity: float = 0.0
    centre: float | None = None


@dataclass(slots=True)
class Survey:
    """What all bursts showed."""

    width: int
    height: int
    bursts: int = 0
    sightings: list[Sighting] = field(default_factory=list)


def survey(
    bursts: Iterable[Burst],
    detect: Callable[[Gray], list[TextBox]],
    so_far: Survey | None = None,
) -> Survey | None:
    """Look for lines of text in every burst, adding to what was seen ``so_far``."""
    result = so_far
    for burst in bursts:
        first = burst.pictures[0]
        if result is None:
            result = Survey(first.shape[1], first.shape[0])
        for box in detect(burst.pictures[len(burst.pictures) // 2]):
            sighting = _sighting(result.bursts, burst.time, box, burst.pictures)
            if sighting is not None:
                result.sightings.append(sighting)
        result.bursts += 1
    return result


def is_settled(found: Survey) -> bool:
    """Whether more bursts would hardly change the answer: each band has shown many texts."""
    bands = find_bands(found)
    return bool(bands) and bands[0].words >= 6


def given_band(box: Box, found: Survey) -> FoundBand:
    """The band of an area that the user gave, in the pixels of the bursts."""
    inside = [
        s
        for s in found.sightings
        if box.left <= s.centre <= box.right and box.top <= s.middle <= box.bottom
    ]
    if not inside:
        height = min(0.09 * found.height, 0.8 * max(1, box.height))
        band = Band(
            box=box,
            anchor=_anchor((box.top + box.bottom) / 2, found.height),
            text_height=height,
            source="given",
        )
        return FoundBand(band, contrast=100.0, level=0.0, words=0)
    band = _band(inside, found)
    return replace(band, band=band.band.model_copy(update={"box": box, "source": "given"}))


def _sighting(burst: int, time: float, box: TextBox, pictures: Sequence[Gray]) -> Sighting | None:
    left, top, right, bottom = int(box.left), int(box.top), int(box.right), int(box.bottom)
    if right - left < 6 or bottom - top < 6 or bottom - top > _TALLEST * pictures[0].shape[0]:
        return None
    patches = [picture[top:bottom, left:right] for picture in pictures]
    middle = patches[len(patches) // 2]
    # One neighbour is enough: a brief line is gone in the other.
    still = max((_alike(middle, patch) for patch in patches if patch is not middle), default=1.0)
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


def look(patch: Gray) -> tuple[Polarity, float, float]:
    """Whether strokes are bright or dark, by how many levels, and how dark bright ones get.

    Outlined letters have strokes of both kinds. Text is taken for dark only where its bright
    strokes are no brighter than a flat bright ground: a box.
    """
    size = max(5, int(patch.shape[0] * 0.36) | 1)
    element = cv2.getStructuringElement(cv2.MORPH_RECT, (size, size))
    counts = np.bincount(patch.ravel() >> 3, minlength=32)
    ground, share = float(counts.argmax() * 8 + 4), counts.max() / patch.size
    if share > 0.3 and ground > 150 and float(np.percentile(patch, 97)) < ground + 20:
        polarity: Polarity = "dark"
        fill = 255 - patch
    else:
        polarity, fill = "bright", patch
    response = cv2.morphologyEx(fill, cv2.MORPH_TOPHAT, element)
    contrast = float(np.percentile(response, 92))
    strokes = response > 0.5 * contrast
    level = float(np.percentile(fill[strokes], 15)) if strokes.any() else 0.0
    return polarity, contrast, level


def _alike(one: Gray, other: Gray) -> float:
    """Correlation of two pictures of one size, -1 to 1."""
    a = one.astype(np.float32) - float(one.mean())
    b = other.astype(np.float32) - float(other.mean())
    norm = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / norm if norm > 0 else 0.0


def find_bands(found: Survey, *, include_static: bool = False) -> list[FoundBand]:
    """The bands of a film in the pixels of its bursts, the fullest first; empty when none.

    ``include_static`` takes text that never changes for subtitles as well.
    """
    if not include_static:
        _mark_repeated(found)
    rest = [s for s in found.sightings if s.still >= _SAME and (include_static or not s.repeated)]
    moving = _moving_rows(found)
    bands: list[FoundBand] = []
    while rest:
        row = _fullest_row(rest, found, include_static=include_static)
        if row is None:
            break
        rows = _grown(row, rest)
        band = _without(_band(rows, found), rows, moving)
        taken = band.band.box
        if include_static or _worthy(band, bands, wide=found.width > found.height):
            bands.append(band)
        rest = [s for s in rest if s not in rows and not taken.top <= s.middle <= taken.bottom]
        if len(bands) == 3:
            break
    return bands


def _moving_rows(found: Survey) -> list[tuple[float, float]]:
    """Top and bottom of rows in which words run sideways most of the time: tickers."""
    runs = [s for s in found.sightings if s.still == 0.0]
    rows: list[tuple[float, float]] = []
    for seed in runs:
        row = [s for s in runs if abs(s.middle - seed.middle) < 0.3 * seed.box.height]
        if len({s.burst for s in row}) >= max(3, 0.3 * found.bursts):
            top, bottom = median(s.box.top for s in row), median(s.box.bottom for s in row)
            if not any(abs(top - other[0]) < 2 for other in rows):
                rows.append((top, bottom))
    return rows


def _without(
    found_band: FoundBand, rows: list[Sighting], moving: list[tuple[float, float]]
) -> FoundBand:
    """The band without the rows of a ticker at its edge."""
    band = found_band.band
    top, bottom = band.box.top, band.box.bottom
    first_row, last_row = min(s.middle for s in rows), max(s.middle for s in rows)
    for above, below in moving:
        if (above + below) / 2 > last_row + 0.5 * band.text_height:
            bottom = min(bottom, int(above))
        elif (above + below) / 2 < first_row - 0.5 * band.text_height:
            top = max(top, round(below))
    box = band.box.model_copy(update={"top": top, "bottom": bottom})
    return replace(found_band, band=band.model_copy(update={"box": box}))


def _mark_repeated(found: Survey) -> None:
    """A line that shows the same words in the same place for long is a logo, not a subtitle."""
    for i, one in enumerate(found.sightings):
        twins = [one, *(other for other in found.sightings[i + 1 :] if _same_words(one, other))]
        times = [twin.time for twin in twins]
        bursts = {twin.burst for twin in twins}
        between = {
            s.burst for s in found.sightings if min(times) <= s.time <= max(times)
        }
        # A line that comes again, as in a refrain, has other words, or none, in between.
        mostly = len(bursts) >= 0.6 * len(between)
        if len(bursts) >= 3 and max(times) - min(times) >= _LONG and mostly:
            for twin in twins:
                twin.repeated = True


def _different(row: list[Sighting]) -> int:
    """How many different words a row has shown."""
    kinds: list[Sighting] = []
    for sighting in row:
        if not any(_same_words(kind, sighting) for kind in kinds):
            kinds.append(sighting)
    return len(kinds)


def _same_words(one: Sighting, other: Sighting) -> bool:
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
    return rows > 4 and columns > 4 and _alike(first[:rows, :columns], second[:rows, :columns]) >= 0.75


def _weight(sighting: Sighting, width: int) -> float:
    """How much a line looks like a subtitle's by itself: confident, wide, near the middle."""
    off = abs(sighting.centre - width / 2) / width
    centred = 1.0 if off < 0.03 else 0.6 if off < 0.1 else 0.35
    return sighting.box.score * centred * (0.5 + min(0.5, sighting.box.width / width))


def _fullest_row(
    rest: list[Sighting], found: Survey, *, include_static: bool
) -> list[Sighting] | None:
    """The lines at one height that most bursts agree on."""
    best: tuple[float, list[Sighting]] | None = None
    for seed in rest:
        row = [
            s
            for s in rest
            if abs(s.middle - seed.middle) < 0.45 * seed.box.height
            and 0.6 < s.box.height / seed.box.height < 1.6
        ]
        by_burst: dict[int, float] = {}
        for s in row:
            by_burst[s.burst] = max(by_burst.get(s.burst, 0.0), _weight(s, found.width))
        score = sum(by_burst.values()) * _alignment(row, found.width)
        if best is None or score > best[0]:
            best = (score, row)
    if best is None:
        return None
    return best[1] if include_static or _enough(best[1], best[0], found) else None


def _alignment(row: list[Sighting], width: int) -> float:
    """1 where the lines share a centre or a left edge, less where they stand anywhere."""
    if len(row) == 1:
        return 0.7
    spread = min(
        float(np.std([s.centre for s in row])), float(np.std([s.box.left for s in row]))
    )
    return 1.0 if spread < 0.04 * width else 0.6 if spread < 0.1 * width else 0.3


def _enough(row: list[Sighting], score: float, found: Survey) -> bool:
    bursts, words = len({s.burst for s in row}), _different(row)
    times = [s.time for s in found.sightings]
    brief = max(times) - min(times) < 2 * _LONG
    # What stands from the first look to the last in a brief film is a logo there, too.
    always = found.bursts >= 4 and bursts >= 0.9 * found.bursts
    return score >= 0.4 and (words >= 2 or (brief and not always))


def _worthy(band: FoundBand, others: list[FoundBand], *, wide: bool) -> bool:
    """Whether a band's text is marked enough, and enough like that of the fullest band."""
    if band.contrast < _LEAST_CONTRAST:
        return False
    # Titles stand in the middle of wide pictures, without an outline; subtitles hardly ever.
    if wide and band.band.anchor == "middle" and (band.contrast < 100 or band.words < 4):
        return False
    if not others:
        return True
    first = others[0]
    alike = 0.5 < band.band.text_height / first.band.text_height < 2
    return alike and band.words >= 3 and band.contrast > 0.5 * first.contrast


def _grown(row: list[Sighting], rest: list[Sighting]) -> list[Sighting]:
    """The row and the rows above and below that belong to the same subtitles."""
    rows = list(row)
    height = median(s.box.height for s in row)
    centre = median(s.centre for s in row)
    while True:
        top, bottom = min(s.middle for s in rows), max(s.middle for s in rows)
        more = [
            s
            for s in rest
            if s not in rows
            and (0 < top - s.middle <= _ROW_STEP * height or 0 < s.middle - bottom <= _ROW_STEP * height
                 or top <= s.middle <= bottom)
            and 0.45 < s.box.height / height < 2.0
            and (s.box.left < centre < s.box.right or abs(s.centre - centre) < 4 * height)
        ]
        if not more or bottom - top > 5 * height:
            return rows
        rows += more


def _band(rows: list[Sighting], found: Survey) -> FoundBand:
    height = median(s.box.height for s in rows)
    top, bottom = min(s.box.top for s in rows), max(s.box.bottom for s in rows)
    lines = max(1.0, (bottom - top) / height)
    anchor = _anchor((top + bottom) / 2, found.height)
    spare = max(0.5, 2.2 - lines) * 1.15 * height
    above = spare if anchor != "top" else 0.5 * height
    below = spare if anchor != "bottom" else 0.5 * height
    if anchor == "middle":
        above = below = max(0.5 * height, 0.7 * spare)
    polarity: Polarity = (
        "bright" if sum(1 if s.polarity == "bright" else -1 for s in rows) >= 0 else "dark"
    )
    same = [s for s in rows if s.polarity == polarity]
    return FoundBand(
        Band(
            box=Box(
                left=0,
                top=max(0, int(top - above)),
                right=found.width,
                bottom=min(found.height, round(bottom + below)),
            ),
            anchor=anchor,
            polarity=polarity,
            text_height=height,
        ),
        contrast=float(np.percentile([s.contrast for s in same], 20)),
        level=float(min(s.level for s in same)),
        words=_different(rows),
        purity=len(same) / len(rows),
        centre=_common_centre(rows, found.width),
    )


def _common_centre(rows: list[Sighting], width: int) -> float | None:
    """The column on which nearly all lines are centred, if there is one."""
    middle = median(s.centre for s in rows)
    off = sorted(abs(s.centre - middle) for s in rows)
    return middle if len(rows) >= 4 and off[int(0.85 * len(off))] < 0.02 * width else None


def _anchor(middle: float, height: int) -> Anchor:
    if middle < 0.35 * height:
        return "top"
    return "bottom" if middle > 0.65 * height else "middle"
