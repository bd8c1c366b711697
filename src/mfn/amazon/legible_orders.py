"""The legible parts of a broken order: how many units Amazon sold with it, and its status.

An order that is held because of a malformed address or date was still sold, and may have been cancelled since.
"""

from __future__ import annotations

from datetime import MAXYEAR, UTC, datetime
from typing import Any

import msgspec

from mfn.amazon.answers import UNREADABLE, fields_of
from mfn.amazon.orders import (
    MOST_BYTES,
    ItemCancellation,
    ItemFulfillment,
    Order,
    OrderFulfillment,
    OrderItem,
    Product,
    Quantity,
    SalesChannel,
    Word,
)
from mfn.moments import moment_in

UNKNOWN = datetime(MAXYEAR, 1, 1, tzinfo=UTC)
"""Stands for a time that cannot be read: later than any `not_before`."""


def legible_order(order_id: str, raw: bytes) -> Order | None:
    """The sold units and the status of an order that `decode_order` refused; everything else is absent.

    Returns:
        The order with those of its items whose SKU and units can be read; None if nothing can be read.
    """
    if len(raw) > MOST_BYTES:
        return None
    try:
        document = msgspec.json.decode(raw)
    except UNREADABLE:
        return None
    if not isinstance(document, dict):
        return None
    listed = document.get("orderItems")
    items = [_item(number, one) for number, one in enumerate(listed if isinstance(listed, list) else (), start=1)]
    fulfillment = _part(document, "fulfillment")
    return Order(
        order_id,
        moment_in(document.get("createdTime")) or UNKNOWN,
        UNKNOWN,
        SalesChannel(_read(_part(document, "salesChannel").get("marketplaceId"), Word)),
        [item for item in items if item is not None],
        OrderFulfillment(
            _read(fulfillment.get("fulfillmentStatus"), Word) or "", _read(fulfillment.get("fulfilledBy"), Word)
        ),
    )


def _item(number: int, document: Any) -> OrderItem | None:
    seller_sku = _read(_part(document, "product").get("sellerSku"), Word)
    fulfillment = _part(document, "fulfillment")
    shipped, left = (_read(fulfillment.get(f"quantity{part}"), Quantity) for part in ("Fulfilled", "Unfulfilled"))
    ordered = _read(fields_of(document).get("quantityOrdered"), Quantity)
    if ordered is None and left is not None:
        ordered = left + (shipped or 0)
    if not seller_sku or ordered is None:
        return None
    cancelled = ItemCancellation(cancellation_execution=_part(document, "cancellation").get("cancellationExecution"))
    return OrderItem(
        str(number), ordered, Product(seller_sku=seller_sku), None, ItemFulfillment(shipped, left), cancelled
    )


def _part(document: Any, name: str) -> dict[str, Any]:
    return fields_of(fields_of(document).get(name))


def _read(value: Any, kind: Any) -> Any:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return None
