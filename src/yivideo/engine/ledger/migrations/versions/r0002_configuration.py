"""Configuration: its versions, which of them rules, and how busy devices are."""

import sqlalchemy as sa
from alembic import op

revision = "r0002"
down_revision = "r0001"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables, the index that looks back from now, and room for the memory used."""
    op.create_table(
        "config_versions",
        sa.Column("number", NUMBER, autoincrement=True, nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("changes", sa.JSON(), nullable=False),
        sa.Column("base", NUMBER, nullable=True),
        sa.Column("pinned", sa.Boolean(), nullable=False),
        sa.Column("alerts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_config_versions"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "config_state",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("current", NUMBER, nullable=False),
        sa.Column("since", sa.Double(), nullable=False),
        sa.Column("previous", NUMBER, nullable=True),
        sa.Column("revision", NUMBER, nullable=False),
        sa.Column("canary", NUMBER, nullable=True),
        sa.Column("canary_since", sa.Double(), nullable=True),
        sa.Column("canary_share", sa.Double(), nullable=True),
        sa.Column("canary_labels", sa.JSON(), nullable=True),
        sa.Column("file", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_config_state"),
    )
    op.create_table(
        "device_samples",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("busy", sa.Double(), nullable=False),
        sa.Column("waiting", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_device_samples"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_device_samples_at", "device_samples", ["at"], unique=False)
    op.create_index("ix_attempts_ended_at", "attempts", ["ended_at"], unique=False)
    op.add_column("durations", sa.Column("memory", sa.Double(), nullable=False, server_default="0"))
