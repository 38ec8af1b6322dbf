"""Demuxing and decoding that survives damaged packets, from any place in the film."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from av.error import FFmpegError
from av.stream import Discard
from av.video.frame import VideoFrame

from yivideo.errors import Cancelled, InputUnreadable
from yivideo.media.source import Source
from yivideo.media.timing import Clock

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.stream import VideoStream

# What a damaged packet raises: PyAV's own errors and, out of its bindings, these.
_DAMAGE = (FFmpegError, ValueError, IndexError)
# A demuxer that fails this often in a row will not recover.
_MAX_DEMUX_ERRORS = 16
# How much earlier to seek when the first try lands behind the wanted time (seconds).
_SEEK_MARGINS = (0.0, 2.0, 15.0, float("inf"))


class Decoder:
    """Decodes the film of an open source, whose container it has for itself.

    Attributes:
        source: the file being read.
        damaged: packets that could not be read or decoded and were passed over.
        broke_off: whether reading ended in an error rather than at the end of the file.
    """

    def __init__(self, source: Source, cancelled: Callable[[], bool] | None = None) -> None:
        self.source = source
        self.damaged = 0
        self.broke_off = False
        self._cancelled = cancelled
        for stream in source.container.streams:
            if stream.index != source.stream.index:
                stream.discard = Discard.all

    def from_here(self) -> Iterator[tuple[VideoFrame, float]]:
        """Pictures from the present position on, with the second at which each is shown."""
        source = self.source
        clock = Clock(float(source.time_base), source.zero, source.period)
        for picture in self._pictures():
            # Without frame threads a picture's decoding stamp stands in for a missing one.
            stamp = picture.pts
            yield picture, clock.time_of(picture.dts if stamp is None else stamp)

    def from_time(self, start: float) -> Iterator[tuple[VideoFrame, float]]:
        """Pictures shown at `start` seconds or later, exactly, wherever the key frames are."""
        for margin in _SEEK_MARGINS:
            landed = self.seek(start - margin)
            for picture, time in self.from_here():
                if not landed and time > start:
                    break
                landed = True
                if time >= start:
                    yield picture, time
            else:
                return

    def seek(self, time: float) -> bool:
        """Go to a key frame at or before `time`; true if that is the beginning of the file.

        Some containers land later than asked; bare streams cannot seek and stay where they are.
        """
        source = self.source
        beginning = time <= 0
        ticks = round((max(time, 0.0) + source.zero) / source.time_base)
        try:
            source.container.seek(ticks, stream=source.stream)
        except FFmpegError:
            return True
        return beginning

    def _pictures(self) -> Iterator[VideoFrame]:
        cancelled, decode = self._cancelled, self.source.stream.codec_context.decode
        for packet in self._packets():
            if cancelled is not None and cancelled():
                raise Cancelled("Stopped on request.")
            try:
                pictures = decode(packet)
            except MemoryError as error:
                raise InputUnreadable(
                    f"There is not enough memory to decode the pictures of '{self.source.name}'."
                ) from error
            except EOFError:
                return
            except _DAMAGE:
                self.damaged += 1
                continue
            yield from pictures

    def _packets(self) -> "Iterator[Packet[VideoStream] | None]":
        """The film's packets, and None at the end to bring out what the decoder still holds."""
        source = self.source
        failures = 0
        while failures < _MAX_DEMUX_ERRORS:
            try:
                for packet in source.container.demux(source.stream):
                    # PyAV ends with an empty packet, but not after an error.
                    if packet.size:
                        failures = 0
                        yield packet
                break
            except OSError:
                self.broke_off = True
                break
            except _DAMAGE:
                self.damaged += 1
                failures += 1
        else:
            self.broke_off = True
        yield None
