"""How long a film says it is, and telling a file that was cut short from one that is whole."""

import math
import struct
from pathlib import Path

import av
from av.error import FFmpegError

from yivideo.media.source import Source
from yivideo.media.torn import program_is_torn, transport_is_torn

# Containers whose header announces a length. The others' is guessed from the file that is there.
_ANNOUNCING = frozenset({"mov", "matroska", "flv", "asf", "mxf"})
# Their length counts from the clock's 0 and not from the first frame.
_FROM_CLOCK_ZERO = frozenset({"matroska", "flv", "nut"})
# Containers that announce nothing: their last packet may still be torn.
_TORN = {"mpegts": transport_is_torn, "mpeg": program_is_torn}
# Headers round, and count a last frame more or less.
_SLACK = 1.0


def announced_length(source: Source) -> float | None:
    """Seconds from the film's beginning to its end, or the longest stream's, or a guess at it."""
    stream = source.stream
    if stream.duration is not None:
        return float(((stream.start_time or 0) + stream.duration) * source.time_base) - source.zero
    tagged = _tagged_end(source)
    if tagged is not None:
        return tagged - max(source.zero, 0.0)
    ticks = source.container.duration
    if ticks is None:
        return None
    return ticks / av.time_base - (max(source.zero, 0.0) if _is(source, _FROM_CLOCK_ZERO) else 0.0)


def ended_early(source: Source, end_time: float) -> bool:
    """Whether reading ended, at `end_time` seconds, clearly before what the header announces.

    Where only the length of the longest stream is announced, the file's tail is looked at: sound
    that goes on after the picture is no damage.
    """
    name = source.container.format.name
    if name in _TORN:
        return _TORN[name](source.path)
    if name == "avi":
        # FFmpeg shortens the length of an AVI to what is there; its chunks still tell.
        return _riff_overruns(source.path)
    length = announced_length(source)
    if not _is(source, _ANNOUNCING) or length is None or end_time >= length - _SLACK:
        return False
    if _is(source, frozenset({"mov"})) or _tagged_end(source) is not None:
        return True
    return _last_time(source, length) < length - _SLACK


def _riff_overruns(path: Path) -> bool:
    """Whether the last of the file's RIFF chunks is longer than the file."""
    size, position = path.stat().st_size, 0
    with path.open("rb") as file:
        while position + 8 <= size:
            file.seek(position)
            kind, length = struct.unpack("<4sI", file.read(8))
            if kind != b"RIFF":
                return False
            position += 8 + length + length % 2
    # The pad byte of an odd chunk is often left out at the end.
    return position > size + 1


def _is(source: Source, formats: frozenset[str]) -> bool:
    return not formats.isdisjoint(source.container.format.name.split(","))


def _tagged_end(source: Source) -> float | None:
    """Matroska muxers note each stream's end as a tag, "01:23:45.678000000"."""
    tag = source.stream.metadata.get("DURATION", "")
    try:
        hours, minutes, seconds = tag.split(":")
        end = int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    except ValueError:
        return None
    return end if math.isfinite(end) else None


def _last_time(source: Source, announced: float) -> float:
    """Seconds at which the last packet of any stream ends."""
    last = 0.0
    with source.reopen() as tail:
        try:
            tail.container.seek(int((announced + tail.zero - 5) * av.time_base))
            for packet in tail.container.demux():
                if packet.pts is not None:
                    end = float((packet.pts + (packet.duration or 0)) * packet.time_base)
                    last = max(last, end - tail.zero)
        except FFmpegError:
            pass
    return last
