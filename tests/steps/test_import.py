"""What an import does with orders, from a local Amazon into a warehouse on SQLite."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from mfn.errors import ConfigurationError, LeaseHeldError, RunFailedError
from mfn.ledger.batch_listing import list_batches
from mfn.ledger.leases import lease
from mfn.ledger.order_listing import list_orders
from mfn.ledger.schema import LandedPage, Reservation
from mfn.ledger.watermarks import get_watermark
from mfn.steps.importing import validate as validate_step
from mfn.steps.late_runs import was_just_fetched
from mfn.warehouse.tables import wms_order_line
from tests.world import address, an_item, an_order

if TYPE_CHECKING:
    from tests.world import World


def test_a_good_order_reaches_the_warehouse_with_all_that_it_needs(world: World) -> None:
    (order_id,) = world.put(
        an_order(
            an_item(sku="MUG-BLUE", units=3, shipped=1),
            an_item(sku="BREAKFAST", units=2),
            programs=["AMAZON_BUSINESS", "PRIME"],
            buyer={"buyerEmail": "b@example.com", "buyerPurchaseOrderNumber": "PO-7"},
            fulfillment={"fulfillmentStatus": "PARTIALLY_SHIPPED"},
        )
    )
    assert world.run()["loaded"] == 1
    (row,) = world.rows()
    assert row["order_number"] == order_id
    assert row["status"] == "new"
    assert row["ship_method_code"] == "PRIME_DAY"
    assert row["programs"] == "PRIME,AMAZON_BUSINESS"
    assert (row["is_sfp"], row["is_premium"], row["is_business"]) == (True, False, True)
    assert row["purchase_order_number"] == "PO-7"
    assert row["ship_to_name"] == "Test Buyer"
    assert row["postal_code"] == "98101"
    assert row["ship_by"] - row["ordered_at"] == timedelta(days=1)
    assert world.lines(order_id) == [("MUG-BLUE", 2), ("BOWL", 2), ("PLATE", 4)]
    items = {line["order_item_id"] for line in world.rows(wms_order_line)}
    assert items == {item["orderItemId"] for item in world.amazon.orders.get(order_id)["orderItems"]}


@pytest.mark.parametrize("fixture", ["world", "world_on_postgres"])
def test_of_a_batch_of_many_chunks_every_order_reaches_the_warehouse_with_its_own_lines(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, fixture: str
) -> None:
    world: World = request.getfixturevalue(fixture)
    monkeypatch.setattr(validate_step, "CHUNK_ORDERS", 4)
    units = [1 + number % 3 for number in range(17)]
    *good, held = world.put(
        *(
            an_order(an_item(sku="BREAKFAST", units=some), an_item(sku="MUG-BLUE"), minutes_ago=10 + number * 7 % 17)
            for number, some in enumerate(units)
        ),
        an_order(an_item(sku="NOWHERE")),
    )
    found = world.run()
    assert (found["fetched"], found["loaded"], found["held"]) == (18, 17, 1)
    assert world.statuses() == dict.fromkeys(good, "loaded") | {held: "held"}
    assert {order_id: world.lines(order_id) for order_id in good} == {
        order_id: [("BOWL", some), ("PLATE", 2 * some), ("MUG-BLUE", 1)]
        for order_id, some in zip(good, units, strict=True)
    }


def test_a_second_run_changes_nothing(world: World) -> None:
    world.put(an_order(minutes_ago=5), an_order(minutes_ago=5, status="CANCELLED"))
    world.run()
    before = world.rows()
    second = world.run()
    assert (second["loaded"], second["unchanged"], second["cancelled"]) == (0, 1, 1)
    assert world.rows() == before


def reservations(world: World) -> dict[tuple[str, str], int]:
    with world.ledger.reading() as database:
        return {(row.order_id, row.sku): row.units for row in database.execute(select(Reservation))}


def test_a_pending_order_reserves_its_units_and_is_loaded_once_it_is_paid(world: World) -> None:
    (order_id,) = world.put(an_order(an_item(sku="BREAKFAST", units=2), status="PENDING", recipient=None))
    assert world.run()["ignored"] == 1
    assert world.statuses() == {order_id: "pending"}
    assert reservations(world) == {(order_id, "PLATE"): 4, (order_id, "BOWL"): 2}
    world.change(order_id, fulfillment={"fulfillmentStatus": "UNSHIPPED"}, recipient={"deliveryAddress": address()})
    assert world.run()["loaded"] == 1
    assert reservations(world) == {(order_id, "PLATE"): 4, (order_id, "BOWL"): 2}
    world.change(order_id, fulfillment={"fulfillmentStatus": "CANCELLED"})
    world.run()
    assert reservations(world) == {}


def test_an_order_waiting_for_payment_is_reported_by_the_run_that_met_it_and_by_no_later_one(world: World) -> None:
    world.put(an_order(status="PENDING"))
    for expected in (True, False):
        page = Path(world.run()["report"]).read_text(encoding="utf-8")
        assert ("Payment pending at Amazon" in page) is expected
        world.answer_page()


def test_a_held_order_reserves_all_that_it_names(world: World) -> None:
    (order_id,) = world.put(an_order(an_item(sku="MUG-RED", units=2), an_item(sku="UNKNOWN"), an_item(sku=None)))
    world.run()
    assert reservations(world) == {(order_id, "MUG-RED"): 2, (order_id, "UNKNOWN"): 1}


def test_orders_of_the_system_before_this_one_are_ignored(world: World) -> None:
    start = datetime.now(UTC) - timedelta(minutes=30)
    world.write_connections(not_before=start.strftime("%Y-%m-%dT%H:%M:%SZ"))
    old, new = world.put(an_order(minutes_ago=40), an_order(minutes_ago=20))
    assert world.run()["ignored"] == 1
    assert world.statuses() == {old: "ignored", new: "loaded"}


def test_orders_that_amazon_fulfils_are_never_imported(world: World) -> None:
    prime = an_order(programs=["PRIME"], fulfillment={"fulfilledBy": "AMAZON"})
    (order_id,) = world.put(prime)
    assert world.run()["fetched"] == 0
    assert world.run(order_id=order_id)["ignored"] == 1
    assert world.statuses() == {order_id: "ignored"}


def test_times_without_their_seconds_are_read_and_an_order_that_came_so_is_loaded(world: World) -> None:
    placed = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(hours=1)
    text = placed.strftime("%Y-%m-%dT%H:%MZ")
    windows = {name: {"latestDateTime": text} for name in ("shipByWindow", "deliverByWindow")}
    world.answer_page(an_order(createdTime=text, lastUpdatedTime=text, fulfillment=windows))
    assert world.run()["loaded"] == 1
    (row,) = world.rows()
    assert [row[name] for name in ("ordered_at", "ship_by", "deliver_by")] == [placed.replace(tzinfo=None)] * 3


@pytest.mark.parametrize("kind", ["REPLACEMENT_ORIGINAL_ID", "EXCHANGE_ORIGINAL_ID", None])
def test_an_order_replaces_the_one_that_amazon_says_and_no_other_that_it_has_to_do_with(
    world: World, kind: str | None
) -> None:
    others = [{"orderId": "111-0000000-0000001", "associationType": "SIBLING_ID"}]
    replaced = {"orderId": "111-0000000-0000002", "associationType": kind}
    alone, both = world.put(an_order(associatedOrders=others), an_order(associatedOrders=[*others, replaced]))
    world.run()
    found = {row["order_number"]: row["replaces_order"] for row in world.rows()}
    assert found == {alone: None, both: "111-0000000-0000002"}


def test_a_dry_run_says_what_would_be_loaded_and_changes_nothing(world: World) -> None:
    good, _, _ = world.put(an_order(), an_order(level="SAME_DAY"), an_order(status="PENDING"))
    summary = world.run(dry_run=True)
    assert (summary["loaded"], summary["held"], summary["ignored"]) == (1, 1, 1)
    assert summary["would_load"] == [good]
    assert world.rows() == []
    assert world.statuses() == {}
    assert reservations(world) == {}
    assert get_watermark(world.ledger, "us") is None
    assert world.run()["loaded"] == 1


def test_one_order_can_be_fetched_by_its_id(world: World) -> None:
    wanted, _ = world.put(an_order(minutes_ago=60 * 24 * 20), an_order())
    summary = world.run(order_id=wanted)
    assert (summary["fetched"], summary["loaded"]) == (1, 1)
    assert summary["window"] == {"after": None, "before": None}
    assert [row["order_number"] for row in world.rows()] == [wanted]


def test_an_order_id_that_amazon_does_not_know_fails_with_what_to_do(world: World) -> None:
    with pytest.raises(RunFailedError, match="Amazon has no order 111-0000000-0000000"):
        world.run(order_id="111-0000000-0000000")


def test_the_watermark_is_the_bound_that_amazon_echoed_and_windows_overlap(world: World) -> None:
    first = world.run()
    watermark = get_watermark(world.ledger, "us")
    assert watermark is not None
    assert first["window"]["before"] == watermark.isoformat().replace("+00:00", "Z")
    assert datetime.now(UTC) - watermark >= timedelta(minutes=2)
    second = world.run()
    assert datetime.fromisoformat(second["window"]["after"]) == watermark - timedelta(minutes=15)


def test_a_backfill_that_leaves_a_gap_does_not_move_the_watermark(world: World) -> None:
    world.run(since=datetime.now(UTC) - timedelta(hours=1))
    assert get_watermark(world.ledger, "us") is None
    world.run()
    before = get_watermark(world.ledger, "us")
    world.run(since=datetime.now(UTC) - timedelta(days=30))
    after = get_watermark(world.ledger, "us")
    assert before is not None
    assert after is not None
    assert after >= before


def test_since_the_first_day_of_the_calendar_fetches_everything(world: World) -> None:
    world.put(an_order())
    assert world.run(since=datetime(1, 1, 1, tzinfo=UTC))["fetched"] == 1


def test_a_moment_without_a_zone_is_in_utc(world: World) -> None:
    summary = world.run(since=datetime(2026, 6, 1, 9))  # noqa: DTZ001 - as a form in the Prefect UI may give it
    assert summary["window"]["after"] == "2026-06-01T09:00:00Z"


def test_a_newer_version_that_landed_is_never_replaced_by_an_older_one(world: World) -> None:
    (order_id,) = world.put(an_order(minutes_ago=10, recipient={"deliveryAddress": address(city="Newtown")}))
    world.run()
    world.answer_page(an_order(minutes_ago=500) | {"orderId": order_id})
    world.run()
    assert world.rows()[0]["city"] == "Newtown"


def test_only_one_import_works_on_a_connection(world: World) -> None:
    held = pytest.raises(LeaseHeldError, match="another import run is working on connection us")
    with lease(world.ledger, "us", "import"), held:
        world.run()
    assert list_batches(world.ledger) == []
    world.run()


def test_everything_that_is_set_up_wrongly_is_reported_before_anything_is_started(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LWA_APP_ID")
    (world.home / "mappings" / "shipping_methods.csv").write_text("connection,program\n", encoding="utf-8")
    with pytest.raises(ConfigurationError) as refused:
        world.run()
    assert "LWA_APP_ID" in refused.value.message
    assert "shipping_methods.csv" in refused.value.message
    assert list_batches(world.ledger) == []


@pytest.mark.parametrize(
    ("written", "expected"),
    [("colour: red", True), ("credentials: prefekt:amazon", False), ("credentials: env\n    colour: red", True)],
)
def test_a_fault_of_the_connections_file_hides_no_missing_secret(
    world: World, monkeypatch: pytest.MonkeyPatch, written: str, expected: bool
) -> None:
    monkeypatch.delenv("LWA_APP_ID")
    path = world.home / "connections.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("  us:\n", f"  us:\n    {written}\n"), encoding="utf-8")
    with pytest.raises(ConfigurationError) as refused:
        world.run()
    assert written.rpartition("    ")[2].partition(":")[0] in refused.value.message
    assert ("LWA_APP_ID_US" in refused.value.message) is expected


def test_buyers_data_is_encrypted_in_the_ledger(world: World) -> None:
    world.put(an_order(recipient={"deliveryAddress": address(name="Planted Name", addressLine1="7 Planted Lane")}))
    world.run()
    with world.ledger.reading() as database:
        (payload,) = database.execute(select(LandedPage.payload)).scalars()
    assert b"Planted" not in payload
    for file in (world.home / ".mfn").rglob("*"):
        if file.is_file():
            assert b"Planted" not in file.read_bytes(), file


def test_programmes_and_levels_of_the_future_pass(world: World) -> None:
    world.put(an_order(programs=["TELEPORT", "PRIME"], futureField={"a": [1]}))
    world.run()
    (row,) = world.rows()
    assert (row["programs"], row["ship_method_code"]) == ("PRIME,TELEPORT", "PRIME_DAY")


def test_orders_are_listed_the_most_urgent_first(world: World) -> None:
    later, sooner = world.put(an_order(minutes_ago=10), an_order(minutes_ago=300))
    world.run()
    assert [row.order_id for row in list_orders(world.ledger)] == [sooner, later]


def test_a_window_counts_as_just_fetched_unless_the_newest_run_failed(world: World) -> None:
    assert not was_just_fetched(world.settings, "us")
    world.run()
    assert was_just_fetched(world.settings, "us")
    world.write_connections(hold_alarm_percent=0)
    world.put(an_order(level="SAME_DAY", minutes_ago=5))
    with pytest.raises(RunFailedError):
        world.run()
    assert not was_just_fetched(world.settings, "us")
