"""Offers: what Amazon was told of stock and shows of it, the feeds on their way, and the stock that was believed."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Bring the ledger to this version."""
    op.create_table(
        "counted_order",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("units", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("connection", "order_id", name=op.f("pk_counted_order")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_counted_order_connection_counted_at"), "counted_order", ["connection", "counted_at"])
    op.create_table(
        "offer",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("marketplace_id", sa.Text(), nullable=False),
        sa.Column("seller_sku", sa.Text(), nullable=False),
        sa.Column("asin", sa.Text(), nullable=True),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("listed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("level", sa.Integer(), nullable=True),
        sa.Column("level_sent", sa.Integer(), nullable=True),
        sa.Column("level_sent_basis", sa.Integer(), nullable=True),
        sa.Column("before_limits_sent", sa.Integer(), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("covered_at_sending", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_by", sa.Text(), nullable=True),
        sa.Column("feed_number", sa.Integer(), nullable=True),
        sa.Column("shown", sa.Integer(), nullable=True),
        sa.Column("shown_before", sa.Integer(), nullable=True),
        sa.Column("shown_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sold_not_imported", sa.Integer(), nullable=False),
        sa.Column("sold_seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("is_applied", sa.Boolean(), nullable=False),
        sa.Column("status", sa.Text(), nullable=True),
        sa.Column("reasons", sa.Text(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("batch_id", sa.Text(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("connection", "marketplace_id", "seller_sku", name=op.f("pk_offer")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_offer_connection_status"), "offer", ["connection", "status"])
    op.create_table(
        "batch_offer",
        sa.Column("batch_id", sa.Text(), nullable=False),
        sa.Column("marketplace_id", sa.Text(), nullable=False),
        sa.Column("seller_sku", sa.Text(), nullable=False),
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=True),
        sa.Column("before", sa.Integer(), nullable=True),
        sa.Column("shown", sa.Integer(), nullable=True),
        sa.Column("sold", sa.Integer(), nullable=False),
        sa.Column("is_drift", sa.Boolean(), nullable=False),
        sa.Column("sent_by", sa.Text(), nullable=True),
        sa.Column("reasons", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.batch_id"], name=op.f("fk_batch_offer_batch_id")),
        sa.PrimaryKeyConstraint("batch_id", "marketplace_id", "seller_sku", name=op.f("pk_batch_offer")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        op.f("ix_batch_offer_connection_marketplace_id_seller_sku_at"),
        "batch_offer",
        ["connection", "marketplace_id", "seller_sku", "at"],
    )
    op.create_table(
        "feed",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("marketplace_id", sa.Text(), nullable=False),
        sa.Column("batch_id", sa.Text(), nullable=False),
        sa.Column("feed_id", sa.Text(), nullable=True),
        sa.Column("document_id", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("messages", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("errors", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.batch_id"], name=op.f("fk_feed_batch_id")),
        sa.PrimaryKeyConstraint("connection", "number", name=op.f("pk_feed")),
    )
    op.create_index(op.f("ix_feed_connection_status"), "feed", ["connection", "status"])
    op.create_table(
        "stock_location",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("skus", sa.Integer(), nullable=False),
        sa.Column("units", sa.Integer(), nullable=False),
        sa.Column("batch_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("connection", "location", name=op.f("pk_stock_location")),
    )
