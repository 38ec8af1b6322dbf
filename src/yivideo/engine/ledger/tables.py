"""The tables of the ledger, the same on SQLite and PostgreSQL; the migrations make them."""

import sqlalchemy as sa

from yivideo.engine.ledger.records import AttemptStatus, StepStatus

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

DELETED = "workflow.deleted"

# SQLite numbers rows by itself only where the column's type is INTEGER.
Number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
Time = sa.Double


def constant(value: str) -> sa.ColumnElement[str]:
    """A value written into the statement: SQLite uses a partial index only if it can read it."""
    return sa.literal(value, sa.Text, literal_execute=True)


def _number() -> sa.Column[int]:
    """A key that only grows: the tables say AUTOINCREMENT, so that SQLite gives none out again."""
    return sa.Column("id", Number, primary_key=True, autoincrement=True)


def _workflow() -> sa.Column[str]:
    return sa.Column(
        "workflow_id",
        sa.Text,
        sa.ForeignKey("workflows.id", ondelete="CASCADE"),
        nullable=False,
    )


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, default="", server_default="")


workflows = sa.Table(
    "workflows",
    metadata,
    # The order of acceptance among those of the same moment; `id` is the public name.
    sa.Column("seq", Number, primary_key=True, autoincrement=True),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("video_path", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("priority", sa.Integer, nullable=False),
    sa.Column("tenant", sa.Text, nullable=False),
    sa.Column("weight", sa.Double, nullable=False),
    sa.Column("labels", sa.JSON, nullable=False),
    sa.Column("callback_url", sa.Text),
    sa.Column("config_version", sa.Integer, nullable=False),
    sa.Column("created_at", Time, nullable=False),
    sa.Column("started_at", Time),
    sa.Column("ended_at", Time),
    _text("error_code"),
    _text("error"),
    # Every list is newest first, and may be limited in time: each index ends with that order.
    sa.Index(None, "created_at", "seq"),
    sa.Index(None, "status", "created_at", "seq"),
    sa.Index(None, "tenant", "created_at", "seq"),
    sa.Index(None, "tenant", "status", "created_at", "seq"),
    sa.Index(None, "ended_at"),
    sqlite_autoincrement=True,
)

# What a text is looked for in, in lower case: apart, so that looking through all of it is cheap,
# and in the order of lists.
texts = sa.Table(
    "texts",
    metadata,
    sa.Column("created_at", Time, primary_key=True),
    sa.Column(
        "seq",
        Number,
        sa.ForeignKey("workflows.seq", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    sa.Column("text", sa.Text, nullable=False),
    sa.Index(None, "seq"),
    sqlite_with_rowid=False,
)

labels = sa.Table(
    "labels",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, primary_key=True),
    sa.Column("created_at", Time, primary_key=True),
    sa.Column(
        "seq",
        Number,
        sa.ForeignKey("workflows.seq", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    sa.Index(None, "seq"),
    sqlite_with_rowid=False,
)

steps = sa.Table(
    "steps",
    metadata,
    _number(),
    _workflow(),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("params", sa.JSON, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    # Of the attempt that runs or would be next: it only grows, in a retried workflow too.
    sa.Column("number", sa.Integer, nullable=False),
    # Claims that failed by their own fault since the step last had a clean sheet.
    sa.Column("faults", sa.Integer, nullable=False, default=0),
    sa.Column("memory_factor", sa.Double, nullable=False, default=1.0),
    sa.Column("progress", sa.Double, nullable=False, default=0.0),
    sa.Column("excluded_until", Time, nullable=False, default=0.0),
    sa.Column("hints", sa.Integer, nullable=False, default=0),
    sa.Column("next_hint_at", Time),
    sa.Column("ready_at", Time),
    sa.Column("started_at", Time),
    sa.Column("ended_at", Time),
    _text("error"),
    # The attempt whose result is the step's: what a commit sets.
    sa.Column("result_id", Number),
    sa.UniqueConstraint("workflow_id", "position"),
    sa.Index(
        "ix_steps_due",
        "next_hint_at",
        sqlite_where=sa.text(f"status = '{StepStatus.READY}'"),
        postgresql_where=sa.text(f"status = '{StepStatus.READY}'"),
    ),
    sqlite_autoincrement=True,
)

attempts = sa.Table(
    "attempts",
    metadata,
    _number(),
    _workflow(),
    sa.Column("step_id", Number, sa.ForeignKey("steps.id", ondelete="CASCADE"), nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("worker", sa.Text, nullable=False),
    sa.Column("pid", Number, nullable=False),
    sa.Column("process", sa.JSON, nullable=False),
    sa.Column("device", sa.Text, nullable=False),
    sa.Column("fence", sa.Text, nullable=False),
    sa.Column("place", sa.Text, nullable=False),
    sa.Column("started_at", Time, nullable=False),
    sa.Column("beat_at", Time, nullable=False),
    sa.Column("ended_at", Time),
    sa.Column("error_kind", sa.Text),
    _text("error_code"),
    _text("error"),
    sa.Column("output", sa.JSON(none_as_null=True)),
    sa.UniqueConstraint("step_id", "number"),
    sa.Index(None, "workflow_id"),
    # What became of the attempts since a change of the configuration.
    sa.Index(None, "ended_at"),
    # Unique: whatever the code does, a step has one current attempt.
    sa.Index(
        "ix_attempts_running",
        "step_id",
        unique=True,
        sqlite_where=sa.text(f"status = '{AttemptStatus.RUNNING}'"),
        postgresql_where=sa.text(f"status = '{AttemptStatus.RUNNING}'"),
    ),
    sqlite_autoincrement=True,
)

artifacts = sa.Table(
    "artifacts",
    metadata,
    _number(),
    _workflow(),
    sa.Column(
        "attempt_id", Number, sa.ForeignKey("attempts.id", ondelete="CASCADE"), nullable=False
    ),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("uri", sa.Text, nullable=False),
    sa.Column("size", Number, nullable=False),
    sa.Column("media_type", sa.Text, nullable=False),
    sa.Index(None, "workflow_id"),
    sa.Index(None, "attempt_id"),
    sqlite_autoincrement=True,
)

durations = sa.Table(
    "durations",
    metadata,
    _number(),
    sa.Column("what", sa.Text, nullable=False),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("units", sa.Double, nullable=False),
    sa.Column("seconds", sa.Double, nullable=False),
    # The most memory it used of its device, in MiB; 0 for unknown.
    sa.Column("memory", sa.Double, nullable=False, default=0.0, server_default="0"),
    sa.Column("at", Time, nullable=False),
    sa.Index(None, "what", "model", "id"),
    sqlite_autoincrement=True,
)

# No foreign key: that a workflow was deleted is told after it is gone.
events = sa.Table(
    "events",
    metadata,
    _number(),
    sa.Column("workflow_id", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("at", Time, nullable=False),
    sa.Column("data", sa.JSON, nullable=False),
    sa.Index(None, "workflow_id", "id"),
    sa.Index(
        "ix_events_deleted",
        "at",
        sqlite_where=sa.text(f"kind = '{DELETED}'"),
        postgresql_where=sa.text(f"kind = '{DELETED}'"),
    ),
    sqlite_autoincrement=True,
)

callbacks = sa.Table(
    "callbacks",
    metadata,
    _number(),
    _workflow(),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("at", Time, nullable=False),
    sa.Column("data", sa.JSON, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False, default=0),
    # None: delivered, or given up.
    sa.Column("next_at", Time),
    sa.Column("delivered_at", Time),
    _text("error"),
    sa.Index(None, "workflow_id"),
    sa.Index(
        "ix_callbacks_due",
        "next_at",
        sqlite_where=sa.text("next_at IS NOT NULL"),
        postgresql_where=sa.text("next_at IS NOT NULL"),
    ),
    sqlite_autoincrement=True,
)

api_keys = sa.Table(
    "api_keys",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("digest", sa.LargeBinary, nullable=False, unique=True),
    sa.Column("created_at", Time, nullable=False),
    sa.Column("used_at", Time),
    sa.Column("revoked_at", Time),
)

idempotency_keys = sa.Table(
    "idempotency_keys",
    metadata,
    sa.Column("owner", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("digest", sa.Text, nullable=False),
    _workflow(),
    sa.Column("created_at", Time, nullable=False),
    sa.Index(None, "workflow_id"),
)

# Places in the file store whose workflow is gone; kept until somebody says they are removed.
removals = sa.Table(
    "removals",
    metadata,
    _number(),
    sa.Column("uri", sa.Text, nullable=False),
    sa.Index(None, "uri"),
    sqlite_autoincrement=True,
)

# Every accepted change of the configuration; nothing of it changes but its pin and its verdict.
config_versions = sa.Table(
    "config_versions",
    metadata,
    sa.Column("number", Number, primary_key=True, autoincrement=True),
    sa.Column("at", Time, nullable=False),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    # The whole of the runtime settings, and what differs from the version it was made from.
    sa.Column("document", sa.JSON, nullable=False),
    sa.Column("changes", sa.JSON, nullable=False),
    sa.Column("base", Number),
    sa.Column("pinned", sa.Boolean, nullable=False, default=False),
    # What the guard found, by the figure's name.
    sa.Column("alerts", sa.JSON, nullable=False),
    sqlite_autoincrement=True,
)

# One row: which version rules, since when, and which one is tried on a part of the workflows.
config_state = sa.Table(
    "config_state",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("current", Number, nullable=False),
    sa.Column("since", Time, nullable=False),
    # What ruled before: where the guard goes back to.
    sa.Column("previous", Number),
    # Grows with every change of this row: what followers look at.
    sa.Column("revision", Number, nullable=False),
    sa.Column("canary", Number),
    sa.Column("canary_since", Time),
    sa.Column("canary_share", sa.Double),
    sa.Column("canary_labels", sa.JSON(none_as_null=True)),
    # The file's settings as they were last imported: the next import changes what differs.
    sa.Column("file", sa.JSON(none_as_null=True)),
)

# How busy the devices were, noted only while steps waited for them.
device_samples = sa.Table(
    "device_samples",
    metadata,
    _number(),
    sa.Column("at", Time, nullable=False),
    sa.Column("busy", sa.Double, nullable=False),
    sa.Column("waiting", sa.Integer, nullable=False),
    sa.Index(None, "at"),
    sqlite_autoincrement=True,
)
