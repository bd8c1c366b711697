"""The ledger as it begins."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Bring the ledger to this version."""
    op.create_table(
        "batch",
        sa.Column("batch_id", sa.Text(), nullable=False),
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("parameters", sa.JSON(), nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.Column("api_calls", sa.JSON(), nullable=False),
        sa.Column("findings", sa.JSON(), nullable=False),
        sa.Column("window_after", sa.DateTime(timezone=True), nullable=True),
        sa.Column("window_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("is_window_open", sa.Boolean(), nullable=False),
        sa.Column("search_after", sa.DateTime(timezone=True), nullable=True),
        sa.Column("search_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("page_token", sa.Text(), nullable=True),
        sa.Column("page_token_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("remedy", sa.Text(), nullable=True),
        sa.Column("report", sa.Text(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("batch_id", name=op.f("pk_batch")),
    )
    op.create_index(op.f("ix_batch_connection_kind_started_at"), "batch", ["connection", "kind", "started_at"])

    op.create_table(
        "encryption_key",
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("proof", sa.LargeBinary(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_encryption_key")),
    )
    op.create_table(
        "landed_page",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("page", sa.Integer(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("connection", "page", name=op.f("pk_landed_page")),
    )
    op.create_table(
        "landed_order",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("page", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("last_updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("batch_id", sa.Text(), nullable=False),
        sa.Column("landed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("connection", "order_id", name=op.f("pk_landed_order")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_landed_order_connection_page"), "landed_order", ["connection", "page"])

    op.create_table(
        "lease",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.Float(precision=53), nullable=False),
        sa.PrimaryKeyConstraint("connection", "kind", name=op.f("pk_lease")),
    )
    op.create_table(
        "rate_budget",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("tokens", sa.Float(precision=53), nullable=False),
        sa.Column("rate", sa.Float(precision=53), nullable=False),
        sa.Column("counted_at", sa.Float(precision=53), nullable=False),
        sa.PrimaryKeyConstraint("account", "operation", name=op.f("pk_rate_budget")),
    )
    op.create_table(
        "reservation",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("line_number", sa.Integer(), nullable=False),
        sa.Column("warehouse", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("units", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("connection", "order_id", "line_number", name=op.f("pk_reservation")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_reservation_warehouse_sku"), "reservation", ["warehouse", "sku"])

    op.create_table(
        "tracked_order",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reasons", sa.Text(), nullable=True),
        sa.Column("is_sfp", sa.Boolean(), nullable=False),
        sa.Column("ship_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("marketplace_id", sa.Text(), nullable=True),
        sa.Column("service_level", sa.Text(), nullable=True),
        sa.Column("programs", sa.Text(), nullable=True),
        sa.Column("batch_id", sa.Text(), nullable=False),
        sa.Column("loaded_digest", sa.Text(), nullable=True),
        sa.Column("fulfilled_before", sa.Text(), nullable=True),
        sa.Column("first_loaded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("connection", "order_id", name=op.f("pk_tracked_order")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_tracked_order_connection_status"), "tracked_order", ["connection", "status"])

    op.create_table(
        "watermark",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("batch_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("connection", "kind", name=op.f("pk_watermark")),
    )
    op.create_table(
        "batch_order",
        sa.Column("batch_id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("reasons", sa.Text(), nullable=True),
        sa.Column("warnings", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.batch_id"], name=op.f("fk_batch_order_batch_id")),
        sa.PrimaryKeyConstraint("batch_id", "order_id", name=op.f("pk_batch_order")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_batch_order_order_id"), "batch_order", ["order_id"])

    op.create_table(
        "batch_chunk",
        sa.Column("batch_id", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.batch_id"], name=op.f("fk_batch_chunk_batch_id")),
        sa.PrimaryKeyConstraint("batch_id", "stage", "number", name=op.f("pk_batch_chunk")),
    )
    op.create_table(
        "arrived_page",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("page", sa.Integer(), nullable=False),
        sa.Column("batch_id", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("orders", sa.JSON(), nullable=False),
        sa.Column("landed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.batch_id"], name=op.f("fk_arrived_page_batch_id")),
        sa.PrimaryKeyConstraint("connection", "page", name=op.f("pk_arrived_page")),
    )
