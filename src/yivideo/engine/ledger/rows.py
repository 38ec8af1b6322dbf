"""From rows of the tables to records, for all who read them."""

from typing import Any

import sqlalchemy as sa

from yivideo.engine.ledger.database import Transaction
from yivideo.engine.ledger.records import (
    ReadyStep,
    Running,
    StepStatus,
    WorkflowStatus,
)
from yivideo.engine.ledger.tables import attempts, constant, steps, workflows

READY = steps.c.status == constant(StepStatus.READY)
RUNNING = attempts.c.status == constant("running")
OPEN = tuple(status for status in WorkflowStatus if not status.ended)
ENDED = tuple(status for status in WorkflowStatus if status.ended)

_READY_STEPS = sa.select(
    steps.c.id,
    steps.c.number,
    steps.c.name,
    steps.c.workflow_id,
    steps.c.position,
    steps.c.memory_factor,
    steps.c.excluded_until,
    steps.c.hints,
    workflows.c.priority,
    workflows.c.tenant,
    workflows.c.weight,
    workflows.c.created_at,
    workflows.c.config_version,
).join(workflows, workflows.c.id == steps.c.workflow_id)

_RUNNING_ATTEMPTS = (
    sa.select(
        attempts.c.id,
        attempts.c.step_id,
        attempts.c.number,
        attempts.c.workflow_id,
        steps.c.name,
        attempts.c.host,
        attempts.c.worker,
        attempts.c.pid,
        attempts.c.process,
        attempts.c.device,
        attempts.c.fence,
        attempts.c.started_at,
        attempts.c.beat_at,
        workflows.c.status,
    )
    .join(steps, steps.c.id == attempts.c.step_id)
    .join(workflows, workflows.c.id == attempts.c.workflow_id)
    .where(RUNNING)
    # By the key would have SQLite walk along all attempts there ever were.
    .order_by(attempts.c.started_at, attempts.c.id)
)


def ready_steps(
    tx: Transaction,
    condition: sa.ColumnElement[bool],
    *,
    order: sa.ColumnElement[Any] = steps.c.id,
    limit: int | None = None,
) -> list[ReadyStep]:
    """The steps that may be claimed, of those that meet the condition."""
    chosen = _READY_STEPS.where(READY, condition).order_by(order).limit(limit)
    return [
        ReadyStep(
            step_id=row.id,
            number=row.number,
            name=row.name,
            workflow_id=row.workflow_id,
            position=row.position,
            priority=row.priority,
            group=row.tenant,
            weight=row.weight,
            workflow_since=row.created_at,
            memory_factor=row.memory_factor,
            excluded_until=row.excluded_until if row.excluded_until > tx.now else 0.0,
            hints=row.hints,
            config_version=row.config_version,
        )
        for row in tx.execute(chosen)
    ]


def ready_of(tx: Transaction, workflow_id: str) -> list[ReadyStep]:
    """The steps of a workflow that may be claimed."""
    return ready_steps(tx, steps.c.workflow_id == workflow_id)


def running_attempts(
    tx: Transaction, condition: sa.ColumnElement[bool], *, limit: int | None = None
) -> list[Running]:
    """The attempts that are under way, of those that meet the condition."""
    return [
        Running(
            attempt_id=row.id,
            step_id=row.step_id,
            number=row.number,
            workflow_id=row.workflow_id,
            name=row.name,
            host=row.host,
            worker=row.worker,
            pid=row.pid,
            process=row.process,
            device=row.device,
            fence=row.fence,
            started_at=row.started_at,
            beat_at=row.beat_at,
            cancel=row.status == WorkflowStatus.CANCELLING,
        )
        for row in tx.execute(_RUNNING_ATTEMPTS.where(condition).limit(limit))
    ]
