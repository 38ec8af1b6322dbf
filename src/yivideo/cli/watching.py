"""`yivideo workflows watch` and `logs`: what happens and what happened."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from yivideo.cli.endings import overall
from yivideo.cli.streams import say, say_json, tell
from yivideo.cli.waiting import Waiting
from yivideo.cli.workflow_words import event_line, has_ended

if TYPE_CHECKING:
    from yivideo.cli.client import Client, Record

# The events of a workflow that goes on come in one piece; after it the stream is silent.
_QUIET_S = 1.0


def watch_these(client: "Client", ids: Sequence[str], *, as_json: bool) -> int:
    """Show how they go on until all have ended; the exit status.

    Raises:
        WorkflowUnknown: one of them is none.
    """
    ended = Waiting(client).wait(list(dict.fromkeys(ids)))
    if as_json:
        say_json([end.as_record() for end in ended])
    return int(overall([end.code for end in ended]))


def watch_all(client: "Client", *, as_json: bool) -> None:
    """Print all that happens from now on, until somebody ends it."""
    with client.events() as events:
        tell("Waiting for what happens; Ctrl-C ends it.")
        for event in events:
            if event is not None:
                _print(event, as_json=as_json, with_id=True)


def show_logs(client: "Client", workflow_id: str, *, follow: bool, as_json: bool) -> None:
    """Print what happened to a workflow, and with `follow` what happens to it."""
    goes_on = not has_ended(client.get(workflow_id))
    past: list[Record] = []
    with client.events(workflow_id, quiet=_QUIET_S if goes_on and not follow else None) as events:
        for event in events:
            if event is None:
                continue
            if as_json and not follow:
                past.append(event)
            else:
                _print(event, as_json=as_json, with_id=False)
    if as_json and not follow:
        say_json({"events": past})


def _print(event: "Record", *, as_json: bool, with_id: bool) -> None:
    said = json.dumps(event, ensure_ascii=False) if as_json else event_line(event, with_id=with_id)
    say(said)
