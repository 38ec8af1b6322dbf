"""Lists of workflows: what a filter finds, and pages that stay in place."""

import itertools

import pytest
import sqlalchemy as sa
from tests.engine.ledger.making import claim, new

from yivideo.engine.ledger import narrowing, text_index
from yivideo.engine.ledger.database import Database
from yivideo.engine.ledger.migrating import upgrade
from yivideo.engine.ledger.records import ErrorKind, Filter, WorkflowStatus
from yivideo.engine.ledger.store import Ledger
from yivideo.engine.ledger.tables import workflows
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


PATHS = (
    '/films/Ein "Zitat" darin.mp4',
    "/films/100%_sure.mp4",
    "/films/船在黄昏时回家.mp4",
    "/films/ÄRGER OR NEAR(ärger).mp4",
)


@pytest.mark.parametrize("few", [0, 1000])
def test_any_part_of_a_path_or_an_error_finds_a_workflow(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    """Short and long ones, in either case, and what a search language would take for its own."""
    monkeypatch.setattr(narrowing, "_FEW", few)
    there = [ledger.accept(new(steps=1, video_path=path)) for path in PATHS]

    def found(text: str) -> list[int]:
        ids = [one.id for one in ledger.page(Filter(text=text)).workflows]
        return sorted(number for number, one in enumerate(there) if one.workflow_id in ids)

    assert found('"zitat"') == found('n "Z') == found('" d') == [0]
    assert found("100%_s") == found("%_") == [1]
    assert found("黄昏时回") == found("黄昏") == found("家") == [2]
    assert found("ärger or near(ä") == found("or near(") == [3]
    assert found("/films/") == [0, 1, 2, 3]
    assert found("zitat sure") == found("*") == found("film%") == []
    attempt = claim(ledger, there[1].ready[0]).attempt_id
    ledger.fail(attempt, ErrorKind.USER, "bad", "It holds no Picture.")
    assert found("NO PICTURE") == found("100%_sure") == [1]
    ledger.delete(there[1].workflow_id)
    assert found("no picture") == found("100%_sure") == []


def test_without_an_index_of_texts_all_are_looked_through(
    bare_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """On an SQLite without FTS5, a PostgreSQL without pg_trgm; the log says so."""
    statements = ("CREATE TABLE a (b INTEGER)", "CREATE NONSENSE")
    for name in ("_SQLITE", "_POSTGRESQL"):
        monkeypatch.setattr(text_index, name, statements)
    ledger = Ledger(bare_url)
    try:
        ledger.migrate()
        there = ledger.accept(new(video_path="/films/opera.mp4")).workflow_id
        assert [one.id for one in ledger.page(Filter(text="OPERA")).workflows] == [there]
    finally:
        ledger.close()
    assert "without an index" in caplog.text


def test_texts_of_an_older_ledger_are_found(bare_url: str) -> None:
    """Those that were written before there was an index of them."""
    database = Database(bare_url)
    database.write(lambda tx: upgrade(tx, "r0002"))
    values = {
        "id": "old",
        "status": "failed",
        "video_path": "/a.mp4",
        "source": "/a.mp4",
        "priority": 5,
        "tenant": "default",
        "weight": 1.0,
        "labels": {},
        "config_version": 0,
        "created_at": 1.5,
    }
    database.write(lambda tx: tx.execute(sa.insert(workflows).values(values)))
    old = sa.text("INSERT INTO texts (seq, text) SELECT seq, 'no picture' FROM workflows")
    database.write(lambda tx: tx.execute(old))
    database.close()
    ledger = Ledger(bare_url)
    try:
        ledger.migrate()
        assert [one.id for one in ledger.page(Filter(text="picture")).workflows] == ["old"]
    finally:
        ledger.close()
