"""Late runs: when a run last began to work on a batch."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Bring the ledger to this version."""
    op.add_column("batch", sa.Column("taken_up_at", sa.DateTime(timezone=True), nullable=True))
    op.execute("UPDATE batch SET taken_up_at = started_at")
