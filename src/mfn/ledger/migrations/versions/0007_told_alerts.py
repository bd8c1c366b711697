"""Alerts: what people have been told of, so that they are told of it once. Batches by time, for lists of them."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Bring the ledger to this version."""
    op.create_table(
        "told_alert",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("orders", sa.Integer(), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("connection", "kind", "order_id", name=op.f("pk_told_alert")),
    )
    op.create_index(op.f("ix_batch_started_at"), "batch", ["started_at"])
    op.create_index(op.f("ix_batch_status_started_at"), "batch", ["status", "started_at"])
