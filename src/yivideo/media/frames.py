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


class Fitting:
    """Gives every picture of a reading the size and pixel format of the first."""

    def __init__(self) -> None:
        self._layout: Layout | None = None

    def __call__(self, picture: VideoFrame) -> tuple[VideoFrame, Layout]:
        """The picture, scaled where it is unlike the first one, and its layout."""
        layout = self._layout
        if layout is None:
            layout = self._layout = Layout.of(picture)
        return (picture, layout) if layout.fits(picture) else _refitted(picture, layout)


class Passage:
    """The frames that a decoder gives from one time to another.

    Attributes:
        frames: how many there were so far.
        end_time: seconds at which the last of them stops being shown, once all have come.
        stopped: whether there were more after it.
    """

    def __init__(self, decoder: Decoder, fitted: Fitting) -> None:
        self.frames = 0
        self.end_time = 0.0
        self.stopped = False
        self._decoder = decoder
        self._fitted = fitted

    def read(
        self, start: float | None, end: float | None, *, cut: bool = False
    ) -> Generator[Frame]:
        """Frames shown at `start` seconds or later, and before `end`.

        With `cut` a key frame is known to be shown at `end`, which then need not be decoded.
        """
        decoder, before = self._decoder, end if cut else None
        tick, period = float(decoder.source.time_base), decoder.source.period
        pictures = decoder.from_time(start, before) if start else decoder.from_here(before)
        for picture, time in pictures:
            if end is not None and time >= end - ROUNDING:
                self.end_time, self.stopped = time, True
                return
            fitting, layout = self._fitted(picture)
            yield Frame(fitting, time, self.frames, layout)
            self.frames += 1
            self.end_time = round(time + (picture.duration * tick or period), 6)


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
        decoder = self._decoder
        with decoder:
            passage = Passage(decoder, Fitting())
            yield from passage.read(self._start, self._end)
            if not passage.frames:
                raise no_frames(decoder.source, self._start, self._end)
            self.report = reported(
                decoder.source,
                frames=passage.frames,
                end_time=passage.end_time,
                whole=passage.stopped,
                broke_off=decoder.broke_off,
                damaged=decoder.damaged,
            )


def reported(  # keyword-only
    source: Source, *, frames: int, end_time: float, whole: bool, broke_off: bool, damaged: int
) -> ReadReport:
    """What is to be said of a reading; `whole` where the film goes on after what was wanted."""
    truncated = not whole and (broke_off or ended_early(source, end_time))
    return ReadReport(
        frames=frames,
        end_time=end_time,
        truncated=truncated,
        readable_until=end_time if truncated else None,
        damaged_packets=damaged,
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


def no_frames(source: Source, start: float | None, end: float | None) -> YiVideoError:
    """Why a reading gave nothing."""
    if source.stream.codec_context.is_hwaccel:
        codec = source.stream.codec_context.name
        return DeviceUnavailable(f"The GPU does not decode this kind of {codec}; use the CPU.")
    if start is not None or end is not None:
        span = f"between {start or 0:g} s and {'the end' if end is None else f'{end:g} s'}"
        return NoFrames(f"'{source.name}' has no frames {span}.")
    return NoFrames(f"Not one frame of '{source.name}' could be decoded.")
