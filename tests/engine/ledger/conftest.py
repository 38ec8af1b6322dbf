"""A ledger on SQLite, and the same on PostgreSQL where a server answers."""

import shutil
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.engine.ledger.making import Clock

from yivideo.engine.ledger.store import Ledger
from yivideo.engine.ledger.tables import metadata

SERVER = "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with all tables and nothing in them."""
    path = tmp_path_factory.mktemp("ledger") / "template.db"
    ledger = Ledger(f"sqlite:///{path}")
    ledger.migrate()
    ledger.close()
    return path


@pytest.fixture(scope="session")
def server() -> Generator[sa.Engine]:
    """A PostgreSQL server on which databases can be made."""
    engine = sa.create_engine(
        SERVER, isolation_level="AUTOCOMMIT", connect_args={"connect_timeout": 3}
    )
    try:
        engine.connect().close()
    except sa.exc.OperationalError:
        pytest.skip("no PostgreSQL answers at 127.0.0.1:5432 for the user postgres")
    yield engine
    engine.dispose()


@contextmanager
def database(server: sa.Engine) -> Generator[str]:
    """A database of its own on the server, dropped afterwards."""
    name = f"yivideo_test_{uuid.uuid4().hex}"
    with server.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    try:
        yield f"postgresql://postgres@127.0.0.1:5432/{name}"
    finally:
        with server.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture
def bare_postgres_url(server: sa.Engine) -> Generator[str]:
    """A database without tables."""
    with database(server) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def bare_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database without tables, of either kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'bare.db'}"
    address: str = request.getfixturevalue("bare_postgres_url")
    return address


@pytest.fixture(scope="session")
def postgres_url(server: sa.Engine) -> Generator[str]:
    """A database with all tables, for this session alone."""
    with database(server) as url:
        ledger = Ledger(url)
        ledger.migrate()
        ledger.close()
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path, sqlite_template: Path) -> str:
    """The address of a database with all tables, empty."""
    if request.param == "sqlite":
        shutil.copy(sqlite_template, tmp_path / "ledger.db")
        return f"sqlite:///{tmp_path / 'ledger.db'}"
    address: str = request.getfixturevalue("postgres_url")
    empty(address)
    return address


def empty(address: str) -> None:
    """Remove all rows from a PostgreSQL ledger."""
    engine = sa.create_engine(address.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        names = ", ".join(metadata.tables)
        connection.exec_driver_sql(f"TRUNCATE {names} RESTART IDENTITY CASCADE")
    engine.dispose()


@pytest.fixture
def clock() -> Clock:
    """The database's clock, and a way to put it forward."""
    return Clock()


@pytest.fixture
def ledger(url: str, clock: Clock) -> Generator[Ledger]:
    """An empty ledger."""
    ledger = Ledger(url, clock=clock, patience=20)
    yield ledger
    ledger.close()
