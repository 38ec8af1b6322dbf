"""Running an ended workflow again, from the step that failed or from a named one."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from yivideo.engine.ledger.accepting import FIRST_HINT_S, check_json
from yivideo.engine.ledger.database import Transaction
from yivideo.engine.ledger.guards import hold_workflow
from yivideo.engine.ledger.outbox import each_ready, tell
from yivideo.engine.ledger.records import Outcome, StepStatus, WorkflowStatus
from yivideo.engine.ledger.rows import ready_of
from yivideo.engine.ledger.tables import steps, workflows
from yivideo.errors import BadWorkflow, WorkflowNotEnded


def retry_workflow(
    tx: Transaction,
    workflow_id: str,
    from_step: str | None,
    params: Mapping[str, Mapping[str, Any]],
) -> Outcome:
    """Open an ended workflow again; results of the steps before the first one stay.

    Raises:
        WorkflowUnknown, WorkflowNotEnded: there is nothing to retry.
        BadWorkflow: no such step, or parameters for one that would not run.
    """
    workflow = hold_workflow(tx, workflow_id)
    if not WorkflowStatus(workflow.status).ended:
        raise WorkflowNotEnded(f"The workflow '{workflow_id}' has not ended: cancel it first.")
    chosen = sa.select(steps).where(steps.c.workflow_id == workflow_id).order_by(steps.c.position)
    chain = tx.execute(chosen).all()
    first = _first(chain, from_step)
    again = chain[first:]
    for name in params.keys() - {step.name for step in again}:
        raise BadWorkflow(f"params: '{name}' is not among the steps that would run again.")
    for step in again:
        _start_afresh(tx, step, params.get(step.name), is_first=step.position == first)
    tx.execute(
        sa.update(workflows)
        .where(workflows.c.id == workflow_id)
        .values(
            status=WorkflowStatus.QUEUED, started_at=None, ended_at=None, error_code="", error=""
        )
    )
    ready = ready_of(tx, workflow_id)
    tell(tx, workflow_id, ("workflow.retried", {"step": again[0].name}), *each_ready(ready))
    return Outcome(workflow_id=workflow_id, ready=ready)


def _first(chain: "list[sa.Row[Any]] | Any", from_step: str | None) -> int:
    """The position to begin at."""
    for step in chain:
        if step.name == from_step:
            return step.position
        if from_step is None and step.status != StepStatus.SUCCEEDED:
            return step.position
    if from_step is None:
        raise BadWorkflow("from_step: all steps have succeeded; name the one to begin from.")
    raise BadWorkflow(f"from_step: the workflow has no step '{from_step}'.")


def _start_afresh(
    tx: Transaction, step: sa.Row[Any], params: Mapping[str, Any] | None, *, is_first: bool
) -> None:
    """Forget a step's result and faults; its number goes on, so that older claims stay refused."""
    if params is not None:
        check_json(step.name, dict(params))
    tx.execute(
        sa.update(steps)
        .where(steps.c.id == step.id)
        .values(
            status=StepStatus.READY if is_first else StepStatus.PENDING,
            params=step.params if params is None else dict(params),
            number=step.number + 1,
            faults=0,
            memory_factor=1.0,
            progress=0.0,
            excluded_until=0.0,
            hints=0,
            next_hint_at=tx.now + FIRST_HINT_S if is_first else None,
            ready_at=tx.now if is_first else None,
            started_at=None,
            ended_at=None,
            error="",
            result_id=None,
        )
    )
