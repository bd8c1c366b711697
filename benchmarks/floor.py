"""The floor: a bare httpx loop that fetches the same pages, decodes them with json, and inserts orders and lines.

No budget, no encryption, no ledger, no check, no mapping, no upsert, no page that could be resumed: what nobody who
fetches orders into a table can save. `python -m benchmarks.floor '{"endpoint": …, "database": …}'` prints what it
measured.
"""

from __future__ import annotations

import json
import sqlite3
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from collections.abc import Iterator

LOGIN = {"grant_type": "refresh_token", "refresh_token": "local", "client_id": "local", "client_secret": "local"}
QUERY = {
    "fulfillmentStatuses": "PENDING,UNSHIPPED,PARTIALLY_SHIPPED,CANCELLED",
    "fulfilledBy": "MERCHANT",
    "marketplaceIds": "ATVPDKIKX0DER,A2EUQ1WTGCTBG2",
    "includedData": "BUYER,RECIPIENT,CANCELLATION,FULFILLMENT,PACKAGES",
    "maxResultsPerPage": "100",
}
"""What an import of the connection asks for."""

TABLES = """
CREATE TABLE orders (
    order_id TEXT PRIMARY KEY, created TEXT, updated TEXT, marketplace_id TEXT, status TEXT, service_level TEXT,
    programs TEXT, ship_by TEXT, deliver_by TEXT, name TEXT, address_1 TEXT, address_2 TEXT, city TEXT, state TEXT,
    postal_code TEXT, country_code TEXT, phone TEXT, email TEXT);
CREATE TABLE lines (
    order_id TEXT, item_id TEXT, sku TEXT, asin TEXT, title TEXT, quantity INTEGER, price TEXT, currency TEXT,
    PRIMARY KEY (order_id, item_id));
"""


def pages(endpoint: str) -> Iterator[tuple[bytes, dict[str, Any]]]:
    """Every page of a week's orders, as it came and decoded, with nothing but httpx and json.

    Args:
        endpoint: Base URL of the local Amazon.
    """
    end = datetime.now(UTC) - timedelta(minutes=3)
    window = {"lastUpdatedAfter": _text(end - timedelta(days=7)), "lastUpdatedBefore": _text(end)}
    with httpx.Client(base_url=endpoint, timeout=60) as client:
        login = client.post("/auth/o2/token", data=LOGIN).raise_for_status().json()
        headers = {"x-amz-access-token": login["access_token"]}
        token = None
        while True:
            query = QUERY | window | ({"paginationToken": token} if token else {})
            response = client.get("/orders/2026-01-01/orders", params=query, headers=headers).raise_for_status()
            page = json.loads(response.content)
            yield response.content, page
            token = page.get("pagination", {}).get("nextToken")
            if token is None:
                return


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def insert_everything(endpoint: str, database: str) -> dict[str, Any]:
    """Fetch every order and insert it, one commit a page.

    Args:
        endpoint: Base URL of the local Amazon.
        database: The path of a SQLite file that is not there yet.

    Returns:
        `orders`, `lines`, `calls`, `seconds`, the `cpu` seconds that this process worked, and the id of the
        `first_order`.
    """
    connection = sqlite3.connect(database)
    connection.executescript(f"PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; {TABLES}")
    calls = 0
    begun, worked = time.perf_counter(), time.process_time()
    for _, page in pages(endpoint):
        calls += 1
        connection.executemany(f"INSERT INTO orders VALUES ({marks(18)})", [_order(order) for order in page["orders"]])
        connection.executemany(
            f"INSERT INTO lines VALUES ({marks(8)})",
            [_line(order, item) for order in page["orders"] for item in order["orderItems"]],
        )
        connection.commit()
    seconds, cpu = time.perf_counter() - begun, time.process_time() - worked
    orders, lines = (connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in ("orders", "lines"))
    first_order = connection.execute("SELECT min(order_id) FROM orders").fetchone()[0]
    connection.close()
    return {
        "orders": orders,
        "lines": lines,
        "calls": calls,
        "seconds": seconds,
        "cpu": cpu,
        "first_order": first_order,
    }


def marks(count: int) -> str:
    """Question marks for an INSERT."""
    return ", ".join("?" * count)


def _order(order: dict[str, Any]) -> tuple[Any, ...]:
    fulfillment, buyer = order["fulfillment"], order.get("buyer") or {}
    address = (order.get("recipient") or {}).get("deliveryAddress") or {}
    return (
        order["orderId"],
        order["createdTime"],
        order["lastUpdatedTime"],
        order["salesChannel"].get("marketplaceId"),
        fulfillment["fulfillmentStatus"],
        fulfillment.get("fulfillmentServiceLevel"),
        ",".join(order.get("programs") or ()),
        (fulfillment.get("shipByWindow") or {}).get("latestDateTime"),
        (fulfillment.get("deliverByWindow") or {}).get("latestDateTime"),
        address.get("name"),
        address.get("addressLine1"),
        address.get("addressLine2"),
        address.get("city"),
        address.get("stateOrRegion"),
        address.get("postalCode"),
        address.get("countryCode"),
        address.get("phone"),
        buyer.get("buyerEmail"),
    )


def _line(order: dict[str, Any], item: dict[str, Any]) -> tuple[Any, ...]:
    product = item["product"]
    price = (product.get("price") or {}).get("unitPrice") or {}
    return (
        order["orderId"],
        item["orderItemId"],
        product.get("sellerSku"),
        product.get("asin"),
        product.get("title"),
        item["quantityOrdered"],
        price.get("amount"),
        price.get("currencyCode"),
    )


if __name__ == "__main__":
    print(json.dumps(insert_everything(**json.loads(sys.argv[1]))))
