"""Lists of workflows: what a filter finds, and pages that stay in place."""

import itertools

import pytest
from tests.engine.ledger.making import claim, new

from yivideo.engine.ledger import narrowing
from yivideo.engine.ledger.records import ErrorKind, Filter, WorkflowStatus
from yivideo.engine.ledger.store import Ledger
from yivideo.errors import UsageError


def test_pages_stay_in_place_while_new_ones_arrive(ledger: Ledger) -> None:
    """Each of those that were there is seen once, newest first."""
    there = [ledger.accept(new()).workflow_id for _ in range(11)]
    seen: list[str] = []
    page = ledger.page(Filter(), limit=3)
    seen += [workflow.id for workflow in page.workflows]
    while page.cursor is not None:
        ledger.accept(new())
        page = ledger.page(Filter(), cursor=page.cursor, limit=3)
        seen += [workflow.id for workflow in page.workflows]
    assert seen == there[::-1]


@pytest.mark.parametrize(
    "cursor", ["", "x", "字", "MTIz", "bmFuIDE", "aW5mIDE", "MSAtMQ", "A" * 99]
)
def test_a_made_up_cursor_is_refused(ledger: Ledger, cursor: str) -> None:
    """In a sentence, not with a traceback."""
    with pytest.raises(UsageError, match="cursor"):
        ledger.page(Filter(), cursor=cursor)


@pytest.mark.parametrize("few", [2, 1000])
def test_filters_find_what_they_should_however_it_is_looked_for(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    """Every combination of filters against the same question asked of each workflow by itself."""
    monkeypatch.setattr(narrowing, "_FEW", few)
    for number in range(12):
        accepted = ledger.accept(
            new(
                steps=1,
                group="ab"[number % 2],
                video_path=f"/Films/{'ÄOpera' if number % 3 else 'news'} 100%_{number}.mp4",
                labels={"n": str(number % 4), "kind": "x"} if number % 5 else {},
            )
        )
        if number % 4 == 0:
            ledger.cancel(accepted.workflow_id)
        if number % 4 == 1:
            attempt = claim(ledger, accepted.ready[0]).attempt_id
            ledger.fail(attempt, ErrorKind.USER, "bad", "No Video at all")
    everything = ledger.page(Filter()).workflows
    middle = everything[5].created_at
    ends = ([], [WorkflowStatus.FAILED], [WorkflowStatus.CANCELLED, WorkflowStatus.QUEUED])
    labels: tuple[dict[str, str], ...] = ({}, {"kind": "x"}, {"n": "1", "kind": "x"})
    texts = ("", "opera 100%_", "video AT", "\0")
    for statuses, group, label, text, times in itertools.product(
        ends, ("", "a"), labels, texts, ((None, None), (middle, None))
    ):
        chosen = Filter(
            statuses=statuses,
            group=group,
            labels=label,
            text=text,
            after=times[0],
            before=times[1],
        )
        expected = [
            workflow.id
            for workflow in everything
            if (not statuses or workflow.status in statuses)
            and (not group or workflow.group == group)
            and label.items() <= workflow.labels.items()
            and text.lower() in f"{workflow.video_path}\n{workflow.error}".lower()
            and (times[0] is None or workflow.created_at >= times[0])
            and (times[1] is None or workflow.created_at < times[1])
        ]
        assert [one.id for one in ledger.page(chosen).workflows] == expected, chosen
