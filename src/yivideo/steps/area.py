"""`paddleocr.detect_subtitle_area`: where subtitles stand."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pydantic import BaseModel

from yivideo.steps.context import Context
from yivideo.steps.keyframes import NAME as KEYFRAMES
from yivideo.steps.keyframes import KeyframePicture, Keyframes
from yivideo.steps.models import open_models
from yivideo.steps.registry import Gpu, step
from yivideo.subtitles.areas import parse_area
from yivideo.subtitles.bands import FoundBand, find_bands, given_band, is_settled
from yivideo.subtitles.model import Band, Box, Video
from yivideo.subtitles.survey import Burst, Survey

if TYPE_CHECKING:
    from yivideo.steps.folder import Pixels

NAME = "paddleocr.detect_subtitle_area"
# So many bursts are looked at before asking whether they were enough.
_FIRST_LOOK = 24


class AreaParams(BaseModel):
    """What to take for subtitles.

    Attributes:
        areas: where subtitles stand, as the user writes it; found when empty.
        include_static: take text that never changes for subtitles as well.
    """

    areas: tuple[str, ...] = ()
    include_static: bool = False


class WatchedBand(BaseModel):
    """A band in the film's pixels, and how its text looks.

    Attributes:
        band: the band.
        contrast: levels of 0..255 by which its strokes stand out.
        level: luma of the darkest strokes seen (inverted for dark text).
        purity: part of the lines seen that have the band's polarity.
        centre: column on which its lines are centred; None where they are not.
    """

    band: Band
    contrast: float
    level: float
    purity: float = 0.0
    centre: float | None = None


class Areas(BaseModel):
    """Where subtitles stand.

    Attributes:
        bands: none where the film has no subtitles.
        looked_at: how many bursts it took to tell.
    """

    bands: tuple[WatchedBand, ...]
    looked_at: int


@step(
    NAME,
    params=AreaParams,
    output=Areas,
    after=(KEYFRAMES,),
    needs=Gpu(compute=1, memory="2 GiB"),
)
def detect_subtitle_area(params: AreaParams, context: Context) -> Areas:
    """Find the bands in which subtitles stand, told from logos, tickers and scene text."""
    keyframes = context.output_of(KEYFRAMES, Keyframes)
    bursts = list(_bursts(context))
    detect = open_models(context.device).detector
    found = Survey(keyframes.width, keyframes.height)
    for part in _passes(bursts):
        for burst in part:
            found.add(burst, detect(burst.middle))
            context.progress(found.bursts / len(bursts), burst.time)
        if params.areas or is_settled(found):
            break
    video = keyframes.video
    if params.areas:
        watched = [_given(text, video, found) for text in params.areas]
    else:
        watched = [
            _watched(band, video, found)
            for band in find_bands(found, include_static=params.include_static)
        ]
    return Areas(bands=tuple(watched), looked_at=found.bursts)


def _bursts(context: Context) -> Iterator[Burst]:
    pictures: list[Pixels] = []
    number, time = 0, 0.0
    for record, picture in context.pictures_of(KEYFRAMES, KeyframePicture):
        if record.burst != number and pictures:
            yield Burst(time, pictures)
            pictures = []
        if not pictures:
            number, time = record.burst, record.time
        pictures.append(picture)
    if pictures:
        yield Burst(time, pictures)


def _passes(bursts: list[Burst]) -> Iterator[list[Burst]]:
    """First some that are spread over the film, then what they left out."""
    if len(bursts) <= _FIRST_LOOK:
        yield bursts
        return
    chosen = {i * len(bursts) // _FIRST_LOOK for i in range(_FIRST_LOOK)}
    yield [burst for i, burst in enumerate(bursts) if i in chosen]
    yield [burst for i, burst in enumerate(bursts) if i not in chosen]


def _given(text: str, video: Video, found: Survey) -> WatchedBand:
    """The band of an area as the user wrote it."""
    left, top, right, bottom = parse_area(text).pixels(video.width, video.height)
    across, down = found.width / video.width, found.height / video.height
    small = Box(
        left=int(left * across),
        top=int(top * down),
        right=round(right * across),
        bottom=round(bottom * down),
    )
    box = Box(left=left, top=top, right=right, bottom=bottom)
    return _watched(given_band(small, found), video, found, box)


def _watched(
    found_band: FoundBand, video: Video, found: Survey, given: Box | None = None
) -> WatchedBand:
    """The band in the film's own pixels."""
    across, down = video.width / found.width, video.height / found.height
    small = found_band.band
    box = given or Box(
        left=int(small.box.left * across),
        top=int(small.box.top * down),
        right=min(video.width, round(small.box.right * across)),
        bottom=min(video.height, round(small.box.bottom * down)),
    )
    band = small.model_copy(update={"box": box, "text_height": small.text_height * down})
    centre = found_band.centre
    return WatchedBand(
        band=band,
        contrast=found_band.contrast,
        level=found_band.level,
        purity=found_band.purity,
        centre=centre * across if centre is not None else None,
    )
