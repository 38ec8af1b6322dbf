"""Anything that may happen to workflows, in any order, against a plain model of them."""

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from tests.engine.ledger.conftest import empty
from tests.engine.ledger.making import PLACE, new, succeed

from yivideo.engine.ledger.records import ErrorKind, Outcome, StepStatus, WorkflowStatus
from yivideo.engine.ledger.store import Ledger
from yivideo.errors import WorkflowEnded, WorkflowNotEnded, WorkflowUnknown

STEPS = 2
ENDS = {status for status in WorkflowStatus if status.ended}


@dataclass
class Modelled:
    """A workflow as it should be: nothing but where it stands."""

    step_ids: list[int]
    status: WorkflowStatus = WorkflowStatus.QUEUED
    position: int = 0
    numbers: list[int] = field(default_factory=lambda: [1] * STEPS)
    faults: int = 0
    attempt: int | None = None
    ends: int = 1


class Workflows(RuleBasedStateMachine):
    """Calls of the ledger, fresh and stale, and what they should answer."""

    ledger: Ledger
    workflows = Bundle("workflows")
    attempts = Bundle("attempts")

    def __init__(self) -> None:
        super().__init__()
        self.there: dict[str, Modelled] = {}
        self.owner: dict[int, str] = {}
        self.expected: list[tuple[str, str]] = []

    @rule(target=workflows)
    def accept(self) -> str:
        """A workflow is accepted."""
        accepted = self.ledger.accept(new(STEPS))
        first = accepted.ready[0].step_id
        steps = self.ledger.workflow(accepted.workflow_id).steps
        assert steps[0].step_id == first
        self.there[accepted.workflow_id] = Modelled([step.step_id for step in steps])
        self.tell(accepted.workflow_id, "workflow.accepted", "step.ready")
        return accepted.workflow_id

    @rule(
        target=attempts,
        workflow=workflows,
        position=st.integers(0, STEPS - 1),
        older=st.sampled_from([0, 0, 0, 0, 1, -1]),
    )
    def claim(self, workflow: str, position: int, older: int) -> Any:
        """Somebody claims a step: the right one, too early, too late, or twice."""
        model = self.there.get(workflow)
        if model is None:
            return multiple()
        number = model.numbers[position] - older
        claimed = self.ledger.claim(model.step_ids[position], number, PLACE)
        right = (
            model.status in {WorkflowStatus.QUEUED, WorkflowStatus.RUNNING}
            and position == model.position
            and model.attempt is None
            and not older
        )
        assert (claimed is not None) == right
        if claimed is None:
            return multiple()
        assert all(claimed.attempt_id > attempt for attempt in self.owner)
        started = ["workflow.started"] * (model.status == WorkflowStatus.QUEUED)
        self.tell(workflow, *started, "step.started")
        model.status, model.attempt = WorkflowStatus.RUNNING, claimed.attempt_id
        self.owner[claimed.attempt_id] = workflow
        return claimed.attempt_id

    @rule(attempt=attempts)
    def succeed(self, attempt: int) -> None:
        """An attempt hands in its result, now or long after it ended."""
        before = self.ledger.last_event()
        outcome = succeed(self.ledger, attempt)
        model = self.current(attempt)
        if model is None:
            # At most an answer that was given before.
            assert self.ledger.last_event() == before
            return
        workflow = self.owner[attempt]
        self.tell(workflow, "step.succeeded")
        model.attempt, model.faults = None, 0
        model.position += 1
        if model.status == WorkflowStatus.CANCELLING:
            self.end(workflow, outcome, WorkflowStatus.CANCELLED)
        elif model.position == STEPS:
            self.end(workflow, outcome, WorkflowStatus.SUCCEEDED)
        else:
            self.ready(workflow, outcome)

    @rule(attempt=attempts, kind=st.sampled_from([*ErrorKind, None]))
    def fail_or_lose(self, attempt: int, kind: ErrorKind | None) -> None:
        """An attempt fails, or is given up for lost."""
        if kind is None:
            outcome = self.ledger.lose(attempt, "gone")
        else:
            outcome = self.ledger.fail(attempt, kind, "code", "Why.")
        model = self.current(attempt)
        assert (outcome is None) == (model is None)
        if model is None:
            return
        workflow, model.attempt = self.owner[attempt], None
        if model.status == WorkflowStatus.CANCELLING:
            self.tell(workflow, "step.cancelled")
            self.end(workflow, outcome, WorkflowStatus.CANCELLED)
            return
        ends = {None: "step.lost", ErrorKind.RETURNED: "step.returned"}
        self.tell(workflow, ends.get(kind, "step.failed"))
        model.faults += kind != ErrorKind.RETURNED
        if kind == ErrorKind.USER or model.faults == 3:
            self.end(workflow, outcome, WorkflowStatus.FAILED)
        else:
            model.numbers[model.position] += 1
            self.ready(workflow, outcome)

    @rule(workflow=workflows)
    def cancel(self, workflow: str) -> None:
        """Somebody cancels a workflow."""
        model = self.there.get(workflow)
        outcome = self.refusable(
            lambda: self.ledger.cancel(workflow)[0],
            WorkflowEnded if model is not None and model.status in ENDS else None,
            model,
        )
        if outcome is None or model is None:
            return
        if model.attempt is None:
            self.end(workflow, outcome, WorkflowStatus.CANCELLED)
        elif model.status != WorkflowStatus.CANCELLING:
            model.status = WorkflowStatus.CANCELLING
            self.tell(workflow, "workflow.cancelling")

    @rule(workflow=workflows)
    def retry(self, workflow: str) -> None:
        """Somebody retries a workflow, from where it ended or from its beginning."""
        model = self.there.get(workflow)
        from_step = None
        if model is not None and model.position == STEPS:
            from_step = "toy.0"
        outcome = self.refusable(
            lambda: self.ledger.retry(workflow, from_step=from_step),
            WorkflowNotEnded if model is not None and model.status not in ENDS else None,
            model,
        )
        if outcome is None or model is None:
            return
        model.position = 0 if from_step else model.position
        for position in range(model.position, STEPS):
            model.numbers[position] += 1
        model.status, model.faults = WorkflowStatus.QUEUED, 0
        model.ends += 1
        self.tell(workflow, "workflow.retried")
        self.ready(workflow, outcome)

    @rule(workflow=workflows)
    def delete(self, workflow: str) -> None:
        """Somebody deletes a workflow."""
        model = self.there.get(workflow)
        gone = self.refusable(
            lambda: self.ledger.delete(workflow),
            WorkflowNotEnded if model is not None and model.status not in ENDS else None,
            model,
        )
        if gone is not None:
            del self.there[workflow]
            self.expected = [one for one in self.expected if one[0] != workflow]
            self.tell(workflow, "workflow.deleted")

    @invariant()
    def the_ledger_says_what_the_model_says(self) -> None:
        """Status, numbers, results: as they should be."""
        for workflow, model in self.there.items():
            shown = self.ledger.workflow(workflow)
            assert shown.status == model.status
            assert [step.number for step in shown.steps] == model.numbers
            running = [step for step in shown.steps if step.status == StepStatus.RUNNING]
            assert bool(running) == (model.attempt is not None)
            done = [step for step in shown.steps if step.status == StepStatus.SUCCEEDED]
            assert len(done) == model.position
            assert len(self.ledger.artifacts(workflow)) == model.position

    @invariant()
    def the_events_tell_the_same_story(self) -> None:
        """One event for each thing that happened, in order, and one end a run."""
        events = self.ledger.events(0)
        ids = [event.id for event in events]
        assert ids == sorted(set(ids))
        assert [(event.workflow_id, event.kind) for event in events] == self.expected
        for workflow, model in self.there.items():
            ends = [kind for one, kind in self.expected if one == workflow and kind in ENDINGS]
            assert len(ends) == model.ends - (model.status not in ENDS)

    def current(self, attempt: int) -> Modelled | None:
        """The model of the attempt's workflow, if the attempt is the one that runs."""
        model = self.there.get(self.owner[attempt])
        return model if model is not None and model.attempt == attempt else None

    def tell(self, workflow: str, *kinds: str) -> None:
        """These events are expected next."""
        self.expected += [(workflow, kind) for kind in kinds]

    def ready(self, workflow: str, outcome: Outcome | None) -> None:
        """The present step became ready."""
        model = self.there[workflow]
        assert outcome is not None and outcome.ended is None
        assert [(step.step_id, step.number) for step in outcome.ready] == [
            (model.step_ids[model.position], model.numbers[model.position])
        ]
        self.tell(workflow, "step.ready")

    def end(self, workflow: str, outcome: Outcome | None, status: WorkflowStatus) -> None:
        """The workflow ended so."""
        assert outcome == Outcome(workflow_id=workflow, ended=status)
        self.there[workflow].status = status
        self.tell(workflow, f"workflow.{status}")

    def refusable(
        self,
        act: Callable[[], Any],
        refusal: type[Exception] | None,
        model: Modelled | None,
    ) -> Any:
        """What the call returns; None if it had to be refused and was."""
        refusal = WorkflowUnknown if model is None else refusal
        if refusal is None:
            return act()
        with pytest.raises(refusal):
            act()
        return None


ENDINGS = {f"workflow.{status}" for status in ENDS}


@pytest.mark.parametrize(("kind", "examples"), [("sqlite", 12), ("postgresql", 5)])
def test_workflows_go_as_the_model_says(
    kind: str, examples: int, request: pytest.FixtureRequest, sqlite_template: Path
) -> None:
    """Ended once a run, committed once, by the current attempt, and told as it happened."""
    opened: list[Ledger] = []
    with tempfile.TemporaryDirectory() as folder:

        def machine() -> Workflows:
            if kind == "sqlite":
                path = Path(folder) / "ledger.db"
                for left in Path(folder).iterdir():
                    left.unlink()
                shutil.copy(sqlite_template, path)
                address = f"sqlite:///{path}"
            else:
                address = request.getfixturevalue("postgres_url")
                empty(address)
            for ledger in opened:
                ledger.close()
            opened[:] = [Ledger(address, patience=30)]
            made = Workflows()
            made.ledger = opened[0]
            return made

        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=examples,
                stateful_step_count=25,
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
        for ledger in opened:
            ledger.close()
