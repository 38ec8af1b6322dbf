"""Each transition by itself: what it changes, what it tells, and what it refuses."""

import pytest
from tests.engine.ledger.making import PLACE, Clock, begun, claim, kinds, new, succeed

from yivideo.engine.ledger.accepting import FIRST_HINT_S
from yivideo.engine.ledger.ending import BACKOFF_S, DEATH_BACKOFF_S
from yivideo.engine.ledger.records import (
    AttemptStatus,
    ErrorKind,
    Filter,
    IdempotencyKey,
    NewStep,
    NewWorkflow,
    Outcome,
    StepStatus,
    WorkflowStatus,
)
from yivideo.engine.ledger.store import Ledger
from yivideo.errors import (
    BadWorkflow,
    IdempotencyConflict,
    WorkflowEnded,
    WorkflowNotEnded,
    WorkflowUnknown,
)


def test_a_workflow_is_accepted_with_its_first_step_ready(ledger: Ledger) -> None:
    """What was asked for can be read back, and one step may be claimed."""
    accepted = ledger.accept(new(labels={"shelf": "3"}, group="g", priority=7))
    shown = ledger.workflow(accepted.workflow_id)
    assert (shown.status, shown.labels, shown.group) == (WorkflowStatus.QUEUED, {"shelf": "3"}, "g")
    assert [step.status for step in shown.steps] == [StepStatus.READY, StepStatus.PENDING]
    assert [step.params for step in shown.steps] == [{"n": 0}, {"n": 1}]
    (ready,) = accepted.ready
    assert (ready.number, ready.priority, ready.group) == (1, 7, "g")
    assert ready.workflow_since == shown.created_at
    assert kinds(ledger, accepted.workflow_id) == ["workflow.accepted", "step.ready"]


def test_a_chain_runs_to_its_end(ledger: Ledger) -> None:
    """Each result makes the next step ready and is handed to it; the last ends the workflow."""
    first = begun(ledger)
    outcome = succeed(ledger, first.attempt_id, words=3)
    assert outcome is not None and outcome.ended is None
    second = claim(ledger, outcome.ready[0])
    assert second.inputs == {"toy.0": first.place}
    assert second.place != first.place
    assert second.attempt_id > first.attempt_id
    ended = succeed(ledger, second.attempt_id)
    assert ended == Outcome(workflow_id=first.workflow_id, ended=WorkflowStatus.SUCCEEDED)
    shown = ledger.workflow(first.workflow_id)
    assert (shown.status, shown.progress) == (WorkflowStatus.SUCCEEDED, 1.0)
    assert shown.steps[0].output == {"words": 3}
    assert kinds(ledger, first.workflow_id) == [
        *("workflow.accepted", "step.ready", "workflow.started", "step.started"),
        *("step.succeeded", "step.ready", "step.started", "step.succeeded", "workflow.succeeded"),
    ]
    files = ledger.artifacts(first.workflow_id)
    assert [(file.step, file.uri) for file in files] == [
        ("toy.0", f"file-{first.attempt_id}"),
        ("toy.1", f"file-{second.attempt_id}"),
    ]
    assert ledger.durations("toy.0", "gpu") == [5.0]
    assert ledger.paces("toy.0", "gpu") == [2.5]
    assert ledger.durations("toy.0", "cpu") == []


def test_a_step_is_claimed_once_and_only_by_its_number(ledger: Ledger) -> None:
    """A second claim, another number and an unknown step find nothing."""
    ready = ledger.accept(new()).ready[0]
    assert ledger.claim(ready.step_id, 2, PLACE) is None
    assert ledger.claim(ready.step_id + 1, 1, PLACE) is None
    assert ledger.claim(10**9, 1, PLACE) is None
    claim(ledger, ready)
    assert ledger.claim(ready.step_id, 1, PLACE) is None


def test_a_result_said_again_is_answered_and_not_committed_again(ledger: Ledger) -> None:
    """Whoever lost the first answer learns what is ready; nothing is written twice."""
    first = begun(ledger)
    said = succeed(ledger, first.attempt_id)
    before = (ledger.workflow(first.workflow_id), ledger.last_event())
    assert succeed(ledger, first.attempt_id, words=9) == said
    assert (ledger.workflow(first.workflow_id), ledger.last_event()) == before
    assert len(ledger.artifacts(first.workflow_id)) == 1


def test_the_users_fault_fails_the_workflow_at_once(ledger: Ledger) -> None:
    """With the sentence for the user, and the steps behind it cancelled."""
    first = begun(ledger)
    outcome = ledger.fail(first.attempt_id, ErrorKind.USER, "not-a-video", "It is a poem.")
    assert outcome == Outcome(workflow_id=first.workflow_id, ended=WorkflowStatus.FAILED)
    shown = ledger.workflow(first.workflow_id)
    assert (shown.error_code, shown.error) == ("not-a-video", "It is a poem.")
    assert [step.status for step in shown.steps] == [StepStatus.FAILED, StepStatus.CANCELLED]
    assert kinds(ledger, first.workflow_id)[-2:] == ["step.failed", "workflow.failed"]


@pytest.mark.parametrize("lost", [False, True])
def test_the_machines_fault_is_tried_three_times(
    ledger: Ledger, clock: Clock, *, lost: bool
) -> None:
    """With a back-off, shorter where a process died, and each time a number of its own."""

    def end(attempt: int) -> Outcome | None:
        if lost:
            return ledger.lose(attempt, "its host is gone")
        return ledger.fail(attempt, ErrorKind.MACHINE, "disk-full", "The disk is full.")

    claimed = begun(ledger)
    for number, wait in zip((2, 3), DEATH_BACKOFF_S if lost else BACKOFF_S, strict=True):
        outcome = end(claimed.attempt_id)
        assert outcome is not None and outcome.ended is None
        (ready,) = outcome.ready
        assert ready.number == number
        ended = ledger.workflow(claimed.workflow_id).steps[0].attempts[-1].ended_at
        assert ended is not None
        until = pytest.approx(ended + wait, abs=1e-6) if wait else 0.0
        assert ready.excluded_until == until
        assert ledger.due() == []
        # Whoever lost it sends the hint of a step that need not wait.
        clock.ahead += wait or FIRST_HINT_S
        assert [step.number for step in ledger.due()] == [number]
        claimed = claim(ledger, ready)
    assert end(claimed.attempt_id) == Outcome(
        workflow_id=claimed.workflow_id, ended=WorkflowStatus.FAILED
    )
    shown = ledger.workflow(claimed.workflow_id)
    assert "toy.0 failed 3 times" in shown.error
    status = AttemptStatus.LOST if lost else AttemptStatus.FAILED
    assert [attempt.status for attempt in shown.steps[0].attempts] == [status] * 3


def test_a_full_memory_is_tried_with_more_at_once(ledger: Ledger) -> None:
    """Twice as much each time, and three claims in all."""
    claimed = begun(ledger)
    for factor in (2.0, 4.0):
        outcome = ledger.fail(claimed.attempt_id, ErrorKind.MEMORY, "memory", "It was too small.")
        assert outcome is not None
        assert (outcome.ready[0].memory_factor, outcome.ready[0].excluded_until) == (factor, 0.0)
        claimed = claim(ledger, outcome.ready[0])
    last = ledger.fail(claimed.attempt_id, ErrorKind.MEMORY, "memory", "It was too small.")
    assert last is not None and last.ended == WorkflowStatus.FAILED


def test_what_a_drained_worker_gives_back_does_not_count(ledger: Ledger) -> None:
    """Ten times returned, and still it is tried after two faults."""
    claimed = begun(ledger)
    for _ in range(10):
        outcome = ledger.fail(claimed.attempt_id, ErrorKind.RETURNED, "", "The worker stops.")
        assert outcome is not None
        claimed = claim(ledger, outcome.ready[0])
    assert claimed.number == 11
    for _ in range(2):
        outcome = ledger.lose(claimed.attempt_id, "gone")
        assert outcome is not None and outcome.ended is None
        claimed = claim(ledger, outcome.ready[0])


def test_an_attempt_that_is_not_current_changes_nothing(ledger: Ledger) -> None:
    """One given up for lost comes late with everything it could say."""
    late = begun(ledger)
    again = ledger.lose(late.attempt_id, "silent")
    assert again is not None
    current = claim(ledger, again.ready[0])
    before = (ledger.workflow(late.workflow_id), ledger.last_event())
    assert succeed(ledger, late.attempt_id) is None
    assert ledger.fail(late.attempt_id, ErrorKind.USER, "x", "x") is None
    assert ledger.lose(late.attempt_id, "again") is None
    assert ledger.note_progress(late.attempt_id, 0.9) is False
    assert ledger.beat("worker", [late.attempt_id, current.attempt_id]) == [late.attempt_id]
    assert succeed(ledger, 10**9) is None
    assert (ledger.workflow(late.workflow_id), ledger.last_event()) == before


def test_progress_is_shown_and_begins_anew_with_each_attempt(ledger: Ledger) -> None:
    """The workflow's progress is the mean of its steps'."""
    first = begun(ledger)
    assert ledger.note_progress(first.attempt_id, 0.5) is True
    shown = ledger.workflow(first.workflow_id)
    assert (shown.steps[0].progress, shown.progress) == (0.5, 0.25)
    assert ledger.page(Filter()).workflows[0].progress == 0.25
    ledger.lose(first.attempt_id, "gone")
    assert ledger.workflow(first.workflow_id).progress == 0.0


def test_an_attempt_without_heartbeat_is_silent(ledger: Ledger, clock: Clock) -> None:
    """By the database's clock; a heartbeat makes it be heard."""
    first, second = begun(ledger), begun(ledger)
    clock.ahead += 10
    assert ledger.beat(PLACE.worker, [second.attempt_id]) == []
    assert ledger.beat("another worker", [first.attempt_id]) == [first.attempt_id]
    assert [attempt.attempt_id for attempt in ledger.silent(8)] == [first.attempt_id]
    running = ledger.running()
    assert [attempt.attempt_id for attempt in running] == [first.attempt_id, second.attempt_id]
    assert (running[0].process, running[0].pid, running[0].fence) == ({"start": 3}, 7, "f")


def test_a_waiting_workflow_is_cancelled_at_once(ledger: Ledger) -> None:
    """Nothing of it can be claimed any more, and it cannot be cancelled twice."""
    accepted = ledger.accept(new())
    outcome, running = ledger.cancel(accepted.workflow_id)
    assert (outcome.ended, list(running)) == (WorkflowStatus.CANCELLED, [])
    assert ledger.claim(accepted.ready[0].step_id, 1, PLACE) is None
    assert ledger.due() == []
    with pytest.raises(WorkflowEnded):
        ledger.cancel(accepted.workflow_id)


@pytest.mark.parametrize("way", ["succeed", "fail", "lose"])
def test_a_running_workflow_is_cancelled_when_its_step_ends(ledger: Ledger, way: str) -> None:
    """However it ends; until then whoever runs it is told to stop."""
    first = begun(ledger)
    outcome, running = ledger.cancel(first.workflow_id)
    assert (outcome.ended, [(a.attempt_id, a.cancel) for a in running]) == (
        None,
        [(first.attempt_id, True)],
    )
    assert ledger.cancel(first.workflow_id)[1] == running
    assert ledger.note_progress(first.attempt_id, 0.1) is False
    assert ledger.beat(PLACE.worker, [first.attempt_id]) == [first.attempt_id]
    ended = {
        "succeed": lambda: succeed(ledger, first.attempt_id),
        "fail": lambda: ledger.fail(first.attempt_id, ErrorKind.USER, "cancelled", "Stopped."),
        "lose": lambda: ledger.lose(first.attempt_id, "killed"),
    }[way]()
    assert ended is not None
    assert (ended.ended, list(ended.ready)) == (WorkflowStatus.CANCELLED, [])
    assert kinds(ledger, first.workflow_id).count("workflow.cancelled") == 1


def test_a_failed_workflow_is_retried_from_where_it_failed(ledger: Ledger) -> None:
    """Results before it stay; the number goes on; parameters may be others."""
    first = begun(ledger)
    outcome = succeed(ledger, first.attempt_id)
    assert outcome is not None
    second = claim(ledger, outcome.ready[0])
    ledger.fail(second.attempt_id, ErrorKind.USER, "bad", "Bad.")
    again = ledger.retry(first.workflow_id, params={"toy.1": {"n": 99}})
    assert [(step.name, step.number) for step in again.ready] == [("toy.1", 2)]
    assert ledger.claim(second.step_id, 1, PLACE) is None
    third = claim(ledger, again.ready[0])
    assert (third.params, third.inputs) == ({"n": 99}, {"toy.0": first.place})
    ended = succeed(ledger, third.attempt_id)
    assert ended is not None and ended.ended == WorkflowStatus.SUCCEEDED
    assert ledger.workflow(first.workflow_id).error == ""


def test_a_workflow_is_retried_from_a_named_step(ledger: Ledger) -> None:
    """Its earlier result is no result any more, and a late repetition of it is refused."""
    first = begun(ledger, steps=1)
    succeed(ledger, first.attempt_id)
    with pytest.raises(BadWorkflow, match="name the one"):
        ledger.retry(first.workflow_id)
    with pytest.raises(BadWorkflow, match=r"no step 'toy\.9'"):
        ledger.retry(first.workflow_id, from_step="toy.9")
    with pytest.raises(BadWorkflow, match="not among"):
        ledger.retry(first.workflow_id, from_step="toy.0", params={"toy.5": {}})
    assert ledger.retry(first.workflow_id, from_step="toy.0").ready[0].number == 2
    assert ledger.artifacts(first.workflow_id) == []
    assert succeed(ledger, first.attempt_id) is None
    with pytest.raises(WorkflowNotEnded):
        ledger.retry(first.workflow_id)


def test_priority_is_changed_while_it_matters(ledger: Ledger) -> None:
    """The ready steps come back with the new one, to be requested anew."""
    accepted = ledger.accept(new())
    assert [step.priority for step in ledger.set_priority(accepted.workflow_id, 9)] == [9]
    assert kinds(ledger, accepted.workflow_id)[-1] == "workflow.prioritised"
    with pytest.raises(BadWorkflow):
        ledger.set_priority(accepted.workflow_id, 10)
    ledger.cancel(accepted.workflow_id)
    with pytest.raises(WorkflowEnded):
        ledger.set_priority(accepted.workflow_id, 1)


def test_only_what_has_ended_is_deleted(ledger: Ledger) -> None:
    """With all its rows; what it left in the store is told until somebody removed it."""
    first = begun(ledger)
    with pytest.raises(WorkflowNotEnded):
        ledger.delete(first.workflow_id)
    succeed(ledger, first.attempt_id)
    ledger.cancel(first.workflow_id)
    uris = ledger.delete(first.workflow_id)
    assert set(uris) == {first.place, f"file-{first.attempt_id}"}
    assert kinds(ledger, first.workflow_id) == ["workflow.deleted"]
    assert sorted(ledger.removals()) == sorted(uris)
    ledger.note_removed(uris)
    assert ledger.removals() == []
    for look in (ledger.workflow, ledger.artifacts, ledger.delete, ledger.cancel, ledger.retry):
        with pytest.raises(WorkflowUnknown):
            look(first.workflow_id)


def test_the_same_idempotency_key_is_the_same_workflow(ledger: Ledger) -> None:
    """Another owner's is another; another request with it is refused; deleted, it is free."""
    key = IdempotencyKey(key="k", owner="o", digest="d")
    first = ledger.accept(new(), key)
    again = ledger.accept(new(), key)
    assert (again.workflow_id, again.replayed, again.ready) == (
        first.workflow_id,
        True,
        first.ready,
    )
    other = ledger.accept(new(), IdempotencyKey(key="k", owner="p", digest="d"))
    assert other.workflow_id != first.workflow_id
    with pytest.raises(IdempotencyConflict):
        ledger.accept(new(), IdempotencyKey(key="k", owner="o", digest="e"))
    assert len(ledger.page(Filter()).workflows) == 2
    ledger.cancel(first.workflow_id)
    ledger.delete(first.workflow_id)
    assert ledger.accept(new(), key).replayed is False


@pytest.mark.parametrize(
    ("more", "place"),
    [
        ({"steps": 0}, "chain"),
        ({"priority": 10}, "priority"),
        ({"weight": 0.0}, "weight"),
        ({"weight": float("nan")}, "weight"),
        ({"video_path": "a\0b"}, "video_path"),
        ({"source": "a\udc80b"}, "video_path"),
        ({"labels": {"a": "x" * 300}}, "labels"),
        ({"group": "x" * 300}, "group"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_place(
    ledger: Ledger, more: dict[str, object], place: str
) -> None:
    """Before anything is written."""
    with pytest.raises(BadWorkflow, match=f"^{place}: "):
        ledger.accept(new(**more))
    assert ledger.last_event() == 0


@pytest.mark.parametrize("names", [("a.b", "a.b")])
def test_a_chain_with_a_step_twice_is_refused(ledger: Ledger, names: tuple[str, ...]) -> None:
    """Results are handed on by the step's name."""
    with pytest.raises(BadWorkflow, match="twice"):
        ledger.accept(
            NewWorkflow(video_path="a", source="a", chain=[NewStep(name=n) for n in names])
        )


def test_texts_that_no_database_keeps_are_kept_as_far_as_they_are_text(ledger: Ledger) -> None:
    """A step's error may hold bytes of a file name."""
    first = begun(ledger)
    ledger.fail(first.attempt_id, ErrorKind.USER, "bad", "It is \udc80\0 damaged: 字幕.")
    assert (
        ledger.workflow(first.workflow_id).error
        == "It is ?\N{REPLACEMENT CHARACTER} damaged: 字幕."
    )


def test_hints_are_due_later_and_later(ledger: Ledger, clock: Clock) -> None:
    """After 1, 2, 4 ... seconds and never later than a minute, unless the queues were lost."""
    ready = ledger.accept(new()).ready[0]
    assert ledger.due() == []
    waits: list[int] = []
    for _ in range(9):
        waits.append(0)
        while not ledger.due():
            clock.ahead += 1
            waits[-1] += 1
        ledger.note_hints([(ready.step_id, ready.number), (ready.step_id, 7)])
    assert waits[:5] == [1, 1, 2, 4, 8]
    assert waits[-1] == 60
    assert ledger.due() == []
    assert ledger.hint_all_again() == 1
    assert [step.hints for step in ledger.due()] == [0]
