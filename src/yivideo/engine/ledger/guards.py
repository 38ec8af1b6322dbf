"""What every transition begins with: its workflow's row, held until the transaction ends.

All transitions of one workflow come one after the other by this, and each takes its locks in the
same order: the workflow's row, its attempts and steps, the outbox last. So none waits in a circle.
"""

from typing import Any

import sqlalchemy as sa

from yivideo.engine.ledger.database import Transaction
from yivideo.engine.ledger.tables import attempts, steps, workflows
from yivideo.errors import WorkflowUnknown


def hold_workflow(tx: Transaction, workflow_id: str) -> sa.Row[Any]:
    """The workflow's row, which nobody else changes before this transaction ends.

    Raises:
        WorkflowUnknown: there is none.
    """
    row = _held(tx, workflows.c.id == workflow_id)
    if row is None:
        raise WorkflowUnknown(f"There is no workflow '{workflow_id}'.")
    return row


def hold_workflow_of_step(tx: Transaction, step_id: int) -> sa.Row[Any] | None:
    """The row of the workflow that a step belongs to, held likewise; None if there is none."""
    owner = sa.select(steps.c.workflow_id).where(steps.c.id == step_id).scalar_subquery()
    return _held(tx, workflows.c.id == owner)


def hold_workflow_of_attempt(tx: Transaction, attempt_id: int) -> sa.Row[Any] | None:
    """The row of the workflow that an attempt belongs to, held likewise; None if there is none."""
    owner = sa.select(attempts.c.workflow_id).where(attempts.c.id == attempt_id).scalar_subquery()
    return _held(tx, workflows.c.id == owner)


def _held(tx: Transaction, condition: sa.ColumnElement[bool]) -> sa.Row[Any] | None:
    # SQLite has no row locks and needs none: a writer has the file to itself.
    return tx.execute(sa.select(workflows).where(condition).with_for_update()).one_or_none()
