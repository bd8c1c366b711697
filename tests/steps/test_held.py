"""What is held and why, and how it is let go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mfn.errors import RunFailedError
from mfn.ledger.batch_listing import list_batches
from mfn.ledger.order_listing import list_orders, orders_with_id
from mfn.ledger.orders import read_reasons
from mfn.ledger.watermarks import get_watermark
from mfn.steps.orders.decisions import dismiss
from mfn.warehouse.tables import wms_order_line
from tests.world import address, an_item, an_order, cancellation

if TYPE_CHECKING:
    from tests.world import World


HELD: list[tuple[str, dict[str, Any]]] = [
    ("sku_unknown", {"items": [{"sku": "MUG-GREEN"}]}),
    ("sku_unknown", {"items": [{"sku": None}]}),
    ("shipping_method_unmapped", {"level": "SAME_DAY"}),
    ("address_missing", {"recipient": None}),
    ("address_incomplete", {"recipient": {"deliveryAddress": address(city=" ", postalCode=None)}}),
    ("program_unsupported", {"programs": ["IN_STORE_PICK_UP"]}),
    ("no_quantity", {"items": [{"units": 1, "shipped": 1}]}),
    ("invalid_payload", {"fulfillment": {"fulfilledBy": None}}),
    ("invalid_payload", {"fulfillment": {"fulfilledBy": "SELLER"}}),
    ("status_unknown", {"fulfillment": {"fulfillmentStatus": "BEWITCHED"}}),
    ("invalid_payload", {"orderItems": [{"orderItemId": "1", "quantityOrdered": -1, "product": {}}]}),
    ("invalid_payload", {"createdTime": "yesterday"}),
    ("invalid_payload", {"items": [{"units": 1, "fulfillment": {"quantityFulfilled": 0, "quantityUnfulfilled": 9}}]}),
]


def held_order(changes: dict[str, Any]) -> dict[str, Any]:
    changed = dict(changes)
    items = [an_item(**item) for item in changed.pop("items", [])]
    return an_order(*items, **changed)


def test_bad_orders_are_held_each_with_its_reason_and_never_stop_the_others(world: World) -> None:
    bad, good = [held_order(changes) for _, changes in HELD], an_order()
    world.answer_page(*bad, good)
    summary = world.run()
    assert (summary["held"], summary["loaded"]) == (len(HELD), 1)
    found = [(world.reasons(str(order["orderId"])), changes) for order, (_, changes) in zip(bad, HELD, strict=True)]
    assert found == [([code], changes) for code, changes in HELD]
    assert [row["order_number"] for row in world.rows()] == [good["orderId"]]


def test_a_code_that_the_warehouse_lacks_is_reported_with_the_nearest_one(world: World) -> None:
    rows = "connection,program,service_level,marketplace,warehouse_code,note\n,,STANDARD,,GROUNDD,\n"
    (world.home / "mappings" / "shipping_methods.csv").write_text(rows, encoding="utf-8")
    (order_id,) = world.put(an_order())
    world.run()
    (reason,) = world.details(order_id)
    assert "mapped to GROUNDD, which is not an active code in the warehouse (nearest: GROUND)" in reason


def test_a_kit_is_never_proposed_for_its_own_component(world: World) -> None:
    rows = "connection,marketplace,seller_sku,warehouse_sku,units,note\n,,TEA-SET,TEA-SETS,1,\n,,TEA-SET,A,1,\n"
    (world.home / "mappings" / "sku_aliases.csv").write_text(rows, encoding="utf-8")
    world.add_items("TEA-SET", "TEA_SETS")
    (order_id,) = world.put(an_order(an_item(sku="TEA-SET")))
    world.run()
    details = " ".join(world.details(order_id))
    assert (
        "mapped to TEA-SETS, which is not an active item in the warehouse (nearest: TEA_SETS differs in separators)"
        in details
    )


def test_a_sku_that_no_row_can_name_is_reported_without_a_row_to_paste(world: World) -> None:
    odd = ["1E+05", "#N/A", "  ", "A\tB", "A\x00B"]
    world.put(*(an_order(an_item(sku=sku)) for sku in odd), *(an_order() for _ in odd))
    assert world.run()["held"] == len(odd)
    remedies = {reason.remedy for row in list_orders(world.ledger) for reason in read_reasons(row.reasons)}
    (remedy,) = remedies
    assert remedy.endswith("in Seller Central: no row in mappings/sku_aliases.csv can name this one.")


def test_an_order_with_more_left_to_ship_than_was_ordered_says_which_item(world: World) -> None:
    item = an_item(units=2)
    item["fulfillment"] |= {"quantityUnfulfilled": 5}
    order_id, _ = world.put(an_order(item), an_order())
    world.run()
    assert world.details(order_id) == [
        f"order item {item['orderItemId']}: more units are left to ship than were ordered"
    ]


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
    (row,) = orders_with_id(world.ledger, order_id)
    assert f"mfn orders dismiss {order_id}" in read_reasons(row.reasons)[0].remedy
    assert world.reasons(order_id) == ["invalid_payload"]
    assert dismiss(world.settings, [order_id], why="shipped by hand") == ()


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
def test_a_held_order_that_amazon_settled_in_the_meantime_is_not_loaded(world: World, shown: str, status: str) -> None:
    (order_id,) = world.put(an_order(an_item(sku="MUG-GREEN"), minutes_ago=600))
    world.run()
    order = world.amazon.orders.get(order_id)
    world.put(order | {"fulfillment": order["fulfillment"] | {"fulfillmentStatus": shown}})
    world.add_items("MUG-GREEN")
    assert world.run()["released"] == 0
    assert world.statuses() == {order_id: status}
    assert world.rows() == []


def test_an_address_that_amazon_corrects_releases_the_order(world: World) -> None:
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
    monkeypatch.setattr("mfn.steps.importing.rereading.REREAD_WAIT_SECONDS", 0.0)
    throttled = {"errors": [{"code": "QuotaExceeded", "message": "slow down"}]}
    world.amazon.faults.answer("getOrder", 429, throttled, times=9)
    summary = world.run()
    assert (summary["released"], summary["still_held"]) == (0, 3)
    assert set(world.statuses().values()) == {"held"}


def test_a_held_order_that_amazon_does_not_answer_for_stops_no_new_one(world: World) -> None:
    (held,) = world.put(an_order(recipient=None, minutes_ago=600))
    world.run()
    (new,) = world.put(an_order(minutes_ago=10))
    world.amazon.faults.answer("getOrder", 500, times=5)
    summary = world.run()
    assert (summary["loaded"], summary["released"], summary["still_held"]) == (1, 0, 1)
    assert world.statuses() == {held: "held", new: "loaded"}


def test_one_order_that_amazon_denies_keeps_no_other_one_back(world: World) -> None:
    denied, *others = world.put(*(an_order(an_item(sku="MUG-GREEN"), minutes_ago=600 - late) for late in range(3)))
    world.run()
    world.add_items("MUG-GREEN")
    world.amazon.faults.answer("getOrder", 403, {"errors": [{"code": "Unauthorized", "message": "no"}]}, times=2)
    summary = world.run()
    assert (summary["released"], summary["still_held"]) == (2, 1)
    assert world.statuses() == {denied: "held", **dict.fromkeys(others, "loaded")}


@pytest.mark.parametrize("shown", [an_order(), {}, None, {"orderId": 5}], ids=["another", "none", "null", "no text"])
def test_an_answer_that_is_not_the_order_that_was_asked_for_lets_nothing_go(
    world: World, shown: dict[str, object] | None
) -> None:
    (order_id,) = world.put(an_order(an_item(sku="MUG-GREEN"), minutes_ago=600))
    world.run()
    world.add_items("MUG-GREEN")
    world.amazon.faults.answer("getOrder", 200, {"order": shown}, times=5)
    summary = world.run()
    assert (summary["released"], summary["still_held"]) == (0, 1)
    assert world.statuses() == {order_id: "held"}
    assert world.run()["released"] == 1


@pytest.mark.parametrize("status", [503, 403])
def test_held_orders_that_amazon_answers_for_no_more_stop_no_new_one(
    world: World, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    world.put(*(an_order(recipient=None, minutes_ago=600) for _ in range(4)))
    world.put(*(an_order(an_item(sku="MUG-GREEN"), minutes_ago=600) for _ in range(4)))
    world.run()
    world.add_items("MUG-GREEN")
    (new,) = world.put(an_order(minutes_ago=10))
    world.amazon.faults.answer("getOrder", status, times=99)
    summary = world.run()
    assert (summary["loaded"], summary["released"], summary["still_held"]) == (1, 0, 8)
    assert world.statuses()[new] == "loaded"
    assert "held orders could not be read again" in caplog.text


@pytest.mark.parametrize("fulfillment", [None, {}, {"quantityFulfilled": 0, "quantityUnfulfilled": 0}])
def test_an_item_that_was_cancelled_is_not_shipped_and_its_buyers_request_holds_nothing(
    world: World, fulfillment: dict[str, int] | None
) -> None:
    carried_out = cancellation() | {"cancellationExecution": {"cancelledBy": "MERCHANT", "cancelReason": "OTHER"}}
    gone, left = an_item(cancellation=carried_out, fulfillment=fulfillment), an_item()
    world.answer_page(an_order(gone, left), an_order(gone))
    summary = world.run()
    assert (summary["loaded"], summary["held"]) == (1, 1), "of the other nothing is left"
    assert [line["order_item_id"] for line in world.rows(wms_order_line)] == [left["orderItemId"]]
    assert [row["cancel_requested_at"] for row in world.rows()] == [None]


def test_an_order_whose_buyer_asks_for_a_cancellation_is_held(world: World) -> None:
    (order_id,) = world.put(an_order(an_item(cancellation=cancellation())))
    world.run()
    assert world.reasons(order_id) == ["buyer_cancel_requested"]


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


def test_orders_that_buyers_fetch_have_no_recipient_and_no_role_is_missing_for_that(world: World) -> None:
    (cancelled,) = world.put(an_order(minutes_ago=600))
    world.run()
    world.change(cancelled, fulfillment={"fulfillmentStatus": "CANCELLED"})
    fetched = world.put(*(an_order(programs=["IN_STORE_PICK_UP"], recipient=None, minutes_ago=5) for _ in range(3)))
    assert world.run()["cancelled"] == 1
    assert world.statuses() == {cancelled: "cancelled", **dict.fromkeys(fetched, "held")}


def test_an_address_that_is_null_is_none_and_on_every_order_one_missing_role(world: World) -> None:
    world.put(*(an_order(recipient={"deliveryAddress": None}) for _ in range(3)))
    with pytest.raises(RunFailedError, match=r"3 orders .* Direct-to-Consumer Delivery \(Restricted\)"):
        world.run()


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


def test_held_orders_that_amazon_denies_keep_the_others_back_for_one_run(world: World) -> None:
    *_, last = world.put(*(an_order(an_item(sku="MUG-GREEN"), minutes_ago=600 - late) for late in range(4)))
    world.run()
    world.add_items("MUG-GREEN")
    world.amazon.faults.answer("getOrder", 403, times=6)  # the first three, each with a fresh token once more
    assert world.run()["released"] == 0
    world.amazon.faults.let_pass("getOrder")
    world.amazon.faults.answer("getOrder", 403, times=6)
    assert world.run()["released"] == 1
    assert world.statuses()[last] == "loaded"
