"""The first tables.

What is written here stays as it is: later forms are revisions of their own.
"""

import sqlalchemy as sa
from alembic import op

revision = "r0001"
down_revision = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("used_at", sa.Double(), nullable=True),
        sa.Column("revoked_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=("pk_api_keys")),
        sa.UniqueConstraint("digest", name=("uq_api_keys_digest")),
    )
    op.create_table(
        "durations",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("units", sa.Double(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=("pk_durations")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        ("ix_durations_what_model_id"), "durations", ["what", "model", "id"], unique=False
    )
    op.create_table(
        "events",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("workflow_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=("pk_events")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_events_deleted",
        "events",
        ["at"],
        unique=False,
        sqlite_where=sa.text("kind = 'workflow.deleted'"),
        postgresql_where=sa.text("kind = 'workflow.deleted'"),
    )
    op.create_index(("ix_events_workflow_id_id"), "events", ["workflow_id", "id"], unique=False)
    op.create_table(
        "removals",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("uri", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=("pk_removals")),
        sqlite_autoincrement=True,
    )
    op.create_index(("ix_removals_uri"), "removals", ["uri"], unique=False)
    op.create_table(
        "workflows",
        sa.Column("seq", NUMBER, autoincrement=True, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("video_path", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("weight", sa.Double(), nullable=False),
        sa.Column("labels", sa.JSON(), nullable=False),
        sa.Column("callback_url", sa.Text(), nullable=True),
        sa.Column("config_version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("started_at", sa.Double(), nullable=True),
        sa.Column("ended_at", sa.Double(), nullable=True),
        sa.Column("error_code", sa.Text(), server_default="", nullable=False),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("seq", name=("pk_workflows")),
        sa.UniqueConstraint("id", name=("uq_workflows_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        ("ix_workflows_created_at_seq"), "workflows", ["created_at", "seq"], unique=False
    )
    op.create_index(("ix_workflows_ended_at"), "workflows", ["ended_at"], unique=False)
    op.create_index(
        ("ix_workflows_status_created_at_seq"),
        "workflows",
        ["status", "created_at", "seq"],
        unique=False,
    )
    op.create_index(
        ("ix_workflows_tenant_created_at_seq"),
        "workflows",
        ["tenant", "created_at", "seq"],
        unique=False,
    )
    op.create_index(
        ("ix_workflows_tenant_status_created_at_seq"),
        "workflows",
        ["tenant", "status", "created_at", "seq"],
        unique=False,
    )
    op.create_table(
        "callbacks",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("workflow_id", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.Double(), nullable=True),
        sa.Column("delivered_at", sa.Double(), nullable=True),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["workflow_id"], ["workflows.id"], name=("fk_callbacks_workflow_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=("pk_callbacks")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_callbacks_due",
        "callbacks",
        ["next_at"],
        unique=False,
        sqlite_where=sa.text("next_at IS NOT NULL"),
        postgresql_where=sa.text("next_at IS NOT NULL"),
    )
    op.create_index(("ix_callbacks_workflow_id"), "callbacks", ["workflow_id"], unique=False)
    op.create_table(
        "idempotency_keys",
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("workflow_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workflow_id"],
            ["workflows.id"],
            name=("fk_idempotency_keys_workflow_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("owner", "key", name=("pk_idempotency_keys")),
    )
    op.create_index(
        ("ix_idempotency_keys_workflow_id"), "idempotency_keys", ["workflow_id"], unique=False
    )
    op.create_table(
        "labels",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("seq", NUMBER, autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["seq"], ["workflows.seq"], name=("fk_labels_seq"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("name", "value", "created_at", "seq", name=("pk_labels")),
        sqlite_with_rowid=False,
    )
    op.create_index(("ix_labels_seq"), "labels", ["seq"], unique=False)
    op.create_table(
        "steps",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("workflow_id", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("params", sa.JSON(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("faults", sa.Integer(), nullable=False),
        sa.Column("memory_factor", sa.Double(), nullable=False),
        sa.Column("progress", sa.Double(), nullable=False),
        sa.Column("excluded_until", sa.Double(), nullable=False),
        sa.Column("hints", sa.Integer(), nullable=False),
        sa.Column("next_hint_at", sa.Double(), nullable=True),
        sa.Column("ready_at", sa.Double(), nullable=True),
        sa.Column("started_at", sa.Double(), nullable=True),
        sa.Column("ended_at", sa.Double(), nullable=True),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.Column("result_id", NUMBER, nullable=True),
        sa.ForeignKeyConstraint(
            ["workflow_id"], ["workflows.id"], name=("fk_steps_workflow_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=("pk_steps")),
        sa.UniqueConstraint("workflow_id", "position", name=("uq_steps_workflow_id_position")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_steps_due",
        "steps",
        ["next_hint_at"],
        unique=False,
        sqlite_where=sa.text("status = 'ready'"),
        postgresql_where=sa.text("status = 'ready'"),
    )
    op.create_table(
        "texts",
        sa.Column("seq", NUMBER, autoincrement=False, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["seq"], ["workflows.seq"], name=("fk_texts_seq"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("seq", name=("pk_texts")),
    )
    op.create_table(
        "attempts",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("workflow_id", sa.Text(), nullable=False),
        sa.Column("step_id", NUMBER, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("worker", sa.Text(), nullable=False),
        sa.Column("pid", NUMBER, nullable=False),
        sa.Column("process", sa.JSON(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("fence", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("started_at", sa.Double(), nullable=False),
        sa.Column("beat_at", sa.Double(), nullable=False),
        sa.Column("ended_at", sa.Double(), nullable=True),
        sa.Column("error_kind", sa.Text(), nullable=True),
        sa.Column("error_code", sa.Text(), server_default="", nullable=False),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.Column("output", sa.JSON(none_as_null=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["step_id"], ["steps.id"], name=("fk_attempts_step_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["workflow_id"], ["workflows.id"], name=("fk_attempts_workflow_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=("pk_attempts")),
        sa.UniqueConstraint("step_id", "number", name=("uq_attempts_step_id_number")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_attempts_running",
        "attempts",
        ["step_id"],
        unique=True,
        sqlite_where=sa.text("status = 'running'"),
        postgresql_where=sa.text("status = 'running'"),
    )
    op.create_index(("ix_attempts_workflow_id"), "attempts", ["workflow_id"], unique=False)
    op.create_table(
        "artifacts",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("workflow_id", sa.Text(), nullable=False),
        sa.Column("attempt_id", NUMBER, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("uri", sa.Text(), nullable=False),
        sa.Column("size", NUMBER, nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["attempts.id"], name=("fk_artifacts_attempt_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["workflow_id"], ["workflows.id"], name=("fk_artifacts_workflow_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=("pk_artifacts")),
        sqlite_autoincrement=True,
    )
    op.create_index(("ix_artifacts_attempt_id"), "artifacts", ["attempt_id"], unique=False)
    op.create_index(("ix_artifacts_workflow_id"), "artifacts", ["workflow_id"], unique=False)
