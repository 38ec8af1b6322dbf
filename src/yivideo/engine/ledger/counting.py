"""How many workflows and steps stand where."""

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from yivideo.engine.ledger.database import Transaction
from yivideo.engine.ledger.records import StepStatus, WorkflowStatus
from yivideo.engine.ledger.tables import steps, workflows


@dataclass(frozen=True, slots=True)
class Counts:
    """Workflows by status; steps that are ready or run, by name and status."""

    workflows: Mapping[WorkflowStatus, int]
    steps: Mapping[tuple[str, StepStatus], int]


def counts(tx: Transaction) -> Counts:
    """Count them all."""
    number = sa.func.count().label("found")
    by_status = sa.select(workflows.c.status, number).group_by(workflows.c.status)
    # Only those of workflows that live: a step is ready or runs nowhere else.
    living = [status for status in WorkflowStatus if not status.ended]
    moving = (
        sa.select(steps.c.name, steps.c.status, number)
        .join(workflows, workflows.c.id == steps.c.workflow_id)
        .where(
            workflows.c.status.in_(living),
            steps.c.status.in_([StepStatus.READY, StepStatus.RUNNING]),
        )
        .group_by(steps.c.name, steps.c.status)
    )
    return Counts(
        {WorkflowStatus(row.status): row.found for row in tx.execute(by_status)},
        {(row.name, StepStatus(row.status)): row.found for row in tx.execute(moving)},
    )
