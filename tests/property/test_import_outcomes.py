"""Whatever Amazon sends: every fetched order ends in exactly one outcome, and nothing of a buyer is told anywhere."""

from __future__ import annotations

import copy
import json
import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from mfn.ledger.buyers_data import stored_orders
from mfn.ledger.schema import Base, Batch, BatchOrder, TrackedOrder
from mfn.simulator.clock import amazon_time
from mfn.warehouse.tables import wms_order, wms_order_line
from tests.world import SKUS, address, an_item, an_order

if TYPE_CHECKING:
    import pytest

    from tests.world import World

OUTCOMES = {"loaded", "held", "unchanged", "cancelled", "ignored"}
NOW = datetime.now(UTC).replace(microsecond=0)
PLANTED = "Ωplantedꙮ"
"""Stands in everything that is a buyer's, and may stand nowhere in the clear."""

IDS = [f"111-{number:07d}-7777777" for number in range(6)]
BAD_IDS: list[Any] = [None, "", " ", 7, [], "1" * 65, "111\n222", "111-\x00", "..", "注文", "111-1111111-1111111\n"]

TEXTS = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        [
            *(
                "",
                " ",
                "\x00",
                "a\x00b",
                "\x1b[31m",
                "\r\n",
                "'; DROP TABLE wms_order; --",
                "=1+1",
                "<script>",
                "x" * 3000,
            ),
            "Łódź",
            "東京都",
            "القاهرة",
            "תל אביב",
            "Αθήνα",
            "Київ",
            "กรุงเทพ",
            "दिल्ली",
            "𠮷野家",
            "👩‍👩‍👧‍👦",
            "e\u0301",
            "\u202e",
        ]
    ),
)
NUMBERS = st.sampled_from([0, 1, 2, -1, 1.5, 1_000_000, 1_000_001, 2**31, 2**63, 10**30, -(10**30), True, "3"])
TIMES = st.sampled_from(
    [
        "",
        "yesterday",
        "0001-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59Z",
        "9999-12-31T23:59:59-12:00",
        "2026-02-30T00:00:00Z",
        "2026-11-01",
        "2026-11-01T12:00:00.123456789Z",
        1_700_000_000,
    ]
)
ANYTHING = st.one_of(st.none(), st.booleans(), TEXTS, NUMBERS, TIMES, st.just([]), st.just({}), st.just([None]))
PATHS = [
    ("createdTime",), ("lastUpdatedTime",), ("programs",), ("programs", 0), ("salesChannel",), ("buyer",),
    ("salesChannel", "marketplaceId"), ("recipient",), ("recipient", "deliveryAddress"), ("fulfillment",),
    ("fulfillment", "fulfillmentStatus"), ("fulfillment", "fulfilledBy"), ("fulfillment", "fulfillmentServiceLevel"),
    ("fulfillment", "shipByWindow"), ("fulfillment", "shipByWindow", "latestDateTime"), ("orderItems",),
    ("orderItems", 0), ("orderItems", 0, "orderItemId"), ("orderItems", 0, "quantityOrdered"),
    ("orderItems", 0, "product"), ("orderItems", 0, "product", "sellerSku"), ("orderItems", 0, "product", "title"),
    ("orderItems", 0, "product", "price", "unitPrice", "amount"), ("orderItems", 0, "fulfillment"),
    ("orderItems", 0, "fulfillment", "quantityFulfilled"), ("orderItems", 0, "fulfillment", "quantityUnfulfilled"),
    ("orderItems", 0, "cancellation"), ("packages",), ("associatedOrders",), ("futureField",),
]  # fmt: skip
BUYERS = ["name", "addressLine1", "city", "stateOrRegion", "postalCode", "countryCode", "phone"]


def _put(document: Any, path: tuple[Any, ...], value: Any) -> None:
    for step in path[:-1]:
        try:
            document = document[step]
        except (KeyError, IndexError, TypeError):
            return
    if isinstance(document, dict):
        document[path[-1]] = value
    elif isinstance(document, list):
        document[:1] = [value]


@st.composite
def orders(draw: st.DrawFn) -> Any:
    """An order: mostly good, with one thing or two that are not as Amazon documents them."""
    kind = draw(st.integers(0, 19))
    if kind == 0:
        return draw(ANYTHING)
    items = [
        an_item(
            sku=draw(st.sampled_from([*SKUS, "AMZ-MUG", "BREAKFAST", "UNKNOWN", None])), units=draw(st.integers(0, 3))
        )
        for _ in range(draw(st.integers(0, 3)))
    ]
    for item in items:
        item["product"]["customization"] = {"customizedUrl": f"https://example.com/{PLANTED}"}
        item["fulfillment"]["packing"] = {"giftOption": {"giftMessage": f"{PLANTED} {draw(TEXTS)}"}}
    where = address(
        **{name: f"{PLANTED} {draw(TEXTS)}" for name in draw(st.lists(st.sampled_from(BUYERS), max_size=2))}
    )
    order = an_order(
        *items,
        status=draw(
            st.sampled_from(["UNSHIPPED"] * 4 + ["PENDING", "CANCELLED", "SHIPPED", "PARTIALLY_SHIPPED", "NEW"])
        ),
        level=draw(st.sampled_from(["STANDARD", "STANDARD", "SECOND_DAY", "SAME_DAY"])),
        programs=draw(st.sampled_from([[], ["PRIME"], ["PREMIUM", "PRIME"], ["IN_STORE_PICK_UP"]])),
        recipient={"deliveryAddress": where | {"name": f"{PLANTED} {draw(TEXTS)}"}},
        buyer={"buyerEmail": f"{PLANTED}@example.com", "buyerName": PLANTED},
    )
    order["orderId"] = draw(st.sampled_from(BAD_IDS)) if kind == 1 else draw(st.sampled_from(IDS))
    order["lastUpdatedTime"] = amazon_time(NOW - timedelta(minutes=draw(st.integers(5, 9))))
    for path in draw(st.lists(st.sampled_from(PATHS), max_size=2)):
        _put(order, path, copy.deepcopy(draw(ANYTHING)))
    return order


def _answer(world: World, pages: list[list[Any]]) -> None:
    for number, page in enumerate(pages, start=1):
        body = {"orders": page, "lastUpdatedBefore": amazon_time(NOW - timedelta(minutes=3))}
        token = {"pagination": {"nextToken": f"page-{number}"}} if number < len(pages) else {}
        # As a proxy in between may write it: escapes for all that is not ASCII.
        world.amazon.faults.answer("searchOrders", 200, json.dumps(body | token))


def _forget_everything(world: World) -> None:
    with world.ledger.writing() as database:
        for table in reversed(Base.metadata.sorted_tables):
            if table.name != "encryption_key":
                database.execute(delete(table))
    with world.writing_warehouse() as database:
        database.execute(delete(wms_order_line))
        database.execute(delete(wms_order))
    for page in (world.home / ".mfn" / "reports").rglob("*.html"):
        page.unlink()


def _identity(order: Any) -> str:
    """What makes an order another one: its id, or, where it has none that can be used, its text."""
    order_id = order.get("orderId") if isinstance(order, dict) else None
    return order_id if order_id in IDS else json.dumps(order)


def _written(world: World) -> str:
    """Everything that is told in the clear."""
    with world.ledger.reading() as database:
        rows = [
            str(tuple(row)) for table in (Batch, BatchOrder, TrackedOrder) for row in database.execute(select(table))
        ]
    pages = [page.read_text(encoding="utf-8") for page in (world.home / ".mfn" / "reports").rglob("*.html")]
    return "\n".join(rows + pages)


@settings(
    max_examples=12,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(pages=st.lists(st.lists(orders(), max_size=14), min_size=1, max_size=3))
def test_every_fetched_order_has_exactly_one_outcome(
    world: World, caplog: pytest.LogCaptureFixture, pages: list[list[Any]]
) -> None:
    _forget_everything(world)
    caplog.clear()
    caplog.set_level(logging.DEBUG)
    _answer(world, pages)
    try:
        summary = world.run()  # which holds the sum to what was fetched
    except Exception as error:
        # Three due orders without a recipient, and none with one, mean a missing role.
        if "lacks the role" not in str(error):
            raise
        return
    sent = [order for page in pages for order in page]
    assert summary["fetched"] == len({_identity(order) for order in sent})
    with world.ledger.reading() as database:
        rows = database.execute(select(BatchOrder)).all()
        statuses = {row.order_id: row.status for row in database.execute(select(TrackedOrder))}
    assert {row.outcome for row in rows} <= OUTCOMES
    assert {row.order_id for row in rows} == set(statuses)
    loaded = {row.order_id for row in rows if row.outcome == "loaded"}
    assert loaded == {row["order_number"] for row in world.rows()}
    assert loaded == {order_id for order_id, status in statuses.items() if status == "loaded"}
    lines = world.rows(wms_order_line)
    assert {line["order_number"] for line in lines} == loaded
    assert all(line["quantity"] > 0 and line["sku"] in SKUS for line in lines)
    for order_id, text in stored_orders(world.ledger, "us", sorted(loaded), purpose="test"):
        versions = [order["lastUpdatedTime"] for order in sent if _identity(order) == order_id]
        if all(
            isinstance(moment, str) and moment.startswith(str(NOW.year)) and len(moment) == 20 for moment in versions
        ):
            assert json.loads(text)["lastUpdatedTime"] == max(versions)
    assert PLANTED not in _written(world)
    assert PLANTED not in caplog.text
