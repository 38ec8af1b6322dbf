"""What people change about a workflow that is under way: its end, and its priority."""

from collections.abc import Sequence

import sqlalchemy as sa

from yivideo.engine.ledger.accepting import check_priority
from yivideo.engine.ledger.database import Transaction
from yivideo.engine.ledger.finishing import finish_workflow
from yivideo.engine.ledger.guards import hold_workflow
from yivideo.engine.ledger.outbox import tell
from yivideo.engine.ledger.records import (
    Outcome,
    ReadyStep,
    Running,
    StepStatus,
    WorkflowStatus,
)
from yivideo.engine.ledger.rows import ready_of, running_attempts
from yivideo.engine.ledger.tables import attempts, steps, workflows
from yivideo.errors import WorkflowEnded


def cancel_workflow(tx: Transaction, workflow_id: str) -> tuple[Outcome, Sequence[Running]]:
    """End a workflow at once if nothing of it runs; else ask for the end of what does.

    Asking again changes nothing.

    Raises:
        WorkflowUnknown, WorkflowEnded: there is nothing to cancel.
    """
    workflow = hold_workflow(tx, workflow_id)
    _refuse_ended(workflow_id, workflow.status)
    running = running_attempts(tx, attempts.c.workflow_id == workflow_id)
    if not running:
        return finish_workflow(tx, workflow, WorkflowStatus.CANCELLED), ()
    if workflow.status != WorkflowStatus.CANCELLING:
        _change_workflow(tx, workflow_id, status=WorkflowStatus.CANCELLING)
        tx.execute(
            sa.update(steps)
            .where(steps.c.workflow_id == workflow_id, steps.c.status == StepStatus.PENDING)
            .values(status=StepStatus.CANCELLED, ended_at=tx.now)
        )
        tell(tx, workflow_id, ("workflow.cancelling", {}))
        running = running_attempts(tx, attempts.c.workflow_id == workflow_id)
    return Outcome(workflow_id=workflow_id), running


def change_priority(tx: Transaction, workflow_id: str, priority: int) -> Sequence[ReadyStep]:
    """Give a workflow another priority; returns its ready steps, whose requests stand anew.

    Raises:
        BadWorkflow: no such priority.
        WorkflowUnknown, WorkflowEnded: there is nothing to hurry.
    """
    check_priority(priority)
    workflow = hold_workflow(tx, workflow_id)
    _refuse_ended(workflow_id, workflow.status)
    if workflow.priority != priority:
        _change_workflow(tx, workflow_id, priority=priority)
        tell(tx, workflow_id, ("workflow.prioritised", {"priority": priority}))
    return ready_of(tx, workflow_id)


def _change_workflow(tx: Transaction, workflow_id: str, **values: object) -> None:
    tx.execute(sa.update(workflows).where(workflows.c.id == workflow_id).values(**values))


def _refuse_ended(workflow_id: str, status: str) -> None:
    if WorkflowStatus(status).ended:
        raise WorkflowEnded(f"The workflow '{workflow_id}' has ended: it {status}.")
