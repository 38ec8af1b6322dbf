"""What became of each video: for people on standard error, for programs as JSON."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path

from yivideo.cli.extraction import Reading, SoftTrack
from yivideo.cli.streams import printable
from yivideo.cli.values import clock
from yivideo.errors import ExitCode, YiVideoError


class Status(StrEnum):
    """How the work on a video ended."""

    # Read whole, with subtitles, and written.
    DONE = "done"
    # Read whole; there are none, and an empty result was written.
    NO_SUBTITLES = "no-subtitles"
    # The file is damaged; what was readable was extracted and written.
    PARTIAL = "partial"
    # Left out, because the results were there already.
    SKIPPED = "skipped"
    # Nothing was written, or not all of it; `Report.error` says why.
    FAILED = "failed"
    # Stopped before it was done.
    CANCELLED = "cancelled"


_EXIT_CODES = {
    Status.DONE: ExitCode.OK,
    Status.NO_SUBTITLES: ExitCode.NO_SUBTITLES,
    Status.PARTIAL: ExitCode.PARTIAL,
    Status.SKIPPED: ExitCode.OK,
    Status.FAILED: ExitCode.INTERNAL,
    Status.CANCELLED: ExitCode.CANCELLED,
}


@dataclass(slots=True)
class Report:
    """The work on one video, while it is under way and after.

    Attributes:
        video: the path as the user gave it.
        status: how it ended; cancelled until it ends otherwise.
        error: what went wrong, if it failed.
        outputs: the files written.
        reading: what was found, once the video has been read.
        tracks: subtitle tracks the file carries.
        seconds: wall time spent on it.
    """

    video: str
    status: Status = Status.CANCELLED
    error: YiVideoError | None = None
    outputs: list[Path] = field(default_factory=list[Path])
    reading: Reading | None = None
    tracks: tuple[SoftTrack, ...] = ()
    seconds: float = 0.0

    @property
    def exit_code(self) -> ExitCode:
        """What the process exits with when this was the only video."""
        return self.error.exit_code if self.error is not None else _EXIT_CODES[self.status]

    def fail(self, error: YiVideoError) -> None:
        """Note that the work ended in `error`."""
        self.status, self.error = Status.FAILED, error

    def finish(self, reading: Reading) -> None:
        """Note what was found, and what that makes of the video."""
        self.reading = reading
        if reading.readable_until is not None:
            self.status = Status.PARTIAL
        else:
            self.status = Status.DONE if reading.events else Status.NO_SUBTITLES


def overall(reports: Sequence[Report]) -> ExitCode:
    """The exit code of a command that worked on these videos.

    One video ends the command with its own. Of several, any that failed make it BATCH; else any
    damaged one PARTIAL; else any without subtitles NO_SUBTITLES.
    """
    if len(reports) == 1:
        return reports[0].exit_code
    statuses = {report.status for report in reports}
    if Status.FAILED in statuses:
        return ExitCode.BATCH
    for status in (Status.CANCELLED, Status.PARTIAL, Status.NO_SUBTITLES):
        if status in statuses:
            return _EXIT_CODES[status]
    return ExitCode.OK


def sentence(report: Report) -> str:
    """What became of the video, for people."""
    name, reading = printable(report.video), report.reading
    if report.error is not None:
        # Errors about a file name it themselves; those about a device or the disk do not.
        message = report.error.message
        return message if name in message else f"{name}: {message}"
    if report.status is Status.SKIPPED:
        return f"{name}: left out, its result is there already."
    if reading is None:
        return f"{name}: stopped; nothing was written."
    found = "no subtitles" if not reading.events else f"{_counted(reading.events, 'subtitle')}"
    if reading.readable_until is not None:
        return f"{name}: damaged or cut short; {_how_far(reading)}, {found} found there."
    if not reading.events:
        return f"{name}: no subtitles were found in the picture; the result is empty."
    return f"{name}: {found}{_language(reading)} in {_took(report)}."


def tracks_sentence(video: str, tracks: Sequence[SoftTrack]) -> str:
    """That the file has subtitles of its own, which need no reading."""
    named = ", ".join(f"{track.codec}{f' ({track.language})' if track.language else ''}"
                      for track in tracks)  # fmt: skip
    return (
        f"{printable(video)}: has {_counted(len(tracks), 'subtitle track')} of its own ({named}), "
        "which players show without any reading; what follows is what stands in the picture."
    )


def as_record(report: Report) -> dict[str, object]:
    """The report as it stands in `--json`."""
    reading, error = report.reading, report.error
    return {
        "video": report.video,
        "status": report.status.value,
        "exit_code": int(report.exit_code),
        "exit_code_name": report.exit_code.name,
        "error": None if error is None else {"code": error.code, "message": error.message},
        "outputs": [str(path) for path in report.outputs],
        "language": reading and reading.language,
        "events": reading and reading.events,
        "rejected": reading and reading.rejected,
        "duration": reading and reading.duration,
        "seconds": round(report.seconds, 3),
        "readable_until": reading and reading.readable_until,
        "warnings": list(reading.notes) if reading else [],
        "devices": asdict(reading.devices) if reading and reading.devices else None,
        "subtitle_tracks": [asdict(track) for track in report.tracks],
    }


def _how_far(reading: Reading) -> str:
    until = reading.readable_until or 0.0
    # Streams announce no length: what is there is then all that is known of.
    longer = reading.duration is not None and reading.duration > until + 0.001
    whole = f" of {clock(reading.duration)}" if reading.duration and longer else ""
    return f"it could be read up to {clock(until)}{whole}"


def _language(reading: Reading) -> str:
    return f" ({reading.language})" if reading.language else ""


def _took(report: Report) -> str:
    covered = report.reading.covered if report.reading else None
    speed = f", {covered / report.seconds:.1f} x real time" if covered and report.seconds else ""
    return f"{report.seconds:.1f} s{speed}"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
