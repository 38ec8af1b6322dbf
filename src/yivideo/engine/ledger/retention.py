"""Removing what nobody wants any more: from the ledger first, then from the file store.

The addresses to remove are kept until somebody says that they are removed: who dies in between
leaves nothing behind for ever.
"""

from collections.abc import Sequence

import sqlalchemy as sa

from yivideo.engine.ledger.database import Transaction
from yivideo.engine.ledger.guards import hold_workflow
from yivideo.engine.ledger.history import forget_old_durations
from yivideo.engine.ledger.outbox import tell_of_many
from yivideo.engine.ledger.records import WorkflowStatus
from yivideo.engine.ledger.rows import ENDED
from yivideo.engine.ledger.tables import (
    DELETED,
    artifacts,
    attempts,
    constant,
    events,
    removals,
    workflows,
)
from yivideo.errors import WorkflowNotEnded

# In one transaction, so that others need not wait long.
_BATCH = 200
# Whoever follows events learns of a deletion within a day.
_DELETIONS_TOLD_S = 86400.0


def delete_workflow(tx: Transaction, workflow_id: str) -> Sequence[str]:
    """Remove an ended workflow; returns the addresses of all that it left in the file store.

    Raises:
        WorkflowUnknown, WorkflowNotEnded: there is nothing to delete.
    """
    workflow = hold_workflow(tx, workflow_id)
    if not WorkflowStatus(workflow.status).ended:
        raise WorkflowNotEnded(f"The workflow '{workflow_id}' has not ended: cancel it first.")
    return _remove(tx, [workflow_id])


def expire_workflows(
    tx: Transaction, max_age_s: float | None, max_number: int | None
) -> Sequence[str]:
    """Remove ended workflows that are too old or too many, some hundred at a time, oldest first."""
    chosen: set[str] = set()
    ended = sa.select(workflows.c.id).where(workflows.c.status.in_(ENDED))
    oldest = (workflows.c.ended_at, workflows.c.seq)
    if max_age_s is not None:
        aged = ended.where(workflows.c.ended_at < tx.now - max_age_s)
        chosen |= _hold(tx, aged.order_by(*oldest).limit(_BATCH))
    if max_number is not None:
        count = tx.execute(sa.select(sa.func.count()).select_from(ended.subquery())).scalar_one()
        surplus = min(count - max_number, _BATCH)
        if surplus > 0:
            chosen |= _hold(tx, ended.order_by(*oldest).limit(surplus))
    forget_old_durations(tx)
    _forget_old_deletions(tx)
    return _remove(tx, sorted(chosen))


def pending_removals(tx: Transaction, limit: int) -> Sequence[str]:
    """Addresses in the file store that are still to be removed, oldest first."""
    chosen = sa.select(removals.c.uri).order_by(removals.c.id).limit(limit)
    return list(tx.execute(chosen).scalars())


def note_removed(tx: Transaction, uris: Sequence[str]) -> None:
    """What lay there is removed."""
    tx.execute(sa.delete(removals).where(removals.c.uri.in_(uris)))


def _hold(tx: Transaction, chosen: "sa.Select[tuple[str]]") -> set[str]:
    # What somebody else holds is being retried or deleted right now.
    return set(tx.execute(chosen.with_for_update(skip_locked=True)).scalars())


def _remove(tx: Transaction, workflow_ids: Sequence[str]) -> Sequence[str]:
    """Remove workflows that are held, with all that hangs on them."""
    if not workflow_ids:
        return ()
    places = sa.select(attempts.c.place).where(attempts.c.workflow_id.in_(workflow_ids))
    files = sa.select(artifacts.c.uri).where(artifacts.c.workflow_id.in_(workflow_ids))
    uris = list(tx.execute(sa.union(places, files).order_by("place")).scalars())
    if uris:
        tx.execute(sa.insert(removals), [{"uri": uri} for uri in uris])
    tx.execute(sa.delete(events).where(events.c.workflow_id.in_(workflow_ids)))
    tx.execute(sa.delete(workflows).where(workflows.c.id.in_(workflow_ids)))
    tell_of_many(tx, workflow_ids, DELETED)
    return uris


def _forget_old_deletions(tx: Transaction) -> None:
    newest = sa.select(sa.func.max(events.c.id)).scalar_subquery()
    tx.execute(
        sa.delete(events).where(
            events.c.kind == constant(DELETED),
            events.c.at < tx.now - _DELETIONS_TOLD_S,
            # The newest id stays known.
            events.c.id < newest,
        )
    )
