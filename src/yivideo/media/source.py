"""Opening a video file, safely, and choosing the stream that is the film.

Only regular files are opened, by their absolute real path, and only in container formats that
cannot name further files: a playlist or an image series that calls itself `.mp4` is refused
before anything it names is touched.
"""

import os
import stat
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Literal, Self, cast

import av
from av.codec.hwaccel import HWAccel
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from yivideo.errors import (
    InputError,
    InputMissing,
    InputUnreadable,
    NoFrames,
    NotAVideo,
    NoVideoStream,
    UnsupportedCodec,
)

# FFmpeg's names of the containers that hold their media themselves. Left out on purpose: hls,
# dash, concat, image2 and everything else that opens what a text tells it to.
CONTAINERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mpeg,mpegts,avi,flv,asf,asf_o,ogg,rm,mxf,wtv,nut,dv,"
    "ivf,av1,obu,h264,hevc,vvc,mpegvideo,m4v,vc1,yuv4mpegpipe,gif"
)

# Bare streams: no container, no time stamps worth the name, no seeking.
_BARE = frozenset({"h264", "hevc", "vvc", "mpegvideo", "m4v", "vc1", "obu", "av1", "dv"})

# More than any film has (8K is 33 million); a tiny file may ask for pictures of gigabytes.
MAX_PIXELS = 2**26

_NOT_A_FILM = Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.still_image


class Source:
    """An open video: container, film stream and clock. Close it, or use it in `with`.

    Attributes:
        path: absolute real path.
        container: PyAV's container, positioned at its beginning until somebody seeks in it.
        stream: the video stream that is the film.
        zero: what a player shows as 0, in seconds of the stream's own clock; subtract it.
        period: usual time between two frames in seconds (1/25 where the file does not say).
        stamps: which of a frame's time stamps can be trusted, "none" where frames are counted.
    """

    __slots__ = ("container", "path", "period", "stamps", "stream", "zero")

    def __init__(self, path: Path, container: InputContainer, stream: VideoStream) -> None:
        self.path = path
        self.container = container
        self.stream = stream
        rate = stream.average_rate or stream.guessed_rate or stream.base_rate
        self.period = float(1 / rate) if rate else 0.04
        self.zero = _zero(container, stream)
        self.stamps: Literal["pts", "dts", "none"] = "pts"
        if container.format.name == "avi":
            # AVI has decoding times only, and FFmpeg's guesses at the others are out of order.
            self.stamps = "dts"
        elif container.format.name in _BARE:
            self.stamps = "none"

    @property
    def name(self) -> str:
        """The path as it can be printed: bytes that are no text are written as escapes."""
        return printable(self.path)

    @property
    def time_base(self) -> Fraction:
        """Seconds per tick of the film stream's time stamps."""
        return self.stream.time_base or Fraction(1, 90000)

    def reopen(self, hwaccel: HWAccel | None = None) -> "Source":
        """The same file opened once more, at its beginning; the caller closes it."""
        return open_source(self.path, hwaccel=hwaccel)

    def close(self) -> None:
        """Close the file. Frames already decoded stay valid."""
        self.container.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def printable(path: str | os.PathLike[str]) -> str:
    """The path as text that every terminal and file encoding takes."""
    return os.fspath(path).encode("utf-8", "backslashreplace").decode()


def open_source(path: str | os.PathLike[str], *, hwaccel: HWAccel | None = None) -> Source:
    """Open a video file for reading.

    Args:
        path: a regular file; symbolic links are followed.
        hwaccel: decode on this device instead of the CPU.

    Raises:
        InputMissing: there is no such file.
        InputUnreadable: it is a folder or a device, may not be read, or is damaged from the start.
        NotAVideo: it is empty or in no accepted container format.
        NoVideoStream: it holds sound or cover pictures only.
        UnsupportedCodec: no decoder for the film, or pictures larger than `MAX_PIXELS`.
    """
    real = _real_file(path)
    container = _open_container(real, hwaccel)
    try:
        return Source(real, container, _film_stream(container, printable(real)))
    except BaseException:
        container.close()
        raise


def _real_file(path: str | os.PathLike[str]) -> Path:
    name = printable(path)
    try:
        real = os.path.realpath(path, strict=True)
        mode = os.stat(real).st_mode  # noqa: PTH116 - Path would decode the name once more
    except (FileNotFoundError, NotADirectoryError, ValueError):
        raise InputMissing(f"There is no file '{name}'.") from None
    except OSError as error:
        raise InputUnreadable(f"'{name}' cannot be read: {error.strerror}.") from error
    if stat.S_ISDIR(mode):
        raise InputUnreadable(f"'{name}' is a folder, not a video file.")
    if not stat.S_ISREG(mode):
        raise InputUnreadable(f"'{name}' is not a regular file; copy the video to a file first.")
    return Path(real)


def _open_container(real: Path, hwaccel: HWAccel | None) -> InputContainer:
    name = printable(real)
    try:
        with real.open("rb") as file:
            head = file.read(12)
    except OSError as error:
        raise InputUnreadable(f"'{name}' cannot be read: {error.strerror}.") from error
    if not head:
        raise NotAVideo(f"'{name}' is empty.")
    try:
        return av.open(
            str(real),
            "r",
            options={
                "format_whitelist": CONTAINERS,
                "protocol_whitelist": "file",
                "max_pixels": str(MAX_PIXELS),
            },
            metadata_errors="replace",
            hwaccel=hwaccel,
        )
    except MemoryError as error:
        raise InputUnreadable(f"'{name}' needs more memory than there is.") from error
    except Exception as error:
        # Damaged files raise IndexError, UnicodeDecodeError and more besides PyAV's own errors.
        if hwaccel is not None:
            # The file opens without the device: see `accelerated.open_on`.
            raise
        raise _refusal(name, head, error) from error


def _refusal(name: str, head: bytes, error: Exception) -> InputError:
    """What to tell about a file whose container could not be opened."""
    if head[4:8] == b"ftyp":
        return InputUnreadable(
            f"'{name}' cannot be decoded: its index (moov) is missing or damaged, as in a download "
            "or recording that was cut short."
        )
    if head[:4] == b"\x1a\x45\xdf\xa3" and isinstance(error, EOFError):
        return NoFrames(f"'{name}' holds a header and no frames.")
    if isinstance(error, OSError) and not isinstance(error, EOFError):
        return InputUnreadable(f"'{name}' cannot be read: {error.strerror}.")
    return NotAVideo(f"'{name}' is not a video in a format that is accepted (mp4, mkv, ts, ...).")


def _film_stream(container: InputContainer, name: str) -> VideoStream:
    films = [s for s in container.streams.video if not s.disposition & _NOT_A_FILM]
    if not films:
        raise NoVideoStream(f"'{name}' holds no video stream.")
    # A stream without a decoder has no codec context, whatever PyAV's types say.
    decodable = [s for s in films if getattr(s, "codec_context", None) is not None]
    if not decodable:
        raise UnsupportedCodec(f"There is no decoder for the video stream of '{name}'.")
    film = max(decodable, key=lambda s: (s.width * s.height, -s.index))
    if film.width * film.height > MAX_PIXELS:
        raise UnsupportedCodec(
            f"The pictures of '{name}' are {film.width}x{film.height} pixels; at most "
            f"{MAX_PIXELS // 10**6} million are decoded."
        )
    return film


def _zero(container: InputContainer, film: VideoStream) -> float:
    """Seconds of the stream's clock that a player shows as 0.

    Players count from the earliest stream, so a film that starts after its sound does not start
    at 0. A negative container start is the warm-up of an audio decoder, which nobody is shown.
    """
    own = None
    if film.start_time is not None and film.time_base is not None:
        own = float(film.start_time * film.time_base)
    # PyAV returns None where the file does not say, whatever its types say.
    ticks = cast("int | None", container.start_time)
    if ticks is None:
        return own or 0.0
    zero = ticks / av.time_base
    if zero < 0:
        return min(0.0, own or 0.0)
    # The container's clock is rounded to microseconds; the stream's own is exact.
    return own if own is not None and abs(own - zero) < 2e-6 else zero
