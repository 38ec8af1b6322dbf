"""Telling a file that was cut short from one that is whole."""

import math

import av
from av.error import FFmpegError

from yivideo.media.source import Source

# Containers whose header announces a length. The others' is guessed from the file that is there.
_ANNOUNCING = frozenset({"mov", "matroska", "avi", "flv", "asf", "mxf"})
# Of these, the length is that of the film itself and not of the longest stream.
_PER_STREAM = frozenset({"mov", "avi"})
# Headers round, and count a last frame more or less.
_SLACK = 1.0


def ended_early(source: Source, end_time: float) -> bool:
    """Whether reading ended, at `end_time` seconds, clearly before what the header announces.

    Where only the length of the longest stream is announced, the file's tail is looked at: sound
    that goes on after the picture is no damage.
    """
    kinds = _ANNOUNCING.intersection(source.container.format.name.split(","))
    if not kinds:
        return False
    announced = _film_length(source) if kinds & _PER_STREAM else _tagged_length(source)
    if announced is not None:
        return end_time < announced - _SLACK
    ticks = source.container.duration
    if ticks is None:
        return False
    announced = ticks / av.time_base - max(source.zero, 0.0)
    return end_time < announced - _SLACK and _last_time(source, announced) < announced - _SLACK


def _film_length(source: Source) -> float | None:
    stream = source.stream
    if stream.duration is None:
        return None
    return float(((stream.start_time or 0) + stream.duration) * source.time_base) - source.zero


def _tagged_length(source: Source) -> float | None:
    """Matroska muxers note each stream's end as a tag, "01:23:45.678000000"."""
    tag = source.stream.metadata.get("DURATION", "")
    try:
        hours, minutes, seconds = tag.split(":")
        length = int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    except ValueError:
        return None
    return length - max(source.zero, 0.0) if math.isfinite(length) else None


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
