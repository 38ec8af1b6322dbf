"""`yivideo workflows list`."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from yivideo.cli import workflow_words as words
from yivideo.cli.streams import printable, say, say_json
from yivideo.cli.tables import Sheet, show
from yivideo.cli.workflow_orders import parse_labels
from yivideo.errors import UsageError

if TYPE_CHECKING:
    from yivideo.cli.client import Client, Query, Record

_PAGE = 200


def query_of(
    *, status: Sequence[str], labels: Sequence[str], group: str | None, text: str | None
) -> "Query":
    """What is asked of the API.

    Raises:
        UsageError: a label cannot be read, or there is no such status.
    """
    for one in status:
        if one not in words.STATUSES:
            raise UsageError(
                f"There is no status '{printable(one)}'; there are {', '.join(words.STATUSES)}."
            )
    query = [("status", one) for one in status]
    query += [("label", f"{name}:{value}") for name, value in parse_labels(labels).items()]
    query += [("group", group)] if group else []
    query += [("text", text)] if text else []
    return query


def list_workflows(client: "Client", query: "Query", limit: int | None, *, as_json: bool) -> None:
    """Print those that match, at most so many."""
    # One more than is shown, to know whether there are more.
    page = _PAGE if limit is None else min(_PAGE, limit + 1)
    every = _pages(client, [*query, ("limit", str(page))])
    found = list(every if limit is None else islice(every, limit + 1))
    shown = found if limit is None else found[:limit]
    if as_json:
        say_json({"workflows": shown, "more": len(found) > len(shown)})
        return
    if not shown:
        say("There are none." if query else "Nothing has been submitted yet.")
        return
    show(_sheet(shown))
    if len(found) > len(shown):
        say(f"There are more than these {len(shown)}: --all shows them.")


def _pages(client: "Client", query: "Query") -> Iterator["Record"]:
    records, following = client.page(query)
    yield from records
    while following:
        records, following = client.page(following=following)
        yield from records


def _sheet(records: Sequence["Record"]) -> Sheet:
    labelled = any(record["labels"] for record in records)
    columns = ["id", "status", "done", "video", "accepted", "took"]
    sheet = Sheet([*columns, "labels"] if labelled else columns, frozenset({"done", "took"}))
    for record in records:
        row = [
            record["id"],
            record["status"],
            words.done(record),
            words.video(record),
            words.clock(record["created_at"]),
            words.took(record),
        ]
        sheet.rows.append([*row, labels_in_words(record)] if labelled else row)
    return sheet


def labels_in_words(record: "Record") -> str:
    """Its labels: "shelf=documentaries, year=1984"."""
    return printable(", ".join(f"{name}={value}" for name, value in record["labels"].items()))
