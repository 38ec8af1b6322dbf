"""What Alembic runs: the revisions, within the transaction that `migrating.upgrade` has begun."""

from alembic import context

from yivideo.engine.ledger.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
