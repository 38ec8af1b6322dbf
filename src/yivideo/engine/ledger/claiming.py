"""Claiming a step, and staying alive: who runs what, and that it still does."""

from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from yivideo.engine.ledger.database import Transaction
from yivideo.engine.ledger.guards import hold_workflow_of_step
from yivideo.engine.ledger.outbox import event_of_step, tell
from yivideo.engine.ledger.records import (
    AttemptStatus,
    Claimed,
    Place,
    StepStatus,
    WorkflowStatus,
)
from yivideo.engine.ledger.rows import READY, RUNNING
from yivideo.engine.ledger.tables import attempts, steps, workflows

# Seconds until the hint of a step that nobody claims is sent again: doubled each time.
_HINT_S = 1.0
_LONGEST_HINT_S = 60.0
_DOUBLINGS = 6


def claim_step(tx: Transaction, step_id: int, number: int, place: Place) -> Claimed | None:
    """Make ``number`` the step's running attempt; None if it is not what the step waits for."""
    workflow = hold_workflow_of_step(tx, step_id)
    if workflow is None:
        return None
    step = tx.execute(
        sa.update(steps)
        .where(steps.c.id == step_id, steps.c.number == number, READY)
        .values(
            status=StepStatus.RUNNING,
            started_at=tx.now,
            ended_at=None,
            progress=0.0,
            next_hint_at=None,
        )
        .returning(steps.c.name, steps.c.position, steps.c.number, steps.c.params)
    ).one_or_none()
    if step is None:
        return None
    # A place of its own for each attempt: a late one can never write into a newer one's.
    target = f"{workflow.id}/{step.name}/{number}"
    attempt_id = tx.execute(
        sa.insert(attempts)
        .values(
            workflow_id=workflow.id,
            step_id=step_id,
            number=number,
            status=AttemptStatus.RUNNING,
            host=place.host,
            worker=place.worker,
            pid=place.pid,
            process=dict(place.process),
            device=place.device,
            fence=place.fence,
            place=target,
            started_at=tx.now,
            beat_at=tx.now,
        )
        .returning(attempts.c.id)
    ).scalar_one()
    told = [event_of_step("started", step, host=place.host, device=place.device)]
    if workflow.status == WorkflowStatus.QUEUED:
        tx.execute(
            sa.update(workflows)
            .where(workflows.c.id == workflow.id)
            .values(status=WorkflowStatus.RUNNING, started_at=tx.now)
        )
        told.insert(0, ("workflow.started", {}))
    inputs = _results_before(tx, workflow.id, step.position)
    tell(tx, workflow.id, *told)
    return Claimed(
        attempt_id=attempt_id,
        step_id=step_id,
        number=number,
        workflow_id=workflow.id,
        name=step.name,
        params=step.params,
        source=workflow.source,
        inputs=inputs,
        place=target,
        config_version=workflow.config_version,
    )


def _results_before(tx: Transaction, workflow_id: str, position: int) -> dict[str, str]:
    """Where the results of the earlier steps lie, by the steps' names."""
    chosen = (
        sa.select(steps.c.name, attempts.c.place)
        .join(attempts, attempts.c.id == steps.c.result_id)
        .where(steps.c.workflow_id == workflow_id, steps.c.position < position)
        .order_by(steps.c.position)
    )
    return {row.name: row.place for row in tx.execute(chosen)}


def note_progress(tx: Transaction, attempt_id: int, fraction: float) -> bool:
    """Note that an attempt lives and how far it is; whether it should go on."""
    beaten = tx.execute(
        sa.update(attempts)
        .where(attempts.c.id == attempt_id, RUNNING)
        .values(beat_at=tx.now)
        .returning(attempts.c.step_id, attempts.c.workflow_id)
    ).one_or_none()
    if beaten is None:
        return False
    tx.execute(
        sa.update(steps)
        .where(steps.c.id == beaten.step_id)
        .values(progress=min(max(fraction, 0.0), 1.0))
    )
    return not _cancelling(tx, [beaten.workflow_id])


def note_beats(tx: Transaction, worker: str, attempt_ids: Sequence[int]) -> Sequence[int]:
    """Note that a worker's attempts live; returns those that should stop."""
    beaten = tx.execute(
        sa.update(attempts)
        .where(attempts.c.id.in_(attempt_ids), attempts.c.worker == worker, RUNNING)
        .values(beat_at=tx.now)
        .returning(attempts.c.id, attempts.c.workflow_id)
    ).all()
    unwanted = _cancelling(tx, [row.workflow_id for row in beaten])
    wanted = {row.id for row in beaten if row.workflow_id not in unwanted}
    return [attempt for attempt in attempt_ids if attempt not in wanted]


def _cancelling(tx: Transaction, workflow_ids: Sequence[str]) -> set[str]:
    chosen = sa.select(workflows.c.id).where(
        workflows.c.id.in_(workflow_ids), workflows.c.status == WorkflowStatus.CANCELLING
    )
    return set(tx.execute(chosen).scalars())


def note_hints(tx: Transaction, hinted: Iterable[tuple[int, int]]) -> None:
    """Note that hints were sent for steps, by id and number: the next are due later and later."""
    doubled = sa.func.power(
        2, sa.case((steps.c.hints > _DOUBLINGS, _DOUBLINGS), else_=steps.c.hints)
    )
    wait = sa.cast(doubled, sa.Double) * _HINT_S
    # In one order for everybody, so that no two wait for each other's rows.
    for step_id, number in sorted(hinted):
        tx.execute(
            sa.update(steps)
            .where(steps.c.id == step_id, steps.c.number == number, READY)
            .values(
                hints=steps.c.hints + 1,
                next_hint_at=tx.now
                + sa.case((wait > _LONGEST_HINT_S, _LONGEST_HINT_S), else_=wait),
            )
        )


def make_all_hints_due(tx: Transaction) -> int:
    """After the queues were lost: every ready step is due again; returns how many there are."""
    ready = sa.update(steps).where(READY, steps.c.next_hint_at > tx.now)
    # Never before the end of a back-off.
    latest = sa.case((steps.c.excluded_until > tx.now, steps.c.excluded_until), else_=tx.now)
    return tx.execute(ready.values(next_hint_at=latest, hints=0)).rowcount
