"""Amazon's orders as frames: one row for each order, one for each order item, and the addresses apart.

Times are `datetime64[us, UTC]`; absent texts are None. Buyers' data is in the address frame and in the columns
`gift_message` and `customization_url` of the line frame, and nowhere else.

`order_frame`, one row for each order, index 0…n-1:

============================ ==================================================================================
order_id                     Amazon's order id
marketplace_id               where it was placed, or None
created_at, last_updated_at  Amazon's times
fulfillment_status           UNSHIPPED, PARTIALLY_SHIPPED, …
fulfilled_by                 MERCHANT, AMAZON, a text that is neither, or None
service_level                fulfillmentServiceLevel, or None
programs                     tuple of texts: PRIME first, then PREMIUM, then the others by name
earliest_ship_at, ship_by    the ship-by window, or NaT
deliver_by                   the end of the deliver-by window, or NaT
purchase_order_number        of a business order, or None
replaces_order               the order that this one replaces or exchanges, or None
cancel_reason                why the buyer asks for a cancellation; "" without a reason; None: no open request
has_recipient                whether Amazon sent a delivery address at all
item_count                   number of order items
units_to_ship                units that are left to ship, over all items
============================ ==================================================================================

`line_frame`, one row for each order item, index 0…m-1:

============================ ==================================================================================
order_id, order_item_id      as Amazon writes them
item_number                  position in the order, from 1
seller_sku, asin, title      of the product, or None
quantity_ordered             units
quantity_fulfilled           units that Amazon knows to be shipped
quantity_to_ship             units that are left to ship: quantityUnfulfilled; where that is absent nothing of a
                             cancelled item, else ordered less fulfilled
unit_price, currency_code    decimal text and ISO 4217 code, or None
ioss_number, gift_wrap       or None
requires_…                   bool: serial_number, transparency_code, signature, age_check, identity_check
gift_message                 buyer's data, or None
customization_url            buyer's data, or None
============================ ==================================================================================

`address_frame`, one row for each order, index as in the order frame; every column a text or None:

order_id, name, company_name, line_1, line_2, line_3, city, district, state, postal_code, country_code, phone, email,
address_type, delivery_instructions
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mfn.amazon.orders import (
    NO_WINDOW,
    Address,
    GiftOption,
    ItemFulfillment,
    ItemShipping,
    Packing,
    Recipient,
    ShippingConstraints,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mfn.amazon.orders import Order, OrderItem

TIME_AT = len("2026-11-24")
"""The position at which ISO 8601 has a T and the tables have a blank."""

TEXT, COUNT, FLAG, TIME = "object", "int64", "bool", "datetime64[us, UTC]"
ORDER_COLUMNS = {
    "order_id": TEXT, "marketplace_id": TEXT, "created_at": TIME, "last_updated_at": TIME, "fulfillment_status": TEXT,
    "fulfilled_by": TEXT, "service_level": TEXT, "programs": TEXT, "earliest_ship_at": TIME, "ship_by": TIME,
    "deliver_by": TIME, "purchase_order_number": TEXT, "replaces_order": TEXT, "cancel_reason": TEXT,
    "has_recipient": FLAG, "item_count": COUNT, "units_to_ship": COUNT,
}  # fmt: skip
LINE_COLUMNS = {
    "order_id": TEXT, "order_item_id": TEXT, "item_number": COUNT, "seller_sku": TEXT, "asin": TEXT, "title": TEXT,
    "quantity_ordered": COUNT, "quantity_fulfilled": COUNT, "quantity_to_ship": COUNT, "unit_price": TEXT,
    "currency_code": TEXT, "ioss_number": TEXT, "gift_wrap": TEXT, "requires_serial_number": FLAG,
    "requires_transparency_code": FLAG, "requires_signature": FLAG, "requires_age_check": FLAG,
    "requires_identity_check": FLAG, "gift_message": TEXT, "customization_url": TEXT,
}  # fmt: skip
ADDRESS_COLUMNS = dict.fromkeys(
    ("order_id", "name", "company_name", "line_1", "line_2", "line_3", "city", "district", "state", "postal_code",
     "country_code", "phone", "email", "address_type", "delivery_instructions"), TEXT,
)  # fmt: skip

PROGRAM_ORDER = {"PRIME": "\x00", "PREMIUM": "\x01"}
REPLACED = (None, "", "REPLACEMENT_ORIGINAL_ID", "EXCHANGE_ORIGINAL_ID")
"""The relations of an order to the one that it replaces: Amazon's two types, or none given."""

NO_FULFILLMENT = ItemFulfillment()
NO_PACKING = Packing()
NO_SHIPPING = ItemShipping()
NO_GIFT = GiftOption()
NO_CONSTRAINTS = ShippingConstraints()
NO_RECIPIENT = Recipient()
NO_ADDRESS = Address()


def order_frame(orders: Sequence[Order]) -> pd.DataFrame:
    """One row for each order; see the table of the module.

    Args:
        orders: Decoded orders, without a repeated order id.
    """
    return _frame(ORDER_COLUMNS, map(_order_row, orders))


def line_frame(orders: Sequence[Order]) -> pd.DataFrame:
    """One row for each order item; see the table of the module."""
    return _frame(
        LINE_COLUMNS,
        (
            _line_row(order.order_id, number, item)
            for order in orders
            for number, item in enumerate(order.order_items, start=1)
        ),
    )


def address_frame(orders: Sequence[Order]) -> pd.DataFrame:
    """One row for each order, with buyer's data; see the table of the module.

    Args:
        orders: Decoded orders, in the order of the order frame.
    """
    return _frame(ADDRESS_COLUMNS, map(_address_row, orders))


def _frame(columns: Mapping[str, str], rows: Iterable[tuple[Any, ...]]) -> pd.DataFrame:
    # Row by row, then transposed: an order is in the processor's cache once, not once for each column.
    values = list(zip(*rows, strict=True)) or [()] * len(columns)
    return pd.DataFrame(
        {
            name: _times(column) if dtype == TIME else pd.Series(column, dtype=dtype)
            for (name, dtype), column in zip(columns.items(), values, strict=True)
        },
        copy=False,
    )


def _times(values: Sequence[Any]) -> pd.Series[Any]:
    # A time without a zone counts as UTC, which is what Amazon means.
    return pd.to_datetime(pd.Series(values, dtype="object"), utc=True, cache=False).dt.as_unit("us")


def _order_row(order: Order) -> tuple[Any, ...]:
    fulfillment, buyer, items = order.fulfillment, order.buyer, order.order_items
    ship_by, deliver_by = fulfillment.ship_by_window or NO_WINDOW, fulfillment.deliver_by_window or NO_WINDOW
    return (
        order.order_id,
        order.sales_channel.marketplace_id,
        order.created_time,
        order.last_updated_time,
        fulfillment.fulfillment_status,
        fulfillment.fulfilled_by,
        fulfillment.fulfillment_service_level,
        sorted_programs(order.programs),
        ship_by.earliest_date_time,
        ship_by.latest_date_time,
        deliver_by.latest_date_time,
        buyer and buyer.buyer_purchase_order_number,
        _replaced(order),
        _cancel_reason(order),
        order.recipient is not None and order.recipient.delivery_address is not None,
        len(items),
        sum([quantity_to_ship(item) for item in items]),
    )


def _line_row(order_id: str, number: int, item: OrderItem) -> tuple[Any, ...]:
    product, fulfillment = item.product, item.fulfillment or NO_FULFILLMENT
    price = product.price and product.price.unit_price
    packing, shipping = fulfillment.packing or NO_PACKING, fulfillment.shipping or NO_SHIPPING
    gift, serial = packing.gift_option or NO_GIFT, packing.serial_number_requirement
    constraints, international = shipping.shipping_constraints or NO_CONSTRAINTS, shipping.international_shipping
    return (
        order_id,
        item.order_item_id,
        number,
        product.seller_sku,
        product.asin,
        product.title,
        item.quantity_ordered,
        fulfillment.quantity_fulfilled or 0,
        quantity_to_ship(item),
        price and price.amount,
        price and price.currency_code,
        international and international.ioss_number,
        gift.gift_wrap_level,
        serial is not None and serial.requirement_type == "REQUIRED",
        item.programs is not None and "TRANSPARENCY" in item.programs,
        bool(constraints.signature_confirmation),
        bool(constraints.recipient_age_verification),
        bool(constraints.recipient_identity_verification),
        gift.gift_message,
        product.customization and product.customization.customized_url,
    )


def _address_row(order: Order) -> tuple[Any, ...]:
    recipient = order.recipient or NO_RECIPIENT
    address = recipient.delivery_address or NO_ADDRESS
    return (
        order.order_id,
        address.name,
        address.company_name,
        *_street(address),
        address.city or address.municipality,  # in Brazil the town may be in the second only
        address.district_or_county or (address.municipality if address.city else None),
        address.state_or_region,
        address.postal_code,
        address.country_code,
        address.phone,
        order.buyer and order.buyer.buyer_email,
        address.address_type,
        _instructions(recipient),
    )


def time_texts(times: pd.Series[Any]) -> list[str | None]:
    """A column of times in the form of the tables: `YYYY-MM-DD HH:MM:SS.ffffff` in UTC, None if there is none.

    Args:
        times: `datetime64[us, UTC]`.
    """
    moments = times.dt.tz_localize(None).to_numpy(dtype="datetime64[us]")
    distinct, places = np.unique(moments, return_inverse=True)  # thousands of orders share a ship-by
    written = np.datetime_as_string(distinct, unit="us")
    letters = written.view("U1").reshape(len(written), written.itemsize // 4)
    is_time = letters[:, 0] != "N"  # of NaT
    letters[is_time, TIME_AT] = " "
    texts = written.astype(object)
    texts[~is_time] = None
    chosen: list[str | None] = texts[places].tolist()
    return chosen


def sorted_programs(programs: Sequence[str] | None) -> tuple[str, ...]:
    """An order's programmes in the order in which mapping rows are tried: PRIME, PREMIUM, then by name."""
    return tuple(sorted(programs, key=lambda name: PROGRAM_ORDER.get(name, name))) if programs else ()


def quantity_to_ship(item: OrderItem) -> int:
    """Units of an order item that are left to ship."""
    fulfillment = item.fulfillment
    if fulfillment is not None and fulfillment.quantity_unfulfilled is not None:
        return fulfillment.quantity_unfulfilled
    if _is_cancelled(item):
        return 0
    return max(item.quantity_ordered - ((fulfillment and fulfillment.quantity_fulfilled) or 0), 0)


def _is_cancelled(item: OrderItem) -> bool:
    return item.cancellation is not None and item.cancellation.cancellation_execution is not None


def _replaced(order: Order) -> str | None:
    if not order.associated_orders:
        return None
    replaced = (other for other in order.associated_orders if other.association_type in REPLACED)
    return next((other.order_id for other in replaced if other.order_id), None)


def _cancel_reason(order: Order) -> str | None:
    for item in order.order_items:
        request = item.cancellation and item.cancellation.cancellation_request
        if request and not (_is_cancelled(item) and quantity_to_ship(item) == 0):
            return request.cancel_reason or ""
    return None


def _instructions(recipient: Recipient) -> str | None:
    wish = recipient.delivery_preference
    return (wish and "; ".join(text for text in (wish.drop_off_location, wish.address_instruction) if text)) or None


def _street(address: Address) -> tuple[str | None, str | None, str | None]:
    lines = (address.address_line1, address.address_line2, address.address_line3)
    extended = address.extended_fields
    if any(lines) or extended is None:
        return lines
    street = ", ".join(text for text in (extended.street_name, extended.street_number) if text)
    return street or None, extended.complement, extended.neighborhood
