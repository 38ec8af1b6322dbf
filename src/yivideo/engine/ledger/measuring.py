"""What became of things since a change: figures for the guard, for trials and for advice."""

from collections import defaultdict
from collections.abc import Sequence

import sqlalchemy as sa

from yivideo.engine.ledger.config_records import Figures, StepUse
from yivideo.engine.ledger.database import Transaction
from yivideo.engine.ledger.records import AttemptStatus, ErrorKind, WorkflowStatus
from yivideo.engine.ledger.tables import attempts, device_samples, durations, steps, workflows

# Samples of devices older than this tell nothing of today.
_SAMPLES_KEPT_S = 7 * 86400.0
_MACHINE = (ErrorKind.MACHINE, ErrorKind.MEMORY)


def figures(
    tx: Transaction,
    since: float,
    until: float | None = None,
    *,
    only: int | None = None,
    without: int | None = None,
) -> Figures:
    """What became of attempts begun, and workflows ended, between two times.

    Args:
        tx: the transaction.
        since: seconds since 1970, by the database's clock.
        until: None for now.
        only: of workflows accepted with this version of the configuration.
        without: of all workflows but those accepted with this version.
    """
    part = sa.true()
    if only is not None:
        part = workflows.c.config_version == only
    elif without is not None:
        part = workflows.c.config_version != without
    end = tx.now if until is None else until
    tried = _attempts(tx, since, end, part)
    ended, failures = _workflows(tx, since, end, part)
    samples = [
        row.busy
        for row in tx.execute(
            sa.select(device_samples.c.busy).where(
                device_samples.c.at >= since, device_samples.c.at < end
            )
        )
    ]
    mean = sum(samples) / len(samples) if samples else None
    spread = 0.0
    if mean is not None:
        spread = (sum((one - mean) ** 2 for one in samples) / len(samples)) ** 0.5
    return Figures(
        attempts=tried.all,
        errors=tried.errors or 0,
        waits=tried.waits or 0,
        wait_s=tried.wait_s,
        device_s=tried.device_s or 0.0,
        workflows=ended,
        failures=failures,
        samples=len(samples),
        device_use=mean,
        device_spread=spread,
    )


def _attempts(
    tx: Transaction, since: float, until: float, part: sa.ColumnElement[bool]
) -> "sa.Row[tuple[int, int, int, float, float]]":
    erred = attempts.c.error_kind.in_(_MACHINE)
    counted = (attempts.c.status == AttemptStatus.SUCCEEDED) | erred
    # How long it had been ready is known of a step's last attempt.
    waited = (attempts.c.device != "") & (steps.c.number == attempts.c.number)
    chosen = (
        sa.select(
            sa.func.sum(sa.case((counted, 1), else_=0)).label("all"),
            sa.func.sum(sa.case((erred, 1), else_=0)).label("errors"),
            sa.func.sum(sa.case((waited, 1), else_=0)).label("waits"),
            sa.func.avg(
                sa.case((waited, attempts.c.started_at - steps.c.ready_at), else_=None)
            ).label("wait_s"),
            sa.func.sum(
                sa.case(
                    (attempts.c.device != "", attempts.c.ended_at - attempts.c.started_at),
                    else_=0.0,
                )
            ).label("device_s"),
        )
        .select_from(attempts)
        .join(steps, steps.c.id == attempts.c.step_id)
        .join(workflows, workflows.c.id == attempts.c.workflow_id)
        .where(
            attempts.c.ended_at >= since,
            attempts.c.ended_at < until,
            attempts.c.started_at >= since,
            part,
        )
    )
    row = tx.execute(chosen).one()
    return row if row.all is not None else tx.execute(_NOTHING).one()


_NOTHING = sa.select(
    sa.literal(0).label("all"),
    sa.literal(0).label("errors"),
    sa.literal(0).label("waits"),
    sa.null().label("wait_s"),
    sa.literal(0.0).label("device_s"),
)


def _workflows(
    tx: Transaction, since: float, until: float, part: sa.ColumnElement[bool]
) -> tuple[int, int]:
    """How many ended, without those that failed by their video's fault; how many failed."""
    by_user = (
        sa.select(attempts.c.id)
        .where(attempts.c.workflow_id == workflows.c.id, attempts.c.error_kind == ErrorKind.USER)
        .exists()
    )
    failed = workflows.c.status == WorkflowStatus.FAILED
    chosen = sa.select(
        sa.func.count().label("ended"), sa.func.sum(sa.case((failed, 1), else_=0)).label("failed")
    ).where(
        workflows.c.ended_at >= since,
        workflows.c.ended_at < until,
        (workflows.c.status == WorkflowStatus.SUCCEEDED) | (failed & ~by_user),
        part,
    )
    row = tx.execute(chosen).one()
    return row.ended, row.failed or 0


def note_devices(tx: Transaction, busy: float, waiting: int) -> None:
    """Note how busy devices are while steps wait for them, and forget what is old."""
    tx.execute(sa.insert(device_samples).values(at=tx.now, busy=busy, waiting=waiting))
    tx.execute(sa.delete(device_samples).where(device_samples.c.at < tx.now - _SAMPLES_KEPT_S))


def step_uses(tx: Transaction, since: float) -> Sequence[StepUse]:
    """What steps took on devices, by step and by the devices' model, since a time."""
    found: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    chosen = (
        sa.select(durations.c.what, durations.c.model, durations.c.seconds, durations.c.memory)
        .where(durations.c.at >= since, durations.c.model != "cpu")
        .order_by(durations.c.id.desc())
    )
    for row in tx.execute(chosen):
        found[row.what, row.model].append((row.seconds, row.memory))
    return [
        StepUse(
            name=name,
            model=model,
            seconds=[seconds for seconds, _ in taken],
            memory_mib=[memory for _, memory in taken if memory > 0],
        )
        for (name, model), taken in sorted(found.items())
    ]
