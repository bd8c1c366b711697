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

from mfn.amazon.orders import (
    NO_WINDOW,
    Address,
    Buyer,
    GiftOption,
    ItemFulfillment,
    ItemShipping,
    Packing,
    Recipient,
    ShippingConstraints,
    in_utc,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from mfn.amazon.orders import Order, OrderItem

TIME_AT = len("2026-11-24")
"""Where ISO 8601 has a T and the tables have a blank."""

PROGRAM_ORDER = {"PRIME": "\x00", "PREMIUM": "\x01"}
NO_FULFILLMENT = ItemFulfillment()
NO_PACKING = Packing()
NO_SHIPPING = ItemShipping()
NO_GIFT = GiftOption()
NO_CONSTRAINTS = ShippingConstraints()
NO_RECIPIENT = Recipient()
NO_ADDRESS = Address()
NO_BUYER = Buyer()


def order_frame(orders: Sequence[Order]) -> pd.DataFrame:
    """One row an order; see the module's table.

    Args:
        orders: Decoded orders; an order id stands once.
    """
    fulfillments = [order.fulfillment for order in orders]
    ship_by = [fulfillment.ship_by_window or NO_WINDOW for fulfillment in fulfillments]
    deliver_by = [fulfillment.deliver_by_window or NO_WINDOW for fulfillment in fulfillments]
    buyers = [order.buyer or NO_BUYER for order in orders]
    recipients = [order.recipient or NO_RECIPIENT for order in orders]
    return pd.DataFrame(
        {
            "order_id": _plain([order.order_id for order in orders]),
            "marketplace_id": _plain([order.sales_channel.marketplace_id for order in orders]),
            "created_at": _times([order.created_time for order in orders]),
            "last_updated_at": _times([order.last_updated_time for order in orders]),
            "fulfillment_status": _plain([fulfillment.fulfillment_status for fulfillment in fulfillments]),
            "fulfilled_by": _plain([fulfillment.fulfilled_by for fulfillment in fulfillments]),
            "service_level": _plain([fulfillment.fulfillment_service_level for fulfillment in fulfillments]),
            "programs": _plain([sorted_programs(order.programs) for order in orders]),
            "earliest_ship_at": _times([window.earliest_date_time for window in ship_by]),
            "ship_by": _times([window.latest_date_time for window in ship_by]),
            "deliver_by": _times([window.latest_date_time for window in deliver_by]),
            "purchase_order_number": _plain([buyer.buyer_purchase_order_number for buyer in buyers]),
            "replaces_order": _plain([_replaced(order) for order in orders]),
            "cancel_reason": _plain([_cancel_reason(order) for order in orders]),
            "has_recipient": _flags([recipient.delivery_address is not None for recipient in recipients]),
            "item_count": _counts([len(order.order_items) for order in orders]),
            "units_to_ship": _counts([sum(map(quantity_to_ship, order.order_items)) for order in orders]),
        }
    )


def line_frame(orders: Sequence[Order]) -> pd.DataFrame:
    """One row an order item; see the module's table.

    Args:
        orders: Decoded orders.
    """
    items = [item for order in orders for item in order.order_items]
    products = [item.product for item in items]
    prices = [product.price.unit_price if product.price else None for product in products]
    fulfillments = [item.fulfillment or NO_FULFILLMENT for item in items]
    packings = [fulfillment.packing or NO_PACKING for fulfillment in fulfillments]
    gifts = [packing.gift_option or NO_GIFT for packing in packings]
    serials = [packing.serial_number_requirement for packing in packings]
    shippings = [fulfillment.shipping or NO_SHIPPING for fulfillment in fulfillments]
    constraints = [shipping.shipping_constraints or NO_CONSTRAINTS for shipping in shippings]
    international = [shipping.international_shipping for shipping in shippings]
    return pd.DataFrame(
        {
            "order_id": _plain([order.order_id for order in orders for _ in order.order_items]),
            "order_item_id": _plain([item.order_item_id for item in items]),
            "item_number": _counts([n for order in orders for n in range(1, len(order.order_items) + 1)]),
            "seller_sku": _plain([product.seller_sku for product in products]),
            "asin": _plain([product.asin for product in products]),
            "title": _plain([product.title for product in products]),
            "quantity_ordered": _counts([item.quantity_ordered for item in items]),
            "quantity_fulfilled": _counts([fulfillment.quantity_fulfilled or 0 for fulfillment in fulfillments]),
            "quantity_to_ship": _counts(list(map(quantity_to_ship, items))),
            "unit_price": _plain([price and price.amount for price in prices]),
            "currency_code": _plain([price and price.currency_code for price in prices]),
            "ioss_number": _plain([shipping and shipping.ioss_number for shipping in international]),
            "gift_wrap": _plain([gift.gift_wrap_level for gift in gifts]),
            "requires_serial_number": _flags(
                [bool(serial and serial.requirement_type == "REQUIRED") for serial in serials]
            ),
            "requires_transparency_code": _flags(["TRANSPARENCY" in (item.programs or ()) for item in items]),
            "requires_signature": _flags([bool(one.signature_confirmation) for one in constraints]),
            "requires_age_check": _flags([bool(one.recipient_age_verification) for one in constraints]),
            "requires_identity_check": _flags([bool(one.recipient_identity_verification) for one in constraints]),
            "gift_message": _plain([gift.gift_message for gift in gifts]),
            "customization_url": _plain(
                [product.customization and product.customization.customized_url for product in products]
            ),
        }
    )


def address_frame(orders: Sequence[Order]) -> pd.DataFrame:
    """One row an order, buyer's data; see the module's table.

    Args:
        orders: Decoded orders, in the order of the order frame.
    """
    recipients = [order.recipient or NO_RECIPIENT for order in orders]
    addresses = [recipient.delivery_address or NO_ADDRESS for recipient in recipients]
    streets = [_street(address) for address in addresses]
    return pd.DataFrame(
        {
            "order_id": _plain([order.order_id for order in orders]),
            "name": _plain([address.name for address in addresses]),
            "company_name": _plain([address.company_name for address in addresses]),
            "line_1": _plain([line_1 for line_1, _, _ in streets]),
            "line_2": _plain([line_2 for _, line_2, _ in streets]),
            "line_3": _plain([line_3 for _, _, line_3 in streets]),
            "city": _plain([address.city for address in addresses]),
            "district": _plain([address.district_or_county or address.municipality for address in addresses]),
            "state": _plain([address.state_or_region for address in addresses]),
            "postal_code": _plain([address.postal_code for address in addresses]),
            "country_code": _plain([address.country_code for address in addresses]),
            "phone": _plain([address.phone for address in addresses]),
            "email": _plain([order.buyer.buyer_email if order.buyer else None for order in orders]),
            "address_type": _plain([address.address_type for address in addresses]),
            "delivery_instructions": _plain([_instructions(recipient) for recipient in recipients]),
        }
    )


def _plain(values: list[Any]) -> pd.Series[Any]:
    return pd.Series(values, dtype="object")


def _counts(values: list[int]) -> pd.Series[int]:
    return pd.Series(values, dtype="int64")


def _flags(values: list[bool]) -> pd.Series[bool]:
    return pd.Series(values, dtype="bool")


def _times(values: list[datetime | None]) -> pd.Series[Any]:
    return pd.Series([value and in_utc(value) for value in values], dtype="datetime64[us, UTC]")


def time_texts(times: pd.Series[Any]) -> list[str | None]:
    """A column of times as the tables take them: `YYYY-MM-DD HH:MM:SS.ffffff` in UTC, None where there is none.

    Args:
        times: `datetime64[us, UTC]`.
    """
    written = np.datetime_as_string(times.dt.tz_localize(None).to_numpy(dtype="datetime64[us]"), unit="us")
    letters = written.view("U1").reshape(len(written), written.itemsize // 4)
    is_time = letters[:, 0] != "N"  # of NaT
    letters[is_time, TIME_AT] = " "
    return [text if is_there else None for text, is_there in zip(written.tolist(), is_time.tolist(), strict=True)]


def sorted_programs(programs: Sequence[str] | None) -> tuple[str, ...]:
    """An order's programmes in the order in which mapping rows are tried: PRIME, PREMIUM, then by name."""
    return tuple(sorted(programs, key=lambda name: PROGRAM_ORDER.get(name, name))) if programs else ()


def quantity_to_ship(item: OrderItem) -> int:
    """Units of an order item that are left to ship."""
    fulfillment = item.fulfillment
    if fulfillment is not None and fulfillment.quantity_unfulfilled is not None:
        return fulfillment.quantity_unfulfilled
    return max(item.quantity_ordered - ((fulfillment and fulfillment.quantity_fulfilled) or 0), 0)


def _replaced(order: Order) -> str | None:
    return next((other.order_id for other in order.associated_orders or () if other.order_id), None)


def _cancel_reason(order: Order) -> str | None:
    for item in order.order_items:
        request = item.cancellation and item.cancellation.cancellation_request
        if request:
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
