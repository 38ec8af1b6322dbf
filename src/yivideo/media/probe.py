"""What a video file is: its container, its film, and the streams beside it."""

import os
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Literal

from av.error import FFmpegError
from av.video.frame import VideoFrame
from pydantic import BaseModel, ConfigDict

from yivideo.errors import NoFrames
from yivideo.media.decoding import Decoder
from yivideo.media.ending import announced_length
from yivideo.media.frame import Layout
from yivideo.media.source import Source, open_source, printable

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.stream import VideoStream

# How many packets to look at for a rate that varies, where the file has no full index.
_RATE_PACKETS = 250
# Transfer characteristics in ITU-T H.273's numbering.
_HDR: dict[int, Literal["pq", "hlg"]] = {16: "pq", 18: "hlg"}


class SubtitleTrack(BaseModel):
    """A subtitle stream of the container, which is not what is burned into the picture."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    index: int
    codec: str
    language: str | None
    title: str | None


class VideoInfo(BaseModel):
    """What `probe` found out.

    Sizes are in pixels, times in seconds. `width` and `height` are those of the picture as shown:
    after `rotation` (degrees clockwise), before `pixel_aspect` (how many times wider than high a
    pixel is shown). `frames` is an estimate unless the container counts them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    container: str
    codec: str
    profile: str | None
    width: int
    height: int
    coded_width: int
    coded_height: int
    rotation: int
    pixel_aspect: float
    frame_rate: float | None
    variable_frame_rate: bool | None
    duration: float | None
    start_time: float
    frames: int | None
    pixel_format: str
    bit_depth: int
    hdr: Literal["pq", "hlg"] | None
    interlaced: bool
    size_bytes: int
    subtitle_tracks: tuple[SubtitleTrack, ...]
    audio_languages: tuple[str, ...]


def probe(path: str | os.PathLike[str]) -> VideoInfo:
    """Find out what a video file is, from its headers and its first frame.

    Raises:
        InputError: as `open_source`, and `NoFrames` where not one frame can be decoded.
    """
    with open_source(path) as source:
        variable = _variable_rate(source)
        picture = _first_picture(source)
        stream, layout = source.stream, Layout.of(picture)
        duration = announced_length(source)
        rate = stream.average_rate or stream.guessed_rate
        frame_rate = float(rate) if rate else None
        return VideoInfo(
            path=printable(source.path),
            container=_container_name(source),
            codec=stream.codec_context.codec.canonical_name,
            profile=stream.profile,
            width=layout.width,
            height=layout.height,
            coded_width=layout.coded_width,
            coded_height=layout.coded_height,
            rotation=layout.orientation.rotation,
            pixel_aspect=_pixel_aspect(source, layout),
            frame_rate=frame_rate,
            variable_frame_rate=variable,
            duration=duration,
            start_time=source.zero,
            frames=stream.frames or _estimate(duration, frame_rate),
            pixel_format=layout.format,
            bit_depth=max(c.bits for c in picture.format.components),
            hdr=_HDR.get(picture.color_trc),
            interlaced=picture.interlaced_frame,
            size_bytes=source.path.stat().st_size,
            subtitle_tracks=_subtitle_tracks(source),
            audio_languages=tuple(s.language or "und" for s in source.container.streams.audio),
        )


def _first_picture(source: Source) -> VideoFrame:
    with Decoder(source.reopen) as decoder:
        for picture, _ in decoder.from_here():
            return picture
    raise NoFrames(f"Not one frame of '{source.name}' could be decoded.")


def _container_name(source: Source) -> str:
    """FFmpeg lists the names of a family (mov,mp4,...): take the one the file calls itself."""
    names = source.container.format.name.split(",")
    suffix = source.path.suffix.lower().lstrip(".")
    if suffix in names:
        return suffix
    return "mkv" if suffix == "mkv" and "matroska" in names else names[0]


def _estimate(duration: float | None, frame_rate: float | None) -> int | None:
    return round(duration * frame_rate) if duration and frame_rate else None


def _pixel_aspect(source: Source, layout: Layout) -> float:
    aspect = float(source.stream.sample_aspect_ratio or 1)
    return 1 / aspect if layout.orientation.transposed else aspect


def _variable_rate(source: Source) -> bool | None:
    """Whether frames are unequally long; None where too few time stamps can be looked at."""
    stamps = sorted(entry.timestamp for entry in source.stream.index_entries)
    # Only some containers index every frame; the others index key frames, if anything.
    if not source.stream.frames or len(stamps) < source.stream.frames:
        stamps = _first_stamps(source)
    # The first and last few may lie beside an edit or a seek point.
    steps = [later - earlier for earlier, later in pairwise(stamps) if later > earlier]
    if len(steps) < 8:
        return None
    # Rounding to the container's ticks, milliseconds in Matroska, makes equal frames unequal.
    return max(steps) - min(steps) > max(2, 0.1 * min(steps))


def _first_stamps(source: Source) -> list[int]:
    stamps: list[int] = []
    try:
        packets = islice(source.container.demux(source.stream), _RATE_PACKETS)
        stamps.extend(stamp for packet in packets if (stamp := _stamp(source, packet)) is not None)
    except (FFmpegError, ValueError, IndexError):
        pass
    # The last ones lack the neighbours that come later in the file.
    return sorted(stamps)[:-16] if len(stamps) == _RATE_PACKETS else sorted(stamps)


def _stamp(source: Source, packet: "Packet[VideoStream]") -> int | None:
    return packet.pts if source.stamps == "pts" else packet.dts


def _subtitle_tracks(source: Source) -> tuple[SubtitleTrack, ...]:
    return tuple(
        SubtitleTrack(
            index=stream.index,
            # PyAV has no codec context for what it cannot decode, whatever its types say.
            codec=getattr(getattr(stream, "codec_context", None), "name", "unknown"),
            language=stream.language,
            title=stream.metadata.get("title"),
        )
        for stream in source.container.streams.subtitles
    )
