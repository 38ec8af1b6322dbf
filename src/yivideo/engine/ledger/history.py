"""How long steps took, for whoever estimates how long others will."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import sqlalchemy as sa

from yivideo.engine.ledger.database import Transaction
from yivideo.engine.ledger.tables import durations

if TYPE_CHECKING:
    from yivideo.engine.ledger.records import Result

# Of each step and model: more would make estimates slower to follow a change, not better.
KEPT = 200


def note_duration(tx: Transaction, what: str, result: "Result") -> None:
    """Note what a successful attempt took."""
    tx.execute(
        sa.insert(durations).values(
            what=what,
            model=result.model,
            units=result.units,
            seconds=result.seconds,
            memory=result.memory_mib,
            at=tx.now,
        )
    )


def newest_durations(tx: Transaction, what: str, model: str) -> Sequence[float]:
    """Seconds that ``what`` took on devices of that model, newest first."""
    return [row.seconds for row in tx.execute(_newest(what, model))]


def newest_paces(tx: Transaction, what: str, model: str) -> Sequence[float]:
    """The same per unit of work, of those that told how many they had."""
    return [row.seconds / row.units for row in tx.execute(_newest(what, model)) if row.units > 0]


def _newest(what: str, model: str) -> sa.Select[float, float]:
    return (
        sa.select(durations.c.seconds, durations.c.units)
        .where(durations.c.what == what, durations.c.model == model)
        .order_by(durations.c.id.desc())
        .limit(KEPT)
    )


def forget_old_durations(tx: Transaction) -> None:
    """Keep of each step and model the newest."""
    older = sa.select(
        durations.c.id,
        sa.func.row_number()
        .over(partition_by=(durations.c.what, durations.c.model), order_by=durations.c.id.desc())
        .label("age"),
    ).subquery()
    tx.execute(
        sa.delete(durations).where(
            durations.c.id.in_(sa.select(older.c.id).where(older.c.age > KEPT))
        )
    )
