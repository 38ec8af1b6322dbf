"""Looking at workflows and attempts; nothing here changes anything."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from yivideo.engine.ledger.database import Transaction
from yivideo.engine.ledger.records import (
    Artifact,
    AttemptRecord,
    AttemptStatus,
    ErrorKind,
    ReadyStep,
    Running,
    StepRecord,
    StepStatus,
    WorkflowRecord,
    WorkflowStatus,
)
from yivideo.engine.ledger.rows import ready_steps, running_attempts
from yivideo.engine.ledger.tables import artifacts, attempts, steps, workflows
from yivideo.engine.ledger.wording import clean
from yivideo.errors import WorkflowUnknown


def workflow(tx: Transaction, workflow_id: str) -> WorkflowRecord:
    """A workflow with its steps and their attempts.

    Raises:
        WorkflowUnknown: there is none.
    """
    row = tx.execute(sa.select(workflows).where(workflows.c.id == clean(workflow_id))).one_or_none()
    if row is None:
        raise WorkflowUnknown(f"There is no workflow '{clean(workflow_id)}'.")
    tried = sa.select(attempts).where(attempts.c.workflow_id == row.id).order_by(attempts.c.id)
    by_step: dict[int, list[sa.Row[Any]]] = defaultdict(list)
    for attempt in tx.execute(tried):
        by_step[attempt.step_id].append(attempt)
    chain = sa.select(steps).where(steps.c.workflow_id == row.id).order_by(steps.c.position)
    shown = [_step(step, by_step[step.id]) for step in tx.execute(chain)]
    progress = sum(step.progress for step in shown) / len(shown)
    return workflow_record(row, progress, shown)


def workflow_record(
    row: sa.Row[Any], progress: float, shown: Sequence[StepRecord] = ()
) -> WorkflowRecord:
    """A workflow's row as it is shown."""
    return WorkflowRecord(
        id=row.id,
        status=WorkflowStatus(row.status),
        video_path=row.video_path,
        source=row.source,
        priority=row.priority,
        group=row.tenant,
        labels=row.labels,
        callback_url=row.callback_url,
        created_at=row.created_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
        error_code=row.error_code,
        error=row.error,
        progress=progress,
        config_version=row.config_version,
        steps=shown,
    )


def _step(row: sa.Row[Any], tried: Sequence[sa.Row[Any]]) -> StepRecord:
    result = next((attempt for attempt in tried if attempt.id == row.result_id), None)
    return StepRecord(
        step_id=row.id,
        position=row.position,
        name=row.name,
        status=StepStatus(row.status),
        params=row.params,
        progress=row.progress,
        ready_at=row.ready_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
        number=row.number,
        error=row.error,
        attempts=[_attempt(attempt) for attempt in tried],
        output=result.output if result is not None else None,
    )


def _attempt(row: sa.Row[Any]) -> AttemptRecord:
    return AttemptRecord(
        attempt_id=row.id,
        number=row.number,
        status=AttemptStatus(row.status),
        host=row.host,
        worker=row.worker,
        pid=row.pid,
        device=row.device,
        started_at=row.started_at,
        ended_at=row.ended_at,
        error_kind=None if row.error_kind is None else ErrorKind(row.error_kind),
        error_code=row.error_code,
        error=row.error,
    )


def due(tx: Transaction, limit: int) -> Sequence[ReadyStep]:
    """Ready steps whose hint is to be sent (again), those that wait longest first."""
    return ready_steps(tx, steps.c.next_hint_at <= tx.now, order=steps.c.next_hint_at, limit=limit)


def running(tx: Transaction, limit: int) -> Sequence[Running]:
    """The attempts that are under way, oldest first."""
    return running_attempts(tx, sa.true(), limit=limit)


def silent(tx: Transaction, seconds: float) -> Sequence[Running]:
    """The attempts that are under way and have not been heard of for so long."""
    return running_attempts(tx, attempts.c.beat_at < tx.now - seconds)


def results(tx: Transaction, workflow_id: str) -> Sequence[Artifact]:
    """The files that the steps of a workflow have made, in order: results, not what failed left."""
    chosen = (
        sa.select(artifacts, steps.c.name.label("step"))
        .join(steps, steps.c.result_id == artifacts.c.attempt_id)
        .where(artifacts.c.workflow_id == clean(workflow_id))
        .order_by(steps.c.position, artifacts.c.id)
    )
    found = [
        Artifact(
            name=row.name, uri=row.uri, size=row.size, media_type=row.media_type, step=row.step
        )
        for row in tx.execute(chosen)
    ]
    if not found:
        workflow(tx, workflow_id)
    return found
