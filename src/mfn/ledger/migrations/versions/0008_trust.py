"""Trust: when orders ended and lost their buyers' data, who saw such data, and since when each secret is in use."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Bring the ledger to this version."""
    op.add_column("landed_page", sa.Column("texts", sa.Integer(), nullable=True))
    op.create_table(
        "order_end",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("shipped_at", MOMENT, nullable=True),
        sa.Column("delivered_at", MOMENT, nullable=True),
        sa.Column("cancelled_at", MOMENT, nullable=True),
        sa.Column("purged_at", MOMENT, nullable=True),
        sa.Column("erased_at", MOMENT, nullable=True),
        sa.Column("erased_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("connection", "order_id", name=op.f("pk_order_end")),
    )
    op.create_index(op.f("ix_order_end_order_id"), "order_end", ["order_id"])
    op.create_table(
        "data_access",
        sa.Column("number", sa.Integer(), nullable=False, autoincrement=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("connection", sa.Text(), nullable=True),
        sa.Column("batch_id", sa.Text(), nullable=True),
        sa.Column("order_id", sa.Text(), nullable=True),
        sa.Column("orders", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_data_access")),
    )
    op.create_index(op.f("ix_data_access_at"), "data_access", ["at"])
    op.create_index(op.f("ix_data_access_order_id"), "data_access", ["order_id"])
    op.create_table(
        "seen_secret",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("first_seen_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("connection", "digest", name=op.f("pk_seen_secret")),
    )
