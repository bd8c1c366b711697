"""Where an order stands in the warehouse: the words of `wms_order.status`."""

from __future__ import annotations

NEW, PICKING, SHIPPED, CANCELLED = STATES = ("new", "picking", "shipped", "cancelled")
