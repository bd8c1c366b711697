"""Orders that Amazon's notifications named, and notifications that could not be used."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Bring the ledger to this version."""
    op.create_table(
        "named_order",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.Column("named_at", MOMENT, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("asked_at", MOMENT, nullable=True),
        sa.Column("times_asked", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("connection", "order_id", name=op.f("pk_named_order")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_named_order_connection_changed_at"), "named_order", ["connection", "changed_at"])
    op.create_table(
        "refused_notification",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("refused_at", MOMENT, nullable=False),
        sa.Column("is_left", sa.Boolean(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("shape", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("connection", "message_id", name=op.f("pk_refused_notification")),
    )
