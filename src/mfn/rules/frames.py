"""Amazon's orders as frames: one row an order, one row an order item, and the address apart.

Times are `datetime64[us, UTC]`; absent texts are None. Buyers' data stands in the address frame and in the columns
`gift_message` and `customization_url` of the line frame, and nowhere else.

`order_frame`, one row an order, index 0…n-1:

============================ ==================================================================================
order_id                     Amazon's order id
marketplace_id               where it was placed, or None
created_at, last_updated_at  Amazon's times
fulfillment_status           UNSHIPPED, PARTIALLY_SHIPPED, …
fulfilled_by                 MERCHANT, AMAZON or None
service_level                fulfillmentServiceLevel, or None
programs                     tuple of texts: PRIME first, then PREMIUM, then the others by name
earliest_ship_at, ship_by    the ship-by window, or NaT
deliver_by                   the end of the deliver-by window, or NaT
purchase_order_number        of a business order, or None
replaces_order               the order that this one replaces or exchanges, or None
cancel_reason                why the buyer asks for a cancellation; "" without a reason; None: no request
has_recipient                whether Amazon sent a delivery address at all
item_count                   number of order items
units_to_ship                units that are left to ship, over all items
============================ ==================================================================================

`line_frame`, one row an order item, index 0…m-1:

============================ ==================================================================================
order_id, order_item_id      as Amazon writes them
item_number                  position in the order, from 1
seller_sku, asin, title      of the product, or None
quantity_ordered             units
quantity_fulfilled           units that Amazon knows to be shipped
quantity_to_ship             units that are left to ship: quantityUnfulfilled, or ordered less fulfilled where absent
unit_price, currency_code    decimal text and ISO 4217 code, or None
ioss_number, gift_wrap       or None
requires_…                   bool: serial_number, transparency_code, signature, age_check, identity_check
gift_message                 buyer's data, or None
customization_url            buyer's data, or None
============================ ==================================================================================

`address_frame`, one row an order, index as in the order frame; every column a text or None:

order_id, name, company_name, line_1, line_2, line_3, city, district, state, postal_code, country_code, phone, email,
address_type, delivery_instructions
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mfn.amazon.orders import in_utc

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mfn.amazon.orders import Address, Order, OrderItem

PROGRAM_ORDER = {"PRIME": "\x00", "PREMIUM": "\x01"}
TIMES = ("created_at", "last_updated_at", "earliest_ship_at", "ship_by", "deliver_by")

ORDER_COLUMNS = (
    "order_id", "marketplace_id", "created_at", "last_updated_at", "fulfillment_status", "fulfilled_by",
    "service_level", "programs", "earliest_ship_at", "ship_by", "deliver_by", "purchase_order_number", "replaces_order",
    "cancel_reason", "has_recipient", "item_count", "units_to_ship",
)  # fmt: skip
LINE_COLUMNS = (
    "order_id", "order_item_id", "item_number", "seller_sku", "asin", "title", "quantity_ordered", "quantity_fulfilled",
    "quantity_to_ship", "unit_price", "currency_code", "ioss_number", "gift_wrap", "requires_serial_number",
    "requires_transparency_code", "requires_signature", "requires_age_check", "requires_identity_check", "gift_message",
    "customization_url",
)  # fmt: skip
ADDRESS_COLUMNS = (
    "order_id", "name", "company_name", "line_1", "line_2", "line_3", "city", "district", "state", "postal_code",
    "country_code", "phone", "email", "address_type", "delivery_instructions",
)  # fmt: skip


def order_frame(orders: Sequence[Order]) -> pd.DataFrame:
    """One row an order; see the module's table.

    Args:
        orders: Decoded orders; an order id stands once.
    """
    return _frame([_order_row(order) for order in orders], ORDER_COLUMNS)


def line_frame(orders: Sequence[Order]) -> pd.DataFrame:
    """One row an order item; see the module's table.

    Args:
        orders: Decoded orders.
    """
    return _frame(
        [_line_row(order, number, item) for order in orders for number, item in enumerate(order.order_items, start=1)],
        LINE_COLUMNS,
    )


def address_frame(orders: Sequence[Order]) -> pd.DataFrame:
    """One row an order, buyer's data; see the module's table.

    Args:
        orders: Decoded orders, in the order of the order frame.
    """
    return _frame([_address_row(order) for order in orders], ADDRESS_COLUMNS)


def _frame(rows: list[tuple[Any, ...]], columns: Sequence[str]) -> pd.DataFrame:
    values = zip(*rows, strict=True) if rows else ((),) * len(columns)
    return pd.DataFrame(
        {name: _column(name, list(column)) for name, column in zip(columns, values, strict=True)}, columns=list(columns)
    )


def _column(name: str, values: list[Any]) -> pd.Series[Any]:
    if name in TIMES:
        return pd.Series(values, dtype="datetime64[us, UTC]")
    if name.startswith(("has_", "requires_")):
        return pd.Series(values, dtype="bool")
    if name.startswith("quantity_") or name in {"item_number", "item_count", "units_to_ship"}:
        return pd.Series(values, dtype="int64")
    return pd.Series(values, dtype="object")


def time_texts(times: pd.Series[Any]) -> list[str | None]:
    """A column of times as the tables take them: `YYYY-MM-DD HH:MM:SS.ffffff` in UTC, None where there is none.

    Args:
        times: `datetime64[us, UTC]`.
    """
    written = np.datetime_as_string(times.dt.tz_localize(None).to_numpy(dtype="datetime64[us]"), unit="us")
    return [None if text == "NaT" else text.replace("T", " ") for text in written.tolist()]


def sorted_programs(programs: Sequence[str] | None) -> tuple[str, ...]:
    """An order's programmes in the order in which mapping rows are tried: PRIME, PREMIUM, then by name."""
    return tuple(sorted(programs or (), key=lambda name: PROGRAM_ORDER.get(name, name)))


def quantity_to_ship(item: OrderItem) -> int:
    """Units of an order item that are left to ship."""
    fulfillment = item.fulfillment
    if fulfillment is not None and fulfillment.quantity_unfulfilled is not None:
        return fulfillment.quantity_unfulfilled
    return max(item.quantity_ordered - ((fulfillment and fulfillment.quantity_fulfilled) or 0), 0)


def _order_row(order: Order) -> tuple[Any, ...]:
    fulfillment = order.fulfillment
    ship_by, deliver_by = fulfillment.ship_by_window, fulfillment.deliver_by_window
    earliest = ship_by.earliest_date_time if ship_by else None
    latest = ship_by.latest_date_time if ship_by else None
    deliver = deliver_by.latest_date_time if deliver_by else None
    replaced = [other.order_id for other in order.associated_orders or () if other.order_id]
    return (
        order.order_id,
        order.sales_channel.marketplace_id,
        in_utc(order.created_time),
        in_utc(order.last_updated_time),
        fulfillment.fulfillment_status,
        fulfillment.fulfilled_by,
        fulfillment.fulfillment_service_level,
        sorted_programs(order.programs),
        earliest and in_utc(earliest),
        latest and in_utc(latest),
        deliver and in_utc(deliver),
        order.buyer.buyer_purchase_order_number if order.buyer else None,
        replaced[0] if replaced else None,
        _cancel_reason(order),
        bool(order.recipient and order.recipient.delivery_address),
        len(order.order_items),
        sum(quantity_to_ship(item) for item in order.order_items),
    )


def _cancel_reason(order: Order) -> str | None:
    for item in order.order_items:
        request = item.cancellation and item.cancellation.cancellation_request
        if request:
            return request.cancel_reason or ""
    return None


def _line_row(order: Order, number: int, item: OrderItem) -> tuple[Any, ...]:
    product, fulfillment = item.product, item.fulfillment
    price = product.price.unit_price if product.price else None
    packing = fulfillment.packing if fulfillment else None
    shipping = fulfillment.shipping if fulfillment else None
    gift = packing.gift_option if packing else None
    serial = packing.serial_number_requirement if packing else None
    constraints = shipping.shipping_constraints if shipping else None
    international = shipping.international_shipping if shipping else None
    return (
        order.order_id,
        item.order_item_id,
        number,
        product.seller_sku,
        product.asin,
        product.title,
        item.quantity_ordered,
        (fulfillment and fulfillment.quantity_fulfilled) or 0,
        quantity_to_ship(item),
        price.amount if price else None,
        price.currency_code if price else None,
        international.ioss_number if international else None,
        gift.gift_wrap_level if gift else None,
        bool(serial and serial.requirement_type == "REQUIRED"),
        "TRANSPARENCY" in (item.programs or ()),
        bool(constraints and constraints.signature_confirmation),
        bool(constraints and constraints.recipient_age_verification),
        bool(constraints and constraints.recipient_identity_verification),
        gift.gift_message if gift else None,
        product.customization.customized_url if product.customization else None,
    )


def _address_row(order: Order) -> tuple[Any, ...]:
    recipient = order.recipient
    preference = recipient.delivery_preference if recipient else None
    instructions = (
        [text for text in (preference.drop_off_location, preference.address_instruction) if text] if preference else []
    )
    email = order.buyer.buyer_email if order.buyer else None
    address = recipient.delivery_address if recipient else None
    if address is None:
        return (order.order_id, *(None,) * 11, email, None, "; ".join(instructions) or None)
    line_1, line_2, line_3 = _street(address)
    return (
        order.order_id, address.name, address.company_name, line_1, line_2, line_3, address.city,
        address.district_or_county or address.municipality, address.state_or_region, address.postal_code,
        address.country_code, address.phone, email, address.address_type, "; ".join(instructions) or None,
    )  # fmt: skip


def _street(address: Address) -> tuple[str | None, str | None, str | None]:
    lines = (address.address_line1, address.address_line2, address.address_line3)
    extended = address.extended_fields
    if any(lines) or extended is None:
        return lines
    street = ", ".join(text for text in (extended.street_name, extended.street_number) if text)
    return street or None, extended.complement, extended.neighborhood
