"""A place: the Celery worker process that carries out one step at a time.

It never decodes and never touches CUDA: the step runs in its child. It claims in the pool and in
the ledger, follows the child, commits what came of it, and sends the hints that follow. The device
goes back as soon as the child is done: the next step is claimed while the result is being
committed, and begins after that, for it may be the end of this process.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar

from yivideo.engine.child import StepChild, StepFailed, StepJob, StepResult
from yivideo.engine.dispatch import Dispatcher
from yivideo.engine.ledger.records import Artifact, Claimed, ErrorKind, Outcome, Place
from yivideo.engine.ledger.store import Ledger
from yivideo.engine.settings import EngineSettings
from yivideo.errors import (
    Cancelled,
    LedgerUnavailable,
    PoolError,
    ServerUnavailable,
    StepCrashed,
    YiVideoError,
)
from yivideo.gpu import holding
from yivideo.gpu.pool import GpuPool
from yivideo.gpu.processes import Process
from yivideo.gpu.records import Grant, Holder
from yivideo.storage.files import FileStore

logger = logging.getLogger(__name__)
R = TypeVar("R")


@dataclass(slots=True)
class Worker:
    """What a place works with, for as long as it lives.

    `perform` returns when the device is free again, `finish` when all attempts are told.

    Attributes:
        name: unique while it lives; attempts are known by it.
        give_back: set when the step under way is to be handed to another worker.
    """

    settings: EngineSettings
    name: str
    ledger: Ledger
    pool: GpuPool
    store: FileStore
    dispatcher: Dispatcher
    child: StepChild
    give_back: threading.Event = field(default_factory=threading.Event)
    _finishing: threading.Thread | None = None

    def perform(self, step_id: int, number: int, told: Mapping[str, Any] | None) -> None:
        """Carry out an attempt, if it is still current; what a hint asks for."""
        grant = Grant.of(told) if told else None
        try:
            process = self.child.ensure(_visible(grant))
        except StepFailed as failed:
            # The hint is sent again; a grant goes back by itself.
            logger.error("No child could be started: %s", failed)  # noqa: TRY400 - one sentence
            return
        holder = Holder(
            self.settings.host, process.pid, process.start, process.namespace, process.boot
        )
        lease = self._hold(grant, holder) if grant else None
        if grant and lease is None:
            return
        try:
            claimed = self._claim(step_id, number, holder, lease)
            # One attempt is finished at a time, however long the ledger is away; and what this one
            # does to its worker must not undo the work of another.
            self.finish()
            attempt = self._begin(claimed, lease) if claimed else None
        finally:
            if lease is not None:
                self._release(lease, holder)
        self._finishing = attempt

    def finish(self) -> None:
        """Wait until the attempt that has left the device is told to the ledger."""
        if self._finishing is not None:
            self._finishing.join()
            self._finishing = None

    def _begin(self, claimed: Claimed, lease: Grant | None) -> threading.Thread:
        """Begin an attempt and wait until the child is done with it; what finishes it goes on."""
        idle = threading.Event()
        attempt = threading.Thread(target=self._attempt, args=(claimed, lease, idle))
        attempt.start()
        idle.wait()
        return attempt

    def _attempt(self, claimed: Claimed, lease: Grant | None, idle: threading.Event) -> None:
        try:
            outcome = self._carry_out(claimed, lease, idle)
            if outcome is not None:
                self.dispatcher.send(outcome.ready)
        except Exception:
            # Nobody waits for what becomes of it: the reconciler finds it, the log says why.
            logger.exception("%s of %s", claimed.name, claimed.workflow_id)
        finally:
            idle.set()

    def _hold(self, grant: Grant, holder: Holder) -> Grant | None:
        """Claim the device; None when the grant is not good any more."""
        try:
            return holding.claim(self.pool, grant, self.dispatcher.request_of(grant), holder)
        except (PoolError, ServerUnavailable) as error:
            logger.info("%s", error)
            return None

    def _release(self, lease: Grant, holder: Holder) -> None:
        try:
            holding.release(self.pool, lease, holder)
        except (PoolError, ServerUnavailable) as error:
            # Taken back by the agent, which saw the child die before we did; or nobody hears it
            # now: the reconciler finds the lease.
            logger.info("%s", error)

    def _claim(
        self, step_id: int, number: int, holder: Holder, lease: Grant | None
    ) -> Claimed | None:
        place = Place(
            host=self.settings.host,
            worker=self.name,
            pid=holder.pid,
            process={**holder.record(), "place": Process.current().as_record()},
            device=lease.device if lease else "",
            fence=lease.fence if lease else "",
        )
        return self._patiently(lambda: self.ledger.claim(step_id, number, place))

    def _carry_out(
        self, claimed: Claimed, lease: Grant | None, idle: threading.Event
    ) -> Outcome | None:
        """Run the step in the child and commit what came of it; None if it was not current.

        ``idle`` is set once the child is done, well or not: it uses no device any more.
        """
        with _Follower(self, claimed) as follower:
            try:
                result, artifacts = self._run(claimed, lease, follower, idle)
            except Cancelled:
                if self.give_back.is_set() and not follower.unwanted:
                    return self._fail(claimed, ErrorKind.RETURNED, "", "The worker was drained.")
                return self._fail(claimed, ErrorKind.USER, "cancelled", "It was cancelled.")
            except StepFailed as failed:
                return self._fail(claimed, failed.kind, failed.code, str(failed))
            except YiVideoError as error:
                # The file store: full, or away.
                return self._fail(claimed, ErrorKind.MACHINE, error.code, error.message)
            except Exception:
                # Otherwise the attempt would seem to run until its silence is noticed.
                logger.exception("%s of %s", claimed.name, claimed.workflow_id)
                why = f"{claimed.name} failed unexpectedly; the worker's log has the details."
                return self._fail(claimed, ErrorKind.MACHINE, StepCrashed.code, why)
        return self._patiently(
            lambda: self.ledger.succeed(
                claimed.attempt_id,
                result.output,
                artifacts,
                units=result.units,
                seconds=result.seconds,
                model=lease.model if lease else "cpu",
                memory_mib=_memory_mib(result, lease),
            )
        )

    def _run(
        self,
        claimed: Claimed,
        lease: Grant | None,
        follower: "_Follower",
        idle: threading.Event,
    ) -> tuple[StepResult, list[Artifact]]:
        inputs = {name: self.store.fetch(uri) for name, uri in claimed.inputs.items()}
        source = claimed.source
        if "://" in source:
            # It was uploaded.
            source = str(self.store.fetch(source))
        with self.store.local_target(claimed.place) as target:
            job = StepJob(
                step=claimed.name,
                params=claimed.params,
                source=source,
                inputs=inputs,
                target=target,
                device=_device(lease),
                visible=_visible(lease),
            )
            try:
                result = self.child.run(
                    job, on_progress=follower.progress, should_stop=follower.should_stop
                )
            finally:
                idle.set()
        listed = self.store.list(claimed.place)
        artifacts = [
            Artifact(
                name=file.name,
                uri=f"{claimed.place}/{file.name}",
                size=file.size,
                media_type=file.media_type,
            )
            for file in listed
        ]
        return result, artifacts

    def _fail(self, claimed: Claimed, kind: ErrorKind, code: str, message: str) -> Outcome | None:
        logger.warning("%s of %s: %s", claimed.name, claimed.workflow_id, message)
        return self._patiently(lambda: self.ledger.fail(claimed.attempt_id, kind, code, message))

    def _patiently(self, say: Callable[[], R]) -> R:
        """Say it to the ledger until it hears: finished work is not thrown away for a pause."""
        wait = 0.1
        while True:
            try:
                return say()
            except LedgerUnavailable as error:
                logger.warning("%s", error)
                time.sleep(wait)
                wait = min(2 * wait, 2.0)


class _Follower:
    """Tells the ledger that an attempt lives and how far it is; learns whether it is wanted."""

    def __init__(self, worker: Worker, claimed: Claimed) -> None:
        self._worker = worker
        self._attempt = claimed.attempt_id
        self._fraction = 0.0
        self._ended = threading.Event()
        self.unwanted = False
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def progress(self, fraction: float, _position: float | None = None) -> None:
        """The child has come so far."""
        self._fraction = fraction

    def should_stop(self) -> bool:
        """Whether the child should stop: nobody wants the result, or the worker is drained."""
        return self.unwanted or self._worker.give_back.is_set()

    def _beat(self) -> None:
        try:
            # The attempt has begun; that it did must soon survive a power cut, too.
            self._worker.ledger.sync()
        except LedgerUnavailable as error:
            logger.warning("%s", error)
        while not self._ended.wait(self._worker.settings.beat_s):
            try:
                if not self._worker.ledger.note_progress(self._attempt, self._fraction):
                    self.unwanted = True
            except LedgerUnavailable as error:
                logger.warning("%s", error)


def _memory_mib(result: StepResult, lease: Grant | None) -> float:
    """What it used of its device's memory, where that is this host's; 0 for unknown."""
    if lease is None or _visible(lease):
        return 0.0
    return result.peak_bytes / 2**20


def _visible(lease: Grant | None) -> str:
    """The one GPU that the child may see; "" without one."""
    return "" if lease is None or lease.uuid.startswith("CPU-") else lease.uuid


def _device(lease: Grant | None) -> str:
    """The device as steps name it: the lease's is the only one its child can see."""
    return "cuda:0" if _visible(lease) else "cpu"
