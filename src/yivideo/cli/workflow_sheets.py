"""`yivideo workflows show`: all there is to say of one workflow."""

from typing import TYPE_CHECKING

from yivideo.cli import workflow_words as words
from yivideo.cli.streams import printable, say
from yivideo.cli.tables import Sheet, show
from yivideo.cli.workflow_listing import labels_in_words

if TYPE_CHECKING:
    from yivideo.cli.client import Record


def show_workflow(record: "Record", url: str) -> None:
    """Print it for people."""
    facts = _facts(record)
    width = max(len(name) for name, _ in facts)
    for name, value in facts:
        say(f"{name:<{width}}  {value}")
    say("")
    show(_steps(record))
    for line in _troubles(record):
        say(line)
    links = record["links"]
    say(f"{url}{links['events']}")
    say(f"  or: yivideo workflows logs {record['id']}")
    if record["status"] == "succeeded":
        say(f"{url}{links['subtitles']['srt']}")
        say(f"  or: yivideo workflows download {record['id']}")


def _facts(record: "Record") -> list[tuple[str, str]]:
    facts = [
        ("workflow", str(record["id"])),
        ("video", words.video(record)),
        ("status", f"{record['status']}, {words.done(record)} done"),
        ("waits", words.waiting(record)),
        ("error", words.error(record)),
        ("accepted", words.clock(record["created_at"])),
        ("started", words.clock(record["started_at"])),
        ("ended", words.clock(record["ended_at"])),
        ("took", words.took(record)),
        ("priority", f"{record['priority']} in group {printable(record['group'])}"),
        ("labels", labels_in_words(record)),
        ("callback", printable(record["callback_url"] or "")),
    ]
    return [fact for fact in facts if fact[1] not in {"", "-"}]


def _steps(record: "Record") -> Sheet:
    sheet = Sheet(
        ["step", "status", "done", "attempts", "started", "took", "on"],
        frozenset({"done", "attempts", "took"}),
    )
    for step in record["steps"]:
        attempts: list[Record] = step["attempts"]
        last = attempts[-1] if attempts else {}
        sheet.rows.append(
            [
                printable(step["name"]),
                step["status"],
                words.done(step),
                str(len(attempts)),
                words.clock(step["started_at"]),
                words.took(step),
                printable(last.get("device") or last.get("host") or "-"),
            ]
        )
    return sheet


def _troubles(record: "Record") -> list[str]:
    """A line for each attempt that came to nothing, with the reason."""
    lines = [
        f"{step['name']}, attempt {attempt['number']} ({attempt['status']}, "
        f"{words.clock(attempt['ended_at'])}): {attempt['error']['message']}"
        for step in record["steps"]
        for attempt in step["attempts"]
        if attempt["error"] is not None
    ]
    return [*map(printable, lines), ""] if lines else []
