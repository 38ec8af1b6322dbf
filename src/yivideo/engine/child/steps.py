"""The parent's side of a step's child: starts it, gives it jobs, stops it, and says what became."""

import contextlib
import json
import logging
import os
import queue
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

from yivideo.engine.child.entry import CODE, Order, carry
from yivideo.engine.child.failures import fault_of_end, memory_fault
from yivideo.engine.child.jobs import Fault, StepFailed, StepJob, StepResult
from yivideo.engine.child.limits import Confinement, Limits
from yivideo.engine.child.memory import resident_bytes
from yivideo.engine.child.scratch import make_scratch
from yivideo.engine.child.serving import Broken, Done, Failed, News, StopTask, Task
from yivideo.engine.child.worker import Gone, Launch, Word, Worker
from yivideo.engine.ledger.records import ErrorKind
from yivideo.errors import Cancelled, StepCrashed
from yivideo.files import partial_pattern
from yivideo.gpu.processes import Process

logger = logging.getLogger(__name__)

# How often the wish to stop, the grace and the memory are looked at, in seconds.
_LOOK_S = 0.05
# A child that starts has this long to say what confines it: a busy machine is slow.
_GREETING_S = 60.0
_END_S = 5.0

OnProgress = Callable[[float, float | None], object]
ShouldStop = Callable[[], bool]


@dataclass(slots=True)
class _Child:
    """A child that lives, or did a moment ago."""

    worker: Worker
    process: Process
    inbox: "queue.Queue[Word]"
    confinement: Confinement | None = None
    visible: str | None = None


class StepChild:
    """A child process that runs steps, one at a time; started when needed, kept while it is good.

    It leads a session of its own and ends with this process. `ensure` names the process that will
    run the next job, so that a lease can be claimed for it; then no other one will run that job.
    """

    def __init__(self, limits: Limits | None = None, *, scratch: Path | None = None) -> None:
        """Nothing is started before it is needed.

        Args:
            limits: what a step may use.
            scratch: folder for temporary files; the system's by default.
        """
        self.limits = limits or Limits()
        self._folder = make_scratch(scratch)
        self._lock = threading.RLock()
        self._child: _Child | None = None
        self._promised: Process | None = None
        self._timer: threading.Timer | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the child and remove its temporary files."""
        with self._lock:
            self._still()
            self._end()
            shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def process(self) -> Process:
        """The child that will run the next job: `ensure` for a job without a device of its own."""
        return self.ensure()

    @property
    def confinement(self) -> Confinement:
        """What confines the child; it is started if there is none."""
        with self._lock:
            child = self._living()
            self._rest()
            return self._greeted(child)

    def ensure(self, visible: str = "") -> Process:
        """The child that will run the next job, started if there is none.

        Args:
            visible: UUID of the one GPU that the job may see, if it is on a GPU.

        Raises:
            StepFailed: the system cannot start one.
        """
        with self._lock:
            child = self._living(visible)
            self._promised = child.process
            self._rest()
            return child.process

    def run(
        self,
        job: StepJob,
        on_progress: OnProgress | None = None,
        should_stop: ShouldStop | None = None,
    ) -> StepResult:
        """Run one attempt of a step and wait for its end.

        Args:
            job: what to do.
            on_progress: told the fraction that is done and the second of film where it is.
            should_stop: asked often; when it says so, the step is stopped, and killed if it does
                not stop within the grace.

        Raises:
            StepFailed: it failed; its target was not written.
            Cancelled: it was stopped; its target was not written.
        """
        with self._lock:
            promised, self._promised = self._promised, None
            self._still()
            visible = job.visible if job.cuda else ""
            child = self._child if promised else self._living(visible)
            if (
                child is None
                or not _fits(child, visible)
                or child.process != (promised or child.process)
            ):
                raise StepFailed(
                    ErrorKind.MACHINE,
                    StepCrashed.code,
                    f"The process that was to run {job.step} has ended before it could.",
                )
            if visible:
                child.visible = visible
            try:
                return self._run(child, job, on_progress, should_stop)
            finally:
                self._rest()

    def _run(
        self,
        child: _Child,
        job: StepJob,
        on_progress: OnProgress | None,
        should_stop: ShouldStop | None,
    ) -> StepResult:
        scratch = Path(tempfile.mkdtemp(dir=self._folder))
        outcome = None
        try:
            child.worker.send(Task(carry, Order(job, self.limits), scratch))
            outcome = _Watch(child, job, self.limits, on_progress, should_stop).outcome()
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
            if outcome is None or child.worker.ended:
                self._end(at_once=True)
                _remove_partial(job.target)
        if outcome is None:
            raise Cancelled("Stopped on request.")
        if isinstance(outcome, Cancelled):
            raise outcome
        if isinstance(outcome, Fault):
            if outcome.details:
                logger.error("%s\n%s", outcome.message, outcome.details.rstrip())
            if outcome.spoilt:
                self._end(at_once=True)
            raise StepFailed(outcome.kind, outcome.code, outcome.message)
        if outcome.resident_bytes > self.limits.keep_bytes:
            self._end()
        return replace(outcome, notes=(*self._greeted(child).lacking, *outcome.notes))

    def _living(self, visible: str = "") -> _Child:
        """The child, if it can be used, or a new one."""
        child = self._child
        if child is None or not _fits(child, visible):
            self._end()
            child = self._child = self._start()
        return child

    def _start(self) -> _Child:
        inbox: queue.Queue[Word] = queue.Queue()
        limits = json.dumps(asdict(self.limits))
        launch = Launch(
            code=CODE,
            arguments=(str(os.getpid()), limits),
            session=True,
        )
        try:
            worker = Worker(inbox, self._folder / "child.log", launch)
        except OSError as error:
            message = f"No process could be started for steps: {error.strerror}."
            raise StepFailed(ErrorKind.MACHINE, StepCrashed.code, message) from error
        process = Process.of(worker.pid)
        if process is None:
            worker.kill()
            message = "The process that was to run steps ended at once."
            raise StepFailed(ErrorKind.MACHINE, StepCrashed.code, message)
        return _Child(worker, process, inbox)

    def _greeted(self, child: _Child) -> Confinement:
        """What the child said first."""
        if child.confinement is None:
            with contextlib.suppress(queue.Empty):
                word = child.inbox.get(timeout=_GREETING_S)
                if not _note(child, word.message):
                    # It is gone: for whoever gives it the next job to see.
                    child.inbox.put(word)
        return child.confinement or Confinement(lacking=("The child did not say what holds it.",))

    def _end(self, *, at_once: bool = False) -> None:
        """End the child, if there is one, and see it gone."""
        child, self._child = self._child, None
        if child is None:
            return
        if at_once:
            child.worker.kill()
        else:
            child.worker.dismiss()
        if not child.worker.wait(_END_S):
            child.worker.kill()
            child.worker.wait(_END_S)

    def _still(self) -> None:
        """Stop waiting for the child to have been idle for long enough."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _rest(self) -> None:
        """From now on the child is idle."""
        self._still()
        if self._child is not None:
            self._timer = threading.Timer(self.limits.idle_seconds, self._retire)
            self._timer.daemon = True
            self._timer.start()

    def _retire(self) -> None:
        with self._lock:
            # Another timer, or none: there was work meanwhile.
            if self._timer is threading.current_thread():
                self._timer = None
                self._end()


class _Watch:
    """Follows one job to its end."""

    def __init__(
        self,
        child: _Child,
        job: StepJob,
        limits: Limits,
        on_progress: OnProgress | None,
        should_stop: ShouldStop | None,
    ) -> None:
        self._child = child
        self._job = job
        self._limits = limits
        self._on_progress = on_progress
        self._should_stop = should_stop
        self._kill_at: float | None = None
        self._too_large = False

    def outcome(self) -> StepResult | Fault | Cancelled | None:
        """Wait for the end; None when the child was killed because it did not stop."""
        while True:
            try:
                message = self._child.inbox.get(timeout=_LOOK_S).message
            except queue.Empty:
                message = None
            if isinstance(message, News):
                self._tell(message)
            elif message is not None:
                return self._ended(message)
            self._look()

    def _tell(self, news: News) -> None:
        if not _note(self._child, news) and self._on_progress is not None:
            self._on_progress(*news.value)  # type: ignore[misc]  # what `carry_out` tells

    def _look(self) -> None:
        """See whether the step should stop, should have stopped, or has grown too large."""
        if self._kill_at is None:
            if self._should_stop is not None and self._should_stop():
                self._kill_at = time.monotonic() + self._limits.grace_seconds
                self._child.worker.send(StopTask())
        elif time.monotonic() >= self._kill_at:
            self._child.worker.kill()
        if self._job.cuda and self._limits.memory is not None and not self._too_large:
            self._too_large = resident_bytes(self._child.worker.pid) > self._limits.memory
            if self._too_large:
                self._child.worker.kill()

    def _ended(self, message: object) -> StepResult | Fault | Cancelled | None:
        step = self._job.step
        if isinstance(message, Done) and isinstance(message.value, StepResult | Fault):
            return message.value
        if isinstance(message, Gone):
            if self._too_large:
                return memory_fault(step, self._limits)
            return None if self._kill_at is not None else fault_of_end(message, step, self._limits)
        if isinstance(message, Failed) and self._kill_at is not None:
            return Cancelled("Stopped on request.")
        details = message.details if isinstance(message, Broken) else repr(message)
        sentence = f"{step} failed unexpectedly; the worker's log has the details."
        return Fault(ErrorKind.MACHINE, StepCrashed.code, sentence, details, spoilt=True)


def _fits(child: _Child, visible: str) -> bool:
    """Whether the child lives and can run a job that sees that GPU."""
    return not child.worker.ended and (not visible or child.visible in {None, visible})


def _note(child: _Child, message: object) -> bool:
    """Take the child's greeting; false if the message is something else."""
    if not isinstance(message, News) or not isinstance(message.value, Confinement):
        return False
    child.confinement = message.value
    for sentence in message.value.lacking:
        logger.warning("%s", sentence)
    return True


def _remove_partial(target: Path) -> None:
    """Remove what a killed child was writing."""
    for partial in target.parent.glob(partial_pattern(target)):
        shutil.rmtree(partial, ignore_errors=True)
