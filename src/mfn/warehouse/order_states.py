"""The status of an order in the warehouse: the values of `wms_order.status`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

NEW, PICKING, SHIPPED, CANCELLED = STATES = ("new", "picking", "shipped", "cancelled")


def shipped_ones(states: Mapping[str, str]) -> frozenset[str]:
    """The orders of which nothing more will leave."""
    return frozenset(number for number, status in states.items() if status == SHIPPED)
