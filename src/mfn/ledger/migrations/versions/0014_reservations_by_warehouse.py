"""Reservations are found by their warehouse alone: nobody asks for a SKU of it, and its index costs each import."""

from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Bring the ledger to this version."""
    op.create_index(op.f("ix_reservation_warehouse"), "reservation", ["warehouse"])
    op.drop_index(op.f("ix_reservation_warehouse_sku"), "reservation")
