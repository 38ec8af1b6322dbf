"""How a command ends that waited for workflows: their exit codes, as `yivideo extract` has them."""

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from yivideo.cli.workflow_words import Record
from yivideo.errors import ExitCode, InputMissing, YiVideoError

if TYPE_CHECKING:
    from yivideo.cli.client import Client

# What the video or its parameters may be to blame for; everything else is the system's matter.
_USERS = frozenset({ExitCode.USAGE, ExitCode.INPUT, ExitCode.NO_SUBTITLES, ExitCode.PARTIAL})


def exit_code(client: "Client", record: Record) -> ExitCode:
    """What a command ends with that waited for this workflow alone."""
    match record["status"]:
        case "succeeded":
            return _of_result(client, record["id"])
        case "cancelled":
            return ExitCode.CANCELLED
        case _:
            return _of_failure(record)


def overall(codes: Sequence[ExitCode]) -> ExitCode:
    """What a command ends with that waited for all of these.

    One ends it with its own. Of several, any that failed make it BATCH; else any that was
    cancelled CANCELLED; else any damaged one PARTIAL; else any without subtitles NO_SUBTITLES.
    """
    if len(codes) == 1:
        return codes[0]
    lesser = (ExitCode.CANCELLED, ExitCode.PARTIAL, ExitCode.NO_SUBTITLES)
    if any(code not in {ExitCode.OK, *lesser} for code in codes):
        return ExitCode.BATCH
    return next((code for code in lesser if code in codes), ExitCode.OK)


def _of_result(client: "Client", workflow_id: str) -> ExitCode:
    """Whether it found anything, as far as its chain made subtitles at all."""
    try:
        subtitles: dict[str, Any] = json.loads(client.subtitles(workflow_id, "json"))
    except (InputMissing, ValueError):
        return ExitCode.OK
    if subtitles.get("readable_until") is not None:
        return ExitCode.PARTIAL
    return ExitCode.OK if subtitles.get("events") else ExitCode.NO_SUBTITLES


def _of_failure(record: Record) -> ExitCode:
    kinds = [
        attempt["error_kind"]
        for step in record.get("steps", ())
        if step["status"] == "failed"
        for attempt in step["attempts"][-1:]
    ]
    if "user" not in kinds:
        return ExitCode.INTERNAL
    wrong: Record = record["error"] or {}
    known = {error.code: error.exit_code for error in _errors(YiVideoError)}
    code = known.get(str(wrong.get("code")), ExitCode.INPUT)
    return code if code in _USERS else ExitCode.INPUT


def _errors(kind: type[YiVideoError]) -> Iterator[type[YiVideoError]]:
    for error in kind.__subclasses__():
        yield error
        yield from _errors(error)
