"""What this project reads of an Amazon order, decoded and checked for shape in one pass.

Field names, and which of them are required: Amazon's model orders_2026-01-01.json of 2026-07-29. Only what is used
here is listed; every other field, now or in the future, passes by. Texts that Amazon documents as "possible values"
stay texts, so that a new value is no error.
"""

from __future__ import annotations

from datetime import MAXYEAR, MINYEAR, UTC, datetime
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from mfn.amazon.answers import UNREADABLE
from mfn.errors import DataError

PRIME = "PRIME"
MERCHANT = "MERCHANT"

Quantity = Annotated[int, Meta(ge=0, le=1_000_000)]
IDENTIFIER = r"^(?=.*[0-9A-Za-z])[!-~]{1,64}\Z"
"""What an id may look like: no space and no control character, so that every database, page and URL takes it."""

Identifier = Annotated[str, Meta(min_length=1, max_length=64, pattern=IDENTIFIER)]


class _Amazon(Struct, frozen=True, rename="camel", gc=False):
    """A part of Amazon's answer: camelCase on the wire, never changed after decoding."""


class Money(_Amazon, frozen=True):
    """An amount as Amazon writes it, a decimal text, and its ISO 4217 currency."""

    amount: str
    currency_code: str


class Window(_Amazon, frozen=True):
    """A range of time; Amazon writes UTC."""

    earliest_date_time: datetime | None = None
    latest_date_time: datetime | None = None


class ExtendedFields(_Amazon, frozen=True):
    """The parts of a Brazilian street address."""

    street_name: str | None = None
    street_number: str | None = None
    complement: str | None = None
    neighborhood: str | None = None


class Address(_Amazon, frozen=True):
    """Where the parcel goes; buyer's data."""

    name: str | None = None
    company_name: str | None = None
    address_line1: str | None = None
    address_line2: str | None = None
    address_line3: str | None = None
    city: str | None = None
    district_or_county: str | None = None
    state_or_region: str | None = None
    municipality: str | None = None
    postal_code: str | None = None
    country_code: str | None = None
    phone: str | None = None
    extended_fields: ExtendedFields | None = None
    address_type: str | None = None


class DeliveryPreference(_Amazon, frozen=True):
    """What the buyer asked of the carrier; buyer's data."""

    drop_off_location: str | None = None
    address_instruction: str | None = None


class Recipient(_Amazon, frozen=True):
    """Who receives; absent without the role Direct-to-Consumer Delivery (Restricted)."""

    delivery_address: Address | None = None
    delivery_preference: DeliveryPreference | None = None


class Buyer(_Amazon, frozen=True):
    """Who bought; buyer's data, but for the purchase order number."""

    buyer_email: str | None = None
    buyer_purchase_order_number: str | None = None


class SalesChannel(_Amazon, frozen=True):
    """Where the order was placed."""

    marketplace_id: str | None = None


class AssociatedOrder(_Amazon, frozen=True):
    """The order that this one replaces or exchanges."""

    order_id: str | None = None


class OrderFulfillment(_Amazon, frozen=True):
    """Status, channel and dates of the order."""

    fulfillment_status: str
    fulfilled_by: str | None = None
    fulfillment_service_level: str | None = None
    ship_by_window: Window | None = None
    deliver_by_window: Window | None = None


class Price(_Amazon, frozen=True):
    """What one unit costs."""

    unit_price: Money | None = None


class Customization(_Amazon, frozen=True):
    """Amazon Custom: where the buyer's text or picture is; buyer's data."""

    customized_url: str | None = None


class Product(_Amazon, frozen=True):
    """What was bought."""

    asin: str | None = None
    title: str | None = None
    seller_sku: str | None = None
    price: Price | None = None
    customization: Customization | None = None


class GiftOption(_Amazon, frozen=True):
    """Gift message (buyer's data) and wrap."""

    gift_message: str | None = None
    gift_wrap_level: str | None = None


class SerialNumberRequirement(_Amazon, frozen=True):
    """Whether the warehouse must note serial numbers."""

    requirement_type: str | None = None


class Packing(_Amazon, frozen=True):
    """How to pack."""

    gift_option: GiftOption | None = None
    serial_number_requirement: SerialNumberRequirement | None = None


class ShippingConstraints(_Amazon, frozen=True):
    """What the carrier must do at the door; `MANDATORY` or absent."""

    signature_confirmation: str | None = None
    recipient_identity_verification: str | None = None
    recipient_age_verification: str | None = None


class InternationalShipping(_Amazon, frozen=True):
    """The import one-stop-shop number of the European Union."""

    ioss_number: str | None = None


class ItemShipping(_Amazon, frozen=True):
    """How the item must be shipped."""

    shipping_constraints: ShippingConstraints | None = None
    international_shipping: InternationalShipping | None = None


class ItemFulfillment(_Amazon, frozen=True):
    """What of the item has been shipped, and what is left."""

    quantity_fulfilled: Quantity | None = None
    quantity_unfulfilled: Quantity | None = None
    packing: Packing | None = None
    shipping: ItemShipping | None = None


class CancellationRequest(_Amazon, frozen=True):
    """The buyer asks for the item to be cancelled; the order stays unshipped until the seller acts."""

    requester: str | None = None
    cancel_reason: str | None = None


class ItemCancellation(_Amazon, frozen=True):
    """A cancellation that somebody asked for."""

    cancellation_request: CancellationRequest | None = None


class OrderItem(_Amazon, frozen=True):
    """One line of an order, in Amazon's words an order item."""

    order_item_id: Identifier
    quantity_ordered: Quantity
    product: Product
    programs: list[str] | None = None
    fulfillment: ItemFulfillment | None = None
    cancellation: ItemCancellation | None = None


class Order(_Amazon, frozen=True):
    """One order as searchOrders and getOrder return it."""

    order_id: Identifier
    created_time: datetime
    last_updated_time: datetime
    sales_channel: SalesChannel
    order_items: list[OrderItem]
    fulfillment: OrderFulfillment
    programs: list[str] | None = None
    associated_orders: list[AssociatedOrder] | None = None
    buyer: Buyer | None = None
    recipient: Recipient | None = None


_DECODER = msgspec.json.Decoder(Order)

NO_WINDOW = Window()
ENDS_OF_TIME = {MINYEAR, MAXYEAR}
PATHS = (
    "createdTime", "lastUpdatedTime", "fulfillment.shipByWindow.earliestDateTime",
    "fulfillment.shipByWindow.latestDateTime", "fulfillment.deliverByWindow.earliestDateTime",
    "fulfillment.deliverByWindow.latestDateTime",
)  # fmt: skip
"""Where each of an order's times stands in it."""


def decode_order(raw: bytes) -> Order:
    """One order from the text that Amazon sent.

    Args:
        raw: The JSON text of one order.

    Raises:
        DataError: Not an order; the message names the path that is wrong and what was expected there. It holds no
            value from the order, so that it may be shown.
    """
    try:
        order = _DECODER.decode(raw)
        _must_exist_in_utc(order)
    except UNREADABLE as error:
        raise DataError(
            f"the payload cannot be read as an order: {error}",
            remedy="Compare it with Amazon's model orders_2026-01-01; it is read again from Amazon on every run.",
        ) from None
    return order


def _must_exist_in_utc(order: Order) -> None:
    """Refuse the first and the last hours that a calendar has, where their zone puts them outside of it in UTC."""
    fulfillment = order.fulfillment
    ship_by, deliver_by = fulfillment.ship_by_window or NO_WINDOW, fulfillment.deliver_by_window or NO_WINDOW
    times = (
        order.created_time, order.last_updated_time, ship_by.earliest_date_time, ship_by.latest_date_time,
        deliver_by.earliest_date_time, deliver_by.latest_date_time,
    )  # fmt: skip
    for moment in times:
        if moment is not None and moment.year in ENDS_OF_TIME:
            try:
                in_utc(moment)
            except OverflowError:
                path = PATHS[times.index(moment)]
                told = f"Expected a time between the years 1 and 9999 in UTC - at `$.{path}`"
                raise msgspec.ValidationError(told) from None


def in_utc(moment: datetime) -> datetime:
    """The same moment in UTC; Amazon writes UTC, and a time without a zone is taken as such."""
    if moment.tzinfo is UTC:
        return moment
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


class SearchPage(Struct, frozen=True, rename="camel"):
    """One page of searchOrders; each order stays the text that Amazon sent."""

    orders: list[msgspec.Raw]
    pagination: Pagination | None = None
    last_updated_before: datetime | None = None


class Pagination(Struct, frozen=True, rename="camel"):
    """Where the next page is; absent on the last one."""

    next_token: str | None = None
