"""The ledger's migrations, carried out by Alembic when the ledger is opened."""
