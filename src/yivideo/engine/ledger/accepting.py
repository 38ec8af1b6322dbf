"""Accepting a workflow: committed before anybody hears of it, and once per idempotency key."""

import json
import math
import secrets
import uuid
from collections.abc import Iterable

import sqlalchemy as sa

from yivideo.engine.ledger.changing import version_for
from yivideo.engine.ledger.database import Transaction
from yivideo.engine.ledger.outbox import each_ready, tell
from yivideo.engine.ledger.records import (
    Accepted,
    IdempotencyKey,
    NewWorkflow,
    ReadyStep,
    StepStatus,
    WorkflowStatus,
)
from yivideo.engine.ledger.rows import ready_of
from yivideo.engine.ledger.tables import idempotency_keys, labels, steps, texts, workflows
from yivideo.engine.ledger.wording import is_clean
from yivideo.errors import BadWorkflow, IdempotencyConflict

# Databases refuse longer ones in their indices.
LONGEST_NAME = 255
# Whoever commits a ready step sends its hint at once; this long after, others take it for lost.
FIRST_HINT_S = 1.0


def accept(tx: Transaction, new: NewWorkflow, key: IdempotencyKey | None) -> Accepted:
    """Write a workflow with its steps, the first of them ready; or find what the key stands for.

    Raises:
        BadWorkflow: the workflow makes no sense; the message names the place.
        IdempotencyConflict: the key was used for another request.
    """
    check(new)
    workflow_id = _new_id(tx.now)
    version = version_for(tx, workflow_id, new.labels)
    _insert_workflow(tx, workflow_id, new, version)
    while key is not None and not _take_key(tx, key, workflow_id):
        known = _known_by(tx, key)
        # None: it was deleted this very moment, and the key with it.
        if known is not None:
            tx.execute(sa.delete(workflows).where(workflows.c.id == workflow_id))
            return Accepted(workflow_id=known, ready=ready_of(tx, known), replayed=True)
    first = _insert_steps(tx, workflow_id, new)
    ready = ReadyStep(
        step_id=first,
        number=1,
        name=new.chain[0].name,
        workflow_id=workflow_id,
        position=0,
        priority=new.priority,
        group=new.group,
        weight=new.weight,
        workflow_since=tx.now,
        config_version=version,
    )
    tell(tx, workflow_id, ("workflow.accepted", {"labels": dict(new.labels)}), *each_ready([ready]))
    return Accepted(workflow_id=workflow_id, ready=[ready])


def check_priority(priority: int) -> None:
    """Raises BadWorkflow for a priority that is none."""
    if not 0 <= priority <= 9:
        raise BadWorkflow(f"priority: {priority} is not from 0 to 9.")


def check(new: NewWorkflow) -> None:
    """Refuse what a database could not keep, or nobody could run.

    Raises:
        BadWorkflow: naming the place.
    """
    names = [step.name for step in new.chain]
    if not names:
        raise BadWorkflow("chain: a workflow needs a step.")
    if len(set(names)) < len(names):
        raise BadWorkflow("chain: a step stands in it twice.")
    check_priority(new.priority)
    if not (math.isfinite(new.weight) and new.weight > 0):
        raise BadWorkflow(f"weight: {new.weight} is not a positive number.")
    _check_texts("video_path", [new.video_path, new.source, new.callback_url or ""], None)
    _check_texts("chain", names, LONGEST_NAME)
    _check_texts("group", [new.group], LONGEST_NAME)
    _check_texts("labels", [*new.labels, *new.labels.values()], LONGEST_NAME)
    for step in new.chain:
        check_json(step.name, dict(step.params))


def check_json(place: str, value: object) -> None:
    """Raises BadWorkflow for what JSON has no words for."""
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise BadWorkflow(f"{place}: its parameters are not JSON: {error}.") from error


def _check_texts(place: str, values: Iterable[str], longest: int | None) -> None:
    for value in values:
        if not is_clean(value):
            raise BadWorkflow(f"{place}: it holds characters that are no text.")
        if longest is not None and len(value) > longest:
            raise BadWorkflow(f"{place}: it is longer than {longest} characters.")


def _new_id(now: float) -> str:
    """A UUID of version 7: beginning with the time, so that an index grows at its end."""
    value = int(now * 1000) << 80 | secrets.randbits(74)
    # 12 random bits, the variant and 62 more stand where 74 random ones were drawn.
    low, high = value & (1 << 62) - 1, value >> 62 & (1 << 12) - 1
    return str(uuid.UUID(int=(value >> 80) << 80 | 7 << 76 | high << 64 | 2 << 62 | low))


def _insert_workflow(tx: Transaction, workflow_id: str, new: NewWorkflow, version: int) -> None:
    inserted = (
        sa.insert(workflows)
        .values(
            id=workflow_id,
            status=WorkflowStatus.QUEUED,
            video_path=new.video_path,
            source=new.source,
            priority=new.priority,
            tenant=new.group,
            weight=new.weight,
            labels=dict(new.labels),
            callback_url=new.callback_url,
            config_version=version,
            created_at=tx.now,
        )
        .returning(workflows.c.seq)
    )
    seq = tx.execute(inserted).scalar_one()
    found_by = new.video_path.lower()
    tx.execute(sa.insert(texts).values(created_at=tx.now, seq=seq, text=found_by))
    if new.labels:
        rows = [
            {"name": name, "value": value, "created_at": tx.now, "seq": seq}
            for name, value in new.labels.items()
        ]
        tx.execute(sa.insert(labels), rows)


def _insert_steps(tx: Transaction, workflow_id: str, new: NewWorkflow) -> int:
    """Write the steps; returns the first one's id."""
    rows = [
        {
            "workflow_id": workflow_id,
            "position": position,
            "name": step.name,
            "params": dict(step.params),
            "status": StepStatus.PENDING if position else StepStatus.READY,
            "number": 1,
            "ready_at": None if position else tx.now,
            "next_hint_at": None if position else tx.now + FIRST_HINT_S,
        }
        for position, step in enumerate(new.chain)
    ]
    first = tx.execute(sa.insert(steps).values(rows[0]).returning(steps.c.id)).scalar_one()
    if rows[1:]:
        tx.execute(sa.insert(steps), rows[1:])
    return first


def _take_key(tx: Transaction, key: IdempotencyKey, workflow_id: str) -> bool:
    """Make the key stand for the workflow; False if it stands for one already.

    Waits for a transaction that is taking the same key.
    """
    if len(key.key) > LONGEST_NAME or not is_clean(key.key):
        raise BadWorkflow(f"The idempotency key is no text of up to {LONGEST_NAME} characters.")
    # Each dialect is loaded by those who use it.
    if tx.connection.dialect.name == "sqlite":
        from sqlalchemy.dialects.sqlite import insert
    else:
        from sqlalchemy.dialects.postgresql import insert
    taken = (
        insert(idempotency_keys)
        .values(
            owner=key.owner,
            key=key.key,
            digest=key.digest,
            workflow_id=workflow_id,
            created_at=tx.now,
        )
        .on_conflict_do_nothing()
        .returning(idempotency_keys.c.key)
    )
    return tx.execute(taken).first() is not None


def _known_by(tx: Transaction, key: IdempotencyKey) -> str | None:
    chosen = sa.select(idempotency_keys).where(
        idempotency_keys.c.owner == key.owner, idempotency_keys.c.key == key.key
    )
    row = tx.execute(chosen).one_or_none()
    if row is None:
        return None
    if row.digest != key.digest:
        raise IdempotencyConflict(
            f"The idempotency key '{key.key}' was used before, for another request."
        )
    return row.workflow_id
