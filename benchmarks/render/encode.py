"""Write pictures into a file, with the oddities real files have."""

import random
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from benchmarks.render.spec import Clip

MILLISECOND = Fraction(1, 1000)
STEPS = (20, 33, 33, 40, 50, 83)


def frame_times(clip: Clip) -> list[Fraction]:
    """Seconds from the first frame to each frame, and to the end of the last."""
    rate = Fraction(clip.rate)
    count = int(clip.seconds * rate)
    if not clip.encoding.variable_rate:
        return [k / rate for k in range(count + 1)]
    rng = random.Random(clip.seed + 1)
    times, at = [Fraction(0)], 0
    while len(times) <= count:
        at += rng.choice(STEPS)
        times.append(at * MILLISECOND)
    return times


def _pq_curve() -> NDArray[np.uint16]:
    """Table from 8 bit sRGB to 16 bit PQ code values, diffuse white at 203 cd/m2."""
    code = np.arange(256) / 255
    light = np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4) * 203 / 10000
    m1, m2, c1, c2, c3 = 0.1593017578125, 78.84375, 0.8359375, 18.8515625, 18.6875
    powered = light**m1
    pq = ((c1 + c2 * powered) / (1 + c3 * powered)) ** m2
    return np.round(pq * 65535).astype(np.uint16)


class Writer:
    """A video file being written; pictures are as shown, (h, w, 3) uint8 RGB."""

    def __init__(self, path: Path, clip: Clip) -> None:
        self._clip, self._encoding = clip, clip.encoding
        self._rate = Fraction(clip.rate)
        self._base = MILLISECOND if self._encoding.variable_rate else 1 / self._rate
        self._container = av.open(str(path), "w")
        self._stream = self._add_stream()
        self._pq = _pq_curve() if self._encoding.pq else None

    def _add_stream(self) -> VideoStream:
        e, clip = self._encoding, self._clip
        options = {"g": str(e.key_frame_every), **e.options}
        if e.interlaced and e.codec == "mpeg2video":
            options["flags"] = "+ildct+ilme"
        stream = self._container.add_stream(e.codec, rate=self._rate, options=options)
        if not isinstance(stream, VideoStream):
            raise TypeError(f"{e.codec} does not encode video")
        turned = e.rotation in (90, 270)
        stream.width, stream.height = (
            (clip.height, clip.width) if turned else (clip.width, clip.height)
        )
        stream.pix_fmt = e.pixel_format
        context = stream.codec_context
        context.time_base = self._base
        context.sample_aspect_ratio = Fraction(e.pixel_aspect.replace(":", "/"))
        if e.pq:
            context.color_primaries, context.color_trc, context.colorspace = 9, 16, 9
        if e.rotation:
            stream.set_display_rotation(-e.rotation)
        return stream

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            for packet in self._stream.encode():
                self._container.mux(packet)
        self._container.close()

    def write(self, picture: NDArray[np.uint8], time: Fraction) -> None:
        """Append one picture shown from ``time`` (seconds after the first) on."""
        frame = self._frame(picture)
        frame.pts = round(
            (time + Fraction(self._encoding.starts_at).limit_denominator(1000)) / self._base
        )
        frame.time_base = self._base
        for packet in self._stream.encode(frame):
            self._container.mux(packet)

    def _frame(self, picture: NDArray[np.uint8]) -> VideoFrame:
        turns = self._encoding.rotation // 90
        if turns:
            picture = np.rot90(picture, turns)
        if self._pq is not None:
            wide = self._pq[np.ascontiguousarray(picture)]
            frame = VideoFrame.from_ndarray(wide, format="rgb48le")
            frame = frame.reformat(format=self._encoding.pixel_format, dst_colorspace=9)
        else:
            frame = VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
        return frame


def weave(
    picture: Callable[[float], NDArray[np.uint8]], times: list[Fraction]
) -> Iterator[NDArray[np.uint8]]:
    """Interlaced pictures: odd lines show the scene half a frame later than even ones."""
    for a, b in pairwise(times):
        even = picture(float(a))
        even[1::2] = picture(float((a + b) / 2))[1::2]
        yield even
