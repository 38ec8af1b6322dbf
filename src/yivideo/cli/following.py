"""Following workflows to their ends: told of what happens, asking for the rest."""

import contextlib
import queue
import threading
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

from yivideo.cli.streams import complain, tell
from yivideo.cli.workflow_words import Record, ended_sentence, has_ended, name, phase
from yivideo.errors import LedgerUnavailable, ServerUnavailable, WorkflowUnknown, YiVideoError

if TYPE_CHECKING:
    from yivideo.cli.client import Client

_LOOK_S = 0.1
# How far a step is, and who is before it in line, no event tells: that is asked, one workflow at
# a time, so that a thousand of them ask no more than one.
_ASK_S = 0.25
_AWAY_S = 1.0


class Shown(Protocol):
    """Where the workflows' state is drawn."""

    def show(self, records: Iterable[Record]) -> None:
        """These are they now."""
        ...

    def note(self, line: str, *, wrong: bool = False) -> None:
        """One line that stays."""
        ...

    def close(self) -> None:
        """Take everything animated away."""
        ...


class Listener:
    """Listens for events on a thread of its own, from its making on.

    Args:
        client: the API.

    Raises:
        YiVideoError: the API does not answer, or refuses.
    """

    def __init__(self, client: "Client") -> None:
        self._client = client
        self._heard: queue.SimpleQueue[Record | None] = queue.SimpleQueue()
        self._connected = threading.Event()
        self._trouble: YiVideoError | None = None
        threading.Thread(target=self._listen, daemon=True).start()
        self._connected.wait()
        if self._trouble is not None:
            raise self._trouble

    def changed(self, among: Iterable[str], patience: float) -> set[str]:
        """The ids of workflows to which something happened, waiting for it at most so long."""
        known = set(among)
        changed: set[str] = set()
        # Nothing more than its end can be missed here: whoever waits asks anew from time to time.
        with contextlib.suppress(queue.Empty):
            self._note(self._heard.get(timeout=patience), known, changed)
            while True:
                self._note(self._heard.get_nowait(), known, changed)
        return changed

    @staticmethod
    def _note(event: Record | None, known: set[str], changed: set[str]) -> None:
        if event is None:
            # The connection was away: anything may have happened.
            changed |= known
        elif event["workflow_id"] in known:
            changed.add(event["workflow_id"])

    def _listen(self) -> None:
        try:
            with self._client.events() as events:
                self._connected.set()
                for event in events:
                    self._heard.put(event)
        except YiVideoError as error:
            self._trouble = error
        except RuntimeError:
            # The client was closed under it: nobody wants to hear any more.
            pass
        finally:
            self._connected.set()


class Follower:
    """Follows workflows until all have ended.

    Args:
        client: the API.
        listener: connected since before the workflows were asked for.
        shown: where they are drawn.
    """

    def __init__(self, client: "Client", listener: Listener, shown: Shown) -> None:
        self._client, self._listener, self._shown = client, listener, shown
        self._records: dict[str, Record] = {}
        self._away = False

    def follow(self, ids: Iterable[str]) -> list[Record]:
        """Wait for these; how each stands at its end, in order."""
        order = list(dict.fromkeys(ids))
        todo = set(order)
        asked = time.monotonic()
        turn = 0
        while True:
            for workflow_id in [one for one in order if one in todo]:
                if not self._ask(workflow_id):
                    break
                todo.discard(workflow_id)
            living = [one for one in order if not self._over(one)]
            self._shown.show(self._records[one] for one in order if one in self._records)
            if not living:
                return [self._records[one] for one in order]
            if todo:
                time.sleep(_AWAY_S)
            todo |= self._listener.changed(living, _LOOK_S)
            if time.monotonic() - asked >= _ASK_S:
                asked, turn = time.monotonic(), turn + 1
                todo.add(living[turn % len(living)])

    def _over(self, workflow_id: str) -> bool:
        record = self._records.get(workflow_id)
        return record is not None and has_ended(record)

    def _ask(self, workflow_id: str) -> bool:
        """Look at a workflow anew; False when the API is away."""
        try:
            record = self._client.get(workflow_id)
        except (ServerUnavailable, LedgerUnavailable) as error:
            if not self._away:
                self._shown.note(f"{error.message} Waiting for it.")
            self._away = True
            return False
        except WorkflowUnknown as error:
            before = self._records.get(workflow_id)
            if before is None:
                raise
            wrong = {"code": error.code, "message": error.message}
            record = {**before, "status": "failed", "error": wrong, "steps": []}
        self._away = False
        was_over = self._over(workflow_id)
        self._records[workflow_id] = record
        if has_ended(record) and not was_over:
            self._shown.note(ended_sentence(record), wrong=record["status"] != "succeeded")
        return True


class Lines:
    """A line per workflow and phase, for logs."""

    def __init__(self) -> None:
        self._phases: dict[str, str] = {}

    def show(self, records: Iterable[Record]) -> None:
        """Name the phase of each that has a new one."""
        for record in records:
            now = phase(record)
            if self._phases.get(record["id"]) != now and not has_ended(record):
                tell(f"{name(record)}: {now}")
            self._phases[record["id"]] = now

    def note(self, line: str, *, wrong: bool = False) -> None:
        """One line."""
        (complain if wrong else tell)(line)

    def close(self) -> None:
        """Nothing."""


def make_shown() -> Shown:
    """What fits standard error."""
    from yivideo.cli.streams import on_terminal

    if not on_terminal():
        return Lines()
    from yivideo.cli.following_live import LiveTable

    return LiveTable()
