"""The tables that this project shares with a warehouse management system; docs/warehouse.md explains them.

A warehouse may own them, with types of its own: any that accept the texts, numbers and 0/1 written here will do.
Times are UTC.
"""

from __future__ import annotations

from sqlalchemy import Boolean, Column, DateTime, Index, Integer, MetaData, Numeric, String, Table

from mfn.warehouse.order_states import NEW

MAY_BE_MISSING = {"may_be_missing": True}
"""Marks, in its `info`, a column that a table of the warehouse's own may lack."""

metadata = MetaData()

wms_item = Table(
    "wms_item",
    metadata,
    Column("sku", String, primary_key=True),
    Column("description", String),
    Column("is_active", Boolean),
)

wms_ship_method = Table(
    "wms_ship_method",
    metadata,
    Column("code", String, primary_key=True),
    Column("carrier", String),
    Column("service", String),
    Column("is_active", Boolean),
)

wms_order = Table(
    "wms_order",
    metadata,
    Column("order_number", String, primary_key=True),
    Column("connection", String),
    Column("marketplace_id", String),
    Column("status", String, nullable=False, server_default=NEW),
    Column("cancel_requested_at", DateTime(timezone=True)),
    Column("cancel_reason", String),
    Column("allocated_at", DateTime(timezone=True)),
    Column("ordered_at", DateTime(timezone=True)),
    Column("earliest_ship_at", DateTime(timezone=True)),
    Column("ship_by", DateTime(timezone=True)),
    Column("deliver_by", DateTime(timezone=True)),
    Column("ship_method_code", String),
    Column("is_sfp", Boolean),
    Column("is_premium", Boolean),
    Column("is_business", Boolean),
    Column("programs", String),
    Column("purchase_order_number", String),
    Column("replaces_order", String),
    Column("requires_signature", Boolean),
    Column("requires_age_check", Boolean),
    Column("requires_identity_check", Boolean),
    Column("ship_to_name", String),
    Column("ship_to_company", String),
    Column("address_1", String),
    Column("address_2", String),
    Column("address_3", String),
    Column("city", String),
    Column("district", String),
    Column("state", String),
    Column("postal_code", String),
    Column("country_code", String),
    Column("phone", String),
    Column("email", String),
    Column("address_type", String),
    Column("delivery_instructions", String),
    Column("batch_id", String),
    Column("loaded_at", DateTime(timezone=True)),
    Column("updated_at", DateTime(timezone=True)),
    Index(
        "ix_wms_order_status_ship_by", "status", "ship_by"
    ),  # what a warehouse queries: new orders, the most urgent first
)
Index(
    "ix_wms_order_allocated_at",  # every stock run queries whether the warehouse fills it at all
    wms_order.c.allocated_at,
    sqlite_where=wms_order.c.allocated_at.is_not(None),
    postgresql_where=wms_order.c.allocated_at.is_not(None),
)

wms_order_line = Table(
    "wms_order_line",
    metadata,
    Column("order_number", String, primary_key=True),
    Column("line_number", Integer, primary_key=True, autoincrement=False),
    Column("order_item_id", String),
    Column("sku", String),
    Column("seller_sku", String),
    Column("asin", String),
    Column("title", String),
    Column("quantity", Integer),
    Column("units_per_kit", Integer),
    Column("unit_price", Numeric(asdecimal=False)),
    Column("currency_code", String),
    Column("ioss_number", String),
    Column("requires_serial_number", Boolean),
    Column("requires_transparency_code", Boolean),
    Column("gift_message", String),
    Column("gift_wrap", String),
    Column("customization_url", String),
)

wms_shipment = Table(
    "wms_shipment",
    metadata,
    Column("shipment_id", String, primary_key=True),
    Column("order_number", String, index=True),
    Column("carrier", String),
    Column("service", String),
    Column("tracking_number", String),
    Column("shipped_at", DateTime(timezone=True)),
    Column("is_amazon_label", Boolean),
    Column("status", String, server_default="closed", info=MAY_BE_MISSING),
)

wms_shipment_line = Table(
    "wms_shipment_line",
    metadata,
    Column("shipment_id", String, primary_key=True),
    Column("line_number", Integer, primary_key=True, autoincrement=False),
    Column("order_item_id", String),
    Column("sku", String),
    Column("quantity", Integer),
)

wms_inventory = Table(
    "wms_inventory",
    metadata,
    Column("sku", String, primary_key=True),
    Column("location", String, primary_key=True),
    Column("on_hand", Integer),
    Column("allocated", Integer),
    Column("is_sellable", Boolean, server_default="1", info=MAY_BE_MISSING),
    Column("counted_at", DateTime(timezone=True), info=MAY_BE_MISSING),
)

ORDER_COLUMNS = tuple(
    column.name
    for column in wms_order.columns
    if column.name not in {"status", "cancel_requested_at", "cancel_reason", "allocated_at"}
)
"""The columns of an order in the rows of `SqlWarehouse.load`; the warehouse or a cancellation sets the others."""

LINE_COLUMNS = tuple(column.name for column in wms_order_line.columns)
"""The columns of a line in the rows of `SqlWarehouse.load`."""
