"""Several videos, some of them at a time, each in a child process."""

import queue
import shutil
import tempfile
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from yivideo.cli.crashes import crash_sentence
from yivideo.cli.display import Display, devices_sentence
from yivideo.cli.extraction import Probed, Reading, Request, extract_video
from yivideo.cli.outputs import Target
from yivideo.cli.report import Report, tracks_sentence
from yivideo.cli.stopping import Stopping
from yivideo.cli.streams import printable
from yivideo.engine.child.serving import Broken, Done, Failed, News, Task
from yivideo.engine.child.worker import Gone, Word, Worker, gone_sentence
from yivideo.engine.options import Progress
from yivideo.errors import OutputDenied, YiVideoError

# A child that is told to stop gets this long, so that the command ends within a second.
_STOP_SECONDS = 0.5
_LOOK_SECONDS = 0.1


@dataclass(slots=True)
class Job:
    """One video: what is asked for and what comes of it.

    Attributes:
        request: what the child is told.
        target: where its results go.
        report: filled in on the way.
    """

    request: Request
    target: Target
    report: Report
    began: float = 0.0
    scratch: Path | None = None


class Batch:
    """Runs jobs in child processes, at most `width` at a time.

    A child reads one video after the other, so that its models stay loaded; one that crashes is
    replaced, and its crash is that video's error.
    """

    def __init__(
        self,
        jobs: Sequence[Job],
        *,
        width: int,
        display: Display,
        over: Callable[[Job, Reading | YiVideoError], None],
    ) -> None:
        """Prepare; nothing starts before `run`.

        Args:
            jobs: in the order in which they begin.
            width: how many at a time.
            display: what shows the progress.
            over: called in this process with each job that is over and what came of it.
        """
        self._waiting = deque(jobs)
        self._width = min(width, len(jobs))
        self._display = display
        self._over = over
        self._inbox: queue.Queue[Word] = queue.Queue()
        self._busy: dict[Worker, Job] = {}
        self._workers: set[Worker] = set()
        self._started = 0

    def run(self, stopping: Stopping) -> None:
        """Work until all jobs are over, or until `stopping` is requested.

        Jobs that were stopped or not begun keep the status CANCELLED.
        """
        if not self._waiting:
            return
        self._folder = _scratch_folder()
        stopping.at_once(self._abandon)
        try:
            while len(self._workers) < self._width:
                self._feed(self._hire())
            while self._busy and not stopping.requested():
                self._listen(_LOOK_SECONDS)
        finally:
            self._close(_STOP_SECONDS if self._busy else 0.0)

    def _hire(self) -> Worker:
        self._started += 1
        worker = Worker(self._inbox, self._folder / f"child-{self._started}.log")
        self._workers.add(worker)
        return worker

    def _feed(self, worker: Worker) -> None:
        """Give the worker the next job, or send it home."""
        if not self._waiting:
            worker.dismiss()
            return
        job = self._waiting.popleft()
        job.began = time.monotonic()
        job.scratch = Path(tempfile.mkdtemp(dir=self._folder))
        self._busy[worker] = job
        self._display.begin(job.report.video)
        worker.send(Task(extract_video, job.request, job.scratch))

    def _listen(self, seconds: float) -> None:
        try:
            word = self._inbox.get(timeout=seconds)
        except queue.Empty:
            return
        worker, message = word.worker, word.message
        job = self._busy.get(worker)
        if isinstance(message, Gone):
            self._workers.discard(worker)
            if job is not None:
                self._end(worker, job, message)
                # Whatever killed the child, the next video deserves a fresh one.
                if self._waiting:
                    self._feed(self._hire())
        elif job is not None and isinstance(message, News):
            self._show(job, message.value)
        elif job is not None:
            self._end(worker, job, message)
            self._feed(worker)

    def _show(self, job: Job, news: object) -> None:
        video = job.report.video
        if isinstance(news, Progress):
            if news.devices is not None and job.request.options.device == "auto":
                self._display.note(devices_sentence(video, news.devices))
            if news.message is not None:
                self._display.note(f"{printable(video)}: {news.message}")
            self._display.advance(video, news)
        elif isinstance(news, Probed):
            job.report.tracks = news.tracks
            if news.tracks:
                self._display.note(tracks_sentence(video, news.tracks))

    def _end(self, worker: Worker, job: Job, message: object) -> None:
        del self._busy[worker]
        job.report.seconds = time.monotonic() - job.began
        self._display.end(job.report.video)
        if job.scratch is not None:
            shutil.rmtree(job.scratch, ignore_errors=True)
        if isinstance(message, Done) and isinstance(message.value, Reading):
            self._over(job, message.value)
        else:
            self._over(job, _error(job, message))

    def _close(self, grace: float) -> None:
        """End all children: those at work are asked first, and killed when they do not."""
        deadline = time.monotonic() + grace
        for worker in self._workers:
            worker.send("cancel")
        for worker in self._workers:
            if not worker.wait(max(0.0, deadline - time.monotonic())):
                worker.kill()
                worker.wait(_STOP_SECONDS)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _abandon(self) -> None:
        for worker in self._workers:
            worker.kill()
        shutil.rmtree(self._folder, ignore_errors=True)


def _error(job: Job, message: object) -> YiVideoError:
    """The error a failed job ends with, from what its child said last."""
    if isinstance(message, Failed):
        return message.error
    name = printable(job.report.video)
    if isinstance(message, Broken):
        return YiVideoError(
            crash_sentence(f"Reading '{name}' failed unexpectedly", message.details)
        )
    if isinstance(message, Gone):
        sentence = f"The process reading '{name}' {gone_sentence(message)}"
        return YiVideoError(crash_sentence(sentence, message.details))
    return YiVideoError(f"The process reading '{name}' answered nonsense: {message!r}.")


def _scratch_folder() -> Path:
    try:
        return Path(tempfile.mkdtemp(prefix="yivideo-"))
    except OSError as error:
        raise OutputDenied(
            "No temporary folder can be made; name one you can write to in TMPDIR."
        ) from error
