"""What `yivideo extract` does with its options: check, read, write, report."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from yivideo.cli.batch import Batch, Job
from yivideo.cli.display import Display, make_display
from yivideo.cli.extraction import Reading, Request
from yivideo.cli.inputs import Missing
from yivideo.cli.outputs import (
    Destination,
    Existing,
    check_existing,
    check_writable,
    plan_targets,
    write_results,
)
from yivideo.cli.report import Report, Status, as_record, overall, sentence
from yivideo.cli.stopping import Stopped, Stopping
from yivideo.cli.streams import complain, on_terminal, say_json, say_path, tell
from yivideo.engine.options import ExtractOptions
from yivideo.errors import ExitCode, YiVideoError


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Everything the command line asks for.

    Attributes:
        videos: what the paths lead to.
        destination: where results go, and in which formats.
        options: how to read.
        existing: what to do about results that are there already.
        jobs: how many videos to read at a time.
    """

    videos: Sequence[Path | Missing]
    destination: Destination
    options: ExtractOptions
    existing: Existing
    jobs: int


def carry_out(order: Order, *, as_json: bool, quiet: bool) -> int:
    """Extract all videos, tell about each, and return the exit status.

    Raises:
        UsageError: the order cannot be carried out at all; nothing has been done.
        OutputDenied: nothing can be written to the folder that was named.
    """
    if order.destination.folder is not None:
        check_writable(order.destination.folder)
    desk = _Desk(order, as_json=as_json, quiet=quiet)
    jobs = desk.open()
    with Stopping() as stopping:
        desk.work(jobs, stopping)
        return desk.close(stopping)


class _Desk:
    """Takes the order, hands jobs to the batch and results to the user."""

    def __init__(self, order: Order, *, as_json: bool, quiet: bool) -> None:
        self._order = order
        self._as_json = as_json
        self._quiet = quiet
        self._display: Display = make_display(0, quiet=True)
        self._reports: list[Report] = []
        self._written: set[Path] = set()

    def open(self) -> list[Job]:
        """A job for each video that can be worked on; the others are reported."""
        order = self._order
        videos = [video for video in order.videos if isinstance(video, Path)]
        targets = iter(plan_targets(videos, order.destination))
        works = iter(_work_folders(order.options.work, videos))
        jobs: list[Job] = []
        for video in order.videos:
            report = Report(video.path if isinstance(video, Missing) else str(video))
            self._reports.append(report)
            if isinstance(video, Missing):
                report.fail(video.error)
                self._announce(report)
                continue
            options = replace(order.options, work=next(works))
            request = Request(str(video), options, order.destination.formats)
            job = Job(request, next(targets), report)
            if self._may_begin(job):
                jobs.append(job)
        return jobs

    def work(self, jobs: Sequence[Job], stopping: Stopping) -> None:
        """Read the videos; each result is written as soon as it is there."""
        if not jobs:
            return
        if on_terminal() and not self._quiet:
            stopping.at_once(_show_cursor)
        self._display = make_display(len(jobs), quiet=self._quiet)
        try:
            width = self._order.jobs
            Batch(jobs, width=width, display=self._display, over=self._over).run(stopping)
        finally:
            self._display.close()

    def close(self, stopping: Stopping) -> int:
        """Say what is left to say; the exit status."""
        if self._as_json:
            say_json([as_record(report) for report in self._reports])
        status = overall(self._reports)
        if status is ExitCode.BATCH:
            failed = sum(report.status is Status.FAILED for report in self._reports)
            complain(f"{failed} of {len(self._reports)} videos failed.")
        if stopping.number is not None and any(
            report.status is Status.CANCELLED for report in self._reports
        ):
            stopped = Stopped(stopping.number)
            complain(stopped.message)
            return stopped.status
        return int(status)

    def _may_begin(self, job: Job) -> bool:
        """Find out what can be found out before the work; report it where it prevents that."""
        order = self._order
        try:
            check_writable(job.target.folder)
            if not check_existing(job.target, order.existing, order.options.languages):
                return True
            job.report.status = Status.SKIPPED
        except YiVideoError as error:
            job.report.fail(error)
        self._announce(job.report)
        return False

    def _over(self, job: Job, outcome: Reading | YiVideoError) -> None:
        """Write what was read, and tell what became of the video."""
        report = job.report
        if isinstance(outcome, YiVideoError):
            report.fail(outcome)
        else:
            report.finish(outcome)
            try:
                self._write(job, outcome)
            except YiVideoError as error:
                report.fail(error)
        self._announce(report)

    def _write(self, job: Job, reading: Reading) -> None:
        paths = write_results(
            job.target,
            reading.texts,
            language=reading.language,
            existing=self._order.existing,
            written=self._written,
        )
        for path in paths:
            job.report.outputs.append(path)
            if not self._as_json:
                with self._display.aside():
                    say_path(path)

    def _announce(self, report: Report) -> None:
        """One sentence on standard error; without remarks only what did not end well."""
        with self._display.aside():
            if report.exit_code is not ExitCode.OK:
                complain(sentence(report))
            elif not self._quiet:
                tell(sentence(report))
            if report.reading is not None and not self._quiet:
                for note in report.reading.notes:
                    tell(f"  {note}")


def _work_folders(work: Path | None, videos: Sequence[Path]) -> list[Path | None]:
    """The work folder of each video: the one named, or in it one of each video's name."""
    if work is None or len(videos) <= 1:
        return [work] * len(videos)
    folders: list[Path | None] = []
    taken: set[str] = set()
    for video in videos:
        name, number = video.name, 1
        while name.casefold() in taken:
            number += 1
            name = f"{video.name}-{number}"
        taken.add(name.casefold())
        folders.append(work / name)
    return folders


def _show_cursor() -> None:
    """The bars hide it, and a second Ctrl-C leaves them no time to give it back."""
    tell("\x1b[?25h")
