"""Operation: which flow run a batch belongs to, and which connections have passed mfn check."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Bring the ledger to this version."""
    op.add_column("batch", sa.Column("flow_run_id", sa.Text(), nullable=True))
    op.create_index(op.f("ix_batch_flow_run_id"), "batch", ["flow_run_id"])
    op.create_table(
        "passed_check",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("passed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("connection", name=op.f("pk_passed_check")),
    )
