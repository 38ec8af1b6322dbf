"""Which workflows to list: the query of the list."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Query

from yivideo.api.problems import Fault, Problem
from yivideo.api.texts import Group, SearchText
from yivideo.engine.ledger.records import Filter, WorkflowStatus

_MOST = 200


@dataclass(frozen=True, slots=True)
class Search:
    """What a list was asked for."""

    filter: Filter
    cursor: str | None
    limit: int


def search(
    *,
    status: Annotated[list[WorkflowStatus], Query(description="Any of these.")] = [],  # noqa: B006 - FastAPI copies it
    label: Annotated[
        list[str], Query(max_length=32, description="`name:value`; all of them must match.")
    ] = [],  # noqa: B006 - as above
    group: Annotated[Group | None, Query()] = None,
    text: Annotated[
        SearchText | None, Query(description="Found in the video's path or the error.")
    ] = None,
    created_after: Annotated[datetime | None, Query()] = None,
    created_before: Annotated[datetime | None, Query()] = None,
    cursor: Annotated[str | None, Query(max_length=200, description="From `next`.")] = None,
    limit: Annotated[int, Query(ge=1, le=_MOST)] = 50,
) -> Search:
    """The query, checked."""
    chosen = Filter(
        statuses=tuple(dict.fromkeys(status)),
        labels=dict(map(_label, label)),
        group=group or "",
        text=text or "",
        after=_seconds(created_after),
        before=_seconds(created_before),
    )
    return Search(chosen, cursor, limit)


def _label(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name or "\0" in text:
        fault = Fault(parameter="label", message="A label is written as name:value.")
        raise Problem("invalid-request", f"label: {fault.message}", errors=[fault])
    return name, value


def _seconds(moment: datetime | None) -> float | None:
    if moment is None:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()
