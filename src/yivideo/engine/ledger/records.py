"""What the ledger is told and what it tells: frozen records; times in seconds since 1970."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class WorkflowStatus(StrEnum):
    """Where a workflow stands."""

    # Accepted; none of its steps has begun.
    QUEUED = "queued"
    # A step has begun.
    RUNNING = "running"
    # Somebody asked for its end; a step is still being stopped.
    CANCELLING = "cancelling"
    # The ends: exactly one of them, once.
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen to it by itself."""
        return self in {self.SUCCEEDED, self.FAILED, self.CANCELLED}


class StepStatus(StrEnum):
    """Where a step of a workflow stands."""

    # The steps before it have not succeeded yet.
    PENDING = "pending"
    # It may be claimed; if it needs a device it may be waiting for one.
    READY = "ready"
    # An attempt has claimed it.
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    # Its workflow ended before its turn came, or while it ran.
    CANCELLED = "cancelled"


class AttemptStatus(StrEnum):
    """How an attempt stands or ended."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    # It said what went wrong.
    FAILED = "failed"
    # Its process or its host was seen gone, or fell silent.
    LOST = "lost"
    CANCELLED = "cancelled"


class ErrorKind(StrEnum):
    """Whose fault an attempt's end was: what follows from it."""

    # The video's or the parameters': fails the workflow at once, with the sentence for the user.
    USER = "user"
    # The machine's: tried again with back-off, three claims at most.
    MACHINE = "machine"
    # The device's memory was too small: tried again with a larger request.
    MEMORY = "memory"
    # Nobody's: a drained worker gave it back. Does not count as a claim.
    RETURNED = "returned"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewStep:
    """A node of a chain to be: its name, and its parameters, checked already."""

    name: str
    params: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class NewWorkflow:
    """A workflow to be accepted.

    Attributes:
        video_path: as its sender named it.
        source: where it really lies: an absolute real path, or an address of the file store.
        chain: its steps, in order.
        priority: 0 to 9, 9 first.
        group: the tenant whose share of device time it counts to.
        weight: the group's share.
        callback_url: who is told of its end.
    """

    video_path: str
    source: str
    chain: Sequence[NewStep]
    priority: int = 5
    group: str = "default"
    weight: float = 1.0
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    callback_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IdempotencyKey:
    """A sender's own name for a request: the same again is answered with what came of the first.

    Attributes:
        key: the header's value.
        owner: whose key it is: the API key's id, or "".
        digest: of the request's body; the same key with another body is refused.
    """

    key: str
    owner: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyStep:
    """A step that may be claimed: what a hint is made of, and a request for a device.

    Attributes:
        step_id: the step.
        number: the attempt's number, 1 for the first: a claim with an older one is refused.
        memory_factor: by how much more device memory is asked for, after attempts that ran out.
        excluded_until: not before this time; back-off after a fault of the machine. 0 for at once,
            or where that time has come by the database's clock.
        hints: how often a hint was sent already.
        config_version: the version of the settings that its workflow was accepted with.
    """

    step_id: int
    number: int
    name: str
    workflow_id: str
    position: int
    priority: int
    group: str
    weight: float
    workflow_since: float
    memory_factor: float = 1.0
    excluded_until: float = 0.0
    hints: int = 0
    config_version: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an attempt runs.

    Attributes:
        host: the host's name in the pool.
        worker: the worker's name, unique while it lives.
        pid: of the process that works.
        process: that process, as the pool's agents know it (see `gpu.processes.Process`).
        device: the pool's name of the device held, "" for none.
        fence: of the lease held, "" for none.
    """

    host: str
    worker: str
    pid: int
    process: Mapping[str, Any] = field(default_factory=dict[str, Any])
    device: str = ""
    fence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """An attempt that may run now.

    Attributes:
        attempt_id: the attempt; it only grows, and is the fence of all that the attempt says.
        inputs: for each earlier step of the workflow, by name, where its result lies.
        place: where this attempt writes: its own place in the file store.
    """

    attempt_id: int
    step_id: int
    number: int
    workflow_id: str
    name: str
    params: Mapping[str, Any]
    source: str
    inputs: Mapping[str, str]
    place: str
    config_version: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """A file that a step made; `uri` in the file store, `size` in bytes.

    Attributes:
        step: the step that made it; the ledger fills it in.
    """

    name: str
    uri: str
    size: int
    media_type: str
    step: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a successful attempt hands in; see `Ledger.succeed`."""

    output: Mapping[str, Any]
    artifacts: Sequence[Artifact]
    units: float
    seconds: float
    model: str
    memory_mib: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRecord:
    """An attempt as it is shown."""

    attempt_id: int
    number: int
    status: AttemptStatus
    host: str
    worker: str
    pid: int
    device: str
    started_at: float
    ended_at: float | None
    error_kind: ErrorKind | None
    error_code: str
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRecord:
    """A step as it is shown; ``progress`` from 0 to 1."""

    step_id: int
    position: int
    name: str
    status: StepStatus
    params: Mapping[str, Any]
    progress: float
    ready_at: float | None
    started_at: float | None
    ended_at: float | None
    number: int
    error: str
    attempts: Sequence[AttemptRecord] = ()
    output: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowRecord:
    """A workflow as it is shown; ``progress`` from 0 to 1."""

    id: str
    status: WorkflowStatus
    video_path: str
    source: str
    priority: int
    group: str
    labels: Mapping[str, str]
    callback_url: str | None
    created_at: float
    started_at: float | None
    ended_at: float | None
    error_code: str
    error: str
    progress: float
    config_version: int
    steps: Sequence[StepRecord] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A workflow that is committed; ``replayed`` where its idempotency key was known."""

    workflow_id: str
    ready: Sequence[ReadyStep]
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a transition brought about: steps that became ready, and the workflow's end if any."""

    workflow_id: str
    ready: Sequence[ReadyStep] = ()
    ended: WorkflowStatus | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """An attempt that is under way: what the reconciler and a cancellation look at."""

    attempt_id: int
    step_id: int
    number: int
    workflow_id: str
    name: str
    host: str
    worker: str
    pid: int
    process: Mapping[str, Any]
    device: str
    fence: str
    started_at: float
    beat_at: float
    cancel: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened, to a workflow most times; ids only grow.

    Attributes:
        kind: ``workflow.accepted``, ``workflow.started``, ``workflow.prioritised``,
            ``workflow.cancelling``, its end (``workflow.succeeded``, ``workflow.failed``,
            ``workflow.cancelled``), ``workflow.retried``, ``workflow.deleted``; ``step.ready``,
            ``step.started``, and how an attempt ended: ``step.succeeded``, ``step.failed``,
            ``step.lost``, ``step.returned``, ``step.cancelled``. Of no workflow, but of the
            configuration: ``config.changed``, ``config.canary``, ``config.promoted``,
            ``config.aborted``, ``config.alert``.
    """

    id: int
    workflow_id: str
    kind: str
    at: float
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which workflows to list; empty fields do not filter.

    Attributes:
        text: found in the video's path or the error.
        labels: all of them must match.
        after, before: times of acceptance.
    """

    statuses: Sequence[WorkflowStatus] = ()
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    group: str = ""
    text: str = ""
    after: float | None = None
    before: float | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Some workflows, newest first, without their steps; ``cursor`` for the next page, or None."""

    workflows: Sequence[WorkflowRecord]
    cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """News of a workflow's end that somebody asked for.

    Attributes:
        id: the same for each try: what a receiver knows a repetition by.
        kind: of the event it tells of.
        at: when that happened.
        tries: how often it was tried before.
    """

    id: int
    workflow_id: str
    url: str
    kind: str
    at: float
    data: Mapping[str, Any]
    tries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """An API key as it is listed: never its secret, which nobody knows but its owner.

    Attributes:
        used_at: the last use, to the minute; None for never.
    """

    id: str
    name: str
    created_at: float
    used_at: float | None
    revoked_at: float | None
