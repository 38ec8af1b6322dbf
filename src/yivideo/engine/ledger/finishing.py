"""The end of a workflow: one place, guarded, for all the ways that lead to it."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from yivideo.engine.ledger.database import Transaction
from yivideo.engine.ledger.outbox import owe_callback, tell
from yivideo.engine.ledger.records import Outcome, StepStatus, WorkflowStatus
from yivideo.engine.ledger.rows import OPEN
from yivideo.engine.ledger.tables import steps, texts, workflows


def finish_workflow(
    tx: Transaction,
    workflow: sa.Row[Any],
    status: WorkflowStatus,
    *,
    told: Sequence[tuple[str, Mapping[str, Any]]] = (),
    code: str = "",
    message: str = "",
) -> Outcome:
    """End a workflow that is held and open, with the steps that still waited for their turn.

    Args:
        tx: the transaction that holds it.
        workflow: its row.
        status: the end.
        told: the events that led to it, to be told before it.
        code: of what went wrong, if anything.
        message: the sentence for it.
    """
    ended = tx.execute(
        sa.update(workflows)
        .where(workflows.c.id == workflow.id, workflows.c.status.in_(OPEN))
        .values(status=status, ended_at=tx.now, error_code=code, error=message)
    )
    # Held and found open: anything else would be an end twice, and must not be committed.
    assert ended.rowcount == 1, f"{workflow.id} has ended before"
    tx.execute(
        sa.update(steps)
        .where(
            steps.c.workflow_id == workflow.id,
            steps.c.status.in_([StepStatus.PENDING, StepStatus.READY]),
        )
        .values(status=StepStatus.CANCELLED, ended_at=tx.now, next_hint_at=None)
    )
    if message:
        found_by = f"{workflow.video_path}\n{message}".lower()
        tx.execute(sa.update(texts).where(texts.c.seq == workflow.seq).values(text=found_by))
    kind, data = f"workflow.{status}", {"code": code, "error": message}
    if workflow.callback_url:
        owe_callback(tx, workflow.id, workflow.callback_url, kind, data)
    tell(tx, workflow.id, *told, (kind, data))
    return Outcome(workflow_id=workflow.id, ended=status)
