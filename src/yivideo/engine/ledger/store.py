"""The ledger: the truth about workflows, one transaction per method."""

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from yivideo.engine.ledger import (
    accepting,
    cancelling,
    claiming,
    counting,
    ending,
    history,
    keys,
    looking,
    outbox,
    paging,
    retention,
    retrying,
)
from yivideo.engine.ledger.configuration import Configuration
from yivideo.engine.ledger.counting import Counts
from yivideo.engine.ledger.database import PATIENCE_S, Clock, Database, database_clock
from yivideo.engine.ledger.records import (
    Accepted,
    ApiKey,
    Artifact,
    Callback,
    Claimed,
    ErrorKind,
    Event,
    Filter,
    IdempotencyKey,
    NewWorkflow,
    Outcome,
    Page,
    Place,
    ReadyStep,
    Result,
    Running,
    WorkflowRecord,
)
from yivideo.errors import LedgerUnavailable

_MOST_AT_ONCE = 1000


class Ledger:
    """The ledger in a database; may be shared by threads, and by any number of processes.

    All methods raise `LedgerUnavailable` when the database is away, full, or locked for too long.
    Whether a change that was being committed came through is not known then; saying it again is
    safe: what has ended does not end again, and a result that is committed is told once more.

    Args:
        url: ``sqlite:///PATH`` on a local disk, or ``postgresql://USER@HOST/NAME``.
        clock: the one clock of all times, the database's; replaced in tests.
        patience: seconds to wait for a locked database.

    Raises:
        UsageError: the address is of neither kind, or SQLite's file would lie on a network disk.
    """

    def __init__(
        self, url: str, *, clock: Clock = database_clock, patience: float = PATIENCE_S
    ) -> None:
        self._database = Database(url, clock=clock, patience=patience)
        self.configuration = Configuration(self._database)

    def migrate(self) -> None:
        """Make the tables, or bring them to the form this version needs."""
        # Alembic is wanted once in a process's life, and by few processes.
        from yivideo.engine.ledger.migrating import upgrade

        self._database.write(upgrade)

    def ping(self) -> float:
        """The database's time; raises when it does not answer or has no tables yet."""
        self._database.read(outbox.last_event)
        return self._database.read(lambda tx: tx.now)

    def listen(self) -> None:
        """Wait until changes can be committed; raises where they cannot."""
        self._database.write(lambda tx: tx.now)

    def close(self) -> None:
        """Close all connections; the next use opens new ones."""
        self._database.close()

    # Workflows as people see them.

    def accept(self, new: NewWorkflow, idempotency: IdempotencyKey | None = None) -> Accepted:
        """Commit a workflow, once per idempotency key.

        Raises:
            BadWorkflow: it makes no sense; the message names the place.
            IdempotencyConflict: the key was used for another request.
        """
        return self._database.write(lambda tx: accepting.accept(tx, new, idempotency))

    def workflow(self, workflow_id: str) -> WorkflowRecord:
        """A workflow with its steps and attempts.

        Raises:
            WorkflowUnknown: there is none.
        """
        return self._database.read(lambda tx: looking.workflow(tx, workflow_id))

    def page(self, chosen: Filter, *, cursor: str | None = None, limit: int = 50) -> Page:
        """Workflows that match, newest first; those that arrive later do not shift the pages.

        Raises:
            UsageError: the cursor is none.
        """
        most = max(1, min(limit, _MOST_AT_ONCE))
        return self._database.read(lambda tx: paging.page(tx, chosen, cursor, most))

    def counts(self) -> Counts:
        """How many workflows and steps stand where."""
        return self._database.read(counting.counts)

    def artifacts(self, workflow_id: str) -> Sequence[Artifact]:
        """The files that a workflow's steps have made, in order, each with its step's name.

        Raises:
            WorkflowUnknown: there is none.
        """
        return self._database.read(lambda tx: looking.results(tx, workflow_id))

    def cancel(self, workflow_id: str) -> tuple[Outcome, Sequence[Running]]:
        """End what waits at once, and ask for the end of what runs.

        Raises:
            WorkflowUnknown, WorkflowEnded: there is nothing to cancel.
        """
        return self._database.write(lambda tx: cancelling.cancel_workflow(tx, workflow_id))

    def retry(
        self,
        workflow_id: str,
        *,
        from_step: str | None = None,
        params: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> Outcome:
        """Run an ended workflow again, from its first step without a result or from a named one.

        Args:
            workflow_id: the workflow.
            from_step: the name of the step to begin from; results of those before it stay.
            params: for steps by name, parameters that replace theirs.

        Raises:
            WorkflowUnknown, WorkflowNotEnded, BadWorkflow: there is nothing to retry.
        """
        return self._database.write(
            lambda tx: retrying.retry_workflow(tx, workflow_id, from_step, params or {})
        )

    def set_priority(self, workflow_id: str, priority: int) -> Sequence[ReadyStep]:
        """Change a workflow's priority; returns its ready steps, to be requested anew.

        Raises:
            WorkflowUnknown, WorkflowEnded, BadWorkflow: nothing was changed.
        """
        return self._database.write(
            lambda tx: cancelling.change_priority(tx, workflow_id, priority)
        )

    def delete(self, workflow_id: str) -> Sequence[str]:
        """Forget an ended workflow; returns what to remove from the file store.

        Raises:
            WorkflowUnknown, WorkflowNotEnded: nothing was deleted.
        """
        return self._database.write(lambda tx: retention.delete_workflow(tx, workflow_id))

    # Attempts.

    def claim(self, step_id: int, number: int, place: Place) -> Claimed | None:
        """Begin an attempt; None if it is not the one the step waits for, or was begun before.

        With SQLite the attempt may begin before the disk has it: `sync` meanwhile.
        """
        return self._database.write(
            lambda tx: claiming.claim_step(tx, step_id, number, place), synced=False
        )

    def sync(self) -> None:
        """Wait until all that was committed survives a power cut."""
        self._database.sync()

    def note_progress(self, attempt_id: int, fraction: float) -> bool:
        """Say that an attempt lives and how far it is.

        Returns:
            Whether it should go on: False where it is no longer current, or its workflow is
            being cancelled.
        """
        return self._database.write(
            lambda tx: claiming.note_progress(tx, attempt_id, fraction), synced=False
        )

    def beat(self, worker: str, attempt_ids: Sequence[int]) -> Sequence[int]:
        """Say that a worker's attempts live; returns those of them that should stop."""
        return self._database.write(
            lambda tx: claiming.note_beats(tx, worker, attempt_ids), synced=False
        )

    def succeed(
        self,
        attempt_id: int,
        output: Mapping[str, Any],
        artifacts: Sequence[Artifact],
        *,
        units: float,
        seconds: float,
        model: str,
        memory_mib: float = 0.0,
    ) -> Outcome | None:
        """Commit an attempt's result as the step's.

        Args:
            attempt_id: the attempt.
            output: what the step returned.
            artifacts: the files it made.
            units: how much work it was, 0 for unknown.
            seconds: how long it took.
            model: the model of the device it ran on.
            memory_mib: the most memory it used of that; 0 for unknown.

        Returns:
            None if the attempt is not current: nothing was changed, its files are nobody's. Said
            again by the attempt whose result the step has, the state of things as it is now.
        """
        result = Result(
            output=output,
            artifacts=artifacts,
            units=units,
            seconds=seconds,
            model=model,
            memory_mib=memory_mib,
        )
        return self._database.write(lambda tx: ending.commit_result(tx, attempt_id, result))

    def fail(self, attempt_id: int, kind: ErrorKind, code: str, message: str) -> Outcome | None:
        """End an attempt that failed; the kind decides what follows. None if it is not current."""
        return self._database.write(
            lambda tx: ending.end_by_failure(tx, attempt_id, kind, code, message)
        )

    def lose(self, attempt_id: int, why: str) -> Outcome | None:
        """End an attempt whose process or host is gone. None if it is not current."""
        return self._database.write(lambda tx: ending.end_by_loss(tx, attempt_id, why))

    # What the reconciler looks at.

    def due(self, limit: int = 500) -> Sequence[ReadyStep]:
        """Ready steps whose next hint is due."""
        return self._database.read(lambda tx: looking.due(tx, limit))

    def note_hints(self, hinted: Iterable[tuple[int, int]]) -> None:
        """Say that hints were sent, for steps by id and number: the next are due later."""
        sent = list(hinted)
        if sent:
            self._database.write(lambda tx: claiming.note_hints(tx, sent), synced=False)

    def hint_all_again(self) -> int:
        """After the queues were lost: make every ready step due; returns their number."""
        return self._database.write(claiming.make_all_hints_due)

    def running(self, limit: int = 1000) -> Sequence[Running]:
        """Attempts that are under way, oldest first."""
        return self._database.read(lambda tx: looking.running(tx, limit))

    def silent(self, seconds: float) -> Sequence[Running]:
        """Attempts that are under way and have not been heard of for so long."""
        return self._database.read(lambda tx: looking.silent(tx, seconds))

    # The outbox.

    def events(
        self, after: int, workflow_id: str | None = None, limit: int = 500
    ) -> Sequence[Event]:
        """Events with ids above ``after``, in order; of one workflow, or of all."""
        return self._database.read(lambda tx: outbox.events_after(tx, after, workflow_id, limit))

    def last_event(self) -> int:
        """The newest event's id, 0 before the first."""
        return self._database.read(outbox.last_event)

    def callbacks_due(self, limit: int = 50) -> Sequence[Callback]:
        """Callbacks to deliver now; nobody else is given the same within a minute."""
        # Asked all the time, with nothing to do most times: then nobody's writing is held up.
        if not self._database.read(outbox.any_callback_is_due):
            return ()
        return self._database.write(lambda tx: outbox.take_due_callbacks(tx, limit))

    def note_callback(self, callback_id: int, *, delivered: bool, error: str = "") -> None:
        """Say what came of delivering a callback: done, or to be tried again later."""
        self._database.write(
            lambda tx: (
                outbox.note_delivery(tx, callback_id)
                if delivered
                else outbox.note_failed_delivery(tx, callback_id, error)
            )
        )

    # How long things take.

    def durations(self, what: str, model: str) -> Sequence[float]:
        """Seconds that a step took on devices of a model, newest first."""
        return self._database.read(lambda tx: history.newest_durations(tx, what, model))

    def paces(self, what: str, model: str) -> Sequence[float]:
        """Seconds per unit of work that a step took on devices of a model, newest first."""
        return self._database.read(lambda tx: history.newest_paces(tx, what, model))

    # API keys.

    def add_key(self, name: str) -> tuple[str, str]:
        """Make an API key; returns its id, and the secret, which nobody can be shown again."""
        return self._database.write(lambda tx: keys.make_key(tx, name))

    def keys(self) -> Sequence[ApiKey]:
        """All API keys, oldest first, without their secrets."""
        return self._database.read(keys.list_keys)

    def revoke_key(self, key_id: str) -> bool:
        """Make an API key good for nothing; False if there is none such any more."""
        return self._database.write(lambda tx: keys.revoke_key(tx, key_id))

    def check_key(self, secret: str) -> str | None:
        """The id of the API key with that secret; None if there is none, or it was revoked."""
        found = self._database.read(lambda tx: keys.find_key(tx, secret))
        if found is None:
            return None
        identity, unnoted = found
        if unnoted:
            # A ledger too busy to note it is no reason to refuse a good key.
            with contextlib.suppress(LedgerUnavailable):
                self._database.write(lambda tx: keys.note_use(tx, identity), synced=False)
        return identity

    # Retention.

    def expire(self, max_age_s: float | None, max_number: int | None) -> Sequence[str]:
        """Forget ended workflows that are too old or too many; returns what to remove.

        Some hundred at a time: call it again while it returns something.
        """
        return self._database.write(
            lambda tx: retention.expire_workflows(tx, max_age_s, max_number)
        )

    def removals(self, limit: int = 500) -> Sequence[str]:
        """What deleted workflows left in the file store and nobody has removed yet."""
        return self._database.read(lambda tx: retention.pending_removals(tx, limit))

    def note_removed(self, uris: Sequence[str]) -> None:
        """Say that these are removed from the file store."""
        if uris:
            self._database.write(lambda tx: retention.note_removed(tx, uris))
