"""Orders that somebody made in order to harm: each is held or loaded clean, and those beside it are loaded as ever."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import insert

from mfn.amazon.orders import MOST_BYTES, decode_order
from mfn.database.engines import engine_for, writing
from mfn.errors import DataError
from mfn.ledger.opening import ledger_engine
from mfn.simulator.clock import amazon_time
from mfn.warehouse.setup import ensure_tables
from mfn.warehouse.tables import wms_item, wms_order_line, wms_ship_method
from tests.postgres import fresh_schema
from tests.world import METHODS, SKUS, World, an_order

if TYPE_CHECKING:
    from collections.abc import Iterator

NUL = "a\x00b"
TERMINAL = "\x1b[2J\x1b]0;owned\x07\x9b31m\u202egnol\u2066"
MARKUP = "<script>alert(1)</script><img src=x onerror=alert(1)>"
FORMULA = "=cmd|' /C calc'!A0"
SQL = "'; DROP TABLE wms_order; --"
PATH = "../../../etc/passwd"
AMOUNT = ("orderItems", 0, "product", "price", "unitPrice", "amount")
NAME = ("recipient", "deliveryAddress", "name")
LATEST = ("fulfillment", "shipByWindow", "latestDateTime")

PLACES: tuple[tuple[str | int, ...], ...] = (
    NAME,
    AMOUNT,
    ("recipient", "deliveryAddress", "addressLine2"),
    ("recipient", "deliveryAddress", "postalCode"),
    ("recipient", "deliveryAddress", "countryCode"),
    ("recipient", "deliveryAddress", "addressType"),
    ("recipient", "deliveryPreference"),
    ("buyer", "buyerPurchaseOrderNumber"),
    ("programs",),
    ("associatedOrders",),
    ("salesChannel", "marketplaceId"),
    ("fulfillment", "fulfillmentServiceLevel"),
    ("fulfillment", "fulfillmentStatus"),
    ("orderItems", 0, "orderItemId"),
    ("orderItems", 0, "product", "sellerSku"),
    ("orderItems", 0, "product", "title"),
    ("orderItems", 0, "product", "asin"),
    ("orderItems", 0, "product", "price", "unitPrice", "currencyCode"),
    ("orderItems", 0, "product", "customization"),
    ("orderItems", 0, "fulfillment", "packing"),
    ("orderItems", 0, "fulfillment", "shipping"),
    ("orderItems", 0, "cancellation"),
)
WRAPPED: dict[str | int, Any] = {
    "programs": lambda text: [text, "PRIME"],
    "associatedOrders": lambda text: [{"orderId": text}],
    "deliveryPreference": lambda text: {"dropOffLocation": text, "addressInstruction": text},
    "customization": lambda text: {"customizedUrl": text},
    "packing": lambda text: {"giftOption": {"giftMessage": text, "giftWrapLevel": text}},
    "shipping": lambda text: {"internationalShipping": {"iossNumber": text}},
    "cancellation": lambda text: {"cancellationRequest": {"requester": "BUYER", "cancelReason": text}},
}
ODD: tuple[tuple[tuple[str | int, ...], Any], ...] = (
    *((AMOUNT, text) for text in ("Infinity", "NaN", "sNaN", "1e999999999", "9" * 300_000)),
    *((("orderItems", 0, "quantityOrdered"), number) for number in (10**30, -1, 1.5, True, "1", None)),
    *(
        (LATEST, moment)
        for moment in (
            "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+23:00", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-23:00",
            "10000-01-01T00:00:00Z", "2026-02-30T00:00:00Z", 10**30, "now",
        )
    ),
    (("lastUpdatedTime",), "9999-12-31T23:59:59Z"),
    (("programs",), ["P"] * 50_000),
    (("orderItems",), []),
    *((("orderId",), order_id) for order_id in (PATH, "<img/src=x>", "=1+1", "a?b=c&d#e%2f", "1" * 99, "1\n", "\x00")),
)  # fmt: skip


def _changed(path: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    order = an_order()
    node: Any = order
    for part in path[:-1]:
        node = node[part]
    node[path[-1]] = value
    return order


def hostile_orders() -> Iterator[str]:
    """The JSON texts of all of them."""
    for path, text in itertools.product(PLACES, (NUL, TERMINAL, MARKUP, FORMULA, SQL, PATH, "x" * 300_000, "\ud800")):
        yield json.dumps(_changed(path, WRAPPED.get(path[-1], str)(text)))
    for path, value in ODD:
        yield json.dumps(_changed(path, value))
    for more in (
        '"deep": ' + "[" * 5000 + "]" * 5000,
        '"fulfillment": {"fulfillmentStatus": "UNSHIPPED"}',  # the key stands twice
        '"orderItems": 1e400',
        '"large": "' + "x" * MOST_BYTES + '"',
    ):
        yield json.dumps(an_order())[:-1] + f", {more}}}"
    yield from ("null", "1e400", "9" * 5000, '"text"', "[]", "{}", '{"orderId": []}')


@pytest.fixture
def on_postgres(
    world: World, postgres_server: str, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    """The world with its ledger and its warehouse on PostgreSQL."""
    with fresh_schema(postgres_server, "hostile_ledger") as ledger_url:
        monkeypatch.setenv("MFN_LEDGER_URL", ledger_url)
        world.warehouse_url = postgres_url
        world.write_connections()
        ensure_tables(engine_for(postgres_url), what="the warehouse")
        with writing(engine_for(postgres_url), what="the warehouse") as database:
            database.execute(insert(wms_item), [{"sku": sku, "description": sku, "is_active": True} for sku in SKUS])
            database.execute(insert(wms_ship_method), [{"code": code, "is_active": True} for code in METHODS])
        yield world
        ledger_engine(ledger_url).dispose()


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_each_ends_in_an_outcome_and_the_good_ones_beside_them_are_loaded(
    request: pytest.FixtureRequest, database: str
) -> None:
    world: World = request.getfixturevalue("world" if database == "sqlite" else "on_postgres")
    good = [an_order() for _ in range(3)]
    texts = [json.dumps(good[0]), *hostile_orders(), *map(json.dumps, good[1:])]
    end = amazon_time(datetime.now(UTC) - timedelta(minutes=3))
    page = f'{{"orders": [{", ".join(texts)}], "lastUpdatedBefore": "{end}"}}'
    world.amazon.faults.answer("searchOrders", 200, page)

    summary = world.run()  # which holds the sum to what was fetched

    statuses = world.statuses()
    assert summary["fetched"] == len(statuses) == len(set(texts))
    assert {statuses[order["orderId"]] for order in good} == {"loaded"}
    rows = [*world.rows(), *world.rows(wms_order_line)]
    assert {row["order_number"] for row in rows} == {
        order_id for order_id, status in statuses.items() if status == "loaded"
    }
    texts_there = [value for row in rows for value in row.values() if isinstance(value, str)]
    assert not [text for text in texts_there if {*"\x00\x07\x1b\x9b"} & {*text}]
    assert max(map(len, texts_there)) <= 10_000
    assert not [detail for order_id in statuses for detail in world.details(order_id) if len(detail) > 1_000]
    page_size = sum(path.stat().st_size for path in (world.home / ".mfn" / "reports").rglob("*.html"))
    assert page_size < 2_000_000


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        (NAME, "x" * 1_001, "length <= 1000 - at `$.recipient.deliveryAddress.name`"),
        (("orderItems", 0, "product", "title"), "x" * 10_001, "length <= 10000"),
        (("orderItems", 0, "product", "sellerSku"), "x" * 201, "length <= 200"),
        (("programs",), ["P"] * 101, "length <= 100 - at `$.programs`"),
        (AMOUNT, "1e50", "matching regex"),
        (("lastUpdatedTime",), "x" * MOST_BYTES, "at most 4194304 bytes"),
    ],
)
def test_a_value_that_is_far_too_large_is_reported_by_its_place_and_not_quoted(
    path: tuple[str | int, ...], value: Any, expected: str
) -> None:
    with pytest.raises(DataError, match="cannot be read as an order") as refused:
        decode_order(json.dumps(_changed(path, value)).encode())
    assert expected in refused.value.message
    assert len(refused.value.message) < 300


@pytest.mark.parametrize("amount", ["0", "9.99", "-1.50", "123456789012345.123456789", "1E+3", "5e-2"])
def test_a_plain_amount_is_read(amount: str) -> None:
    (item,) = decode_order(json.dumps(_changed(AMOUNT, amount)).encode()).order_items
    assert item.product.price
    assert item.product.price.unit_price
    assert item.product.price.unit_price.amount == amount
