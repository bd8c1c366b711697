"""What this project reads of an Amazon order, decoded and checked for shape in one pass.

Field names, and which of them are required: Amazon's model orders_2026-01-01.json of 2026-07-29. Only what is used
here is listed; every other field, now or in the future, is ignored. Texts that Amazon documents as "possible values"
stay texts, so that a new value is no error.
"""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - msgspec reads the types when it runs
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from mfn.amazon.answers import UNREADABLE
from mfn.amazon.order_times import must_exist_in_utc, with_whole_times
from mfn.errors import DataError

PRIME = "PRIME"
MERCHANT, AMAZON = "MERCHANT", "AMAZON"
PENDING = ("PENDING", "PENDING_AVAILABILITY")  # nobody may ship these yet
DUE = ("UNSHIPPED", "PARTIALLY_SHIPPED")
CANCELLED = "CANCELLED"

UNITS_AT_MOST = 1_000_000
Quantity = Annotated[int, Meta(ge=0, le=UNITS_AT_MOST)]
IDENTIFIER = r"^(?=.*[0-9A-Za-z])[!-~]{1,64}\Z"
"""The form of an id: no spaces or control characters, so that every database, page and URL accepts it."""

ORDER_ID = r"^\d{3}-\d{7}-\d{7}$"
"""The form of Amazon's order ids, which is nowhere promised."""

Identifier = Annotated[str, Meta(min_length=1, max_length=64, pattern=IDENTIFIER)]

MOST_BYTES = 4 * 1024 * 1024
"""The longest text of one order; a thousand items have one megabyte."""

# Far more than Amazon sends, and short enough for a page, a terminal and a column.
Word = Annotated[str, Meta(max_length=200)]
Line = Annotated[str, Meta(max_length=1_000)]
Text = Annotated[str, Meta(max_length=10_000)]
Amount = Annotated[str, Meta(pattern=r"^-?[0-9]{1,15}(\.[0-9]{1,15})?([eE][+-]?0?[0-9])?\Z")]
"""A number as in RFC 7159, says the model: `1E+3` is one, too."""

Programs = Annotated[list[Word], Meta(max_length=100)]


class _Amazon(Struct, frozen=True, rename="camel", gc=False):
    """A part of Amazon's answer: camelCase on the wire, immutable after decoding."""


class Money(_Amazon, frozen=True):
    """An amount as Amazon writes it, a decimal number as text, and its ISO 4217 currency."""

    amount: Amount
    currency_code: Word


class Window(_Amazon, frozen=True):
    """A range of time; Amazon writes UTC."""

    earliest_date_time: datetime | None = None
    latest_date_time: datetime | None = None


class ExtendedFields(_Amazon, frozen=True):
    """The parts of a Brazilian street address."""

    street_name: Line | None = None
    street_number: Line | None = None
    complement: Line | None = None
    neighborhood: Line | None = None


class Address(_Amazon, frozen=True):
    """Where the parcel goes; buyer's data."""

    name: Line | None = None
    company_name: Line | None = None
    address_line1: Line | None = None
    address_line2: Line | None = None
    address_line3: Line | None = None
    city: Line | None = None
    district_or_county: Line | None = None
    state_or_region: Line | None = None
    municipality: Line | None = None
    postal_code: Word | None = None
    country_code: Word | None = None
    phone: Line | None = None
    extended_fields: ExtendedFields | None = None
    address_type: Word | None = None


class DeliveryPreference(_Amazon, frozen=True):
    """What the buyer asked of the carrier; buyer's data."""

    drop_off_location: Text | None = None
    address_instruction: Text | None = None


class Recipient(_Amazon, frozen=True):
    """The recipient; absent without the role Direct-to-Consumer Delivery (Restricted)."""

    delivery_address: Address | None = None
    delivery_preference: DeliveryPreference | None = None


class Buyer(_Amazon, frozen=True):
    """The buyer; buyer's data, except for the purchase order number."""

    buyer_email: Line | None = None
    buyer_purchase_order_number: Line | None = None


class SalesChannel(_Amazon, frozen=True):
    """Where the order was placed."""

    marketplace_id: Word | None = None


class AssociatedOrder(_Amazon, frozen=True):
    """Another order, and its relation to this one."""

    order_id: Word | None = None
    association_type: Any = None


class OrderFulfillment(_Amazon, frozen=True):
    """Status, channel and dates of the order."""

    fulfillment_status: Word
    fulfilled_by: Word | None = None
    fulfillment_service_level: Word | None = None
    ship_by_window: Window | None = None
    deliver_by_window: Window | None = None


class Price(_Amazon, frozen=True):
    """The price of one unit."""

    unit_price: Money | None = None


class Customization(_Amazon, frozen=True):
    """Amazon Custom: where the buyer's text or picture is; buyer's data."""

    customized_url: Text | None = None


class Product(_Amazon, frozen=True):
    """The product that was bought."""

    asin: Word | None = None
    title: Text | None = None
    seller_sku: Word | None = None
    price: Price | None = None
    customization: Customization | None = None


class GiftOption(_Amazon, frozen=True):
    """Gift message (buyer's data) and wrap."""

    gift_message: Text | None = None
    gift_wrap_level: Word | None = None


class SerialNumberRequirement(_Amazon, frozen=True):
    """Whether the warehouse must note serial numbers."""

    requirement_type: Word | None = None


class Packing(_Amazon, frozen=True):
    """How to pack."""

    gift_option: GiftOption | None = None
    serial_number_requirement: SerialNumberRequirement | None = None


class ShippingConstraints(_Amazon, frozen=True):
    """What the carrier must do at the door; `MANDATORY` or absent."""

    signature_confirmation: Word | None = None
    recipient_identity_verification: Word | None = None
    recipient_age_verification: Word | None = None


class InternationalShipping(_Amazon, frozen=True):
    """The import one-stop-shop number of the European Union."""

    ioss_number: Word | None = None


class ItemShipping(_Amazon, frozen=True):
    """How the item must be shipped."""

    shipping_constraints: ShippingConstraints | None = None
    international_shipping: InternationalShipping | None = None


class ItemFulfillment(_Amazon, frozen=True):
    """How many units of the item have been shipped, and how many are left."""

    quantity_fulfilled: Quantity | None = None
    quantity_unfulfilled: Quantity | None = None
    packing: Packing | None = None
    shipping: ItemShipping | None = None


class CancellationRequest(_Amazon, frozen=True):
    """The buyer asks for the item to be cancelled; the order stays unshipped until the seller acts."""

    cancel_reason: Text | None = None


class ItemCancellation(_Amazon, frozen=True):
    """A cancellation that somebody requested, or that was carried out; of the latter only the fact counts."""

    cancellation_request: CancellationRequest | None = None
    cancellation_execution: Any = None


class OrderItem(_Amazon, frozen=True):
    """One line of an order, in Amazon's words an order item."""

    order_item_id: Identifier
    quantity_ordered: Quantity
    product: Product
    programs: Programs | None = None
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
    programs: Programs | None = None
    associated_orders: list[AssociatedOrder] | None = None
    buyer: Buyer | None = None
    recipient: Recipient | None = None


_DECODER = msgspec.json.Decoder(Order)

NO_WINDOW = Window()


def decode_order(raw: bytes) -> Order:
    """One order from the text that Amazon sent.

    Raises:
        DataError: Not an order; the message names the wrong path and what was expected there. It contains no value
            from the order, so that it may be shown.
    """
    try:
        order = _decoded(raw)
        must_exist_in_utc(_times(order))
    except UNREADABLE as error:
        raise DataError(
            f"the payload cannot be read as an order: {error}",
            remedy="Compare it with Amazon's model orders_2026-01-01; every run reads it from Amazon again.",
        ) from None
    return order


def _decoded(raw: bytes) -> Order:
    if len(raw) > MOST_BYTES:
        raise msgspec.ValidationError(f"Expected at most {MOST_BYTES} bytes, got {len(raw)}")
    try:
        return _DECODER.decode(raw)
    except msgspec.ValidationError as error:
        try:
            return _DECODER.decode(with_whole_times(raw))
        except UNREADABLE:
            raise error from None


def _times(order: Order) -> tuple[datetime | None, ...]:
    """All times of an order, as `mfn.amazon.order_times.PATHS` names them."""
    fulfillment = order.fulfillment
    ship_by, deliver_by = fulfillment.ship_by_window or NO_WINDOW, fulfillment.deliver_by_window or NO_WINDOW
    return (
        order.created_time, order.last_updated_time, ship_by.earliest_date_time, ship_by.latest_date_time,
        deliver_by.earliest_date_time, deliver_by.latest_date_time,
    )  # fmt: skip
