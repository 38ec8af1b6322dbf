"""Bringing the database's tables to the form this version needs; any number may try at once."""

from alembic import command
from alembic.config import Config

from yivideo.engine.ledger.database import Transaction

# Any number that no other program uses on the same database.
_MIGRATION_KEY = 0x5956_4D49


def upgrade(tx: Transaction, revision: str = "head") -> None:
    """Carry out the migrations that are missing up to a revision, all or none of them.

    Whoever comes second waits for the first: on PostgreSQL by the lock taken here, on SQLite as
    every writer does. Then it finds nothing to do.
    """
    tx.lock_for_order(_MIGRATION_KEY)
    config = Config()
    config.set_main_option("script_location", "yivideo.engine.ledger:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = tx.connection
    command.upgrade(config, revision)
