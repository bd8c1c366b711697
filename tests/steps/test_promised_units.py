"""Units that Amazon has sold are offered to nobody else, whatever an order waits for, however a warehouse is named."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from mfn.errors import RunFailedError
from mfn.steps.orders.decisions import dismiss
from mfn.steps.runs import run_import, run_inventory
from tests.steps.pushing import everywhere
from tests.stock_world import CA, US
from tests.world import an_item, an_order

if TYPE_CHECKING:
    from tests.steps.pushing import Pushing


def sell(pushing: Pushing, sku: str, units: int) -> None:
    """Amazon has an order of five minutes ago, and goes on offering what it was told."""
    pushing.stock.world.put(an_order(an_item(sku=sku, units=units), minutes_ago=5))


def test_what_is_held_for_an_unknown_item_is_subtracted_as_soon_as_the_warehouse_has_the_item(pushing: Pushing) -> None:
    pushing.stock.list_offer("JUG")
    sell(pushing, "JUG", 2)
    assert pushing.stock.world.run()["held"] == 1
    assert pushing.run()["held"] == 1
    pushing.stock.world.add_items("JUG")
    pushing.stock.receive("JUG", 7)
    assert pushing.run()["pushed"] == 1
    assert pushing.stock.shown("JUG") == 5
    pushing.stock.world.run()
    assert pushing.run()["pushed"] == 0
    assert pushing.stock.shown("JUG") == 5


def test_what_is_held_for_an_unknown_sku_is_subtracted_as_soon_as_an_alias_says_what_it_is(pushing: Pushing) -> None:
    pushing.stock.list_offer("SET")
    sell(pushing, "SET", 2)
    assert pushing.stock.world.run()["held"] == 1
    pushing.run()
    assert pushing.shown() == everywhere(10)
    pushing.stock.write_aliases(
        ("us", "US", "SET", "PLATE", 3), ("us", "US", "SET", "BOWL", 1), ("", "", "SET", "VASE", 1)
    )
    pushing.run()
    assert pushing.shown() == everywhere(10) | {"PLATE": 4, "BOWL": 8}
    assert pushing.stock.shown("SET") == 1
    pushing.stock.world.run()
    pushing.run()
    assert pushing.shown() == everywhere(10) | {"PLATE": 4, "BOWL": 8}


def test_units_of_an_unpaid_order_are_promised_as_the_mapping_has_them_by_now(pushing: Pushing) -> None:
    pushing.stock.write_aliases(("", "", "SET", "PLATE", 2))
    pushing.stock.world.put(an_order(an_item(sku="SET"), status="PENDING", minutes_ago=5))
    pushing.stock.world.run()
    pushing.stock.minutes_pass(30)
    pushing.stock.world.run()
    pushing.run()
    assert pushing.shown() == everywhere(10) | {"PLATE": 8}
    pushing.stock.write_aliases(("", "", "SET", "BOWL", 3))
    summary = pushing.stock.world.run()
    assert (summary["fetched"], summary["released"], summary["still_held"]) == (0, 0, 0)
    pushing.run()
    assert pushing.shown() == everywhere(10) | {"BOWL": 7}


@pytest.mark.parametrize("sku", [None, "JUG\0"])
def test_an_order_without_a_sku_that_any_warehouse_could_have_is_held_and_stops_nothing(
    pushing: Pushing, sku: str | None
) -> None:
    sell(pushing, "BOWL", 1)
    pushing.stock.world.put(an_order(an_item(sku=sku), minutes_ago=5))
    summary = pushing.stock.world.run()
    assert (summary["loaded"], summary["held"]) == (1, 1)
    pushing.run()
    assert pushing.stock.shown("BOWL") == 9


@pytest.mark.parametrize("odd", [{"fulfilledBy": None}, {"fulfillmentStatus": "BEWITCHED"}])
def test_an_order_of_which_nobody_knows_yet_who_ships_it_keeps_its_units(
    pushing: Pushing, odd: dict[str, str | None]
) -> None:
    pushing.stock.world.answer_page(an_order(an_item(sku="BOWL", units=2), minutes_ago=5, fulfillment=odd))
    assert pushing.stock.world.run()["held"] == 1
    pushing.run()
    assert pushing.stock.shown("BOWL") == 8


BROKEN: dict[str, dict[str, Any]] = {
    "PLATE": {"createdTime": "yesterday"},
    "LAMP": {"programs": "PRIME", "lastUpdatedTime": 7},
    "VASE": {"recipient": {"deliveryAddress": {"city": 7}}},
    "JUG": {"buyer": [], "fulfillment": {"fulfillmentStatus": None, "fulfilledBy": 7}},
    "BOWL": {
        "orderItems": [
            {"orderItemId": 7, "quantityOrdered": "two", "product": {"sellerSku": "BOWL", "price": 3}}
            | {"fulfillment": {"quantityFulfilled": -1, "quantityUnfulfilled": 2}},
            {"product": {"sellerSku": "VASE"}},
            None,
        ]
    },
}
"""What is broken in an order of two units, by what was bought."""


def test_orders_that_are_broken_elsewhere_keep_the_units_that_can_be_read(pushing: Pushing) -> None:
    world = pushing.stock.world
    world.add_items("JUG")
    pushing.stock.receive("JUG", 10)
    pushing.stock.list_offer("JUG", 5)

    def shown() -> dict[str, int]:
        return {sku: pushing.stock.shown(sku) for sku in BROKEN}

    pushing.run()
    assert shown() == dict.fromkeys(BROKEN, 10)
    orders = []
    for sku, broken in BROKEN.items():
        pushing.stock.amazon.sell(US.marketplace_id, sku, 2, datetime.now(UTC))
        fulfillment = an_order()["fulfillment"] | broken.get("fulfillment", {})
        order = an_order(an_item(sku=sku, units=2), minutes_ago=0) | broken | {"fulfillment": fulfillment}
        orders.append(order)
    world.answer_page(*orders)
    assert world.run()["held"] == len(BROKEN)
    pushing.run()
    assert shown() == dict.fromkeys(BROKEN, 8)
    pushing.stock.minutes_pass(20)
    world.run()
    pushing.run()
    assert shown() == dict.fromkeys(BROKEN, 8)
    dismiss(world.settings, [order["orderId"] for order in orders], why="a fraud")
    pushing.run()
    assert shown() == dict.fromkeys(BROKEN, 10)


def test_broken_versions_of_which_no_line_can_be_read_give_no_units_back(pushing: Pushing) -> None:
    world = pushing.stock.world
    illegible: dict[str, Any] = {
        "BOWL": None, "LAMP": [], "VASE": [{"product": {"sellerSku": 7}, "quantityOrdered": 2}]
    }  # fmt: skip
    orders = [an_order(an_item(sku=sku, units=2), status="PENDING", minutes_ago=5) for sku in illegible]
    world.put(*orders)
    world.run()
    pushing.run()
    pairs = zip(orders, illegible.values(), strict=True)
    world.answer_page(*(order | {"createdTime": "yesterday", "orderItems": items} for order, items in pairs))
    assert world.run()["held"] == len(illegible)
    pushing.run()
    assert pushing.shown() == everywhere(10) | dict.fromkeys(illegible, 8)


@pytest.mark.parametrize(("status", "settled"), [("CANCELLED", "cancelled"), ("SHIPPED", "shipped")])
def test_a_broken_order_that_will_not_be_shipped_any_more_is_settled_and_gives_its_units_back(
    pushing: Pushing, status: str, settled: str
) -> None:
    world = pushing.stock.world
    order = an_order(an_item(sku="BOWL", units=2), minutes_ago=5, programs="PRIME")
    world.put(order)
    assert world.run()["held"] == 1
    pushing.run()
    assert pushing.shown() == everywhere(10) | {"BOWL": 8}
    world.change(order["orderId"], fulfillment={"fulfillmentStatus": status})
    world.run()
    assert world.statuses() == {order["orderId"]: settled}
    pushing.run()
    assert pushing.shown() == everywhere(10)


def test_an_unpaid_order_that_is_not_to_be_shipped_after_all_gives_its_units_back(pushing: Pushing) -> None:
    world = pushing.stock.world
    (order_id,) = world.put(an_order(an_item(sku="BOWL", units=2), status="PENDING", minutes_ago=5))
    world.run()
    pushing.run()
    assert pushing.stock.shown("BOWL") == 8
    world.change(order_id, fulfillment={"fulfillmentStatus": "UNFULFILLABLE"})
    world.run(order_id=order_id)
    pushing.run()
    assert pushing.stock.shown("BOWL") == 10


def test_orders_that_an_import_could_not_load_are_subtracted(pushing: Pushing) -> None:
    pushing.run()
    sell(pushing, "BOWL", 2)
    with pushing.stock.actor.working() as database:
        database.exec_driver_sql(
            "CREATE TRIGGER no_room BEFORE INSERT ON wms_order BEGIN INSERT INTO nowhere VALUES (1); END"
        )
    with pytest.raises(RunFailedError):
        pushing.stock.world.run()
    assert list(pushing.stock.world.statuses().values()) == ["ready"]
    pushing.run()
    assert pushing.stock.shown("BOWL") == 8
    with pushing.stock.actor.working() as database:
        database.exec_driver_sql("DROP TRIGGER no_room")
    assert pushing.stock.world.run()["loaded"] == 1
    pushing.run()
    assert pushing.stock.shown("BOWL") == 8


def test_units_stay_promised_and_are_shared_where_one_warehouse_is_named_in_several_ways(pushing: Pushing) -> None:
    world = pushing.stock.world
    pushing.stock.list_offer("BOWL", place=CA)
    order = an_order(an_item(sku="BOWL", units=2), minutes_ago=5)
    world.put(order, an_order(an_item(sku="BOWL"), minutes_ago=5, salesChannel={"marketplaceId": CA.marketplace_id}))
    run_import(world.settings, "us")
    run_import(world.settings, "ca")
    connections = world.home / "connections.yaml"
    us, ca = connections.read_text(encoding="utf-8").split("  ca:")
    (world.home / "here").symlink_to(world.home)
    ca = ca.replace("warehouse.db", "here/warehouse.db?timeout=20")
    connections.write_text(f"{us}  ca:{ca}", encoding="utf-8")
    for name in ("us", "ca"):
        run_inventory(world.settings, name)
    assert [pushing.stock.shown("BOWL", place) for place in (US, CA)] == [7, 7]
