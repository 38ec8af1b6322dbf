"""The task of a child process: one video, read and turned into texts; nothing is written here."""

import threading
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from yivideo.engine.child.serving import Channel
from yivideo.engine.options import Devices, ExtractOptions, Progress

if TYPE_CHECKING:
    from yivideo.media.probe import VideoInfo
    from yivideo.subtitles.model import Subtitles

# Often enough for the eye, and far from costing anything.
_PROGRESS_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Request:
    """One video to read.

    Attributes:
        path: the video.
        options: how to read it.
        formats: the formats in which the result is wanted.
    """

    path: str
    options: ExtractOptions
    formats: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SoftTrack:
    """A subtitle track that the file carries as text or pictures of its own."""

    codec: str
    language: str | None
    title: str | None


@dataclass(frozen=True, slots=True)
class Probed:
    """What is known before reading begins."""

    tracks: tuple[SoftTrack, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """What came of a video.

    Attributes:
        texts: the result in each format, by its name.
        language: two-letter code of the subtitles, where known.
        events: how many subtitles were found.
        rejected: how many texts were seen and not taken for subtitles.
        duration: of the video, in seconds, where known.
        covered: seconds of the video that were to be read, where known.
        readable_until: seconds up to which a damaged file could be read; None when it was whole.
        notes: what the user should know, a sentence each.
        devices: what was used, where the engine told.
    """

    texts: dict[str, str] = field(repr=False)
    language: str | None
    events: int
    rejected: int
    duration: float | None
    covered: float | None
    readable_until: float | None
    notes: tuple[str, ...]
    devices: Devices | None


class _Reporter:
    """Passes progress on: every change of phase, and the rest now and then."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._phase = ""
        self._next = 0.0
        self._lock = threading.Lock()
        self.devices: Devices | None = None

    def __call__(self, progress: Progress) -> None:
        # The steps report from threads of their own.
        with self._lock:
            self._pass_on(progress)

    def _pass_on(self, progress: Progress) -> None:
        new_devices = progress.devices if self.devices is None else None
        self.devices = progress.devices or self.devices
        now = time.monotonic()
        news = progress.phase != self._phase or progress.message or new_devices
        if news or now >= self._next:
            self._phase, self._next = progress.phase, now + _PROGRESS_SECONDS
            self._channel.tell(replace(progress, devices=new_devices))


def extract_video(channel: Channel, request: Request) -> Reading:
    """Read one video, telling `Probed` and `Progress` on the way.

    Raises:
        YiVideoError: whatever is wrong with the video, the options or the device.
    """
    from yivideo.engine.local import extract
    from yivideo.media.probe import probe
    from yivideo.subtitles.areas import parse_area

    info = probe(request.path)
    channel.tell(Probed(_soft_tracks(info)))
    options = request.options
    for area in options.areas:
        parse_area(area).pixels(info.width, info.height)
    report = _Reporter(channel)
    subtitles = extract(
        request.path,
        areas=options.areas,
        languages=options.languages,
        device=options.device,
        start=options.start,
        end=options.end,
        work=options.work,
        include_static=options.include_static,
        runtime=options.runtime,
        progress=report,
        cancelled=channel.cancelled,
    )
    return _reading(subtitles, request, report.devices)


def _reading(subtitles: "Subtitles", request: Request, devices: Devices | None) -> Reading:
    return Reading(
        texts={name: subtitles.to_format(name) for name in request.formats},
        language=subtitles.language,
        events=len(subtitles.in_order()),
        rejected=len(subtitles.rejected),
        duration=subtitles.video.duration,
        covered=_covered(subtitles, request.options),
        readable_until=subtitles.readable_until,
        notes=subtitles.notes,
        devices=devices,
    )


def _covered(subtitles: "Subtitles", options: ExtractOptions) -> float | None:
    ends = (options.end, subtitles.readable_until, subtitles.video.duration)
    known = [end for end in ends if end is not None]
    return max(0.0, min(known) - (options.start or 0.0)) if known else None


def _soft_tracks(info: "VideoInfo") -> tuple[SoftTrack, ...]:
    return tuple(
        SoftTrack(track.codec, track.language, track.title) for track in info.subtitle_tracks
    )
