"""Orders whose own call Amazon did not answer: later runs ask for them after the others."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Bring the ledger to this version."""
    op.create_table(
        "unanswered_order",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("connection", "order_id", name=op.f("pk_unanswered_order")),
    )
