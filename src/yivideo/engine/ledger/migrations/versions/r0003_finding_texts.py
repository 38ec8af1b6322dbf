"""Texts in the order of lists, and an index of their parts."""

import sqlalchemy as sa
from alembic import op

from yivideo.engine.ledger import text_index

revision = "r0003"
down_revision = "r0002"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table anew, and the index where the database has such indexes."""
    op.execute("CREATE TEMPORARY TABLE kept_texts AS SELECT seq, text FROM texts")
    op.drop_table("texts")
    op.create_table(
        "texts",
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("seq", NUMBER, autoincrement=False, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["seq"], ["workflows.seq"], name="fk_texts_seq", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("created_at", "seq", name="pk_texts"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_texts_seq", "texts", ["seq"], unique=False)
    op.execute(
        "INSERT INTO texts SELECT workflows.created_at, workflows.seq, kept_texts.text"
        " FROM kept_texts JOIN workflows ON workflows.seq = kept_texts.seq"
    )
    op.execute("DROP TABLE kept_texts")
    text_index.make(op.get_bind())
