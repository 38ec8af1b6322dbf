"""How an attempt ends, and what follows: the next step, another attempt, or the workflow's end.

Each begins with the same guard: only an attempt that is still running ends, so a late one, one
that was given up for lost, or a repeated call finds nothing to change.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from yivideo.engine.ledger.accepting import FIRST_HINT_S
from yivideo.engine.ledger.database import Transaction
from yivideo.engine.ledger.finishing import finish_workflow
from yivideo.engine.ledger.guards import hold_workflow_of_attempt
from yivideo.engine.ledger.history import note_duration
from yivideo.engine.ledger.outbox import each_ready, event_of_step, tell
from yivideo.engine.ledger.records import (
    Artifact,
    AttemptStatus,
    ErrorKind,
    Outcome,
    Result,
    StepStatus,
    WorkflowStatus,
)
from yivideo.engine.ledger.rows import RUNNING, ready_of
from yivideo.engine.ledger.tables import artifacts, attempts, steps
from yivideo.engine.ledger.wording import clean
from yivideo.errors import StepCrashed

# A step is claimed so often at most, counting only claims that failed by their own fault.
MOST_CLAIMS = 3
# Before the second and the third.
BACKOFF_S = (1.0, 4.0)
# The same where a process died: another one is all the remedy there is.
DEATH_BACKOFF_S = (0.0, 1.0)
_LARGEST_MEMORY_FACTOR = 8.0
LOST = "attempt-lost"


def commit_result(tx: Transaction, attempt_id: int, result: Result) -> Outcome | None:
    """Make an attempt's result the step's, and the next step ready or the workflow succeeded."""
    workflow = hold_workflow_of_attempt(tx, attempt_id)
    if workflow is None:
        return None
    step = _end_attempt(
        tx, attempt_id, {"status": AttemptStatus.SUCCEEDED, "output": dict(result.output)}
    )
    if step is None:
        return _said_before(tx, workflow, attempt_id)
    _insert_artifacts(tx, workflow.id, attempt_id, result.artifacts)
    note_duration(tx, step.name, result)
    _change_step(
        tx,
        step.id,
        {
            "status": StepStatus.SUCCEEDED,
            "ended_at": tx.now,
            "progress": 1.0,
            "error": "",
            "result_id": attempt_id,
        },
    )
    told = event_of_step("succeeded", step, seconds=result.seconds)
    if workflow.status == WorkflowStatus.CANCELLING:
        return finish_workflow(tx, workflow, WorkflowStatus.CANCELLED, told=[told])
    if not _make_ready_after(tx, workflow.id, step.position):
        return finish_workflow(tx, workflow, WorkflowStatus.SUCCEEDED, told=[told])
    ready = ready_of(tx, workflow.id)
    tell(tx, workflow.id, told, *each_ready(ready))
    return Outcome(workflow_id=workflow.id, ready=ready)


def end_by_failure(
    tx: Transaction, attempt_id: int, kind: ErrorKind, code: str, message: str
) -> Outcome | None:
    """End an attempt that said what went wrong, and do what its kind asks for."""
    values = {"status": AttemptStatus.FAILED, "error_kind": kind, "error_code": clean(code)}
    return _end_without_result(tx, attempt_id, values, clean(message))


def end_by_loss(tx: Transaction, attempt_id: int, why: str) -> Outcome | None:
    """End an attempt whose process or host is gone: a fault of the machine."""
    values = {
        "status": AttemptStatus.LOST,
        "error_kind": ErrorKind.MACHINE,
        "error_code": LOST,
    }
    return _end_without_result(tx, attempt_id, values, clean(why))


def _end_without_result(
    tx: Transaction, attempt_id: int, values: dict[str, Any], message: str
) -> Outcome | None:
    workflow = hold_workflow_of_attempt(tx, attempt_id)
    if workflow is None:
        return None
    cancelled = workflow.status == WorkflowStatus.CANCELLING
    if cancelled and values["status"] == AttemptStatus.FAILED:
        values = {**values, "status": AttemptStatus.CANCELLED, "error_kind": None}
    step = _end_attempt(tx, attempt_id, {**values, "error": message})
    if step is None:
        return None
    if cancelled:
        _change_step(tx, step.id, {"status": StepStatus.CANCELLED, "ended_at": tx.now})
        told = event_of_step("cancelled", step)
        return finish_workflow(tx, workflow, WorkflowStatus.CANCELLED, told=[told])
    kind, code = values["error_kind"], values["error_code"]
    faults = step.faults + (kind != ErrorKind.RETURNED)
    again = kind != ErrorKind.USER and faults < MOST_CLAIMS
    told = event_of_step(
        _event(values["status"], kind), step, kind=kind, code=code, error=message, again=again
    )
    if again:
        _make_ready_again(tx, step, kind, faults, message, _wait(kind, code, faults))
        ready = ready_of(tx, workflow.id)
        tell(tx, workflow.id, told, *each_ready(ready))
        return Outcome(workflow_id=workflow.id, ready=ready)
    _change_step(
        tx,
        step.id,
        {"status": StepStatus.FAILED, "ended_at": tx.now, "error": message, "faults": faults},
    )
    if kind != ErrorKind.USER:
        message = f"{step.name} failed {faults} times, the last time so: {message}"
    return finish_workflow(
        tx, workflow, WorkflowStatus.FAILED, told=[told], code=code, message=message
    )


def _event(status: AttemptStatus, kind: ErrorKind) -> str:
    if status == AttemptStatus.LOST:
        return "lost"
    return "returned" if kind == ErrorKind.RETURNED else "failed"


def _end_attempt(tx: Transaction, attempt_id: int, values: Mapping[str, Any]) -> sa.Row[Any] | None:
    """End an attempt if it is running, once; returns its step, or None if there was none to end."""
    ended = tx.execute(
        sa.update(attempts)
        .where(attempts.c.id == attempt_id, RUNNING)
        .values(ended_at=tx.now, **values)
        .returning(attempts.c.step_id, attempts.c.number)
    ).one_or_none()
    if ended is None:
        return None
    # The guard's second half cannot fail while the first holds: it says so aloud if it does.
    return tx.execute(
        sa.select(steps).where(
            steps.c.id == ended.step_id,
            steps.c.number == ended.number,
            steps.c.status == StepStatus.RUNNING,
        )
    ).one()


def _said_before(tx: Transaction, workflow: sa.Row[Any], attempt_id: int) -> Outcome | None:
    """The answer to who asks again because the first answer was lost: its result is the step's."""
    mine = sa.select(steps.c.id).where(
        steps.c.workflow_id == workflow.id, steps.c.result_id == attempt_id
    )
    if tx.execute(mine).first() is None:
        return None
    status = WorkflowStatus(workflow.status)
    return Outcome(
        workflow_id=workflow.id,
        ready=ready_of(tx, workflow.id),
        ended=status if status.ended else None,
    )


def _make_ready_after(tx: Transaction, workflow_id: str, position: int) -> bool:
    """Make the step after ``position`` ready; False if there is none."""
    following = sa.update(steps).where(
        steps.c.workflow_id == workflow_id,
        steps.c.position == position + 1,
        steps.c.status == StepStatus.PENDING,
    )
    values = {
        "status": StepStatus.READY,
        "ready_at": tx.now,
        "next_hint_at": tx.now + FIRST_HINT_S,
        "hints": 0,
    }
    return tx.execute(following.values(values)).rowcount == 1


def _wait(kind: ErrorKind, code: str, faults: int) -> float:
    """Seconds before the next attempt, after so many faults."""
    if kind != ErrorKind.MACHINE:
        return 0.0
    return (DEATH_BACKOFF_S if code in {LOST, StepCrashed.code} else BACKOFF_S)[faults - 1]


def _make_ready_again(
    tx: Transaction, step: sa.Row[Any], kind: ErrorKind, faults: int, message: str, wait: float
) -> None:
    """Make a step ready for its next attempt: later after a fault, larger after a full memory."""
    until = tx.now + wait if wait else 0.0
    larger = min(step.memory_factor * 2, _LARGEST_MEMORY_FACTOR)
    _change_step(
        tx,
        step.id,
        {
            "status": StepStatus.READY,
            "number": step.number + 1,
            "faults": faults,
            "memory_factor": larger if kind == ErrorKind.MEMORY else step.memory_factor,
            "excluded_until": until,
            "hints": 0,
            # Nobody sends the hint of a step that must wait: it is due when the wait is over.
            "next_hint_at": until or tx.now + FIRST_HINT_S,
            "ready_at": tx.now,
            "progress": 0.0,
            "error": message,
        },
    )


def _change_step(tx: Transaction, step_id: int, values: Mapping[str, Any]) -> None:
    tx.execute(sa.update(steps).where(steps.c.id == step_id).values(values))


def _insert_artifacts(
    tx: Transaction, workflow_id: str, attempt_id: int, made: Sequence[Artifact]
) -> None:
    if made:
        rows = [
            {
                "workflow_id": workflow_id,
                "attempt_id": attempt_id,
                "name": artifact.name,
                "uri": artifact.uri,
                "size": artifact.size,
                "media_type": artifact.media_type,
            }
            for artifact in made
        ]
        tx.execute(sa.insert(artifacts), rows)
