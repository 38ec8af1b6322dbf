"""`ffmpeg.crop_subtitle_images`: one picture for each stretch of unchanged text."""

from contextlib import closing

import numpy as np
from pydantic import BaseModel

from yivideo.media.frame import Frame
from yivideo.media.parts import PartsReader
from yivideo.media.source import open_source
from yivideo.steps.area import NAME as AREA
from yivideo.steps.area import Areas, WatchedBand
from yivideo.steps.context import Context
from yivideo.steps.keyframes import NAME as KEYFRAMES
from yivideo.steps.keyframes import Keyframes
from yivideo.steps.registry import Gpu, step
from yivideo.subtitles.borders import Shot
from yivideo.subtitles.ink import InkScale
from yivideo.subtitles.model import Box
from yivideo.subtitles.stretches import Stretch, StretchFinder

NAME = "ffmpeg.crop_subtitle_images"
# Strokes may be so much darker than those that were sampled.
_DARKER = 50
# Bytes of the bands' pictures that may wait in memory for the frames before them, about.
_AHEAD = 40_000_000


class CropParams(BaseModel):
    """Which part of the film to read.

    Attributes:
        start: seconds at which to begin.
        end: seconds at which to stop; None for the end of the film.
    """

    start: float | None = None
    end: float | None = None


class StretchPicture(BaseModel):
    """A stretch of unchanged text.

    Attributes:
        file: its picture: luma, inverted where the text is dark.
        band: number of the band it was cut from.
        box: what the picture shows, in the film's pixels.
        start: presentation time of its first frame, in seconds.
        end: presentation time of the first frame after it.
        stays: whether something like text stood on through its end.
        frames: how many frames the picture was made of.
        times: their presentation times.
    """

    file: str
    band: int
    box: Box
    start: float
    end: float
    stays: bool
    frames: int
    times: tuple[float, ...]


class Crops(BaseModel):
    """How the decoding went.

    Attributes:
        frames: how many frames were decoded.
        end_time: seconds at which the last one stops being shown.
        readable_until: seconds up to which a damaged file could be read; None when it was whole.
        damaged_packets: packets that had to be passed over.
        stretches: how many pictures there are.
    """

    frames: int
    end_time: float
    readable_until: float | None
    damaged_packets: int
    stretches: int


class _Watcher:
    """One band, watched frame by frame."""

    def __init__(self, number: int, watched: WatchedBand, aspect: float) -> None:
        band = watched.band
        self.number = number
        self.dark = band.polarity == "dark"
        self.region = (band.box.left, band.box.top, band.box.right, band.box.bottom)
        self.scale = InkScale.for_text(
            band.text_height, watched.contrast, max(0, int(watched.level) - _DARKER)
        )
        self.bytes = (band.box.right - band.box.left) * (band.box.bottom - band.box.top)
        self.finder = StretchFinder(self.scale)
        self.aspect = aspect

    def take(self, frame: Frame) -> Shot:
        """What is watched of a frame, as a copy."""
        luma = frame.luma(self.region)
        picture = 255 - luma if self.dark else np.array(luma)
        return Shot(frame.time, picture, self.scale.small(picture))

    def cut(self, stretch: Stretch) -> tuple[Box, np.ndarray] | None:
        """The part of the stretch's picture that may hold text."""
        rows = stretch.text_rows()
        if rows is None:
            return None
        shrink = self.scale.shrink
        margin = 14 * shrink
        height = stretch.picture.shape[0]
        top, bottom = max(0, rows[0] * shrink - margin), min(height, rows[1] * shrink + margin)
        left, above, right, _ = self.region
        box = Box(left=left, top=above + top, right=right, bottom=above + bottom)
        return box, stretch.picture[top:bottom]


@step(
    NAME,
    params=CropParams,
    output=Crops,
    after=(KEYFRAMES, AREA),
    needs=Gpu(decode=1, memory="1 GiB"),
)
def crop_subtitle_images(params: CropParams, context: Context) -> Crops:
    """Decode the film once and cut a picture out for each stretch of unchanged text."""
    info = context.output_of(KEYFRAMES, Keyframes).info
    bands = context.output_of(AREA, Areas).bands
    watchers = [_Watcher(i, band, info.pixel_aspect) for i, band in enumerate(bands)]
    begin = params.start or 0.0
    length = max(1e-6, (params.end or info.duration or 0.0) - begin)
    count = 0
    with (
        open_source(context.video) as source,
        closing(
            PartsReader(
                source,
                lambda frame: [watcher.take(frame) for watcher in watchers],
                start=params.start,
                end=params.end,
                device=context.device,
                ahead=_AHEAD // max(1, sum(watcher.bytes for watcher in watchers)),
                cancelled=context.stop,
            )
        ) as reader,
    ):
        for index, (time, shots) in enumerate(reader):
            for watcher, shot in zip(watchers, shots, strict=True):
                for stretch in watcher.finder.push(shot):
                    count += _put(context, watcher, stretch, count)
            if index % 25 == 0:
                context.progress((time - begin) / length, time)
    report = reader.report
    assert report is not None
    for watcher in watchers:
        for stretch in watcher.finder.finish(report.end_time):
            count += _put(context, watcher, stretch, count)
    context.progress(1.0, report.end_time)
    return Crops(
        frames=report.frames,
        end_time=report.end_time,
        readable_until=report.readable_until,
        damaged_packets=report.damaged_packets,
        stretches=count,
    )


def _put(context: Context, watcher: _Watcher, stretch: Stretch, count: int) -> int:
    cut = watcher.cut(stretch)
    if cut is None:
        return 0
    box, picture = cut
    record = StretchPicture(
        file=f"{count:06}.png",
        band=watcher.number,
        box=box,
        start=round(stretch.start, 6),
        end=round(stretch.end, 6),
        stays=stretch.stays,
        frames=stretch.frames,
        times=tuple(round(time, 6) for time in stretch.times),
    )
    context.put(record, picture)
    return 1
