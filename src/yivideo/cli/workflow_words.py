"""Workflows in words: what they are of, where they stand, what they wait for, how they ended."""

from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

from yivideo.cli.gpu_words import span
from yivideo.cli.streams import printable

Record = dict[str, Any]

STATUSES = ("queued", "running", "cancelling", "succeeded", "failed", "cancelled")
ENDED = frozenset({"succeeded", "failed", "cancelled"})
# Where the API names an upload by a number, its sender's name for the file stands in this label.
FILE_LABEL = "file"
_UPLOAD = "upload:"
_QUEUES = {"worker": "waits for a worker", "back-off": "is tried again after a pause"}


def has_ended(record: Record) -> bool:
    """Whether nothing more will happen to it by itself."""
    return record["status"] in ENDED


def video(record: Record) -> str:
    """The video's path as its sender named it."""
    path = str(record["video_path"])
    if path.startswith(_UPLOAD):
        return printable(record["labels"].get(FILE_LABEL) or path)
    return printable(path)


def name(record: Record) -> str:
    """The video's name, for a line in which many stand."""
    return PurePosixPath(video(record)).name or video(record)


def at(text: str | None) -> datetime | None:
    """A time of the API, in this machine's zone."""
    return None if text is None else datetime.fromisoformat(text).astimezone()


def clock(text: str | None) -> str:
    """A time of the API for tables, to the second."""
    moment = at(text)
    return "-" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S}"


def took(record: Record) -> str:
    """How long it ran, or runs already."""
    begun, ended = at(record["started_at"]), at(record["ended_at"])
    if begun is None:
        return "-"
    # This machine's clock and the database's may differ: never below nothing.
    until = ended or datetime.now(begun.tzinfo)
    return span((until - begun).total_seconds())


def done(record: Record) -> str:
    """How much of it is done: "42 %"."""
    return f"{record['progress']:.0f} %"


def phase(record: Record) -> str:
    """What happens with it now, in words that change only when that does."""
    if has_ended(record) or record["status"] == "cancelling":
        return str(record["status"])
    running = _running(record)
    if running:
        return running
    waiting: Record | None = record.get("waiting_for")
    if waiting is None:
        return str(record["status"])
    return f"{waiting['step']} {_what_for(waiting)}"


def waiting(record: Record) -> str:
    """What it waits for, with its place in line and the estimate; "" when it does not wait."""
    waits: Record | None = record.get("waiting_for")
    if waits is None or has_ended(record) or _running(record):
        return ""
    said = f"{waits['step']} {_what_for(waits)}"
    if waits.get("position"):
        said += f", number {waits['position']} in line"
    if waits.get("queue_length"):
        said += f" ({waits['queue_length']} in {waits['queue']})"
    if waits.get("estimate_s") is not None:
        said += f", starts in about {span(waits['estimate_s'])}"
        if waits.get("estimate_bound_s") is not None:
            said += f", nine times in ten within {span(waits['estimate_bound_s'])}"
    holders = [f"{one['what']} on {one['device']}" for one in waits.get("holders", ())[:2]]
    if holders:
        said += f"; held by {' and '.join(holders)}"
    return printable(said)


def ended_sentence(record: Record) -> str:
    """How it ended, for the person who waited for it."""
    said = name(record)
    match record["status"]:
        case "succeeded":
            return f"{said}: succeeded in {took(record)}."
        case "failed":
            return f"{said}: {error(record) or 'failed.'}"
        case status:
            return f"{said}: {status}."


def error(record: Record) -> str:
    """Why it failed, as one sentence; "" when it did not."""
    wrong: Record | None = record["error"]
    return "" if wrong is None else printable(str(wrong["message"] or wrong["code"]))


def event_line(event: Record, *, with_id: bool) -> str:
    """An event for people: when, of which workflow, what kind, and the rest in words."""
    data: Record = event["data"]
    said = [clock(event["at"]), f"{event['kind']:<18}", str(data.get("step", "")), _told(data)]
    if with_id:
        said.insert(1, str(event["workflow_id"]))
    return printable("  ".join(piece for piece in said if piece).rstrip())


def _told(data: Record) -> str:
    said: list[str] = []
    if data.get("device") or data.get("host"):
        said.append(f"on {data.get('device') or data['host']}")
    if data.get("number", 1) > 1:
        said.append(f"attempt {data['number']}")
    if isinstance(data.get("seconds"), int | float):
        said.append(f"after {span(data['seconds'])}")
    if data.get("again"):
        said.append("is tried again")
    if data.get("error"):
        said.append(f"{data.get('code') or 'error'}: {data['error']}")
    if "priority" in data:
        said.append(f"priority {data['priority']}")
    return ", ".join(said)


def _running(record: Record) -> str:
    """The name of the step that runs."""
    steps: list[Record] = record.get("steps") or []
    return next((str(step["name"]) for step in steps if step["status"] == "running"), "")


def _what_for(waits: Record) -> str:
    return _QUEUES.get(waits["waits_for"], f"waits for a {waits['waits_for']}")
