"""Finding workflows by several properties at once without looking at all of them.

Each property has an index in the order of lists. With one property that index is the list. With
several, a database without statistics walks along one of them and looks up the others row by row,
which is slow when the wrong one is rare. So each is first asked for its members up to a bound:
those of a rare one are few and decide the question; if none is rare, matches lie close together.
Texts have an index of their parts for that; a text that many have is looked for along the list.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from yivideo.engine.ledger import text_index
from yivideo.engine.ledger.database import Transaction
from yivideo.engine.ledger.records import Filter
from yivideo.engine.ledger.tables import labels, texts, workflows
from yivideo.engine.ledger.wording import clean

_FEW = 1000

Condition = sa.ColumnElement[bool]
Limits = Callable[[sa.Table], list[Condition]]


@dataclass(frozen=True, slots=True)
class Narrowed:
    """What a workflow must meet to be listed, put so that the database finds it quickly.

    Attributes:
        where: the conditions.
        few: whether only a few workflows can meet them.
        along: whose order is walked when they are many.
    """

    where: list[Condition]
    few: bool = False
    along: sa.Table = workflows


def narrowed(tx: Transaction, chosen: Filter, since: Limits) -> Narrowed:
    """Look how rare is what was asked for, and put the question accordingly.

    Args:
        tx: the transaction.
        chosen: what is asked for.
        since: the limits in time, which each property's index knows too, on a table.
    """
    if chosen.text:
        text_index.plan_by_text(tx)
    exact = _exact(chosen)
    properties = _properties(chosen)
    # One status or one group is an index, walked as it stands.
    if len(properties) > 1 or len(chosen.statuses) > 1 or chosen.labels or chosen.text:
        few = _few(tx, properties, since(workflows))
        if few is None and chosen.text:
            few = _with_text(tx, chosen.text)
        if few is not None:
            where = [workflows.c.seq.in_(few), *since(workflows), *exact]
            return Narrowed(where, few=True)
    along = texts if chosen.text else workflows
    return Narrowed([*since(along), *exact], along=along)


def _exact(chosen: Filter) -> list[Condition]:
    where: list[Condition] = []
    if chosen.statuses:
        where.append(workflows.c.status.in_(chosen.statuses))
    if chosen.group:
        where.append(workflows.c.tenant == clean(chosen.group))
    for name, value in chosen.labels.items():
        of_row = (
            *_labelled(name, value),
            labels.c.created_at == workflows.c.created_at,
            labels.c.seq == workflows.c.seq,
        )
        where.append(_looked_up(sa.select(labels.c.seq).where(*of_row)))
    if chosen.text:
        where += [texts.c.seq == workflows.c.seq, _contains(chosen.text)]
    return where


def _looked_up(of_row: sa.Select[int]) -> Condition:
    # Not EXISTS, which PostgreSQL would turn into a join with all rows that have the property.
    return of_row.correlate(workflows).scalar_subquery().is_not(None)


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


def _with_text(tx: Transaction, text: str) -> set[int] | None:
    """The workflows with a text, if they are few and the database can say so at once."""
    wanted = clean(text).lower()
    if len(wanted) < text_index.SHORTEST:
        return None
    if tx.connection.dialect.name == "sqlite":
        selected = text_index.members(tx, wanted)
    else:
        selected = sa.select(texts.c.seq).where(_contains(text))
    return None if selected is None else _at_most(tx, [selected])


def _labelled(name: str, value: str) -> tuple[Condition, Condition]:
    return labels.c.name == clean(name), labels.c.value == clean(value)


def _contains(text: str) -> Condition:
    return texts.c.text.contains(clean(text).lower(), autoescape=True)
