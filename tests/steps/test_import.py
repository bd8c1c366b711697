"""What an import does with orders, from a local Amazon into a warehouse on SQLite."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from mfn.database.engines import reading
from mfn.errors import ConfigurationError, LeaseHeldError, RunFailedError
from mfn.ledger.batches import get_batch, list_batches
from mfn.ledger.landing import get_watermark
from mfn.ledger.leases import lease
from mfn.ledger.orders import list_orders
from mfn.ledger.schema import LandedOrder, Reservation
from mfn.steps.runs import was_just_fetched
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


def test_a_second_run_changes_nothing(world: World) -> None:
    world.put(an_order(minutes_ago=5), an_order(minutes_ago=5, status="CANCELLED"))
    world.run()
    before = world.rows()
    second = world.run()
    assert (second["loaded"], second["unchanged"], second["cancelled"]) == (0, 1, 1)
    assert world.rows() == before


HELD = [
    ("sku_unknown", {"items": [{"sku": "MUG-GREEN"}]}),
    ("sku_unknown", {"items": [{"sku": None}]}),
    ("shipping_method_unmapped", {"level": "SAME_DAY"}),
    ("address_missing", {"recipient": None}),
    ("address_incomplete", {"recipient": {"deliveryAddress": address(city=" ", postalCode=None)}}),
    ("program_unsupported", {"programs": ["IN_STORE_PICK_UP"]}),
    ("no_quantity", {"items": [{"units": 1, "shipped": 1}]}),
    ("invalid_payload", {"fulfillment": {"fulfilledBy": None}}),
    ("status_unknown", {"fulfillment": {"fulfillmentStatus": "BEWITCHED"}}),
    ("invalid_payload", {"orderItems": [{"orderItemId": "1", "quantityOrdered": -1, "product": {}}]}),
    ("invalid_payload", {"createdTime": "yesterday"}),
]


def held_order(changes: dict[str, object]) -> dict[str, object]:
    changed = dict(changes)
    items = [an_item(**item) for item in changed.pop("items", [])]  # type: ignore[attr-defined]
    return an_order(*items, **changed)  # type: ignore[arg-type]


@pytest.mark.parametrize(("code", "changes"), HELD, ids=lambda value: value if isinstance(value, str) else "")
def test_a_bad_order_is_held_with_its_reason_and_never_stops_the_others(
    world: World, code: str, changes: dict[str, object]
) -> None:
    bad, good = held_order(changes), an_order()
    world.answer_page(bad, good)
    summary = world.run()
    assert (summary["held"], summary["loaded"]) == (1, 1)
    assert world.reasons(str(bad["orderId"])) == [code]
    assert [row["order_number"] for row in world.rows()] == [good["orderId"]]


def test_an_order_shows_every_reason_at_once(world: World) -> None:
    (bad,) = world.put(an_order(an_item(sku="X"), level="SAME_DAY", recipient=None, programs=["AMAZON_EASY_SHIP"]))
    world.run()
    assert set(world.reasons(bad)) == {
        "sku_unknown",
        "shipping_method_unmapped",
        "address_missing",
        "program_unsupported",
    }


def test_an_order_that_has_no_readable_id_is_held_and_its_text_kept(world: World) -> None:
    world.answer_page({"orderId": 7, "createdTime": None})
    assert world.run()["held"] == 1
    (order_id,) = world.statuses()
    assert order_id.startswith("unreadable-")
    assert world.reasons(order_id) == ["invalid_payload"]


def test_one_order_item_id_twice_is_held_and_one_sku_on_two_lines_is_not(world: World) -> None:
    item = an_item()
    twice, fine = world.put(an_order(item, item), an_order(an_item(), an_item()))
    world.run()
    assert world.statuses() == {twice: "held", fine: "loaded"}
    assert world.reasons(twice) == ["duplicate_line"]


def test_a_held_order_is_released_once_the_warehouse_has_the_item(world: World) -> None:
    (order_id,) = world.put(an_order(an_item(sku="MUG-GREEN"), minutes_ago=600))
    world.run()
    world.add_items("MUG-GREEN")
    summary = world.run()
    assert (summary["fetched"], summary["released"], summary["still_held"]) == (0, 1, 0)
    assert summary["api_calls"] == {"getOrder": 1, "searchOrders": 1}
    assert world.statuses() == {order_id: "loaded"}
    assert world.lines(order_id) == [("MUG-GREEN", 1)]


@pytest.mark.parametrize(("shown", "status"), [("SHIPPED", "shipped"), ("CANCELLED", "cancelled")])
def test_a_held_order_that_amazon_settled_meanwhile_is_not_loaded(world: World, shown: str, status: str) -> None:
    (order_id,) = world.put(an_order(an_item(sku="MUG-GREEN"), minutes_ago=600))
    world.run()
    order = world.amazon.orders.get(order_id)
    world.put(order | {"fulfillment": order["fulfillment"] | {"fulfillmentStatus": shown}})
    world.add_items("MUG-GREEN")
    assert world.run()["released"] == 0
    assert world.statuses() == {order_id: status}
    assert world.rows() == []


def test_an_address_that_amazon_mends_releases_the_order(world: World) -> None:
    (order_id,) = world.put(an_order(recipient=None, minutes_ago=600))
    world.run()
    order = world.amazon.orders.get(order_id)
    world.put(order | {"recipient": {"deliveryAddress": address()}})  # Amazon need not say that it changed
    assert world.run()["released"] == 1


def test_what_cannot_be_read_again_within_the_budget_waits_for_the_next_run(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.put(*(an_order(an_item(sku="MUG-GREEN"), minutes_ago=600) for _ in range(3)))
    world.run()
    world.add_items("MUG-GREEN")
    monkeypatch.setattr("mfn.steps.extract.REREAD_WAIT_SECONDS", 0.0)
    throttled = {"errors": [{"code": "QuotaExceeded", "message": "slow down"}]}
    world.amazon.faults.answer("getOrder", 429, throttled, times=9)
    summary = world.run()
    assert (summary["released"], summary["still_held"]) == (0, 3)
    assert set(world.statuses().values()) == {"held"}


def test_an_order_cancelled_before_it_was_loaded_never_reaches_the_warehouse(world: World) -> None:
    (order_id,) = world.put(an_order(status="CANCELLED"))
    assert world.run()["cancelled"] == 1
    assert world.statuses() == {order_id: "cancelled"}
    assert world.rows() == []


def test_an_order_cancelled_at_amazon_is_cancelled_while_the_warehouse_has_not_begun(world: World) -> None:
    (order_id,) = world.put(an_order())
    world.run()
    world.change(order_id, fulfillment={"fulfillmentStatus": "CANCELLED"})
    assert world.run()["cancelled"] == 1
    assert world.rows()[0]["status"] == "cancelled"
    assert world.statuses() == {order_id: "cancelled"}


def test_an_order_cancelled_after_picking_began_is_asked_for_and_reported(world: World) -> None:
    (order_id,) = world.put(an_order())
    world.run()
    world.warehouse_moves(order_id, "picking")
    world.change(order_id, fulfillment={"fulfillmentStatus": "CANCELLED"})
    summary = world.run()
    (row,) = world.rows()
    assert (row["status"], row["cancel_requested_at"] is not None) == ("picking", True)
    (conflict,) = get_batch(world.ledger, summary["batch_id"]).findings["conflicts"]
    assert (conflict["order_id"], conflict["status"]) == (order_id, "picking")


def cancellation() -> dict[str, object]:
    return {"cancellationRequest": {"requester": "BUYER", "cancelReason": "changed my mind"}}


def test_an_order_whose_buyer_asks_for_a_cancellation_is_held(world: World) -> None:
    (order_id,) = world.put(an_order(an_item(cancellation=cancellation())))
    world.run()
    assert world.reasons(order_id) == ["buyer_cancel_requested"]


def test_a_buyers_request_for_a_loaded_order_is_passed_on_and_reported(world: World) -> None:
    (order_id,) = world.put(an_order())
    world.run()
    world.warehouse_moves(order_id, "picking")
    order = world.amazon.orders.get(order_id)
    world.change(order_id, orderItems=[order["orderItems"][0] | {"cancellation": cancellation()}])
    world.run()
    assert world.rows()[0]["cancel_requested_at"] is not None
    assert world.statuses() == {order_id: "loaded"}
    again = world.run()
    assert get_batch(world.ledger, again["batch_id"]).findings["conflicts"] == []


def test_a_new_address_reaches_an_order_that_the_warehouse_has_not_begun(world: World) -> None:
    (order_id,) = world.put(an_order())
    world.run()
    world.change(order_id, recipient={"deliveryAddress": address(addressLine1="2 Example Street")})
    assert world.run()["loaded"] == 1
    assert world.rows()[0]["address_1"] == "2 Example Street"


def test_a_new_address_of_a_begun_order_is_reported_and_not_written(world: World) -> None:
    (order_id,) = world.put(an_order())
    world.run()
    world.warehouse_moves(order_id, "picking")
    world.change(order_id, recipient={"deliveryAddress": address(addressLine1="2 Example Street")})
    summary = world.run()
    assert (summary["loaded"], summary["unchanged"]) == (0, 1)
    assert world.rows()[0]["address_1"] == "1 Example Street"
    assert len(get_batch(world.ledger, summary["batch_id"]).findings["conflicts"]) == 1


def test_units_follow_amazons_cancellations_and_not_our_confirmations(world: World) -> None:
    (order_id,) = world.put(an_order(an_item(units=5, shipped=1), status="PARTIALLY_SHIPPED"))
    world.run()
    assert world.lines(order_id) == [("MUG-BLUE", 4)]
    item = world.amazon.orders.get(order_id)["orderItems"][0]
    confirmed = item | {"fulfillment": {"quantityFulfilled": 3, "quantityUnfulfilled": 2}}
    world.change(order_id, orderItems=[confirmed])
    world.run()
    assert world.lines(order_id) == [("MUG-BLUE", 4)]
    cancelled = item | {"quantityOrdered": 4, "fulfillment": {"quantityFulfilled": 3, "quantityUnfulfilled": 1}}
    world.change(order_id, orderItems=[cancelled])
    world.run()
    assert world.lines(order_id) == [("MUG-BLUE", 3)]


def reservations(world: World) -> dict[tuple[str, str], int]:
    with reading(world.ledger.engine, what="the ledger") as database:
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


def test_a_held_order_reserves_what_is_known_of_it(world: World) -> None:
    (order_id,) = world.put(an_order(an_item(sku="MUG-RED", units=2), an_item(sku="UNKNOWN")))
    world.run()
    assert reservations(world) == {(order_id, "MUG-RED"): 2}


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


def test_a_dry_run_says_what_would_be_loaded_and_changes_nothing(world: World) -> None:
    world.put(an_order(), an_order(level="SAME_DAY"), an_order(status="PENDING"))
    summary = world.run(dry_run=True)
    assert (summary["loaded"], summary["held"], summary["ignored"]) == (1, 1, 1)
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
    with pytest.raises(RunFailedError, match="Amazon knows no order 111-0000000-0000000"):
        world.run(order_id="111-0000000-0000000")


def test_the_gate_closes_after_the_good_orders_are_loaded(world: World) -> None:
    world.write_connections(hold_alarm_percent=50)
    good, *_ = world.put(an_order(), an_order(level="SAME_DAY"), an_order(level="SAME_DAY"))
    with pytest.raises(RunFailedError, match="2 of 3 due orders are held") as failed:
        world.run()
    assert failed.value.summary["loaded"] == 1
    assert [row["order_number"] for row in world.rows()] == [good]
    assert list_batches(world.ledger)[0].status == "failed"


def test_half_of_the_orders_held_is_not_yet_more_than_half(world: World) -> None:
    world.write_connections(hold_alarm_percent=50)
    world.put(an_order(), an_order(level="SAME_DAY"))
    assert world.run()["held"] == 1


def test_no_recipient_on_any_order_is_one_missing_role(world: World) -> None:
    orders = [an_order() for _ in range(150)]
    world.put(*orders)
    world.amazon.faults.without_recipients = True
    with pytest.raises(RunFailedError, match=r"150 orders .* Direct-to-Consumer Delivery \(Restricted\)"):
        world.run()
    assert world.statuses() == {}
    assert get_watermark(world.ledger, "us") is None
    world.amazon.faults.without_recipients = False
    assert world.run()["loaded"] == 150


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


def test_a_moment_without_a_zone_is_in_utc(world: World) -> None:
    summary = world.run(since=datetime(2026, 11, 2, 9))  # noqa: DTZ001 - as a form in the Prefect UI may give it
    assert summary["window"]["after"] == "2026-11-02T09:00:00Z"


def test_a_newer_version_that_landed_is_never_replaced_by_an_older_one(world: World) -> None:
    (order_id,) = world.put(an_order(minutes_ago=10, recipient={"deliveryAddress": address(city="Newtown")}))
    world.run()
    world.answer_page(an_order(minutes_ago=500) | {"orderId": order_id})
    world.run()
    assert world.rows()[0]["city"] == "Newtown"


def test_only_one_import_works_on_a_connection(world: World) -> None:
    held = pytest.raises(LeaseHeldError, match="another import run works on connection us")
    with lease(world.ledger, "us", "import"), held:
        world.run()
    assert list_batches(world.ledger) == []
    world.run()


def test_everything_that_is_set_up_wrongly_is_told_before_anything_is_started(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LWA_APP_ID")
    (world.home / "mappings" / "shipping_methods.csv").write_text("connection,program\n", encoding="utf-8")
    with pytest.raises(ConfigurationError) as refused:
        world.run()
    assert "LWA_APP_ID" in refused.value.message
    assert "shipping_methods.csv" in refused.value.message
    assert list_batches(world.ledger) == []


def test_buyers_data_is_encrypted_in_the_ledger(world: World) -> None:
    world.put(an_order(recipient={"deliveryAddress": address(name="Planted Name", addressLine1="7 Planted Lane")}))
    world.run()
    with reading(world.ledger.engine, what="the ledger") as database:
        (payload,) = database.execute(select(LandedOrder.payload)).scalars()
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


def test_an_order_that_the_warehouse_deleted_is_never_written_again(world: World) -> None:
    (order_id,) = world.put(an_order())
    world.run()
    world.forget_order(order_id)
    world.change(order_id, recipient={"deliveryAddress": address(city="Newtown")})
    summary = world.run()
    assert world.rows() == []
    (conflict,) = get_batch(world.ledger, summary["batch_id"]).findings["conflicts"]
    assert (conflict["order_id"], conflict["status"]) == (order_id, "deleted")


def test_one_order_that_the_warehouse_refuses_is_held_and_the_others_are_loaded(world: World) -> None:
    world.refuse_city("Atlantis")
    bad = an_order(recipient={"deliveryAddress": address(city="Atlantis")})
    good = world.put(bad, *(an_order() for _ in range(6)))[1:]
    summary = world.run()
    assert (summary["held"], summary["loaded"]) == (1, 6)
    assert [row["order_number"] for row in world.rows()] == sorted(good)
    assert world.reasons(bad["orderId"]) == ["warehouse_refused"]
    world.refuse_city(None)
    assert world.run()["released"] == 1


def test_a_window_counts_as_just_fetched_unless_the_newest_run_failed(world: World) -> None:
    assert not was_just_fetched(world.settings, "us")
    world.run()
    assert was_just_fetched(world.settings, "us")
    world.write_connections(hold_alarm_percent=0)
    world.put(an_order(level="SAME_DAY", minutes_ago=5))
    with pytest.raises(RunFailedError):
        world.run()
    assert not was_just_fetched(world.settings, "us")
