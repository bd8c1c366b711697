"""Periods that are yet to be searched; room on PostgreSQL for what a run writes into the orders that it met."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Bring the ledger to this version."""
    op.create_table(
        "search_gap",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("gap_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("after", MOMENT, nullable=False),
        sa.Column("before", MOMENT, nullable=False),
        sa.Column("page_token", sa.Text(), nullable=True),
        sa.Column("page_token_at", MOMENT, nullable=True),
        sa.Column("noted_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("connection", "gap_id", name=op.f("pk_search_gap")),
        sqlite_with_rowid=False,
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE batch_order SET (fillfactor = 50)")
