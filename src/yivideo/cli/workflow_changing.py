"""`yivideo workflows cancel` and `retry`: one change for several workflows."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from yivideo.cli.streams import complain, error_record, printable, say, say_json
from yivideo.errors import ExitCode, YiVideoError

if TYPE_CHECKING:
    from yivideo.cli.client import Record


def change(ids: Sequence[str], ask: Callable[[str], "Record"], *, as_json: bool) -> int:
    """Do it with each, whatever becomes of the others; the exit status."""
    records: list[dict[str, Any]] = []
    wrong: list[YiVideoError] = []
    for workflow_id in dict.fromkeys(ids):
        try:
            record = ask(workflow_id)
        except YiVideoError as error:
            if error.exit_code is ExitCode.UNAVAILABLE or len(ids) == 1:
                raise
            wrong.append(error)
            complain(f"{printable(workflow_id)}: {error.message}")
            records.append({"id": workflow_id, "error": error_record(error)})
            continue
        records.append(record)
        if not as_json:
            say(f"{record['id']}  {record['status']}")
    if as_json:
        say_json(records)
    return int(ExitCode.BATCH if wrong else ExitCode.OK)
