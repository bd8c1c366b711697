"""Alembic's environment: it migrates over the connection that the ledger was opened with."""

from alembic import context

from mfn.ledger.schema import Base

context.configure(
    connection=context.config.attributes["connection"], target_metadata=Base.metadata, render_as_batch=True
)
context.run_migrations()
