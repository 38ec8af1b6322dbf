"""The outbox: what happened, with ids that only grow, and who is still to be told of an end.

Events are written by the transaction that they tell of. On PostgreSQL a number is given out before
its transaction commits, so that a reader could see 8 before 7 and never come back for it: writers
of events stand in line from their first event to their commit.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from yivideo.engine.ledger.database import Transaction
from yivideo.engine.ledger.records import Callback, Event
from yivideo.engine.ledger.tables import callbacks, events

# Any number that no other program uses on the same database.
_ORDER_KEY = 0x5956_4556
_LAST_ID = 2**63 - 1
# While somebody delivers a callback, others leave it alone for so long.
_BEING_DELIVERED_S = 60.0
# After each failed delivery; after the last one it is given up: a day and a half in all.
CALLBACK_BACKOFF_S = (5.0, 30.0, 120.0, 600.0, 3600.0, 3 * 3600.0, 10 * 3600.0, 20 * 3600.0)


def tell(tx: Transaction, workflow_id: str, *told: tuple[str, Mapping[str, Any]]) -> None:
    """Add events of a workflow; the last thing a transaction does, as nobody can pass it then."""
    if not told:
        return
    tx.lock_for_order(_ORDER_KEY)
    rows = [
        {"workflow_id": workflow_id, "kind": kind, "at": tx.now, "data": dict(data)}
        for kind, data in told
    ]
    tx.execute(sa.insert(events), rows)


def tell_of_many(tx: Transaction, workflow_ids: Sequence[str], kind: str) -> None:
    """Add the same event for each of several workflows."""
    if not workflow_ids:
        return
    tx.lock_for_order(_ORDER_KEY)
    rows = [{"workflow_id": w, "kind": kind, "at": tx.now, "data": {}} for w in workflow_ids]
    tx.execute(sa.insert(events), rows)


def events_after(
    tx: Transaction, after: int, workflow_id: str | None, limit: int
) -> Sequence[Event]:
    """The events with ids above ``after``, in order."""
    chosen = sa.select(events).where(events.c.id > max(0, min(after, _LAST_ID)))
    if workflow_id is not None:
        chosen = chosen.where(events.c.workflow_id == workflow_id)
    return [
        Event(id=row.id, workflow_id=row.workflow_id, kind=row.kind, at=row.at, data=row.data)
        for row in tx.execute(chosen.order_by(events.c.id).limit(limit))
    ]


def last_event(tx: Transaction) -> int:
    """The newest event's id, 0 before the first."""
    return tx.execute(sa.select(sa.func.coalesce(sa.func.max(events.c.id), 0))).scalar_one()


def owe_callback(
    tx: Transaction, workflow_id: str, url: str, kind: str, data: Mapping[str, Any]
) -> None:
    """Owe whoever asked for it the news of a workflow's end."""
    tx.execute(
        sa.insert(callbacks).values(
            workflow_id=workflow_id, url=url, kind=kind, at=tx.now, data=dict(data), next_at=tx.now
        )
    )


def any_callback_is_due(tx: Transaction) -> bool:
    """Whether `take_due_callbacks` would find one: a question that blocks no writer."""
    return tx.execute(sa.select(_due(tx).exists())).scalar_one()


def take_due_callbacks(tx: Transaction, limit: int) -> Sequence[Callback]:
    """Callbacks to be delivered now; nobody else is given them for a minute."""
    chosen = _due(tx).order_by(callbacks.c.next_at).limit(limit).with_for_update(skip_locked=True)
    found = [_callback(row) for row in tx.execute(chosen)]
    tx.execute(
        sa.update(callbacks)
        .where(callbacks.c.id.in_([callback.id for callback in found]))
        .values(next_at=tx.now + _BEING_DELIVERED_S)
    )
    return found


def note_delivery(tx: Transaction, callback_id: int) -> None:
    """A callback was delivered: it is never due again."""
    tx.execute(
        _undelivered(callback_id).values(
            delivered_at=tx.now, next_at=None, error="", tries=callbacks.c.tries + 1
        )
    )


def note_failed_delivery(tx: Transaction, callback_id: int, error: str) -> None:
    """A callback could not be delivered: it is due again later, or given up after the last try."""
    waits = sa.case(
        *((callbacks.c.tries == tries, tx.now + s) for tries, s in enumerate(CALLBACK_BACKOFF_S))
    )
    tx.execute(
        _undelivered(callback_id).values(tries=callbacks.c.tries + 1, next_at=waits, error=error)
    )


def _due(tx: Transaction) -> sa.Select[Any]:
    return sa.select(callbacks).where(
        callbacks.c.next_at.is_not(None), callbacks.c.next_at <= tx.now
    )


def _undelivered(callback_id: int) -> sa.Update:
    return sa.update(callbacks).where(
        callbacks.c.id == callback_id, callbacks.c.delivered_at.is_(None)
    )


def _callback(row: sa.Row[Any]) -> Callback:
    return Callback(
        id=row.id,
        workflow_id=row.workflow_id,
        url=row.url,
        kind=row.kind,
        at=row.at,
        data=row.data,
        tries=row.tries,
    )


def event_of_step(what: str, step: Any, **more: Any) -> tuple[str, Mapping[str, Any]]:
    """An event about a step: its name, position and number, and what else there is to say."""
    known = {"step": step.name, "position": step.position, "number": step.number}
    return f"step.{what}", {**known, **more}


def each_ready(ready: Sequence[Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The events of steps that became ready."""
    for step in ready:
        yield event_of_step("ready", step)
