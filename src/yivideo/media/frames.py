"""Decoding a film once, in presentation order."""

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from av.codec.hwaccel import HWAccel
from av.error import FFmpegError
from av.stream import Discard
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from yivideo.errors import Cancelled, DeviceUnavailable, InputUnreadable, NoFrames, UsageError
from yivideo.media.ending import ended_early
from yivideo.media.frame import BoxLike, Frame, Layout
from yivideo.media.orientation import orientation_of
from yivideo.media.source import Source
from yivideo.media.timing import Clock

if TYPE_CHECKING:
    from av.packet import Packet

__all__ = ["BoxLike", "Frame", "FrameReader", "ReadReport", "read_frames"]

# What a damaged packet raises: PyAV's own errors and, out of its bindings, these.
_DAMAGE = (FFmpegError, ValueError, IndexError)
# A demuxer that fails this often in a row will not recover.
_MAX_DEMUX_ERRORS = 16
# How much earlier to seek when the first try lands behind the wanted time (seconds).
_SEEK_MARGINS = (0.0, 2.0, 15.0)


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

    def __init__(
        self,
        source: Source,
        *,
        start: float | None,
        end: float | None,
        cancelled: Callable[[], bool] | None,
    ) -> None:
        self.report: ReadReport | None = None
        self._source = source
        self._start = start
        self._end = end
        self._cancelled = cancelled
        self._damaged = 0
        self._broke_off = False
        self._frames = self._read()

    def __next__(self) -> Frame:
        return next(self._frames)

    def close(self) -> None:
        """Stop reading and close the file."""
        self._frames.close()
        self._source.close()

    def _read(self) -> Generator[Frame]:
        with self._source as source:
            end, tick = self._end, float(source.time_base)
            layout: Layout | None = None
            frames, end_time, stopped = 0, 0.0, False
            for picture, time in self._timed(source):
                if end is not None and time >= end:
                    end_time, stopped = time, True
                    break
                if layout is None:
                    layout = _layout_of(picture)
                elif not layout.fits(picture):
                    picture, layout = _refitted(picture, layout)  # noqa: PLW2901
                yield Frame(picture, time, frames, layout)
                frames += 1
                end_time = time + (picture.duration * tick or source.period)
            self._finish(source, frames, end_time, stopped=stopped)

    def _timed(self, source: Source) -> Iterator[tuple[VideoFrame, float]]:
        """Decoded pictures from the wanted start on, with the time at which they are shown."""
        start = self._start
        if not start:
            clock = _clock(source)
            for picture in self._decoded(source):
                yield picture, clock.time_of(_stamp(picture))
            return
        for margin in _SEEK_MARGINS:
            landed = _seek(source, start - margin)
            clock = _clock(source)
            for picture in self._decoded(source):
                time = clock.time_of(_stamp(picture))
                if not landed and time > start:
                    break
                landed = True
                if time >= start:
                    yield picture, time
            else:
                return

    def _decoded(self, source: Source) -> Iterator[VideoFrame]:
        """Pictures in presentation order; damaged packets are counted and passed over."""
        cancelled, decode = self._cancelled, source.stream.codec_context.decode
        for packet in self._packets(source):
            if cancelled is not None and cancelled():
                raise Cancelled("Stopped on request.")
            try:
                pictures = decode(packet)
            except MemoryError as error:
                raise InputUnreadable(
                    f"There is not enough memory to decode the pictures of '{source.name}'."
                ) from error
            except EOFError:
                return
            except _DAMAGE:
                self._damaged += 1
                continue
            yield from pictures

    def _packets(self, source: Source) -> "Iterator[Packet[VideoStream] | None]":
        """The film's packets, None at the end to bring out what the decoder still holds."""
        failures = 0
        while failures < _MAX_DEMUX_ERRORS:
            try:
                for packet in source.container.demux(source.stream):
                    # PyAV ends with an empty packet; an error would have kept it back.
                    if packet.size:
                        failures = 0
                        yield packet
                break
            except OSError:
                self._broke_off = True
                break
            except _DAMAGE:
                self._damaged += 1
                failures += 1
        else:
            self._broke_off = True
        yield None

    def _finish(self, source: Source, frames: int, end_time: float, *, stopped: bool) -> None:
        if not frames:
            raise _no_frames(source, self._start, self._end)
        truncated = not stopped and (self._broke_off or ended_early(source, end_time))
        self.report = ReadReport(
            frames=frames,
            end_time=end_time,
            truncated=truncated,
            readable_until=end_time if truncated else None,
            damaged_packets=self._damaged,
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
    reader = _open_on(source, device)
    for stream in reader.container.streams:
        if stream.index != reader.stream.index:
            stream.discard = Discard.all
    if device == "cpu":
        _set_up_threads(reader.stream)
    return FrameReader(reader, start=start, end=end, cancelled=cancelled)


def _set_up_threads(stream: VideoStream) -> None:
    """The threading that costs the fewest CPU seconds for the codec, if not much slower."""
    context = stream.codec_context
    context.thread_type = "SLICE"
    if context.name == "h264":
        context.options = {"skip_loop_filter": "bidir"}
    elif context.name == "hevc":
        context.thread_type = "FRAME"


def _open_on(source: Source, device: str) -> Source:
    if device == "cpu":
        return source.reopen()
    kind, _, number = device.partition(":")
    if kind != "cuda" or not (number or "0").isdigit():
        raise UsageError(f"'{device}' is no device to decode on: say 'cpu' or 'cuda:N'.")
    wanted = HWAccel("cuda", number or "0", allow_software_fallback=False)
    try:
        reader = source.reopen(wanted)
    except (FFmpegError, RuntimeError, NotImplementedError) as error:
        raise DeviceUnavailable(f"'{device}' cannot decode video here: {error}.") from error
    if not reader.stream.codec_context.is_hwaccel:
        codec = reader.stream.codec_context.name
        reader.close()
        raise DeviceUnavailable(f"'{device}' has no decoder for {codec}.")
    return reader


def _seek(source: Source, time: float) -> bool:
    """Go to a key frame at or before `time`; true if that is the beginning of the file."""
    if time <= 0:
        time = 0.0
    ticks = round((time + source.zero) / source.time_base)
    try:
        source.container.seek(ticks, stream=source.stream)
    except FFmpegError:
        # Bare streams cannot seek: then reading starts from the beginning.
        return True
    return time == 0.0


def _clock(source: Source) -> Clock:
    return Clock(float(source.time_base), source.zero, source.period)


def _stamp(picture: VideoFrame) -> int | None:
    # Without frame threads the decoding stamp of a picture that has no other is its presentation.
    return picture.dts if picture.pts is None else picture.pts


def _layout_of(picture: VideoFrame) -> Layout:
    return Layout(picture.width, picture.height, picture.format.name, orientation_of(picture))


def _refitted(picture: VideoFrame, layout: Layout) -> tuple[VideoFrame, Layout]:
    """The picture in the size of the first one, and the layout for its pixel format."""
    width, height = layout.coded_width, layout.coded_height
    if (picture.width, picture.height) != (width, height):
        picture = picture.reformat(width, height)
    return picture, Layout(width, height, picture.format.name, layout.orientation)


def _no_frames(source: Source, start: float | None, end: float | None) -> Exception:
    if source.stream.codec_context.is_hwaccel:
        codec = source.stream.codec_context.name
        return DeviceUnavailable(f"The GPU does not decode this kind of {codec}; use the CPU.")
    if start is not None or end is not None:
        span = f"between {start or 0:g} s and {'the end' if end is None else f'{end:g} s'}"
        return NoFrames(f"'{source.name}' has no frames {span}.")
    return NoFrames(f"Not one frame of '{source.name}' could be decoded.")
