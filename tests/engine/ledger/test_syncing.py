"""Which commits wait for the disk, on SQLite."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.engine.ledger.making import claim, new, succeed

from yivideo.engine.ledger.store import Ledger

NORMAL, FULL = 1, 2


@pytest.fixture
def levels() -> Iterator[list[int]]:
    """How each commit of a write was synced, as SQLite itself tells."""
    found: list[int] = []

    def note(connection: sa.Connection) -> None:
        if connection.get_execution_options().get("immediate"):
            found.append(int(connection.exec_driver_sql("PRAGMA synchronous").scalar_one()))

    sa.event.listen(sa.Engine, "commit", note)
    yield found
    sa.event.remove(sa.Engine, "commit", note)


@pytest.fixture
def ledger(tmp_path: Path, sqlite_template: Path) -> Iterator[Ledger]:
    """An empty one."""
    path = tmp_path / "ledger.db"
    path.write_bytes(sqlite_template.read_bytes())
    made = Ledger(f"sqlite:///{path}")
    yield made
    made.close()


def test_what_a_workflow_comes_to_waits_for_the_disk(ledger: Ledger, levels: list[int]) -> None:
    """Accepting and results do; a claim and progress do not, on the same connection."""
    (ready,) = ledger.accept(new(steps=1)).ready
    claimed = claim(ledger, ready)
    ledger.note_progress(claimed.attempt_id, 0.5)
    succeed(ledger, claimed.attempt_id)
    assert levels == [FULL, NORMAL, NORMAL, FULL]


def test_all_can_be_synced_at_any_time(ledger: Ledger, tmp_path: Path) -> None:
    """With a log, and when all of it has moved to the database."""
    ledger.accept(new())
    assert (tmp_path / "ledger.db-wal").stat().st_size > 0
    ledger.sync()
    ledger.close()
    assert not (tmp_path / "ledger.db-wal").exists()
    ledger.sync()
