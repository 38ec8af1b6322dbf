"""The ledger: the SQL tables that hold the truth about workflows."""
