"""Decoding a film once, in presentation order."""

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass

from av.video.frame import VideoFrame

from yivideo.errors import DeviceUnavailable, NoFrames, YiVideoError
from yivideo.media.accelerated import open_on
from yivideo.media.decoding import Decoder
from yivideo.media.ending import ended_early
from yivideo.media.frame import BoxLike, Frame, Layout
from yivideo.media.source import Source
from yivideo.media.timing import ROUNDING
from yivideo.media.tuning import for_reading

__all__ = ["BoxLike", "Frame", "FrameReader", "ReadReport", "read_frames"]


@dataclass(frozen=True, slots=True)
class ReadReport:
    """What a finished reading came to.

    Attributes:
        frames: how many frames were handed out.
        end_time: seconds at which the last of them stops being shown.
        truncated: whether the file ended before what its header announces, or in an error.
        readable_until: `end_time` if truncated, else None.
        damaged_packets: packets that could not be read or decoded and were passed over.
    """

    frames: int
    end_time: float
    truncated: bool
    readable_until: float | None
    damaged_packets: int


class FrameReader(Iterator[Frame]):
    """Iterator over the frames of a film; `report` is set once it is exhausted.

    Leaving it early is fine: `close()`, or dropping it, closes the file.
    """

    def __init__(self, decoder: Decoder, *, start: float | None, end: float | None) -> None:
        self.report: ReadReport | None = None
        self._decoder = decoder
        self._start = start
        self._end = end
        self._frames = self._read()

    def __next__(self) -> Frame:
        return next(self._frames)

    def close(self) -> None:
        """Stop reading and close the file."""
        self._frames.close()
        self._decoder.close()

    def _read(self) -> Generator[Frame]:
        decoder, start, end = self._decoder, self._start, self._end
        with decoder:
            tick, period = float(decoder.source.time_base), decoder.source.period
            layout: Layout | None = None
            frames, end_time, stopped = 0, 0.0, False
            for picture, time in decoder.from_time(start) if start else decoder.from_here():
                if end is not None and time >= end - ROUNDING:
                    end_time, stopped = time, True
                    break
                if layout is None:
                    layout = Layout.of(picture)
                elif not layout.fits(picture):
                    picture, layout = _refitted(picture, layout)  # noqa: PLW2901
                yield Frame(picture, time, frames, layout)
                frames += 1
                end_time = round(time + (picture.duration * tick or period), 6)
            self.report = self._finished(frames, end_time, stopped=stopped)

    def _finished(self, frames: int, end_time: float, *, stopped: bool) -> ReadReport:
        decoder = self._decoder
        if not frames:
            raise _no_frames(decoder.source, self._start, self._end)
        truncated = not stopped and (decoder.broke_off or ended_early(decoder.source, end_time))
        return ReadReport(
            frames=frames,
            end_time=end_time,
            truncated=truncated,
            readable_until=end_time if truncated else None,
            damaged_packets=decoder.damaged,
        )


def read_frames(
    source: Source,
    *,
    start: float | None = None,
    end: float | None = None,
    device: str = "cpu",
    cancelled: Callable[[], bool] | None = None,
) -> FrameReader:
    """Decode the film once, in presentation order.

    The file is opened anew, so any number of readings of one source may run. Times strictly
    increase (`timing.Clock` says how bad time stamps are repaired). A film whose picture size or
    pixel format changes on the way is scaled to its first picture.

    Args:
        source: what `open_source` gave.
        start: hand out frames from this time on (seconds); reading begins at a key frame before.
        end: stop before the first frame that is shown at this time or later.
        device: "cpu", or "cuda:N" for the N-th NVIDIA GPU.
        cancelled: asked before every packet.

    Raises:
        NoFrames: not one frame could be decoded, or none lies between start and end.
        InputUnreadable: there is not enough memory for its pictures.
        DeviceUnavailable: the device cannot decode this film.
        Cancelled: `cancelled` returned true.
    """

    def reopen() -> Source:
        reader = open_on(source, device)
        if device == "cpu":
            for_reading(reader)
        return reader

    return FrameReader(Decoder(reopen, cancelled), start=start, end=end)


def _refitted(picture: VideoFrame, layout: Layout) -> tuple[VideoFrame, Layout]:
    """The picture in the size of the first one, and the layout for its pixel format."""
    width, height = layout.coded_width, layout.coded_height
    if (picture.width, picture.height) != (width, height):
        picture = picture.reformat(width, height, threads=1)
    return picture, Layout(width, height, picture.format.name, layout.orientation)


def _no_frames(source: Source, start: float | None, end: float | None) -> YiVideoError:
    if source.stream.codec_context.is_hwaccel:
        codec = source.stream.codec_context.name
        return DeviceUnavailable(f"The GPU does not decode this kind of {codec}; use the CPU.")
    if start is not None or end is not None:
        span = f"between {start or 0:g} s and {'the end' if end is None else f'{end:g} s'}"
        return NoFrames(f"'{source.name}' has no frames {span}.")
    return NoFrames(f"Not one frame of '{source.name}' could be decoded.")
