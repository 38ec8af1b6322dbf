"""Finding workflows by several properties at once without looking at all of them.

Each property has an index in the order of lists. With one property that index is the list. With
several, a database without statistics walks along one of them and looks up the others row by row,
which is slow when the wrong one is rare. So each is first asked for its members up to a bound:
those of a rare one are few and decide the question; if none is rare, matches lie close together.
"""

from collections.abc import Sequence

import sqlalchemy as sa

from yivideo.engine.ledger.database import Transaction
from yivideo.engine.ledger.records import Filter
from yivideo.engine.ledger.tables import labels, texts, workflows
from yivideo.engine.ledger.wording import clean

_FEW = 1000

Condition = sa.ColumnElement[bool]


def conditions(
    tx: Transaction, chosen: Filter, since: Sequence[Condition]
) -> tuple[list[Condition], bool]:
    """What a workflow must meet to be listed, put so that the database finds it quickly.

    Args:
        tx: the transaction.
        chosen: what is asked for.
        since: the limits in time, which each property's index knows too.

    Returns:
        The conditions, and whether only a few workflows can meet them.
    """
    exact = [*since, *_exact(chosen)]
    properties = _properties(chosen)
    # One status or one group is an index, walked as it stands.
    if len(properties) > 1 or len(chosen.statuses) > 1 or chosen.labels or chosen.text:
        few = _few(tx, properties, since)
        if few is None and chosen.text:
            few = _at_most(tx, [sa.select(texts.c.seq).where(_contains(chosen.text))])
        if few is not None:
            return [workflows.c.seq.in_(few), *exact], True
    return exact, False


def _exact(chosen: Filter) -> list[Condition]:
    where: list[Condition] = []
    if chosen.statuses:
        where.append(workflows.c.status.in_(chosen.statuses))
    if chosen.group:
        where.append(workflows.c.tenant == clean(chosen.group))
    for name, value in chosen.labels.items():
        where.append(
            sa.exists().where(
                *_labelled(name, value),
                labels.c.created_at == workflows.c.created_at,
                labels.c.seq == workflows.c.seq,
            )
        )
    if chosen.text:
        where.append(sa.exists().where(texts.c.seq == workflows.c.seq, _contains(chosen.text)))
    return where


def _properties(chosen: Filter) -> list[list[sa.Select[tuple[int]]]]:
    """For each property the members it has: several selections where they cannot be one."""
    found: list[list[sa.Select[tuple[int]]]] = []
    members = sa.select(workflows.c.seq)
    group = [workflows.c.tenant == clean(chosen.group)] if chosen.group else []
    if chosen.statuses:
        found.append(
            [members.where(*group, workflows.c.status == status) for status in chosen.statuses]
        )
    elif group:
        found.append([members.where(*group)])
    found.extend(
        [sa.select(labels.c.seq).where(*_labelled(name, value))]
        for name, value in chosen.labels.items()
    )
    return found


def _few(
    tx: Transaction, properties: list[list[sa.Select[tuple[int]]]], since: Sequence[Condition]
) -> set[int] | None:
    """The members of all rare properties together; None if none is rare."""
    few: set[int] | None = None
    for selections in properties:
        of_labels = selections[0].get_final_froms()[0] is labels
        limited = selections if of_labels else [one.where(*since) for one in selections]
        members = _at_most(tx, limited)
        if members is not None:
            few = members if few is None else few & members
    return few


def _at_most(tx: Transaction, selections: list[sa.Select[tuple[int]]]) -> set[int] | None:
    """The members if they are few, else None."""
    found: set[int] = set()
    for selection in selections:
        found.update(tx.execute(selection.limit(_FEW + 1)).scalars())
        if len(found) > _FEW:
            return None
    return found


def _labelled(name: str, value: str) -> tuple[Condition, Condition]:
    return labels.c.name == clean(name), labels.c.value == clean(value)


def _contains(text: str) -> Condition:
    # Not found by any index: the table of texts is kept narrow so that going through it is quick.
    return texts.c.text.contains(clean(text).lower(), autoescape=True)
