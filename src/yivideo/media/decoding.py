"""Demuxing and decoding that survives damaged packets, from any place in the film."""

from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Self

from av.error import FFmpegError
from av.stream import Discard
from av.video.frame import PictureType, VideoFrame

from yivideo.errors import Cancelled, InputUnreadable
from yivideo.media.source import Source
from yivideo.media.timing import ROUNDING, Clock

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.stream import VideoStream

# What a damaged packet raises: PyAV's own errors and, out of its bindings, these.
_DAMAGE = (FFmpegError, ValueError, IndexError)
# A demuxer that fails this often in a row will not recover.
_MAX_DEMUX_ERRORS = 16
# How much earlier to seek when the first try lands behind the wanted time (seconds).
_SEEK_MARGINS = (0.0, 2.0, 15.0, float("inf"))
# So many packets tell how a film's time stamps are.
_FIRST_PACKETS = 24
# MPEG program streams time few of their frames: after a seek the first times are guesses.
_SETTLING = 1.0


class Decoder:
    """Decodes a film from any place; use it in `with`, or close it.

    Args:
        reopen: opens the film at its beginning, set up to decode as wanted; may be called again.
        cancelled: asked before every packet; `Cancelled` is raised when it returns true.

    Attributes:
        source: the open file, which is this decoder's alone.
        damaged: packets that could not be read or decoded and were passed over.
        broke_off: whether reading ended in an error rather than at the end of the file.
        missed: how often seeking landed behind the wanted time and had to be tried again.
    """

    def __init__(
        self, reopen: Callable[[], Source], cancelled: Callable[[], bool] | None = None
    ) -> None:
        self._reopen = reopen
        self._cancelled = cancelled
        self.damaged = 0
        self.broke_off = False
        self.missed = 0
        self._counted_from: int | None = None
        self.source = self._opened()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file. Pictures already decoded stay valid."""
        self.source.close()

    def _opened(self) -> Source:
        source = self._reopen()
        for stream in source.container.streams:
            if stream.index != source.stream.index:
                stream.discard = Discard.all
        self._moved = False
        return source

    def from_here(
        self, before: float | None = None, counted_from: float | None = None
    ) -> Iterator[tuple[VideoFrame, float]]:
        """Pictures from the present position on, with the second at which each is shown.

        Where a key frame is shown at ``before`` nothing behind it is decoded, nor that one itself.
        Packets that are shown earlier than ``counted_from`` are not among the ``damaged``.
        """
        source = self.source
        clock = Clock(float(source.time_base), source.zero, source.period)
        self._moved = True
        self._counted_from = None if counted_from is None else self._stamp(counted_from)
        for picture, stamp in self._pictures(before):
            yield picture, clock.time_of(stamp)

    def from_time(
        self, start: float, before: float | None = None
    ) -> Iterator[tuple[VideoFrame, float]]:
        """Pictures shown at `start` seconds or later, exactly, wherever the key frames are."""
        settling = _SETTLING if self.source.container.format.name == "mpeg" else 0.0
        earliest = start - ROUNDING
        damaged = self.damaged
        for margin in _SEEK_MARGINS:
            landed = self.seek(start - settling - margin)
            self.damaged = damaged
            for picture, time in self.from_here(before, counted_from=start):
                if not landed and time > start + ROUNDING:
                    self.missed += 1
                    break
                landed = True
                if time >= earliest:
                    yield picture, time
            if landed:
                return

    def seek(self, time: float) -> bool:
        """Go to a key frame at or before `time`; true if that is surely the beginning of the film.

        Some containers land later than asked. Where nothing can be sought the film is opened anew.
        """
        source = self.source
        if time > 0 and source.stamps != "none":
            try:
                source.container.seek(self._stamp(time), stream=source.stream)
            except FFmpegError:
                pass
            else:
                self._moved = True
                return False
        if self._moved:
            # Seeking to the first time stamp may land at the second key frame (MPEG-TS).
            source.close()
            self.source = self._opened()
        return True

    def key_frame_at(self, time: float) -> float | None:
        """When the key frame is shown that seeking to `time` seconds lands at.

        It is decoded by itself, for some files call frames so that are none; None for those, and
        where there is none.
        """
        self.seek(time)
        source = self.source
        packet = next(self._packets())
        if packet is None or packet.pts is None or not packet.is_keyframe:
            return None
        pictures = self._decoded(packet) + self._decoded(None)
        if len(pictures) != 1 or pictures[0].pict_type != PictureType.I:
            return None
        return round(float(packet.pts * source.time_base) - source.zero, 6)

    def decodes_as_shown(self) -> bool:
        """Whether pictures are said to be decoded in the order in which they are shown.

        Of a codec that holds pictures back to put them in order that is not true.
        """
        self.seek(0.0)
        first = islice(self._packets(), _FIRST_PACKETS)
        return all(packet.pts == packet.dts for packet in first if packet is not None)

    def _pictures(self, before: float | None) -> Iterator[tuple[VideoFrame, int | None]]:
        """Pictures in presentation order with the time stamps that can be trusted."""
        source, cancelled = self.source, self._cancelled
        stamps = _DecodingStamps(source) if source.stamps == "dts" else None
        last = None if before is None else self._stamp(before)
        for packet in self._packets():
            if cancelled is not None and cancelled():
                raise Cancelled("Stopped on request.")
            if last is not None and packet and packet.dts is not None and packet.dts >= last:
                # What is shown before that time has all been read: it is decoded earlier still.
                packet = None  # noqa: PLW2901
            if stamps is not None and packet is not None:
                stamps.enter(packet.dts)
            for picture in self._decoded(packet):
                if stamps is not None:
                    yield picture, stamps.leave()
                else:
                    yield picture, None if source.stamps == "none" else picture.pts
            if packet is None:
                return

    def _stamp(self, time: float) -> int:
        """The film's time stamp of that second."""
        return round((time + self.source.zero) / self.source.time_base)

    def _decoded(self, packet: "Packet[VideoStream] | None") -> list[VideoFrame]:
        try:
            return self.source.stream.codec_context.decode(packet)
        except MemoryError as error:
            raise InputUnreadable(
                f"There is not enough memory to decode the pictures of '{self.source.name}'."
            ) from error
        except EOFError:
            pass
        except _DAMAGE:
            stamp, first = packet and packet.pts, self._counted_from
            self.damaged += stamp is None or first is None or stamp >= first
        return []

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


class _DecodingStamps:
    """Presentation times where packets carry decoding times only.

    The decoder takes packets in one order and gives pictures in another, at the same pace: the
    n-th picture out is shown at the n-th decoding time in.
    """

    def __init__(self, source: Source) -> None:
        self._waiting: deque[int] = deque()
        # More than the decoder holds back are packets that gave no picture.
        self._held_back = source.stream.codec_context.reorder_depth + 1

    def enter(self, stamp: int | None) -> None:
        if stamp is not None:
            self._waiting.append(stamp)
            while len(self._waiting) > self._held_back:
                self._waiting.popleft()

    def leave(self) -> int | None:
        return self._waiting.popleft() if self._waiting else None
