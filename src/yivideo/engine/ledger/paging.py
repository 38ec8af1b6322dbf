"""Lists of workflows, newest first, in pages that stay in place while new ones arrive."""

import base64
import binascii
import math
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from yivideo.engine.ledger.database import Transaction
from yivideo.engine.ledger.looking import workflow_record
from yivideo.engine.ledger.narrowing import narrowed
from yivideo.engine.ledger.records import Filter, Page, StepStatus
from yivideo.engine.ledger.tables import steps, workflows
from yivideo.engine.ledger.wording import clean
from yivideo.errors import UsageError


def page(tx: Transaction, chosen: Filter, cursor: str | None, limit: int) -> Page:
    """The ``limit`` newest workflows that match, older than what the cursor stands for.

    Raises:
        UsageError: the cursor was not made here.
    """
    found = narrowed(tx, chosen, lambda table: _limits(table, chosen, cursor))
    order = found.along.c
    # Few are sorted: that there is a limit must not lead the database to walk along an index.
    moment = order.created_at + 0.0 if found.few else order.created_at
    rows = tx.execute(
        sa.select(workflows)
        .where(*found.where)
        .order_by(moment.desc(), order.seq.desc())
        # One more than wanted tells whether there is another page.
        .limit(limit + 1)
    ).all()
    shown = rows[:limit]
    progress = _progress(tx, [row.id for row in shown])
    return Page(
        workflows=[workflow_record(row, progress.get(row.id, 0.0)) for row in shown],
        cursor=_cursor(shown[-1]) if len(rows) > limit else None,
    )


def _limits(table: sa.Table, chosen: Filter, cursor: str | None) -> list[sa.ColumnElement[bool]]:
    where: list[sa.ColumnElement[bool]] = []
    if chosen.after is not None:
        where.append(table.c.created_at >= chosen.after)
    if chosen.before is not None:
        where.append(table.c.created_at < chosen.before)
    if cursor is not None:
        where.append(sa.tuple_(table.c.created_at, table.c.seq) < sa.tuple_(*_place(cursor)))
    return where


def _progress(tx: Transaction, workflow_ids: Sequence[str]) -> dict[str, float]:
    done = sa.case((steps.c.status == StepStatus.SUCCEEDED, 1.0), else_=steps.c.progress)
    chosen = (
        sa.select(steps.c.workflow_id, sa.func.avg(done).label("progress"))
        .where(steps.c.workflow_id.in_(workflow_ids))
        .group_by(steps.c.workflow_id)
    )
    return {row.workflow_id: row.progress for row in tx.execute(chosen)}


def _cursor(last: sa.Row[Any]) -> str:
    """What the next page begins after: a place in the order, and no number of a page."""
    text = f"{last.created_at!r} {last.seq}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _place(cursor: str) -> tuple[float, int]:
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        created_at, seq = base64.b64decode(padded, b"-_", validate=True).decode("ascii").split(" ")
        place = (float(created_at), int(seq))
    except (ValueError, binascii.Error) as error:
        raise UsageError(f"cursor: '{clean(cursor)}' is none.") from error
    if not (math.isfinite(place[0]) and 0 <= place[1] < 2**63):
        raise UsageError(f"cursor: '{clean(cursor)}' is none.")
    return place
