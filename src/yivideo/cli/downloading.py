"""`yivideo workflows download`: subtitles from the API into files."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yivideo.cli.outputs import (
    Destination,
    Existing,
    Target,
    check_existing,
    plan_targets,
    write_results,
)
from yivideo.cli.streams import complain, error_record, printable, say_json, say_path
from yivideo.cli.workflow_words import name
from yivideo.errors import ExitCode, InputMissing, YiVideoError

if TYPE_CHECKING:
    from yivideo.cli.client import Client, Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """What is to be written.

    Attributes:
        ids: of whose subtitles.
        destination: where to, in which formats.
        existing: what to do about files that are there already.
    """

    ids: Sequence[str]
    destination: Destination
    existing: Existing


def carry_out(client: "Client", wanted: Download, *, as_json: bool) -> int:
    """Write them, each file whole or not at all; the exit status.

    Raises:
        WorkflowUnknown: one of them is none; nothing has been written.
        UsageError: two would write the same file; nothing has been written.
    """
    records = [client.get(one) for one in dict.fromkeys(wanted.ids)]
    targets = plan_targets([Path(name(record)) for record in records], _here(wanted.destination))
    told: list[dict[str, Any]] = []
    wrong: list[YiVideoError] = []
    written: set[Path] = set()
    for record, target in zip(records, targets, strict=True):
        one: dict[str, Any] = {"id": record["id"], "outputs": [], "error": None}
        told.append(one)
        try:
            if check_existing(target, wanted.existing, ()):
                continue
            texts, language = _fetched(client, record, target)
            for path in write_results(
                target, texts, language=language, existing=_if_there(wanted), written=written
            ):
                one["outputs"].append(str(path))
                if not as_json:
                    say_path(path)
        except YiVideoError as error:
            if len(records) == 1:
                raise
            complain(f"{printable(record['id'])}: {error.message}")
            wrong.append(error)
            one["error"] = error_record(error)
    if as_json:
        say_json(told)
    return int(ExitCode.BATCH if wrong else ExitCode.OK)


def _here(destination: Destination) -> Destination:
    """Beside a video that lies on another machine nothing can be written."""
    if destination.folder is None and destination.file is None:
        return Destination(destination.formats, folder=Path())
    return destination


def _if_there(wanted: Download) -> Existing:
    return "refuse" if wanted.existing == "skip" else wanted.existing


def _fetched(
    client: "Client", record: "Record", target: Target
) -> tuple[dict[str, str], str | None]:
    """The texts by format, and the language of the subtitles."""
    if record["status"] != "succeeded":
        raise InputMissing(f"There are no subtitles of {record['id']}: it {_state(record)}.")
    whole = client.subtitles(record["id"], "json").decode()
    texts = {
        one: whole if one == "json" else client.subtitles(record["id"], one).decode()
        for one in target.formats
    }
    language = json.loads(whole).get("language")
    return texts, language if isinstance(language, str) else None


def _state(record: "Record") -> str:
    match record["status"]:
        case "failed" | "succeeded":
            return str(record["status"])
        case "cancelled":
            return "was cancelled"
        case _:
            return "has not ended yet"
