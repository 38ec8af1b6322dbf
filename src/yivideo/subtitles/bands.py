"""Finds the bands in which a film's subtitles stand.

The film is looked at in *bursts*: a few frames within half a second, at times spread over all of
it. A line of text is taken for part of a subtitle when

* it stands still within the burst (a ticker moves, scenery usually does),
* other bursts show other words at its height (a logo or a title shows the same),
* its height and its alignment are those of its neighbours in time (scene text stands anywhere).
"""

from dataclasses import dataclass, replace
from statistics import median

import numpy as np

from yivideo.subtitles.model import Anchor, Band, Box, Polarity
from yivideo.subtitles.survey import LONG, Sighting, Survey, how_many_words, mark_repeated

# How alike a line is to itself a moment later, at least (correlation).
_SAME = 0.7
# A second row belongs to the band when it is no further away than so many line heights.
_ROW_STEP = 1.9
# Strokes of subtitles stand out by at least so many levels.
_LEAST_CONTRAST = 45


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


def find_bands(found: Survey, *, include_static: bool = False) -> list[FoundBand]:
    """The bands of a film in the pixels of its bursts, the fullest first; empty when none.

    ``include_static`` takes text that never changes for subtitles as well.
    """
    if not include_static:
        mark_repeated(found)
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
    spread = min(float(np.std([s.centre for s in row])), float(np.std([s.box.left for s in row])))
    return 1.0 if spread < 0.04 * width else 0.6 if spread < 0.1 * width else 0.3


def _enough(row: list[Sighting], score: float, found: Survey) -> bool:
    bursts, words = len({s.burst for s in row}), how_many_words(row)
    times = [s.time for s in found.sightings]
    brief = max(times) - min(times) < 2 * LONG
    # What stands from the first look to the last in a brief film is a logo there, too. Where
    # subtitles stand, at the foot and in the middle, it may be a line that lasts.
    centre, foot = median(s.centre for s in row), median(s.middle for s in row)
    usual = abs(centre - found.width / 2) < 0.05 * found.width and foot > 0.6 * found.height
    always = found.bursts >= 4 and bursts >= (0.95 if usual else 0.5) * found.bursts
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
            and top - _ROW_STEP * height <= s.middle <= bottom + _ROW_STEP * height
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
        words=how_many_words(rows),
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
