"""Connections to the ledger's database: what SQLite and PostgreSQL each need, and the one clock."""

import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable
from functools import cached_property, partial
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy import event, exc
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from yivideo.engine.ledger.filesystem import network_filesystem
from yivideo.errors import LedgerUnavailable, UsageError

T = TypeVar("T")
Clock = Callable[[sa.Connection], float]

# How long a locked or overloaded database is waited for.
PATIENCE_S = 5.0
# A process that was stopped within a transaction must not hold its locks for ever.
_IDLE_LIMIT_S = 10
_TRIES = 3

# SQLite's oldest clock with fractions of a second; 2440587.5 is the first of January 1970.
_SQLITE_NOW = "SELECT (julianday('now') - 2440587.5) * 86400.0"
# Not now(), which is the transaction's beginning: before it waited for a lock.
_POSTGRES_NOW = "SELECT extract(epoch FROM clock_timestamp())::double precision"


def database_clock(connection: sa.Connection) -> float:
    """The database's clock, in seconds since 1970: the only one the ledger reads."""
    sqlite = connection.dialect.name == "sqlite"
    return float(connection.exec_driver_sql(_SQLITE_NOW if sqlite else _POSTGRES_NOW).scalar_one())


class Transaction:
    """One transaction: its connection, and the moment it happens at.

    Args:
        connection: within a transaction.
        clock: where the moment comes from.
    """

    def __init__(self, connection: sa.Connection, clock: Clock) -> None:
        self.connection = connection
        self._clock = clock

    @cached_property
    def now(self) -> float:
        """When this transaction happens: the same for all it writes. Read it after locking."""
        return self._clock(self.connection)

    def execute(self, statement: sa.Executable, rows: Any = None) -> sa.CursorResult[Any]:
        """Carry out a statement; ``rows`` for an insertion of several."""
        return self.connection.execute(statement, rows)

    def lock_for_order(self, key: int) -> None:
        """Let nobody else who asks for ``key`` go on before this transaction ends.

        SQLite has one writer at a time as it is.
        """
        if self.connection.dialect.name == "postgresql":
            self.connection.execute(sa.select(sa.func.pg_advisory_xact_lock(key)))


class Database:
    """The ledger's database.

    Args:
        url: ``sqlite:///PATH`` or ``postgresql://...``, as SQLAlchemy writes addresses.
        clock: replaced in tests.
        patience: seconds to wait for a database that is locked or has no connection to spare.

    Raises:
        UsageError: the address is of neither kind, or SQLite's file would lie on a network disk.
    """

    def __init__(
        self, url: str, *, clock: Clock = database_clock, patience: float = PATIENCE_S
    ) -> None:
        self._clock = clock
        self._patience = patience
        address = _address(url)
        self.is_sqlite = address.get_backend_name() == "sqlite"
        self._engine = (
            _sqlite(address, patience) if self.is_sqlite else _postgres(address, patience)
        )
        # SQLite's write-ahead log.
        self._log = f"{Path(address.database or '').absolute()}-wal" if self.is_sqlite else None
        # For people: without the password.
        self.name = address.render_as_string(hide_password=True)
        # SQLite wakes those who wait by turns of its own; threads of one process stand in line.
        self._writing = threading.Lock()
        if hasattr(os, "register_at_fork"):
            # A connection shared with a parent would mix up both.
            os.register_at_fork(after_in_child=partial(_forget, weakref.ref(self)))

    def read(self, work: Callable[[Transaction], T]) -> T:
        """Carry out ``work`` on one consistent state of the ledger.

        Raises:
            LedgerUnavailable: the database is away, or locked for too long.
        """
        options: dict[str, Any] = {} if self.is_sqlite else {"isolation_level": "REPEATABLE READ"}
        return self._patiently(lambda: self._once(work, options))

    def write(self, work: Callable[[Transaction], T], *, synced: bool = True) -> T:
        """Carry out ``work`` as one transaction: all of it or nothing.

        It may be begun anew, if nothing of it can have been committed: ``work`` must have no
        effects beside.

        Args:
            work: what to do.
            synced: whether it survives a power cut once this returns. Without, SQLite spares the
                wait for the disk, and a power cut may undo the newest of such writes; it does so
                in their order, and whoever made them has died of it too. PostgreSQL may lose its
                power while they live, so there it always waits.

        Raises:
            LedgerUnavailable: the database is away, full, or locked for too long; whether a
                commit that was under way came through is not known then.
        """
        if not self.is_sqlite:
            return self._patiently(lambda: self._once(work, {}))
        if not self._writing.acquire(timeout=self._patience):
            raise LedgerUnavailable(f"The ledger {self.name} is busy.")
        try:
            return self._patiently(lambda: self._once(work, {"immediate": True, "synced": synced}))
        finally:
            self._writing.release()

    def sync(self) -> None:
        """Wait until all that was committed survives a power cut; nobody else waits meanwhile.

        Raises:
            LedgerUnavailable: the disk does not take it.
        """
        if self._log is None:
            return
        try:
            handle = os.open(self._log, os.O_RDONLY)
        except FileNotFoundError:  # all of it has moved to the database itself, which was synced
            return
        except OSError as error:
            raise self._unavailable(error) from error
        try:
            os.fsync(handle)
        except OSError as error:
            raise self._unavailable(error) from error
        finally:
            os.close(handle)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def forget(self) -> None:
        """Leave the connections to the process this one was forked from."""
        self._writing = threading.Lock()
        self._engine.dispose(close=False)

    def _once(self, work: Callable[[Transaction], T], options: dict[str, Any]) -> T:
        with self._engine.connect().execution_options(**options) as connection:
            try:
                connection.begin()
                done = work(Transaction(connection, self._clock))
            except exc.DBAPIError as error:
                # Nothing was committed yet: it may be done again from its beginning.
                if _is_passing(error):
                    raise _Again from error
                raise
            connection.commit()
            return done

    def _patiently(self, attempt: Callable[[], T]) -> T:
        tried = 0
        while True:
            tried += 1
            try:
                return attempt()
            except _Again as again:
                if tried == _TRIES:
                    raise self._unavailable(again.__cause__) from again.__cause__
            except (exc.DBAPIError, exc.TimeoutError) as error:
                if isinstance(error, exc.DBAPIError) and not _is_outage(error):
                    raise
                raise self._unavailable(error) from error

    def _unavailable(self, error: BaseException | None) -> LedgerUnavailable:
        reason = getattr(error, "orig", None) or error
        lines = str(reason).strip().splitlines() or ["no answer"]
        return LedgerUnavailable(f"The ledger {self.name} is not available: {lines[0]}")


class _Again(Exception):
    """The transaction came to nothing through no fault of its own, before its commit."""


def _is_passing(error: exc.DBAPIError) -> bool:
    """Whether doing the same again at once may help: a lost connection, or a deadlock."""
    # 40001 serialization_failure, 40P01 deadlock_detected
    return error.connection_invalidated or getattr(error.orig, "sqlstate", None) in _CONFLICTS


_CONFLICTS = {"40001", "40P01"}
# 25006: a standby that takes no writes yet. 42P01: the tables are not made yet.
_OUTAGES = {"25006", "42P01"}
_SQLITE_ERROR = 1


def _is_outage(error: exc.DBAPIError) -> bool:
    """Whether the database is at fault, and not our statement."""
    if isinstance(error.orig, sqlite3.DatabaseError) and not isinstance(
        error.orig, sqlite3.IntegrityError | sqlite3.ProgrammingError
    ):
        code = getattr(error.orig, "sqlite_errorcode", 0)
        return code != _SQLITE_ERROR or "no such table" in str(error.orig)
    return (
        error.connection_invalidated
        or isinstance(error, exc.OperationalError | exc.InterfaceError)
        or getattr(error.orig, "sqlstate", None) in _OUTAGES
    )


def _forget(database: "weakref.ref[Database]") -> None:
    alive = database()
    if alive is not None:
        alive.forget()


def _address(url: str) -> sa.URL:
    try:
        address = make_url(url)
    except ArgumentError as error:
        raise UsageError(f"'{url}' is not the address of a database.") from error
    kind = address.get_backend_name()
    if kind == "sqlite" and address.database:
        return address
    if kind in {"postgresql", "postgres"}:
        return address.set(drivername="postgresql+psycopg")
    raise UsageError("The ledger is sqlite:///PATH or postgresql://USER@HOST/NAME.")


def _sqlite(address: sa.URL, patience: float) -> sa.Engine:
    path = Path(address.database or "").absolute()
    kind = network_filesystem(path.parent)
    if kind is not None:
        raise UsageError(
            f"{path} lies on a network disk ({kind}), where SQLite loses data: "
            "give a local folder, or PostgreSQL's address."
        )
    engine = sa.create_engine(
        address.set(database=str(path)),
        # Only the process's own lock and SQLite's decide who waits, not the number of connections.
        pool_size=5,
        max_overflow=60,
        pool_timeout=patience,
        connect_args={"timeout": patience, "isolation_level": None},
    )

    # pyright takes these for unused: SQLAlchemy calls them.
    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _record: object) -> None:  # pyright: ignore[reportUnusedFunction]
        _prepare(connection, patience)

    @event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:  # pyright: ignore[reportUnusedFunction]
        # A reader that turned writer could fail at any statement; a writer waits here, once.
        options = connection.get_execution_options()
        if options.get("immediate"):
            level = "FULL" if options["synced"] else "NORMAL"
            connection.exec_driver_sql(f"PRAGMA synchronous = {level}")
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.exec_driver_sql("BEGIN")

    return engine


def _prepare(connection: sqlite3.Connection, patience: float) -> None:
    """Set up a connection: a write-ahead log, foreign keys. Syncing is each write's affair."""
    deadline = time.monotonic() + patience
    while True:
        try:
            # Stays in the file. SQLite does not wait by itself for who does the same right now.
            connection.execute("PRAGMA journal_mode = WAL")
            break
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA cache_size = -16000")


def _postgres(address: sa.URL, patience: float) -> sa.Engine:
    limits = {
        "lock_timeout": f"{patience * 1000:.0f}",
        "idle_in_transaction_session_timeout": f"{_IDLE_LIMIT_S * 1000}",
    }
    return sa.create_engine(
        address,
        pool_size=5,
        max_overflow=5,
        pool_timeout=patience,
        connect_args={
            "connect_timeout": 5,
            "keepalives_idle": 5,
            # Milliseconds until a server that vanished without a word is taken for gone.
            "tcp_user_timeout": 10_000,
            "options": " ".join(f"-c {name}={value}" for name, value in limits.items()),
        },
    )
