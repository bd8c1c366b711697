"""What Amazon sends a subscriber about an order that changed.

Form: Amazon's model OrderChangeNotification.json, 2026-05-27, one notification of a whole order.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

STATUSES = {
    "PENDING_AVAILABILITY": "PendingAvailability",
    "PENDING": "Pending",
    "UNSHIPPED": "Unshipped",
    "PARTIALLY_SHIPPED": "PartiallyShipped",
    "SHIPPED": "Shipped",
    "CANCELLED": "Canceled",
    "UNFULFILLABLE": "Unfulfillable",
}
FULFILLED_BY = {"MERCHANT": "MFN", "AMAZON": "AFN"}
PROGRAMS = {"AMAZON_BUSINESS": "Business", "PRIME": "Prime", "PREMIUM": "Premium"}


def order_change(document: dict[str, Any], *, seller_id: str, at: datetime) -> dict[str, Any]:
    """The ORDER_CHANGE notification of an order.

    Args:
        document: The order as it is now, in the form of the Orders API; what it lacks the notification lacks too.
        seller_id: Whose it is.
        at: When Amazon reports it, aware.
    """
    moment = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    fulfillment = document.get("fulfillment") or {}
    status = STATUSES.get(fulfillment.get("fulfillmentStatus", ""), "Unshipped")
    items = [_item(item) for item in document.get("orderItems") or []]
    ship_by = fulfillment.get("shipByWindow") or {}
    summary = {
        "MarketplaceId": (document.get("salesChannel") or {}).get("marketplaceId"),
        "OrderStatus": status,
        "PurchaseDate": document.get("createdTime"),
        "DestinationPostalCode": ((document.get("recipient") or {}).get("deliveryAddress") or {}).get("postalCode"),
        "FulfillmentType": FULFILLED_BY.get(fulfillment.get("fulfilledBy", ""), "MFN"),
        "OrderType": "StandardOrder",
        "NumberOfItemsShipped": sum(item["QuantityShipped"] for item in items),
        "NumberOfItemsUnshipped": sum(item["Quantity"] - item["QuantityShipped"] for item in items),
        "EarliestShipDate": ship_by.get("earliestDateTime"),
        "LatestShipDate": ship_by.get("latestDateTime"),
        "OrderPrograms": [PROGRAMS[name] for name in document.get("programs") or [] if name in PROGRAMS],
        "OrderItems": items,
    }
    is_buyers = any(item["IsBuyerRequestedCancel"] for item in items)
    change = {
        "NotificationLevel": "OrderLevel",
        "SellerId": seller_id,
        "AmazonOrderId": document["orderId"],
        "OrderChangeType": "BuyerRequestedChange" if is_buyers else "OrderStatusChange",
        "OrderChangeTrigger": {
            "TimeOfOrderChange": document["lastUpdatedTime"],
            "ChangeReason": "Buyer Requested Cancel" if is_buyers else f"Order is {status}",
        },
        "Summary": summary,
    }
    return {
        "NotificationVersion": "1.0",
        "NotificationType": "ORDER_CHANGE",
        "PayloadVersion": "1.0",
        "EventTime": moment,
        "Payload": {"OrderChangeNotification": change},
        "NotificationMetadata": {
            "ApplicationId": "amzn1.sellerapps.app.local",
            "SubscriptionId": "local-subscription",
            "PublishTime": moment,
            "NotificationId": str(uuid.uuid4()),
        },
    }


def _item(item: dict[str, Any]) -> dict[str, Any]:
    shipped = (item.get("fulfillment") or {}).get("quantityFulfilled") or 0
    units = item.get("quantityOrdered") or 0
    return {
        "OrderItemId": item.get("orderItemId"),
        "SellerSKU": (item.get("product") or {}).get("sellerSku"),
        "OrderItemStatus": "Shipped" if units and shipped >= units else "Unshipped",
        "Quantity": units,
        "QuantityShipped": shipped,
        "IsBuyerRequestedCancel": bool((item.get("cancellation") or {}).get("cancellationRequest")),
    }
