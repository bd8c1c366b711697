"""getOrders and getOrderItems of the older Orders API, which the local Amazon has only here: a peer asks nothing else.

The orders are the same ones, told in the older words, as far as both know them. Names and values: Amazon's model
ordersV0.json of 2026-05-27.
"""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.requests import Request  # noqa: TC002 - FastAPI looks at it
from starlette.responses import Response  # noqa: TC002 - likewise

from mfn.simulator.clock import amazon_time, parse_time
from mfn.simulator.operations import local_amazon, operations
from mfn.simulator.order_changes import FULFILLED_BY, STATUSES
from mfn.simulator.orderbook import Cursor, Search
from mfn.simulator.queries import values
from mfn.simulator.replies import json_reply, not_found

if TYPE_CHECKING:
    from collections.abc import Callable

    from mfn.simulator.local_amazon import LocalAmazon

MOST_PER_PAGE = 100
SETTLING = timedelta(minutes=2)
CONTENTS: dict[tuple[str, str], bytes] = {}
"""What is told of each order, encoded once, as the local Amazon does with its own."""

router = operations()


@router.get("/orders/v0/orders", operation_id="getOrders")
async def get_orders(request: Request) -> Response:
    """One page of orders without their items, by the time of their last update."""
    amazon, query = local_amazon(request), request.query_params
    latest = amazon.clock.now() - SETTLING
    search = Search(
        family="lastUpdated",
        after=parse_time(query["LastUpdatedAfter"]),
        before=parse_time(query["LastUpdatedBefore"]) if "LastUpdatedBefore" in query else latest,
        statuses=frozenset(),
        fulfilled_by=frozenset(),
        marketplace_ids=frozenset(values(query, "MarketplaceIds")),
    )
    token = query.get("NextToken")
    found, cursor = amazon.orders.search(search, _cursor(token) if token else None, MOST_PER_PAGE)
    encoded = [_once(order_id, _order, amazon) for order_id in found]
    more = b"" if cursor is None else b',"NextToken":' + msgspec.json.encode(_sealed(cursor))
    before = msgspec.json.encode(amazon_time(search.before))
    return json_reply(
        b'{"payload":{"Orders":[' + b",".join(encoded) + b'],"LastUpdatedBefore":' + before + more + b"}}"
    )


@router.get("/orders/v0/orders/{order_id}/orderItems", operation_id="getOrderItems")
async def get_order_items(request: Request) -> Response:
    """All items of an order."""
    amazon, order_id = local_amazon(request), str(request.path_params["order_id"])
    if order_id not in amazon.orders:
        raise not_found(f"Order {order_id}")
    return json_reply(_once(order_id, _items, amazon))


def _once(order_id: str, content: Callable[[dict[str, Any]], dict[str, Any]], amazon: LocalAmazon) -> bytes:
    key = order_id, content.__name__
    if key not in CONTENTS:
        CONTENTS[key] = msgspec.json.encode(content(amazon.orders.get(order_id)))
    return CONTENTS[key]


def _cursor(token: str) -> Cursor:
    cursor: Cursor = msgspec.json.decode(base64.urlsafe_b64decode(token), type=Cursor)
    return cursor


def _sealed(cursor: Cursor) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(cursor)).decode()


def _order(document: dict[str, Any]) -> dict[str, Any]:
    fulfillment = document["fulfillment"]
    ship_by, deliver_by = fulfillment.get("shipByWindow") or {}, fulfillment.get("deliverByWindow") or {}
    programs = document.get("programs") or ()
    total = (document.get("proceeds") or {}).get("grandTotal")
    content = {
        "AmazonOrderId": document["orderId"],
        "PurchaseDate": document["createdTime"],
        "LastUpdateDate": document["lastUpdatedTime"],
        "OrderStatus": STATUSES[fulfillment["fulfillmentStatus"]],
        "FulfillmentChannel": FULFILLED_BY[fulfillment["fulfilledBy"]],
        "SalesChannel": document["salesChannel"].get("marketplaceName"),
        "MarketplaceId": document["salesChannel"].get("marketplaceId"),
        "ShipmentServiceLevelCategory": fulfillment.get("fulfillmentServiceLevel"),
        "EarliestShipDate": ship_by.get("earliestDateTime"),
        "LatestShipDate": ship_by.get("latestDateTime"),
        "EarliestDeliveryDate": deliver_by.get("earliestDateTime"),
        "LatestDeliveryDate": deliver_by.get("latestDateTime"),
        "IsPrime": "PRIME" in programs,
        "IsPremiumOrder": "PREMIUM" in programs,
        "IsBusinessOrder": "AMAZON_BUSINESS" in programs,
        "OrderTotal": _money(total),
    }
    return {name: value for name, value in content.items() if value is not None}


def _items(document: dict[str, Any]) -> dict[str, Any]:
    items = [_item(item) for item in document["orderItems"]]
    return {"payload": {"AmazonOrderId": document["orderId"], "OrderItems": items}}


def _item(item: dict[str, Any]) -> dict[str, Any]:
    product = item["product"]
    content = {
        "OrderItemId": item["orderItemId"],
        "ASIN": product.get("asin"),
        "SellerSKU": product.get("sellerSku"),
        "Title": product.get("title"),
        "QuantityOrdered": item["quantityOrdered"],
        "QuantityShipped": (item.get("fulfillment") or {}).get("quantityFulfilled"),
        "ItemPrice": _money((item.get("proceeds") or {}).get("proceedsTotal")),
    }
    return {name: value for name, value in content.items() if value is not None}


def _money(amount: dict[str, Any] | None) -> dict[str, Any] | None:
    return amount and {"Amount": amount["amount"], "CurrencyCode": amount["currencyCode"]}
