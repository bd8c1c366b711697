"""ORDER_CHANGE: which order a message says has changed; of a message that cannot be used, only its shape.

Source: Amazon's model OrderChangeNotification.json, 2026-05-27. If it came through an EventBridge rule, it is
inside `detail` of that service's envelope. The only buyer's data in it is the postal code, which is not read here.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from mfn.amazon.answers import UNREADABLE
from mfn.errors import DataError
from mfn.ledger.arrivals import is_order_id
from mfn.ledger.named_orders import OrderName
from mfn.moments import in_utc

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mfn.connection import Connection

ORDER_CHANGE = "ORDER_CHANGE"

STATUSES = {
    "Pending": "PENDING",
    "Unshipped": "UNSHIPPED",
    "PartiallyShipped": "PARTIALLY_SHIPPED",
    "Canceled": "CANCELLED",
}
"""The statuses that an import fetches, as a notification and as the Orders API spell them; no others concern it."""

DEEPEST = 6
"""How many levels of a message are described; ORDER_CHANGE has as many."""

KNOWN_KEYS = {
    "version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail",
    "NotificationVersion", "NotificationType", "PayloadVersion", "EventTime", "Payload", "NotificationMetadata",
    "ApplicationId", "SubscriptionId", "PublishTime", "NotificationId", "OrderChangeNotification",
    "NotificationLevel", "SellerId", "AmazonOrderId", "OrderChangeType", "OrderChangeTrigger", "TimeOfOrderChange",
    "ChangeReason", "Summary", "MarketplaceId", "OrderStatus", "PurchaseDate", "DestinationPostalCode",
    "FulfillmentType", "OrderType", "NumberOfItemsShipped", "NumberOfItemsUnshipped", "EarliestDeliveryDate",
    "LatestDeliveryDate", "EarliestShipDate", "LatestShipDate", "CancelNotifyDate", "OrderPrograms",
    "ShippingPrograms", "EasyShipShipmentStatus", "ElectronicInvoiceStatus", "OrderItems", "OrderItemId", "SellerSKU",
    "SupplySourceId", "OrderItemStatus", "Quantity", "QuantityShipped", "IsBuyerRequestedCancel",
    "ItemEarliestDeliveryDate", "ItemLatestDeliveryDate",
}  # fmt: skip
"""The keys of Amazon's model and EventBridge's envelope; any other key may be somebody's data."""

_TYPE = re.compile(r"[A-Z_]{1,80}")
"""The form of Amazon's types of notifications; nothing else is shown."""

Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class _Envelope(msgspec.Struct, frozen=True):
    detail: msgspec.Raw


class _Header(msgspec.Struct, frozen=True, rename="pascal"):
    notification_type: str


class _Summary(msgspec.Struct, frozen=True, rename="pascal"):
    marketplace_id: str
    order_status: str
    fulfillment_type: str


class _Trigger(msgspec.Struct, frozen=True, rename="pascal"):
    time_of_order_change: Moment | None = None


class _Change(msgspec.Struct, frozen=True, rename="pascal"):
    seller_id: str
    amazon_order_id: str
    order_change_trigger: _Trigger
    summary: _Summary


class _Payload(msgspec.Struct, frozen=True, rename="pascal"):
    order_change_notification: _Change


class _Notification(msgspec.Struct, frozen=True, rename="pascal"):
    event_time: Moment
    payload: _Payload


_ENVELOPE = msgspec.json.Decoder(_Envelope)
_HEADER = msgspec.json.Decoder(_Header)
_NOTIFICATION = msgspec.json.Decoder(_Notification)


class OrderChange(msgspec.Struct, frozen=True):
    """An order that changed, as Amazon reports it to a seller.

    Attributes:
        seller_id: Whose order it is.
        marketplace_id: Where it was placed.
        order_id: Amazon's order id.
        status: `OrderStatus` as the notification spells it.
        fulfilled_by: `MFN` for what the seller ships, `AFN` for what Amazon does.
        changed_at: When, in UTC; if Amazon gives no such time, when it sent the notification.
    """

    seller_id: str
    marketplace_id: str
    order_id: str
    status: str
    fulfilled_by: str
    changed_at: datetime


class OtherNotificationError(DataError):
    """A notification of another type: somebody else's, or of a subscription that this project has no use for."""


def read_message(body: str | bytes) -> OrderChange:
    """The change that a message reports.

    Args:
        body: The message as it was on the queue, with or without EventBridge's envelope.

    Raises:
        OtherNotificationError: It is a complete notification, but not of the type ORDER_CHANGE.
        DataError: It is not a notification; the error says where it is wrong, and quotes nothing of it.
    """
    try:
        raw = _unwrapped(_as_bytes(body))
        kind = _HEADER.decode(raw).notification_type
        if kind != ORDER_CHANGE:
            raise OtherNotificationError(
                f"a notification of {f'the type {kind}' if _TYPE.fullmatch(kind) else 'another type'}.",
                remedy="Give mfn a queue of its own, with a subscription to ORDER_CHANGE only (docs/notifications.md).",
            )
        notification = _NOTIFICATION.decode(raw)
        change = notification.payload.order_change_notification
        changed_at = in_utc(change.order_change_trigger.time_of_order_change or notification.event_time)
    except (*UNREADABLE, OverflowError) as error:
        why = str(error) if isinstance(error, msgspec.DecodeError) else type(error).__name__
        raise _malformed(why) from None
    if not is_order_id(change.amazon_order_id):
        raise _malformed("AmazonOrderId does not have the form of Amazon's order ids")
    summary = change.summary
    return OrderChange(
        seller_id=change.seller_id,
        marketplace_id=summary.marketplace_id,
        order_id=change.amazon_order_id,
        status=summary.order_status,
        fulfilled_by=summary.fulfillment_type,
        changed_at=changed_at,
    )


def _as_bytes(body: str | bytes) -> bytes:
    return body.encode(errors="replace") if isinstance(body, str) else body


def _unwrapped(raw: bytes) -> bytes:
    try:
        return bytes(_ENVELOPE.decode(raw).detail)
    except msgspec.ValidationError:  # no envelope
        return raw


def _malformed(why: str) -> DataError:
    return DataError(
        f"not an {ORDER_CHANGE} notification as Amazon documents it: {why}.",
        remedy="Nothing is lost: the search finds the order. If this happens often, report the shape that mfn"
        " notifications shows; it contains nothing of the message itself.",
    )


def names_for(connection: Connection, changes: Iterable[OrderChange]) -> list[OrderName]:
    """The orders that an import of a connection has to read.

    Args:
        connection: The connection.
        changes: The changes that Amazon reported, of any seller.
    """
    return [
        OrderName(change.order_id, change.changed_at, STATUSES[change.status])
        for change in changes
        if change.seller_id == connection.seller_id
        and change.marketplace_id in connection.marketplace_ids
        and change.fulfilled_by == "MFN"
        and change.status in STATUSES
    ]


def shape_of(body: str | bytes) -> dict[str, Any]:
    """The known keys of a message and the types of their values: enough to see what Amazon changed in its format.

    Args:
        body: The message as it was on the queue.

    Returns:
        For a JSON object, its known keys with the shape or the type of each value, and the number of other keys. For
        everything else, its type and length. No value, no unknown word.
    """
    try:
        document = msgspec.json.decode(_as_bytes(body))
    except UNREADABLE:
        return {"no JSON": f"{len(body)} characters"}
    shape = _shape(document, DEEPEST)
    return shape if isinstance(shape, dict) else {"no object": shape}


_KINDS: dict[type, str] = {str: "text", bool: "true or false", type(None): "null"}


def _shape(value: Any, levels: int) -> Any:
    if not isinstance(value, dict | list):
        return _KINDS.get(type(value), "number")
    if not levels:
        return "more"
    if isinstance(value, list):
        return [_shape(value[0], levels - 1), f"{len(value)} of them"] if value else []
    known = {key: _shape(value[key], levels - 1) for key in sorted(value.keys() & KNOWN_KEYS)}
    others = len(value) - len(known)
    return known | ({"other keys": others} if others else {})
