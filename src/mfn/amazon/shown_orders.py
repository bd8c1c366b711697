"""Orders for a comparison with what is known here: their state at Amazon, without anything about their buyers.

Field names: Amazon's model orders_2026-01-01.json of 2026-07-29. No field but the id is required here: an order counts
even if Amazon leaves something out.
"""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - msgspec reads the types when it runs
from typing import Any

import msgspec
from msgspec import Struct

from mfn.amazon.answers import UNREADABLE
from mfn.amazon.orders import MERCHANT, PRIME, UNITS_AT_MOST
from mfn.amazon.packages import read_packages
from mfn.errors import DataError
from mfn.moments import moment_in

SHOWN_DATA = ("FULFILLMENT", "PACKAGES")
"""The data sets to ask for: none of them contains a buyer's name, address, e-mail or telephone number."""

DELIVERED, WITHDRAWN = "DELIVERED", "CANCELLED"


class ShownOrder(Struct, frozen=True, array_like=True):
    """One order as Amazon shows it; None for what it leaves out.

    Attributes:
        order_id: Amazon's order id.
        status: Amazon's fulfillmentStatus.
        placed_at: When it was placed; UTC.
        changed_at: When it changed last; UTC.
        fulfilled_by: `MERCHANT` or `AMAZON`.
        is_sfp: Whether it is Seller Fulfilled Prime.
        ship_by: By when Amazon wants it shipped; UTC.
        service_level: Amazon's fulfillmentServiceLevel.
        units: By order item id, the units that are still ordered, shipped or not; None if that cannot be read.
        shipped_at: When the last of its parcels left; UTC.
        is_delivered: Whether it has parcels and all of them have arrived.
        marketplace_id: Amazon's id of the marketplace where it was placed.
    """

    order_id: str
    status: str | None = None
    placed_at: datetime | None = None
    changed_at: datetime | None = None
    fulfilled_by: str | None = None
    is_sfp: bool = False
    ship_by: datetime | None = None
    service_level: str | None = None
    units: dict[str, int] | None = None
    shipped_at: datetime | None = None
    is_delivered: bool = False
    marketplace_id: str | None = None


class _Window(Struct, rename="camel"):
    latest_date_time: Any = None


class _Fulfillment(Struct, rename="camel"):
    fulfillment_status: str | None = None
    fulfilled_by: str | None = None
    fulfillment_service_level: str | None = None
    ship_by_window: _Window | None = None


class _SalesChannel(Struct, rename="camel"):
    marketplace_id: str | None = None


class _ItemFulfillment(Struct, rename="camel"):
    quantity_fulfilled: int | None = None
    quantity_unfulfilled: int | None = None


class _Item(Struct, rename="camel"):
    order_item_id: str
    quantity_ordered: int
    fulfillment: _ItemFulfillment | None = None


class _Order(Struct, rename="camel"):
    created_time: Any = None
    last_updated_time: Any = None
    programs: list[str] | None = None
    sales_channel: _SalesChannel | None = None
    fulfillment: _Fulfillment | None = None
    order_items: list[_Item] | None = None


_DECODER = msgspec.json.Decoder(_Order)


def read_shown(order_id: str, raw: bytes) -> ShownOrder:
    """The fields of an order that are compared, from the text that Amazon sent; only its id if it cannot be read.

    Args:
        order_id: Its id, which may be readable even if the rest is not.
        raw: The JSON text of the order.
    """
    try:
        order = _DECODER.decode(raw)
        packages = read_packages(raw).packages
    except (*UNREADABLE, DataError):
        return ShownOrder(order_id)
    fulfillment = order.fulfillment or _Fulfillment()
    sent = [package for package in packages if package.status != WITHDRAWN]
    return ShownOrder(
        order_id,
        status=fulfillment.fulfillment_status,
        placed_at=moment_in(order.created_time),
        changed_at=moment_in(order.last_updated_time),
        fulfilled_by=fulfillment.fulfilled_by,
        is_sfp=PRIME in (order.programs or ()) and fulfillment.fulfilled_by == MERCHANT,
        ship_by=moment_in((fulfillment.ship_by_window or _Window()).latest_date_time),
        service_level=fulfillment.fulfillment_service_level,
        units=None if order.order_items is None else _units(order.order_items),
        shipped_at=max((package.shipped_at for package in sent if package.shipped_at), default=None),
        is_delivered=bool(sent) and all(package.status == DELIVERED for package in sent),
        marketplace_id=(order.sales_channel or _SalesChannel()).marketplace_id,
    )


def _units(items: list[_Item]) -> dict[str, int] | None:
    """Units as the import counts them: left to ship plus shipped; None if a number is beyond reason."""
    found: dict[str, int] = {}
    for item in items:
        fulfillment = item.fulfillment or _ItemFulfillment()
        shipped = fulfillment.quantity_fulfilled or 0
        left = fulfillment.quantity_unfulfilled
        left = max(item.quantity_ordered - shipped, 0) if left is None else left
        if not all(0 <= units <= UNITS_AT_MOST for units in (item.quantity_ordered, left, shipped)):
            return None
        found[item.order_item_id] = found.get(item.order_item_id, 0) + left + shipped
    return found
