"""Several at once, in threads with connections of their own and in processes."""

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import pytest
from tests.engine.ledger.making import PLACE, begun, claim, kinds, new, succeed

from yivideo.engine.ledger.records import (
    AttemptStatus,
    ErrorKind,
    Filter,
    IdempotencyKey,
    StepStatus,
    WorkflowStatus,
)
from yivideo.engine.ledger.store import Ledger
from yivideo.errors import WorkflowEnded

T = TypeVar("T")
ROOT = Path(__file__).parents[3]


@pytest.fixture
def ledgers(url: str) -> Generator[list[Ledger]]:
    """Four ledgers on one database: no lock of a process is shared between them."""
    ledgers = [Ledger(url, patience=30) for _ in range(4)]
    yield ledgers
    for ledger in ledgers:
        ledger.close()


def at_once(acts: Sequence[Callable[[], T]]) -> list[T]:
    """Do all of these at the same time, as far as threads can."""
    gate = threading.Barrier(len(acts))

    def act(one: Callable[[], T]) -> T:
        gate.wait()
        return one()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(act, acts))


def test_of_twenty_claimers_one_wins(ledgers: list[Ledger]) -> None:
    """The others are told that there is nothing for them."""
    ready = ledgers[0].accept(new()).ready[0]
    claims = [
        lambda ledger=ledgers[n % 4]: ledger.claim(ready.step_id, 1, PLACE) for n in range(20)
    ]
    assert [claimed is None for claimed in at_once(claims)].count(False) == 1
    assert len(ledgers[0].running()) == 1


def test_one_end_wins(ledgers: list[Ledger]) -> None:
    """Of success, failure, loss and cancellation at once, what is told is what is there."""
    seen: Counter[WorkflowStatus | None] = Counter()
    for _ in range(15):
        attempt = begun(ledgers[0], steps=1)

        def cancel(workflow_id: str = attempt.workflow_id) -> object:
            try:
                ledgers[3].cancel(workflow_id)
            except WorkflowEnded:
                return None
            return None

        outcomes = at_once(
            [
                lambda a=attempt.attempt_id: succeed(ledgers[0], a),
                lambda a=attempt.attempt_id: ledgers[1].lose(a, "silent"),
                lambda a=attempt.attempt_id: ledgers[2].fail(a, ErrorKind.USER, "x", "Bad."),
                cancel,
            ]
        )
        assert sum(outcome is not None for outcome in outcomes) == 1
        shown = ledgers[0].workflow(attempt.workflow_id)
        told = kinds(ledgers[0], attempt.workflow_id)
        ends = [kind for kind in told if kind.removeprefix("workflow.") in ENDS]
        if shown.status.ended:
            assert ends == [f"workflow.{shown.status}"]
        else:
            # Lost, and to be tried again.
            assert (ends, shown.steps[0].status) == ([], StepStatus.READY)
        assert shown.steps[0].attempts[0].status != AttemptStatus.RUNNING
        seen[shown.status] += 1
    # Else nothing was at the same time as anything.
    assert len(seen) > 1, seen


ENDS = {status.value for status in WorkflowStatus if status.ended}


def test_two_reconcilers_lose_each_attempt_once(ledgers: list[Ledger]) -> None:
    """Each fault is counted once, however many saw it."""
    attempts = [begun(ledgers[0]) for _ in range(8)]

    def reconcile(ledger: Ledger) -> int:
        outcomes = [ledger.lose(one.attempt_id, "gone") for one in ledger.running()]
        return sum(outcome is not None for outcome in outcomes)

    counts = at_once([lambda ledger=ledger: reconcile(ledger) for ledger in ledgers])
    assert sum(counts) == len(attempts)
    for one in attempts:
        shown = ledgers[0].workflow(one.workflow_id)
        assert (shown.steps[0].number, shown.steps[0].status) == (2, StepStatus.READY)


def test_one_idempotency_key_at_once_is_one_workflow(ledgers: list[Ledger]) -> None:
    """Whoever comes second waits, and is answered with the first's."""
    key = IdempotencyKey(key="k", owner="", digest="d")
    accepted = at_once([lambda ledger=ledgers[n % 4]: ledger.accept(new(), key) for n in range(8)])
    assert len({one.workflow_id for one in accepted}) == 1
    assert [one.replayed for one in accepted].count(False) == 1
    assert len(ledgers[0].page(Filter()).workflows) == 1


def test_who_follows_events_misses_none(ledgers: list[Ledger]) -> None:
    """An id is never seen after a larger one, whoever committed first."""
    ready = threading.Event()
    followed: list[int] = []

    def follow() -> None:
        while True:
            done = ready.is_set()
            events = ledgers[3].events(followed[-1] if followed else 0)
            followed.extend(event.id for event in events)
            if done and not events:
                return

    follower = threading.Thread(target=follow)
    follower.start()
    at_once([lambda ledger=ledger: _write(ledger, 8) for ledger in ledgers[:3]])
    ready.set()
    follower.join()
    everything: list[int] = []
    while events := ledgers[0].events(everything[-1] if everything else 0):
        everything += [event.id for event in events]
    assert followed == everything
    assert len(everything) == 3 * 8 * 6


def _write(ledger: Ledger, count: int) -> None:
    for _ in range(count):
        succeed(ledger, claim(ledger, ledger.accept(new()).ready[0]).attempt_id)


def writer(url: str, *orders: str) -> subprocess.Popen[str]:
    """Another process that writes."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.engine.ledger.writer", url, *orders],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_kill_9_loses_nothing_that_was_committed(url: str) -> None:
    """Two writers, killed in the middle of it: all that they said is there, once."""
    writers = [writer(url) for _ in range(2)]
    said: list[list[str]] = []
    for process in writers:
        assert process.stdout is not None
        # Killed at different moments of their work.
        lines = [process.stdout.readline() for _ in range(11 + len(said))]
        os.kill(process.pid, signal.SIGKILL)
        said += [line.split() for line in [*lines, *process.communicate()[0].splitlines()]]
    ledger = Ledger(url, patience=30)
    for kind, identity in (words for words in said if len(words) == 2):
        if kind == "accepted":
            assert ledger.workflow(identity).status != WorkflowStatus.FAILED
        if kind == "succeeded":
            assert succeed(ledger, int(identity)) is not None
    commits = [event for event in _all(ledger) if event == "step.succeeded"]
    assert len(commits) >= sum(words[0] == "succeeded" for words in said if len(words) == 2)
    # And it goes on: whatever was under way can be lost and claimed again.
    for one in ledger.running():
        assert ledger.lose(one.attempt_id, "killed") is not None
    assert ledger.running() == []
    ledger.close()


def _all(ledger: Ledger) -> list[str]:
    told: list[str] = []
    after = 0
    while events := ledger.events(after):
        told += [event.kind for event in events]
        after = events[-1].id
    return told


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_several_may_migrate_at_once(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """From nothing, by a process and threads: one does it and the others find it done."""
    address = (
        f"sqlite:///{tmp_path / 'new.db'}"
        if kind == "sqlite"
        else request.getfixturevalue("bare_postgres_url")
    )
    process = writer(address, "migrate")
    ledgers = [Ledger(address, patience=30) for _ in range(3)]
    at_once([ledger.migrate for ledger in ledgers])
    assert process.communicate()[0] == "migrated\n"
    ledgers[0].accept(new())
    ledgers[0].migrate()
    assert len(ledgers[1].page(Filter()).workflows) == 1
    for ledger in ledgers:
        ledger.close()
