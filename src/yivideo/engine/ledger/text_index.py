"""An index of the parts of texts: workflows by three letters or more of their path or their error.

On SQLite it is a table of its full-text search (FTS5 with trigrams, SQLite 3.34), which triggers
keep; on PostgreSQL an index by pg_trgm, an extension that the owner of a database may create. Where
there is neither, all texts are looked through.
"""

import logging

import sqlalchemy as sa
from sqlalchemy import exc

from yivideo.engine.ledger.database import Transaction

logger = logging.getLogger(__name__)

NAME = "ix_texts_text"
# It knows parts of so many letters.
SHORTEST = 3
_SQLITE = (
    # The texts themselves are not kept a second time.
    """
    CREATE VIRTUAL TABLE ix_texts_text USING fts5(
        text, content='', columnsize=0, tokenize='trigram case_sensitive 1'
    )
    """,
    # Few large merges in place of many small ones: whoever has a workflow accepted waits for them.
    "INSERT INTO ix_texts_text (ix_texts_text, rank) VALUES ('automerge', 16)",
    "INSERT INTO ix_texts_text (rowid, text) SELECT seq, text FROM texts",
    """
    CREATE TRIGGER texts_inserted AFTER INSERT ON texts BEGIN
        INSERT INTO ix_texts_text (rowid, text) VALUES (new.seq, new.text);
    END
    """,
    """
    CREATE TRIGGER texts_deleted AFTER DELETE ON texts BEGIN
        INSERT INTO ix_texts_text (ix_texts_text, rowid, text) VALUES ('delete', old.seq, old.text);
    END
    """,
    """
    CREATE TRIGGER texts_updated AFTER UPDATE OF text ON texts BEGIN
        INSERT INTO ix_texts_text (ix_texts_text, rowid, text) VALUES ('delete', old.seq, old.text);
        INSERT INTO ix_texts_text (rowid, text) VALUES (new.seq, new.text);
    END
    """,
)
_POSTGRESQL = (
    "CREATE EXTENSION IF NOT EXISTS pg_trgm",
    "CREATE INDEX ix_texts_text ON texts USING gin (text gin_trgm_ops)",
)
_TABLE = sa.table(NAME, sa.column("rowid", sa.Integer), sa.column(NAME, sa.Text))


def make(connection: sa.Connection) -> None:
    """Make it, of the texts that are there; where it cannot be made, the log says so."""
    sqlite = connection.dialect.name == "sqlite"
    try:
        with connection.begin_nested():
            for statement in _SQLITE if sqlite else _POSTGRESQL:
                connection.exec_driver_sql(statement)
    except exc.DBAPIError as error:
        logger.warning(
            "Workflows are looked for by text without an index, which needs %s: %s",
            "SQLite 3.34 with FTS5" if sqlite else "PostgreSQL's extension pg_trgm",
            str(error.orig).strip().partition("\n")[0],
        )


def plan_by_text(tx: Transaction) -> None:
    """Have PostgreSQL choose how to look for each text anew: what fits one does not fit another.

    A statement that is prepared gets one plan for all texts, by this index also for those of two
    letters, which it does not know.
    """
    if tx.connection.dialect.name == "postgresql":
        tx.connection.exec_driver_sql("SET LOCAL plan_cache_mode = force_custom_plan")


def members(tx: Transaction, text: str) -> "sa.Select[tuple[int]] | None":
    """On SQLite: what selects the numbers of the workflows whose texts hold that in lower case.

    ``text`` has `SHORTEST` letters or more. None where there is no index.
    """
    there = sa.text("SELECT 1 FROM sqlite_master WHERE name = :name").bindparams(name=NAME)
    if tx.execute(there).first() is None:
        return None
    phrase = '"{}"'.format(text.replace('"', '""'))
    return sa.select(_TABLE.c.rowid).where(_TABLE.c[NAME].op("MATCH")(phrase))
