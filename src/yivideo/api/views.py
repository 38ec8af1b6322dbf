"""What the API tells: the bodies of answers. Times are UTC."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field

from yivideo.engine.ledger.records import (
    AttemptRecord,
    AttemptStatus,
    ErrorKind,
    StepRecord,
    StepStatus,
    WorkflowRecord,
    WorkflowStatus,
)
from yivideo.subtitles.formats import WRITERS

Percent = Annotated[float, Field(ge=0, le=100, description="Percent done.")]


def moment(seconds: float) -> datetime:
    """A time of the ledger."""
    return datetime.fromtimestamp(seconds, UTC)


def moment_or_none(seconds: float | None) -> datetime | None:
    """A time of the ledger that may not have come."""
    return None if seconds is None else moment(seconds)


def percent(fraction: float) -> float:
    """A fraction as percent, to a tenth."""
    return round(100 * min(1.0, max(0.0, fraction)), 1)


class Links(BaseModel):
    """Where the rest of a workflow is."""

    self: str
    events: str
    artifacts: str
    subtitles: dict[str, str] = Field(description="By format; they are there when it succeeded.")

    @classmethod
    def of(cls, workflow_id: str) -> "Links":
        """Of that workflow."""
        base = f"/v1/workflows/{workflow_id}"
        return cls(
            self=base,
            events=f"{base}/events",
            artifacts=f"{base}/artifacts",
            subtitles={name: f"{base}/subtitles.{name}" for name in WRITERS},
        )


class AcceptedView(BaseModel):
    """A workflow that is committed: it will end exactly once."""

    id: str
    status: WorkflowStatus
    links: Links


class ErrorView(BaseModel):
    """Why something failed."""

    code: str
    message: str


class AttemptView(BaseModel):
    """One execution of a step."""

    number: int
    status: AttemptStatus
    host: str
    worker: str
    device: str | None
    started_at: datetime
    ended_at: datetime | None
    error_kind: ErrorKind | None
    error: ErrorView | None

    @classmethod
    def of(cls, record: AttemptRecord) -> "AttemptView":
        """As it is shown."""
        return cls(
            number=record.number,
            status=record.status,
            host=record.host,
            worker=record.worker,
            device=record.device or None,
            started_at=moment(record.started_at),
            ended_at=moment_or_none(record.ended_at),
            error_kind=record.error_kind,
            error=_error(record.error_code, record.error),
        )


class StepView(BaseModel):
    """A step of a workflow."""

    name: str
    position: int
    status: StepStatus
    progress: Percent
    params: dict[str, Any]
    ready_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    error: str | None
    attempts: list[AttemptView]

    @classmethod
    def of(cls, record: StepRecord) -> "StepView":
        """As it is shown."""
        return cls(
            name=record.name,
            position=record.position,
            status=record.status,
            progress=percent(record.progress),
            params=dict(record.params),
            ready_at=moment_or_none(record.ready_at),
            started_at=moment_or_none(record.started_at),
            ended_at=moment_or_none(record.ended_at),
            error=record.error or None,
            attempts=[AttemptView.of(attempt) for attempt in record.attempts],
        )


class HolderView(BaseModel):
    """Who holds a device that is waited for."""

    device: str
    what: str
    workflow_id: str | None


class WaitingView(BaseModel):
    """What a workflow waits for."""

    step: str
    waits_for: str = Field(description="`device`, `worker`, or `back-off` after a fault.")
    queue: str | None = Field(default=None, description="The queue of its service, for `worker`.")
    queue_length: int | None = None
    position: int | None = Field(
        default=None, description="Its place among those who wait for a device."
    )
    holders: list[HolderView] = []
    estimate_s: float | None = Field(default=None, description="Seconds until its start: a median.")
    estimate_bound_s: float | None = Field(
        default=None, description="What nine in ten stay within."
    )


class WorkflowSummary(BaseModel):
    """A workflow in a list."""

    id: str
    status: WorkflowStatus
    video_path: str
    priority: int
    group: str
    labels: dict[str, str]
    callback_url: str | None
    config_version: int = Field(description="Of the settings that it was accepted with.")
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    progress: Percent
    error: ErrorView | None
    links: Links

    @classmethod
    def facts(cls, record: WorkflowRecord) -> Mapping[str, Any]:
        """The fields that a summary and a whole workflow share."""
        return {
            "id": record.id,
            "status": record.status,
            "video_path": record.video_path,
            "priority": record.priority,
            "group": record.group,
            "labels": dict(record.labels),
            "callback_url": record.callback_url,
            "config_version": record.config_version,
            "created_at": moment(record.created_at),
            "started_at": moment_or_none(record.started_at),
            "ended_at": moment_or_none(record.ended_at),
            "progress": percent(record.progress),
            "error": _error(record.error_code, record.error),
            "links": Links.of(record.id),
        }

    @classmethod
    def of(cls, record: WorkflowRecord) -> "WorkflowSummary":
        """As it is listed."""
        return cls(**cls.facts(record))


class WorkflowView(WorkflowSummary):
    """A workflow with its steps."""

    steps: list[StepView]
    waiting_for: WaitingView | None = None

    @classmethod
    def whole(cls, record: WorkflowRecord, waiting: WaitingView | None = None) -> "WorkflowView":
        """As it is shown alone."""
        steps = [StepView.of(step) for step in record.steps]
        return cls(**cls.facts(record), steps=steps, waiting_for=waiting)


class WorkflowPage(BaseModel):
    """Some workflows, newest first."""

    workflows: list[WorkflowSummary]
    next: str | None = Field(description="Where the next page is; also in the `Link` header.")


def _error(code: str, message: str) -> ErrorView | None:
    return ErrorView(code=code, message=message) if code or message else None
