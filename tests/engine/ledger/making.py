"""What the tests of the ledger make and do again and again."""

from typing import Any

import sqlalchemy as sa

from yivideo.engine.ledger.database import database_clock
from yivideo.engine.ledger.records import (
    Artifact,
    Claimed,
    NewStep,
    NewWorkflow,
    Outcome,
    Place,
    ReadyStep,
)
from yivideo.engine.ledger.store import Ledger

PLACE = Place(host="host", worker="worker", pid=7, process={"start": 3}, device="d:0", fence="f")


class Clock:
    """The database's own clock, put forward by so many seconds."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self, connection: sa.Connection) -> float:
        """The time."""
        return database_clock(connection) + self.ahead


def new(steps: int = 2, **more: Any) -> NewWorkflow:
    """A workflow of some steps: "toy.0", "toy.1" and so on."""
    given: dict[str, Any] = {"video_path": "/videos/a.mp4", "source": "/srv/a.mp4", **more}
    chain = [NewStep(name=f"toy.{n}", params={"n": n}) for n in range(steps)]
    return NewWorkflow(chain=chain, **given)


def claim(ledger: Ledger, ready: ReadyStep) -> Claimed:
    """Claim a step that is there to be claimed."""
    claimed = ledger.claim(ready.step_id, ready.number, PLACE)
    assert claimed is not None
    return claimed


def succeed(ledger: Ledger, attempt_id: int, **output: Any) -> Outcome | None:
    """Commit a result with one file."""
    file = Artifact(name="out.txt", uri=f"file-{attempt_id}", size=3, media_type="text/plain")
    return ledger.succeed(attempt_id, output, [file], units=2, seconds=5, model="gpu")


def begun(ledger: Ledger, **more: Any) -> Claimed:
    """A fresh workflow whose first step runs."""
    return claim(ledger, ledger.accept(new(**more)).ready[0])


def kinds(ledger: Ledger, workflow_id: str) -> list[str]:
    """The kinds of a workflow's events, in order."""
    return [event.kind for event in ledger.events(0, workflow_id)]
