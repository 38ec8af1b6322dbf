"""The forms that the ledger's tables have had, one revision after the other, run by Alembic."""
