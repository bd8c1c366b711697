"""Parcels: what Amazon took last, beside what it is to be told."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Bring the ledger to this version."""
    op.add_column("parcel", sa.Column("items_sent", sa.Text(), nullable=True))
    op.execute("UPDATE parcel SET items_sent = items WHERE sent_at IS NOT NULL")
