"""Parcels that are not confirmed, and why; what is fixed is confirmed automatically."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from mfn.errors import RunFailedError
from mfn.ledger.orders import read_reasons
from tests.world import an_item, an_order

if TYPE_CHECKING:
    from tests.steps.shipping import Shipping


def test_a_shipment_of_an_order_that_nobody_knows_is_held_once(shipping: Shipping) -> None:
    shipping.warehouse.write_parcel("111-0000000-0000000", shipment_id="LOST", lines=[("1", "MUG-BLUE", 1)])
    first = shipping.run()
    assert (first["shipments"], first["held"], first["still_held"]) == (1, 1, 0)
    assert shipping.reasons("LOST") == ["order_unknown"]
    again = shipping.run()
    assert (again["shipments"], again["held"], again["still_held"], again["released"]) == (0, 0, 1, 0)


def test_without_the_list_of_accepted_carriers_every_carrier_goes_out_as_other(shipping: Shipping) -> None:
    (shipping.world.home / "mappings" / "accepted_carriers.csv").unlink()
    (order_id,) = shipping.loaded()
    parcel = shipping.ship(order_id, carrier="UPS")
    assert shipping.run()["sent"] == 1
    assert (shipping.parcel(parcel).carrier_code, shipping.parcel(parcel).carrier_name) == ("Other", "UPS")
    assert len(shipping.packages(order_id)) == 1


def test_a_parcel_of_an_order_that_is_held_here_says_where_to_see_why(shipping: Shipping) -> None:
    (order_id,) = shipping.loaded(an_order(an_item(sku="NO-SUCH-SKU")))
    shipping.warehouse.write_parcel(order_id, shipment_id="EARLY", lines=[("1", "MUG-BLUE", 1)])
    assert shipping.run()["held"] == 1
    (reason,) = read_reasons(shipping.parcel("EARLY").reasons)
    assert (reason.code, reason.remedy.splitlines()[-1]) == ("order_unknown", f"mfn orders show {order_id}")
    assert reason.detail.endswith("is held")


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"tracking_number": None}, "tracking_missing"),
    ({"tracking_number": "  "}, "tracking_missing"),
    ({"tracking_number": "\u200b"}, "tracking_missing"),
    ({"tracking_number": "---"}, "tracking_missing"),
    ({"carrier": None}, "carrier_missing"),
    ({"units": {1: 2}}, "quantity_excessive"),
    ({"units": {1: 0}}, "quantity_invalid"),
    ({"status": "manifested"}, "shipment_status_unknown"),
    ({"tracking_number": "9" * 100_000}, "text_too_long"),
]


def test_parcels_that_are_wrong_are_held_each_with_its_reason_and_the_others_go_on(shipping: Shipping) -> None:
    good, *bad = shipping.loaded(*(an_order() for _ in range(1 + len(WRONG))))
    held = [
        shipping.ship(order_id, shipment_id=f"BAD{number}", **wrong)
        for number, (order_id, (wrong, _)) in enumerate(zip(bad, WRONG, strict=True))
    ]
    shipping.ship(good, shipment_id="GOOD")
    summary = shipping.run()
    assert (summary["shipments"], summary["sent"], summary["held"]) == (1 + len(WRONG), 1, len(WRONG))
    assert [shipping.reasons(parcel) for parcel in held] == [[reason] for _, reason in WRONG]
    assert shipping.statuses() == dict.fromkeys(held, "held") | {"GOOD": "sent"}
    assert {shipping.world.statuses()[order_id] for order_id in bad} == {"loaded"}


def test_a_parcel_without_lines_is_held(shipping: Shipping) -> None:
    (order_id,) = shipping.loaded()
    shipping.warehouse.write_parcel(order_id, shipment_id="EMPTY", lines=[])
    assert shipping.run()["held"] == 1
    assert shipping.reasons("EMPTY") == ["parcel_empty"]


def test_a_line_that_names_no_item_of_the_order_holds_its_parcel(shipping: Shipping) -> None:
    (order_id,) = shipping.loaded()
    shipping.warehouse.write_parcel(order_id, shipment_id="ODD", lines=[("123", "BOWL", 1)])
    assert shipping.run()["held"] == 1
    assert shipping.reasons("ODD") == ["order_item_unknown"]


def test_more_than_was_ordered_over_several_parcels_holds_the_one_that_is_too_much(shipping: Shipping) -> None:
    (order_id,) = shipping.loaded(an_order(an_item(units=2)))
    first = shipping.ship(order_id, units={1: 2})
    shipping.run()
    second = shipping.ship(order_id, units={1: 1})
    assert shipping.run()["held"] == 1
    assert shipping.statuses() == {first: "sent", second: "held"}


def test_a_held_parcel_is_confirmed_automatically_once_it_is_fixed(shipping: Shipping) -> None:
    (order_id,) = shipping.loaded()
    shipment_id = shipping.ship(order_id, tracking_number=None)
    shipping.run()
    shipping.warehouse.change(shipment_id, tracking_number="T0000000099")
    summary = shipping.run()
    assert (summary["sent"], summary["still_held"]) == (1, 0)
    assert shipping.reasons(shipment_id) == []


def test_a_carrier_that_nothing_maps_goes_out_under_its_own_name_with_a_warning(shipping: Shipping) -> None:
    (order_id,) = shipping.loaded()
    shipment_id = shipping.ship(order_id, carrier="Bob's Vans")
    assert shipping.run()["sent"] == 1
    assert shipping.packages(order_id)[0]["carrier"] == "Bob's Vans"
    assert shipping.parcel(shipment_id).carrier_code == "Other"
    assert shipping.warnings(shipment_id) == ["carrier_unlisted"]


def test_a_carrier_that_nothing_maps_can_be_held_and_is_released_by_a_row_of_the_mapping(shipping: Shipping) -> None:
    shipping.world.write_connections()
    path = shipping.world.home / "connections.yaml"
    path.write_text(path.read_text("utf-8") + "    shipments: {unlisted_carrier: hold}\n", encoding="utf-8")
    (order_id,) = shipping.loaded()
    shipment_id = shipping.ship(order_id, carrier="Bob's Vans")
    assert shipping.run()["held"] == 1
    assert shipping.reasons(shipment_id) == ["carrier_unlisted"]
    shipping.world.write_carriers(",Bob's Vans,,OnTrac,,,")
    summary = shipping.run()
    assert (summary["sent"], summary["released"]) == (1, 1)
    assert shipping.packages(order_id)[0]["carrier"] == "OnTrac"


def test_labels_bought_from_amazon_and_ship_plus_orders_are_skipped(shipping: Shipping) -> None:
    shipping.world.write_connections(allow_programs="[FBM_SHIP_PLUS]")
    labelled, plus = shipping.loaded(an_order(), an_order(programs=["FBM_SHIP_PLUS"]))
    shipping.ship(labelled, shipment_id="LABEL", is_amazon_label=True, tracking_number=None)
    shipping.ship(plus, shipment_id="PLUS")
    summary = shipping.run()
    assert (summary["skipped"], shipping.calls()) == (2, 0)
    assert [shipping.reasons(each) for each in ("LABEL", "PLUS")] == [["amazon_label"], ["ship_plus"]]
    assert shipping.world.statuses() == {labelled: "confirmed", plus: "confirmed"}
    assert shipping.run()["shipments"] == 0


def test_a_tracking_number_that_amazon_shows_already_is_not_sent_again(shipping: Shipping) -> None:
    order = an_order(an_item(units=2, shipped=1), fulfillment={"fulfillmentStatus": "PARTIALLY_SHIPPED"})
    item = order["orderItems"][0]["orderItemId"]
    shown = {"packageReferenceId": "7", "trackingNumber": "t00-00000099", "packageStatus": {"status": "SHIPPED"}}
    order["packages"] = [shown | {"packageItems": [{"orderItemId": item, "quantity": 1}]}]
    (order_id,) = shipping.loaded(order)
    shipment_id = shipping.ship(order_id, tracking_number="T0000000099")
    assert shipping.run()["skipped"] == 1
    assert shipping.reasons(shipment_id) == ["shown_by_amazon"]
    assert shipping.calls() == 0


def test_a_parcel_of_a_cancelled_order_is_held(shipping: Shipping) -> None:
    (order_id,) = shipping.loaded()
    shipping.world.warehouse_moves(order_id, "picking")
    shipping.world.change(order_id, fulfillment={"fulfillmentStatus": "CANCELLED"})
    shipping.world.run()
    shipment_id = shipping.ship(order_id)
    assert shipping.run()["held"] == 1
    assert shipping.reasons(shipment_id) == ["order_cancelled"]
    assert shipping.world.statuses() == {order_id: "cancelled"}


SAID = {"errors": [{"code": "InvalidInput", "message": "The parcel is odd, says Amazon.", "details": "a detail"}]}


def test_a_refusal_is_kept_word_for_word_and_the_others_go_on(shipping: Shipping) -> None:
    bad, good = shipping.loaded(an_order(minutes_ago=90), an_order())
    shipping.ship(bad, shipment_id="BAD", carrier="UPS")
    shipping.world.amazon.faults.answer("confirmShipment", 400, SAID)
    with pytest.raises(RunFailedError, match="1 of 1 parcels failed") as failed:
        shipping.run()
    assert failed.value.summary["failed"] == 1
    assert failed.value.summary["status"] == "done"
    assert shipping.parcel("BAD").answer == "InvalidInput: The parcel is odd, says Amazon.: a detail"
    shipping.ship(good, shipment_id="GOOD")
    summary = shipping.run()
    assert (summary["shipments"], summary["sent"], summary["failed"]) == (1, 1, 0)
    assert shipping.statuses() == {"BAD": "failed", "GOOD": "sent"}
    page = (shipping.world.home / ".mfn" / "reports" / f"{summary['batch_id']}.html").read_text("utf-8")
    assert "The parcel is odd, says Amazon." in page


def test_a_refused_parcel_is_sent_again_only_once_something_else_would_be_sent(shipping: Shipping) -> None:
    (order_id,) = shipping.loaded()
    shipment_id = shipping.ship(order_id, carrier="Bob's Vans")
    shipping.world.amazon.faults.answer("confirmShipment", 400, SAID)
    with pytest.raises(RunFailedError):
        shipping.run()
    shipping.run()
    shipping.warehouse.change(shipment_id, service="NEXT")
    shipping.warehouse.change(shipment_id, service="GROUND")
    shipping.run()
    assert shipping.calls() == 1
    shipping.world.write_carriers(",Bob's Vans,,OnTrac,,,")
    summary = shipping.run()
    assert (summary["sent"], summary["released"]) == (1, 0)
    assert shipping.calls() == 2
    assert shipping.parcel(shipment_id).answer is None


@pytest.mark.parametrize("reference", ["1", "77"])
def test_a_parcel_that_amazon_refused_but_shows_is_skipped(shipping: Shipping, reference: str) -> None:
    (order_id,) = shipping.loaded()
    shipment_id = shipping.ship(order_id)
    shipping.world.amazon.faults.answer("confirmShipment", 400, SAID)
    with pytest.raises(RunFailedError):
        shipping.run()
    number = shipping.parcel(shipment_id).tracking_number
    item = shipping.world.amazon.orders.get(order_id)["orderItems"][0]["orderItemId"]
    package = {"packageReferenceId": reference, "trackingNumber": number, "packageStatus": {"status": "SHIPPED"}}
    shipping.world.change(order_id, packages=[package | {"packageItems": [{"orderItemId": item, "quantity": 1}]}])
    shipping.world.run()
    assert shipping.run()["skipped"] == 1
    assert shipping.reasons(shipment_id) == ["shown_by_amazon"]
    assert shipping.calls() == 1


FULFILLED = {"errors": [{"code": "InvalidInput", "message": "order already fulfilled. PackageToUpdateNotFound"}]}


def test_an_order_that_is_fulfilled_already_is_settled_by_what_amazon_shows(shipping: Shipping) -> None:
    elsewhere, lost, mine = shipping.loaded(an_order(minutes_ago=90), an_order(minutes_ago=80), an_order())
    for order_id, number, reference in ((elsewhere, "T0000000001", "77"), (mine, "T0000000003", "1")):
        item = shipping.world.amazon.orders.get(order_id)["orderItems"][0]["orderItemId"]
        package = {"packageReferenceId": reference, "trackingNumber": number, "packageStatus": {"status": "SHIPPED"}}
        shipped = [package | {"packageItems": [{"orderItemId": item, "quantity": 1}]}]
        shipping.world.change(order_id, packages=shipped)
    shipping.world.amazon.faults.answer("confirmShipment", 400, FULFILLED, times=3)
    for shipment_id, order_id in (("ELSEWHERE", elsewhere), ("LOST", lost), ("MINE", mine)):
        shipping.ship(order_id, shipment_id=shipment_id)
    with pytest.raises(RunFailedError) as failed:
        shipping.run()
    summary = failed.value.summary
    assert (summary["sent"], summary["skipped"], summary["failed"]) == (1, 1, 1)
    assert shipping.statuses() == {"ELSEWHERE": "skipped", "LOST": "failed", "MINE": "verified"}
    assert shipping.reasons("ELSEWHERE") == ["shown_by_amazon"]
    assert summary["api_calls"] == {"confirmShipment": 3, "getOrder": 3}
    assert shipping.data_sets() == {"FULFILLMENT", "PACKAGES"}
    assert shipping.run()["shipments"] == 0
    assert shipping.calls() == 3
    before = shipping.parcel("MINE")
    assert (before.sent_at, before.items_sent) == (before.verified_at, before.items)
    shipping.warehouse.change("MINE", shipped_at=before.shipped_at - timedelta(minutes=1))
    shipping.world.amazon.faults.answer("confirmShipment", 400, FULFILLED)
    assert shipping.run()["sent"] == 1
    after = shipping.parcel("MINE")
    assert (after.status, after.sent_at) == ("verified", before.sent_at), "it was not sent once more"
    assert after.verified_at > before.verified_at


def test_a_parcel_that_amazon_calls_fulfilled_and_shows_only_later_is_not_refused_for_good(
    shipping: Shipping,
) -> None:
    (order_id,) = shipping.loaded(an_order())
    shipment_id = shipping.ship(order_id)
    shipping.world.amazon.faults.answer("confirmShipment", 400, FULFILLED)
    with pytest.raises(RunFailedError, match="1 of 1 parcels failed"):
        shipping.run()
    shipping.run()
    assert shipping.statuses() == {shipment_id: "failed"}
    item = shipping.world.amazon.orders.get(order_id)["orderItems"][0]["orderItemId"]
    package = {"packageReferenceId": "1", "trackingNumber": "T0000000001", "packageStatus": {"status": "SHIPPED"}}
    shipping.world.change(order_id, packages=[package | {"packageItems": [{"orderItemId": item, "quantity": 1}]}])
    shipping.run()
    assert shipping.statuses() == {shipment_id: "skipped"}
    assert shipping.reasons(shipment_id) == ["shown_by_amazon"]
    assert shipping.calls() == 1


def test_an_order_is_not_read_again_forever_for_a_parcel_that_amazon_calls_fulfilled(
    shipping: Shipping, monkeypatch: pytest.MonkeyPatch
) -> None:
    (order_id,) = shipping.loaded(an_order())
    shipping.ship(order_id)
    shipping.world.amazon.faults.answer("confirmShipment", 400, FULFILLED)
    with pytest.raises(RunFailedError):
        shipping.run()
    assert shipping.run()["api_calls"] == {"getOrder": 1}
    monkeypatch.setattr("mfn.steps.confirming.shown_parcels.READ_AGAIN_FOR", timedelta(0))
    assert shipping.run()["api_calls"] == {}


def test_an_order_that_is_fulfilled_already_waits_for_a_call_to_be_settled_and_stops_no_other(
    shipping: Shipping, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mfn.steps.confirming.sending.SETTLING_WAIT_SECONDS", 0.0)
    for order_id in shipping.loaded(an_order(), an_order()):
        shipping.ship(order_id)
    shipping.world.amazon.faults.answer("confirmShipment", 400, FULFILLED)
    shipping.leave_calls("getOrder", 0)
    summary = shipping.run()
    assert (summary["sent"], summary["pending"], summary["failed"]) == (1, 1, 0)


def test_one_tracking_number_on_parcels_of_two_orders_is_reported_and_both_are_sent(shipping: Shipping) -> None:
    first, second, third = shipping.loaded(an_order(), an_order(), an_order())
    shipping.ship(first, shipment_id="A", tracking_number="1Z999AA10123456784")
    assert shipping.run()["sent"] == 1
    shipping.ship(second, shipment_id="B", tracking_number="1Z 999 AA1 01 2345 6784")
    shipping.ship(third, shipment_id="C")
    assert shipping.run()["sent"] == 2
    (warning,) = read_reasons(shipping.parcel("B").warnings)
    assert (warning.code, warning.detail) == (
        "tracking_unusual",
        f"parcel A of order {first} has the same tracking number",
    )
    assert "same" not in (shipping.parcel("C").warnings or "")
