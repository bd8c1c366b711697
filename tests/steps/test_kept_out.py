"""An order that the warehouse has, and whose newest version at Amazon fails a check: reported once, gone once fixed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, update

from mfn.cli.application import run
from mfn.ledger.batches import get_batch
from mfn.ledger.schema import KeptOutVersion
from mfn.models import BatchRef
from mfn.reports.markdown import render_markdown
from mfn.simulator.clock import amazon_time
from mfn.steps.report import gather
from mfn.warehouse.tables import wms_item
from tests.world import address, an_item, an_order

if TYPE_CHECKING:
    from tests.world import World

UNKNOWN = (
    "its newest version at Amazon was kept out: sku_unknown:"
    " seller SKU MUG-GREEN is not an active item in the warehouse"
)


@pytest.fixture(params=["sqlite", "postgresql"])
def any_world(request: pytest.FixtureRequest) -> World:
    """A small world, once on SQLite and once on PostgreSQL."""
    world: World = request.getfixturevalue("world" if request.param == "sqlite" else "world_on_postgres")
    return world


def conflicts(world: World, summary: dict[str, Any]) -> list[dict[str, str]]:
    found: list[dict[str, str]] = get_batch(world.ledger, summary["batch_id"]).findings["conflicts"]
    return found


def kept_out(world: World) -> list[str]:
    with world.ledger.reading() as database:
        return list(database.execute(select(KeptOutVersion.order_id)).scalars())


def loaded(world: World, units: int = 3, **changes: Any) -> str:
    """An order that the warehouse has."""
    (order_id,) = world.put(an_order(an_item(units=units), **changes))
    world.run()
    return order_id


def cut_down(world: World, order_id: str, **changes: Any) -> None:
    """Two of its three units are cancelled, and a line comes with a SKU that the warehouse does not know."""
    item = world.amazon.orders.get(order_id)["orderItems"][0]
    less = item | {"quantityOrdered": 1, "fulfillment": {"quantityFulfilled": 0, "quantityUnfulfilled": 1}}
    world.change(order_id, orderItems=[less, an_item(sku="MUG-GREEN")], **changes)


def grow_old(world: World) -> None:
    """What has been fetched is older than the overlap of the windows."""
    world.write_connections(overlap_minutes=0)


def test_it_is_reported_as_a_conflict_with_the_reason_and_the_remedy(world: World) -> None:
    order_id = loaded(world)
    cut_down(world, order_id)
    summary = world.run()
    assert (summary["unchanged"], summary["held"]) == (1, 0)
    assert world.lines(order_id) == [("MUG-BLUE", 3)]
    assert get_batch(world.ledger, summary["batch_id"]).findings["warnings"] == {"sku_unknown": 1}
    (conflict,) = conflicts(world, summary)
    assert (conflict["order_id"], conflict["what"], conflict["status"]) == (order_id, UNKNOWN, "new")
    assert "add this row to mappings/sku_aliases.csv:\nus,US,MUG-GREEN,,1,\n" in conflict["remedy"]
    assert conflict["remedy"].endswith(f"To do it now:\nmfn import us --order {order_id}")


def test_it_is_not_reported_again_until_amazon_changes_it_again(any_world: World) -> None:
    order_id = loaded(any_world)
    cut_down(any_world, order_id)
    any_world.run()
    again = any_world.run()
    assert again["fetched"] == 1, "the windows overlap"
    assert conflicts(any_world, again) == []
    grow_old(any_world)
    later = any_world.run()
    assert (later["fetched"], conflicts(any_world, later)) == (0, [])
    assert get_batch(any_world.ledger, later["batch_id"]).findings["warnings"] == {}, "nor as worth a look"
    later_on = amazon_time(datetime.now(UTC) - timedelta(minutes=4))
    moved = {"deliveryAddress": address(addressLine1="2 Example Street")}
    any_world.change(order_id, recipient=moved, lastUpdatedTime=later_on)
    any_world.write_connections()
    assert len(conflicts(any_world, any_world.run())) == 1


def test_a_new_reason_is_reported_although_amazon_did_not_change_it_again(world: World) -> None:
    order_id = loaded(world)
    cut_down(world, order_id)
    world.run()
    aliases = world.home / "mappings" / "sku_aliases.csv"
    text = aliases.read_text(encoding="utf-8")
    aliases.write_text(f"{text}us,US,MUG-GREEN,MUG-GREY,1,a slip\n", encoding="utf-8")
    (conflict,) = conflicts(world, world.run())
    assert "MUG-GREEN is mapped to MUG-GREY, which is not an active item in the warehouse" in conflict["what"]
    assert conflicts(world, world.run()) == []
    aliases.write_text(f"{text}us,US,MUG-GREEN,MUG-RED,1,\n", encoding="utf-8")
    assert conflicts(world, world.run()) == []
    assert world.lines(order_id) == [("MUG-BLUE", 1), ("MUG-RED", 1)]


def test_once_fixed_it_reaches_an_order_that_is_still_new_automatically(any_world: World) -> None:
    order_id = loaded(any_world)
    cut_down(any_world, order_id)
    any_world.run()
    grow_old(any_world)
    any_world.add_items("MUG-GREEN")
    summary = any_world.run()
    assert (summary["fetched"], summary["loaded"], summary["released"]) == (0, 0, 1)
    assert summary["api_calls"]["getOrder"] == 1, "read from Amazon before it is let go"
    assert conflicts(any_world, summary) == []
    assert any_world.lines(order_id) == [("MUG-BLUE", 1), ("MUG-GREEN", 1)]
    assert kept_out(any_world) == []
    assert any_world.run()["released"] == 0


def test_once_fixed_an_order_that_amazon_does_not_answer_for_does_not_keep_waiting(world: World) -> None:
    order_id = loaded(world)
    cut_down(world, order_id)
    world.run()
    grow_old(world)
    world.add_items("MUG-GREEN")
    world.amazon.faults.answer("getOrder", 500, times=5)
    summary = world.run()
    assert (summary["released"], summary["still_held"]) == (1, 0)
    assert world.statuses() == {order_id: "loaded"}, "what the warehouse has is never held"
    assert world.lines(order_id) == [("MUG-BLUE", 1), ("MUG-GREEN", 1)]


def test_once_fixed_an_order_in_progress_is_a_conflict_as_after_any_change(world: World) -> None:
    order_id = loaded(world)
    world.warehouse_moves(order_id, "picking")
    cut_down(world, order_id)
    (conflict,) = conflicts(world, world.run())
    assert conflict["status"] == "picking"
    assert "stop it there, or correct the parcel by hand" in conflict["remedy"]
    world.add_items("MUG-GREEN")
    (conflict,) = conflicts(world, world.run())
    assert conflict["what"] == "its address, dates or quantities changed at Amazon"
    assert world.lines(order_id) == [("MUG-BLUE", 3)]
    assert conflicts(world, world.run()) == []


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ({"fulfillment": {"fulfillmentServiceLevel": "EXPEDITED"}}, "shipping_method_unmapped", "EXPEDITED"),
        ({"recipient": {"deliveryAddress": address(city=None)}}, "address_incomplete", "Ask the buyer"),
        ({"recipient": None}, "address_missing", "read again from Amazon"),
    ],
)
def test_whatever_check_it_fails_is_named_with_its_remedy(
    world: World, changes: dict[str, Any], code: str, said: str
) -> None:
    order_id = loaded(world)
    world.change(order_id, **changes)
    world.put(an_order())  # some order with an address
    (conflict,) = conflicts(world, world.run())
    assert conflict["what"].startswith(f"its newest version at Amazon was kept out: {code}: ")
    assert said in conflict["remedy"]


def test_what_amazon_corrects_is_read_again_from_amazon_and_loaded(world: World) -> None:
    order_id = loaded(world)
    whole = world.amazon.orders.get(order_id)
    world.change(order_id, recipient={"deliveryAddress": address(addressLine1="2 Example Street")})
    world.answer_page(world.amazon.orders.get(order_id) | {"orderItems": None})
    (conflict,) = conflicts(world, world.run())
    assert "was kept out: invalid_payload: " in conflict["what"]
    assert "every run reads it from Amazon again" in conflict["remedy"]
    assert world.rows()[0]["address_1"] == whole["recipient"]["deliveryAddress"]["addressLine1"]
    grow_old(world)
    world.run()
    assert world.rows()[0]["address_1"] == "2 Example Street"
    assert kept_out(world) == []


@pytest.mark.parametrize(
    ("status", "said"),
    [("shipped", "compare it with Seller Central"), ("cancelled", "have the warehouse reopen it")],
)
def test_it_names_the_status_of_the_order_in_the_warehouse(world: World, status: str, said: str) -> None:
    order_id = loaded(world)
    world.warehouse_moves(order_id, status)
    cut_down(world, order_id)
    (conflict,) = conflicts(world, world.run())
    assert conflict["status"] == status
    assert said in conflict["remedy"]


def test_it_says_that_the_warehouse_deleted_the_order(world: World) -> None:
    order_id = loaded(world)
    world.forget_order(order_id)
    cut_down(world, order_id)
    (conflict,) = conflicts(world, world.run())
    assert conflict["status"] == "deleted"
    assert f"mfn orders release {order_id} --why TEXT" in conflict["remedy"]


@pytest.mark.parametrize("is_changed", [False, True], ids=["as first loaded", "as it changed since"])
def test_a_mapping_that_breaks_for_orders_that_the_warehouse_has_is_not_a_conflict(
    any_world: World, is_changed: bool
) -> None:
    order_id = loaded(any_world, minutes_ago=5)
    if is_changed:
        any_world.change(order_id, recipient={"deliveryAddress": address(addressLine1="2 Example Street")})
        assert any_world.run()["loaded"] == 1
    with any_world.writing_warehouse() as database:
        database.execute(update(wms_item).where(wms_item.c.sku == "MUG-BLUE").values(is_active=False))
    summary = any_world.run()
    assert (summary["fetched"], summary["unchanged"]) == (1, 1), "the windows overlap"
    assert conflicts(any_world, summary) == []
    assert kept_out(any_world) == []


def test_an_order_that_amazon_cancels_in_the_meantime_is_settled(world: World) -> None:
    order_id = loaded(world)
    cut_down(world, order_id)
    world.run()
    world.change(order_id, fulfillment={"fulfillmentStatus": "CANCELLED"})
    assert world.run()["cancelled"] == 1
    assert world.rows()[0]["status"] == "cancelled"
    assert kept_out(world) == []


def test_a_dry_run_shows_the_conflict_and_leaves_it_to_be_reported(world: World) -> None:
    order_id = loaded(world)
    cut_down(world, order_id)
    for _ in range(2):
        assert len(conflicts(world, world.run(dry_run=True))) == 1
    assert len(conflicts(world, world.run())) == 1
    assert conflicts(world, world.run(dry_run=True)) == []


def test_a_rerun_batch_reports_it_again_only_as_long_as_it_holds(world: World) -> None:
    order_id = loaded(world)
    cut_down(world, order_id)
    batch_id = world.run()["batch_id"]
    assert run(["rerun", batch_id, "--from-stage", "validate"]) == 0
    assert len(conflicts(world, {"batch_id": batch_id})) == 1
    world.add_items("MUG-GREEN")
    assert run(["rerun", batch_id, "--from-stage", "validate"]) == 0
    assert conflicts(world, {"batch_id": batch_id}) == []
    assert world.lines(order_id) == [("MUG-BLUE", 1), ("MUG-GREEN", 1)]


def test_a_person_who_imports_the_order_by_id_sees_the_reason_again(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    order_id = loaded(world)
    cut_down(world, order_id)
    world.run()
    assert run(["import", "us", "--order", order_id]) == 0
    shown = capsys.readouterr().out
    assert f"{order_id}: unchanged" in shown
    assert f"  {UNKNOWN} (warehouse: new)" in shown
    assert "us,US,MUG-GREEN,,1," in shown


def test_prefects_artifact_and_the_orders_timeline_have_it(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    order_id = loaded(world)
    cut_down(world, order_id)
    summary = world.run()
    text = render_markdown(gather(BatchRef(summary["batch_id"], "us", "import", "load", ""), world.settings))
    assert f"- {order_id}: its newest version at Amazon was kept out: sku\\_unknown: " in text
    assert "    us,US,MUG-GREEN,,1,\n" in text
    assert f"    mfn import us --order {order_id}\n" in text
    assert run(["orders", "show", order_id]) == 0
    assert f"{UNKNOWN} (new)" in " ".join(capsys.readouterr().out.split())
