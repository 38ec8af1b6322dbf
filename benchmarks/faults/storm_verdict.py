"""What held in the storm: from the ledger's records and events, and from what steps wrote down."""

import contextlib
import json
import time
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.faults.chaos import spread
from benchmarks.faults.storm_steps import HARMLESS, POISON
from benchmarks.faults.storm_submitting import Submission
from benchmarks.faults.storm_system import SILENCE_S, Found, System
from yivideo.engine.ledger.records import AttemptRecord, AttemptStatus, StepRecord, WorkflowRecord
from yivideo.engine.ledger.records import WorkflowStatus as Status
from yivideo.errors import LedgerUnavailable
from yivideo.steps.folder import OUTPUT

# By when a killed worker's step is to go on while all others are well.
SOON_S = 2.0
# A process that was killed needs about so long to be of use again.
_BOOT_S = 6.0
_MOST_CLAIMS = 3
_REST_S = 30.0


class Verdict:
    """Gathers what was done and judges what came of it."""

    def __init__(self, system: System, hosts: Sequence[str]) -> None:
        self.problems: list[str] = []
        self.statuses: Counter[str] = Counter()
        self._system = system
        self._hosts = hosts
        # Who was killed when, and as what: "child", "place" or "host".
        self._kills: dict[int, tuple[float, str]] = {}
        # When something else that recovery needs was away: [from, until].
        self._troubles: list[list[float]] = []
        self._recoveries: dict[str, list[float]] = {}
        self._late: list[dict[str, Any]] = []
        self._ends: Counter[tuple[str, str]] = Counter()
        self._accepted: set[str] = set()
        self._last_event = 0
        self._asked = 0

    def killed(self, victim: Found, all_there: Sequence[Found]) -> None:
        """A process is about to be killed, and its children with it."""
        now = time.time()
        if victim.role in {"child", "place"}:
            self._kills[victim.pid] = now, victim.role
        for one in all_there:
            if one.parent == victim.pid:
                self._kills.setdefault(one.pid, (now, victim.role))

    def host_killed(self, host: str, all_there: Sequence[Found]) -> None:
        """All of a host is about to be killed."""
        now = time.time()
        for one in all_there:
            if one.host == host:
                self._kills.setdefault(one.pid, (now, "host"))

    def trouble_begins(self, _what: str) -> Callable[[], None]:
        """Something that recovery needs goes away; what is returned is called when it is back."""
        entry = [time.time(), float("inf")]
        self._troubles.append(entry)

        def end() -> None:
            entry[1] = time.time()

        return end

    @contextlib.contextmanager
    def trouble(self, what: str) -> Generator[None]:
        """The same for a process that is started again by itself."""
        end = self.trouble_begins(what)
        yield
        end()
        self._troubles[-1][1] += _BOOT_S

    def judge(self, submissions: Sequence[Submission]) -> None:
        """Judge a round's workflows."""
        self._follow_events()
        for one in submissions:
            self._asked += one.asked
            if one.workflow:
                self._accepted.add(one.workflow)
                self._judge_workflow(one, self._system.ledger.workflow(one.workflow))

    def _follow_events(self) -> None:
        while events := self._system.ledger.events(self._last_event):
            for event in events:
                if event.kind in {"workflow.succeeded", "workflow.failed", "workflow.cancelled"}:
                    self._ends[event.workflow_id, "end"] += 1
                elif event.kind in {"step.succeeded", "workflow.accepted"}:
                    step = str(event.data.get("step", event.data.get("name", event.kind)))
                    self._ends[event.workflow_id, step] += 1
            self._last_event = events[-1].id

    def _judge_workflow(self, one: Submission, record: WorkflowRecord) -> None:
        self.statuses[record.status] += 1
        poisoned = any(name in POISON for name in one.names)
        if not record.status.ended:
            self.problems.append(f"lost: {_told(record)}")
            return
        if poisoned != (record.status == Status.FAILED) and not self._rightly_failed(record):
            self.problems.append(f"ended wrongly: {_told(record)}")
        for step in record.steps:
            self._judge_step(record, step)
            self._measure(step)

    def _judge_step(self, record: WorkflowRecord, step: StepRecord) -> None:
        good = [a for a in step.attempts if a.status == AttemptStatus.SUCCEEDED]
        if len(good) > 1 or (step.status == "succeeded") != (len(good) == 1):
            self.problems.append(f"{len(good)} results of {step.name}: {_told(record)}")
        if any(a.status == AttemptStatus.RUNNING for a in step.attempts):
            self.problems.append(f"an attempt runs after the end: {_told(record)}")
        for attempt in good:
            place = f"workflows/{record.id}/{step.name}/{attempt.number}"
            file = Path(self._system.folder, "store", place, OUTPUT)
            written = json.loads(file.read_bytes())
            if written != step.output:
                self.problems.append(f"{file} is not the result that was committed")
        at_fault = [a for a in step.attempts if a.error_kind not in {None, "returned"}]
        if step.name in POISON and step.status == "failed" and len(at_fault) != _MOST_CLAIMS:
            self.problems.append(f"failed after {len(at_fault)} claims: {_told(record)}")

    def _rightly_failed(self, record: WorkflowRecord) -> bool:
        """Whether an innocent step was killed at each of its three claims."""
        for step in record.steps:
            if step.status == "failed" and step.name in HARMLESS:
                lost = [a for a in step.attempts if a.pid in self._kills]
                return len(lost) >= _MOST_CLAIMS
        return False

    def _measure(self, step: StepRecord) -> None:
        """How long it took, from the kill to the next attempt."""
        for attempt, following in zip(step.attempts, step.attempts[1:], strict=False):
            kill = self._kills.get(attempt.pid)
            if kill is None or attempt.status == AttemptStatus.SUCCEEDED:
                continue
            at, role = kill
            if attempt.started_at > at or (attempt.ended_at or 0) < at:
                continue
            if role == "place" and attempt.device:
                role = "device place"
            self._note(step, attempt, following, at, role)

    def _note(
        self,
        step: StepRecord,
        attempt: AttemptRecord,
        following: AttemptRecord,
        at: float,
        role: str,
    ) -> None:
        start, back = at, following.started_at
        limit = SILENCE_S + SOON_S if role == "host" else SOON_S
        for begin, until in sorted(self._troubles):
            if begin <= min(back, start + limit) and until > start:
                start, limit = min(until, back), SILENCE_S + SOON_S
        kind = role if start == at else f"{role}, after trouble"
        self._recoveries.setdefault(kind, []).append(back - start)
        if back - start > limit:
            record = {
                "step": step.name,
                "kind": kind,
                "took": round(back - start, 2),
                "seen": round((attempt.ended_at or at) - at, 2),
                "attempt": attempt.number,
            }
            self._late.append(record)

    def judge_rest(self) -> None:
        """Judge what is left when all has ended."""
        with contextlib.suppress(LedgerUnavailable):
            self._follow_events()
        for (workflow, what), times in self._ends.items():
            if times != 1:
                self.problems.append(f"{what} of {workflow} was told {times} times")
        told = {workflow for workflow, what in self._ends if what == "end"}
        if told != self._accepted:
            self.problems.append(f"accepted and ended differ: {sorted(told ^ self._accepted)}")
        end = time.monotonic() + _REST_S
        while (wrong := self._unrest()) and time.monotonic() < end:
            time.sleep(0.2)
        if wrong:
            self.problems.append(f"after {_REST_S:g} s of rest: {wrong}")

    def _unrest(self) -> str:
        try:
            snapshot = self._system.pool.snapshot()
        except Exception as error:  # noqa: BLE001 - told if it stays
            return str(error)
        for device in snapshot.devices:
            if device.state != "open" or device.leases:
                return f"{device.id} is {device.state} with {len(device.leases)} leases"
        return f"{snapshot.waiting} wait" if snapshot.waiting else ""

    def figures(self) -> dict[str, Any]:
        """What was found."""
        return {
            "accepted": len(self._accepted),
            "asked": self._asked,
            "statuses": dict(sorted(self.statuses.items())),
            "recovery": {kind: spread(all_) for kind, all_ in sorted(self._recoveries.items())},
            "late": self._late,
        }


def _told(record: WorkflowRecord) -> str:
    steps = [
        f"{step.name} {step.status} " + "/".join(f"{a.status}:{a.error}" for a in step.attempts)
        for step in record.steps
    ]
    return f"{record.id} {record.status} ({record.error}): {'; '.join(steps)}"
