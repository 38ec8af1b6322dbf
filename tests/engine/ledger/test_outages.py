"""A database that is locked, full, away or not what it should be."""

import os
import sqlite3
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from tests.engine.ledger.making import new

from yivideo.engine.ledger import text_index
from yivideo.engine.ledger.filesystem import network_filesystem
from yivideo.engine.ledger.records import Filter
from yivideo.engine.ledger.store import Ledger
from yivideo.engine.ledger.tables import metadata
from yivideo.errors import LedgerUnavailable, UsageError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """An SQLite ledger's file."""
    path = tmp_path / "ledger.db"
    ledger = Ledger(f"sqlite:///{path}")
    ledger.migrate()
    ledger.close()
    return path


@pytest.fixture
def lock(file: Path) -> Generator[sqlite3.Connection]:
    """Somebody else's exclusive lock on it."""
    connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    connection.execute("BEGIN EXCLUSIVE")
    yield connection
    connection.close()


def test_a_locked_ledger_is_waited_for(file: Path, lock: sqlite3.Connection) -> None:
    """A second later it goes on; readers never waited."""
    ledger = Ledger(f"sqlite:///{file}", patience=20)
    timer = threading.Timer(1.0, lambda: lock.execute("COMMIT"))
    timer.start()
    assert ledger.page(Filter()).workflows == []
    assert lock.in_transaction
    ledger.accept(new())
    assert not lock.in_transaction
    timer.join()


@pytest.mark.usefixtures("lock")
def test_a_ledger_locked_for_too_long_is_unavailable(file: Path) -> None:
    """In a sentence that says which, and nothing is written."""
    ledger = Ledger(f"sqlite:///{file}", patience=0.2)
    with pytest.raises(LedgerUnavailable, match="database is locked"):
        ledger.accept(new())
    assert ledger.last_event() == 0


def test_a_row_locked_for_too_long_is_unavailable(server: sa.Engine, postgres_url: str) -> None:
    """On PostgreSQL too, where others are not disturbed."""
    assert server is not None
    ledger = Ledger(postgres_url, patience=0.2)
    held, free = ledger.accept(new()), ledger.accept(new())
    engine = sa.create_engine(postgres_url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        connection.execute(
            sa.text("SELECT * FROM workflows WHERE id = :id FOR UPDATE"), {"id": held.workflow_id}
        )
        with pytest.raises(LedgerUnavailable, match="lock timeout"):
            ledger.cancel(held.workflow_id)
        ledger.cancel(free.workflow_id)
    ledger.cancel(held.workflow_id)
    engine.dispose()
    ledger.close()


def test_connections_that_were_cut_are_made_anew(server: sa.Engine, postgres_url: str) -> None:
    """As by a restart of the server: the next call goes on as if nothing had been."""
    ledger = Ledger(postgres_url)
    accepted = ledger.accept(new())
    with server.connect() as connection:
        connection.execute(
            sa.text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"),
            {"name": postgres_url.rpartition("/")[2]},
        )
    ledger.cancel(accepted.workflow_id)
    ledger.close()


def test_a_server_that_is_away_is_unavailable() -> None:
    """And the sentence does not tell the password."""
    ledger = Ledger("postgresql://ada:secret@127.0.0.1:1/none")
    with pytest.raises(LedgerUnavailable) as caught:
        ledger.ping()
    assert "secret" not in caught.value.message


def test_a_full_disk_is_unavailable_and_harms_nothing(file: Path) -> None:
    """What was accepted before is there, and more is accepted when there is room again."""
    ledger = Ledger(f"sqlite:///{file}")
    engine: sa.Engine = ledger._database._engine

    # SQLite itself says that the disk is full when a file may not grow.
    def limit(connection: Any, _record: object) -> None:
        connection.execute("PRAGMA max_page_count = 1")

    sa.event.listen(engine, "connect", limit)
    with pytest.raises(LedgerUnavailable, match="full"):
        for _ in range(200):
            ledger.accept(new(video_path="x" * 1000))
    kept = ledger.last_event()
    sa.event.remove(engine, "connect", limit)
    ledger.close()
    assert ledger.last_event() == kept
    ledger.accept(new())
    ledger.close()


def test_no_tables_or_no_ledger_is_unavailable(tmp_path: Path) -> None:
    """Whoever asks whether the system is ready learns that it is not."""
    with pytest.raises(LedgerUnavailable, match="no such table"):
        Ledger(f"sqlite:///{tmp_path / 'new.db'}").ping()
    with pytest.raises(LedgerUnavailable, match="unable to open"):
        Ledger(f"sqlite:///{tmp_path / 'no' / 'such' / 'folder.db'}").ping()
    (tmp_path / "text.db").write_text("This is no database at all, and far too short for one.")
    with pytest.raises(LedgerUnavailable, match="not a database"):
        Ledger(f"sqlite:///{tmp_path / 'text.db'}", patience=0.1).ping()


@pytest.mark.parametrize("url", ["mysql://a/b", "sqlite://", "nothing", ""])
def test_other_databases_are_refused(url: str) -> None:
    """In a sentence."""
    with pytest.raises(UsageError):
        Ledger(url)


def test_a_network_disk_is_told_from_a_local_one(tmp_path: Path) -> None:
    """By what is mounted nearest, with the names of mount points as the system writes them."""
    mounts = tmp_path / "mountinfo"
    mounts.write_text(
        "22 1 8:1 / / rw - ext4 /dev/sda rw\n"
        "23 22 0:40 / /mnt/my\\040disk rw,relatime shared:1 - nfs4 host:/x rw\n"
        "24 23 8:2 / /mnt/my\\040disk/local rw - xfs /dev/sdb rw\n"
    )
    assert network_filesystem(Path("/mnt/my disk/a"), mounts) == "nfs4"
    assert network_filesystem(Path("/mnt/my disk/local/a"), mounts) is None
    assert network_filesystem(Path("/mnt/my diskette"), mounts) is None
    assert network_filesystem(Path("/mnt"), tmp_path / "none") is None


def test_the_migrations_make_the_tables_that_the_code_knows(url: str) -> None:
    """Column for column and index for index; that of texts is each database's own."""
    engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))

    def known(_object: object, name: str | None, *_: object) -> bool:
        return not str(name).startswith(text_index.NAME)

    with engine.connect() as connection:
        options = {"compare_type": True, "include_object": known}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []
    engine.dispose()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_forked_process_makes_connections_of_its_own(url: str) -> None:
    """Parent and child go on side by side."""
    ledger = Ledger(url, patience=20)
    ledger.accept(new())
    child = os.fork()
    if child == 0:
        status = 1
        try:
            for _ in range(5):
                ledger.accept(new())
            status = 0
        finally:
            os._exit(status)
    for _ in range(5):
        ledger.accept(new())
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert len(ledger.page(Filter()).workflows) == 11
    ledger.close()
