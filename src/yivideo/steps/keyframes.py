"""`ffmpeg.extract_keyframes`: looks into the film at places spread over all of it."""

from typing import Annotated

import cv2
import numpy as np
from pydantic import BaseModel, Field

from yivideo.errors import NoFrames
from yivideo.media.probe import VideoInfo, probe
from yivideo.media.sample import sample_frames
from yivideo.media.source import open_source
from yivideo.steps.context import Context
from yivideo.steps.folder import Pixels
from yivideo.steps.registry import step
from yivideo.subtitles.model import Video

NAME = "ffmpeg.extract_keyframes"

# Frames of a burst, and the seconds between them: a ticker moves by a letter in that time.
_BURST = 3
_SPACING = 0.12
# From this length on the key frames themselves are dense enough, and much cheaper to reach.
_SNAP_FROM = 90.0
# Bursts closer than this would overlap.
_LEAST_STEP = 0.5


class KeyframesParams(BaseModel):
    """Where and how often to look.

    Attributes:
        start: seconds at which the part of interest begins.
        end: seconds at which it ends; None for the end of the film.
        places: how many bursts at most; by default one every twenty seconds, 32 to
            96 (fewer in films of less than 16 seconds).
        side: longer side of the pictures, in pixels.
    """

    start: Annotated[float, Field(ge=0)] = 0.0
    end: float | None = None
    places: Annotated[int, Field(ge=1, le=1000)] | None = None
    side: Annotated[int, Field(ge=64, le=4096)] = 640


class KeyframePicture(BaseModel):
    """One frame of a burst."""

    file: str
    burst: int
    time: float


class Keyframes(BaseModel):
    """What was looked at.

    Attributes:
        video: facts about the film.
        info: all that probing found.
        width: width of the pictures, in square pixels.
        height: their height.
        bursts: how many places gave at least one frame.
    """

    video: Video
    info: VideoInfo
    width: int
    height: int
    bursts: int


@step(NAME, params=KeyframesParams, output=Keyframes)
def extract_keyframes(params: KeyframesParams, context: Context) -> Keyframes:
    """Sample frames over the whole video by seeking, without decoding all of it."""
    info = probe(context.video)
    size = shown_size(info, params.side)
    times = sample_times(params, info.duration)
    snap = (params.end or info.duration or 0.0) - params.start > _SNAP_FROM
    bursts, last = 0, -1.0
    with open_source(context.video) as source:
        samples = sample_frames(source, times, burst=_BURST, spacing=_SPACING, snap=snap)
        for done, (_, frames) in enumerate(samples, 1):
            # Two places may share a key frame.
            if not frames or frames[0].time <= last:
                continue
            last = frames[0].time
            for index, frame in enumerate(frames):
                record = KeyframePicture(
                    file=f"{bursts:04}-{index}.jpg", burst=bursts, time=frame.time
                )
                context.put(record, shrunk(frame.luma(), size))
            bursts += 1
            context.progress(done / len(times), last)
    if not bursts:
        raise NoFrames(f"Not one frame of '{context.video.name}' could be decoded.")
    return Keyframes(video=described(info), info=info, width=size[0], height=size[1], bursts=bursts)


def sample_times(params: KeyframesParams, duration: float | None) -> list[float]:
    """The middles of equal parts of the film, in seconds."""
    end = min(params.end or duration or 60.0, duration or params.end or 60.0)
    length = max(0.0, end - params.start)
    places = params.places or int(max(1, min(96, max(32, length / 20), length / _LEAST_STEP)))
    return [params.start + length * (i + 0.5) / places for i in range(places)]


def shown_size(info: VideoInfo, side: int) -> tuple[int, int]:
    """Width and height of the picture in square pixels, its longer side ``side`` at most."""
    width, height = info.width * info.pixel_aspect, float(info.height)
    scale = min(1.0, side / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def shrunk(luma: Pixels, size: tuple[int, int]) -> Pixels:
    """The picture at that size (width, height)."""
    if luma.shape[::-1] == size:
        return np.array(luma)
    # Far larger pictures are thinned out first: averaging every pixel of 4K is wasted here.
    thin = max(1, min(luma.shape[1] // size[0], luma.shape[0] // size[1]) // 2)
    view = np.ascontiguousarray(luma[::thin, ::thin])
    return np.asarray(cv2.resize(view, size, interpolation=cv2.INTER_AREA), np.uint8)


def described(info: VideoInfo) -> Video:
    """What the result says of the film."""
    return Video(
        path=info.path,
        width=info.width,
        height=info.height,
        duration=info.duration,
        frame_rate=info.frame_rate,
        codec=info.codec,
        rotation=info.rotation,  # type: ignore[arg-type]  # one of the four by construction
        pixel_aspect=info.pixel_aspect,
    )
