"""Which version of an order went to the warehouse, and of which orders a newer one is kept out of it."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Bring the ledger to this version."""
    op.create_table(
        "kept_out_version",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("last_updated_at", MOMENT, nullable=True),
        sa.Column("reasons", sa.Text(), nullable=False),
        sa.Column("batch_id", sa.Text(), nullable=False),
        sa.Column("told_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("connection", "order_id", name=op.f("pk_kept_out_version")),
        sqlite_with_rowid=False,
    )
    op.add_column("tracked_order", sa.Column("version_taken_up", MOMENT, nullable=True))
    doubted = sa.text("loaded_digest IN ('', '+cancel')")
    op.create_index(
        "ix_tracked_order_in_doubt",
        "tracked_order",
        ["connection"],
        sqlite_where=doubted,
        postgresql_where=doubted,
    )
