"""Parcels that the warehouse moves to another order, and back, after Amazon was told of them or may have been."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import delete, update

from mfn.errors import RunFailedError
from mfn.ledger.batches import get_batch
from mfn.steps.orders.timeline import order_story
from mfn.warehouse.tables import wms_shipment, wms_shipment_line
from tests.steps.shipping import confirmed
from tests.world import an_item, an_order

if TYPE_CHECKING:
    from tests.steps.shipping import Shipping


def move(shipping: Shipping, shipment_id: str, order_id: str) -> None:
    """The warehouse finds that a parcel is another order's, and corrects it."""
    (line,) = shipping.warehouse.lines(order_id)
    shipping.warehouse.change(shipment_id, order_number=order_id)
    with shipping.warehouse.working() as connection:
        connection.execute(
            update(wms_shipment_line)
            .where(wms_shipment_line.c.shipment_id == shipment_id)
            .values(order_item_id=line["order_item_id"])
        )


def test_a_parcel_moved_to_another_order_changes_none_of_its_parcels_and_is_reported(
    shipping: Shipping,
) -> None:
    wrong, right = shipping.loaded(an_order(), an_order(an_item(units=2)))
    shipping.ship(wrong, shipment_id="MOVED", tracking_number="T-MOVED")
    shipping.ship(right, shipment_id="OTHER", tracking_number="T-OTHER", units={1: 1})
    shipping.run()
    move(shipping, "MOVED", right)
    summary = shipping.run()
    assert confirmed(shipping, right) == {"T-OTHER": 1, "T-MOVED": 1}
    assert {shipping.parcel(each).package_reference_id for each in ("MOVED", "OTHER")} == {"1", "2"}
    (conflict,) = get_batch(shipping.world.ledger, summary["batch_id"]).findings["conflicts"]
    assert (conflict["order_id"], right in conflict["status"]) == (wrong, True)
    (report,) = (one for one in order_story(shipping.world.ledger, wrong).timeline if one.outcome == "reported")
    assert report.conflicts == ((conflict["what"], conflict["status"]),)
    assert "MOVED" in conflict["what"]
    assert all(moment.outcome != "reported" for moment in order_story(shipping.world.ledger, right).timeline)
    assert shipping.world.statuses()[right] == "shipped"


def test_a_parcel_that_is_moved_while_nobody_knows_whether_amazon_took_it_is_reported(shipping: Shipping) -> None:
    wrong, right = shipping.loaded(an_order(), an_order())
    shipping.ship(wrong, shipment_id="MOVED", tracking_number="T-MOVED")
    shipping.world.amazon.faults.drop("confirmShipment", after_deed=True, times=5)
    with pytest.raises(RunFailedError):
        shipping.run()
    move(shipping, "MOVED", right)
    (conflict,) = get_batch(shipping.world.ledger, shipping.run()["batch_id"]).findings["conflicts"]
    assert conflict["order_id"] == wrong
    assert conflict["what"] == "parcel MOVED may have been confirmed to Amazon for this order"
    assert confirmed(shipping, right) == {"T-MOVED": 1}


def test_a_parcel_that_amazon_never_took_is_moved_without_a_word(shipping: Shipping) -> None:
    wrong, right = shipping.loaded(an_order(), an_order())
    shipping.ship(wrong, shipment_id="MOVED", tracking_number=None, is_amazon_label=True)
    assert shipping.run()["skipped"] == 1
    move(shipping, "MOVED", right)
    shipping.warehouse.change("MOVED", is_amazon_label=False)
    assert shipping.run()["held"] == 1
    assert shipping.parcel("MOVED").items is None
    shipping.warehouse.change("MOVED", tracking_number="T-MOVED")
    summary = shipping.run()
    assert (confirmed(shipping, wrong), confirmed(shipping, right)) == ({}, {"T-MOVED": 1})
    assert get_batch(shipping.world.ledger, summary["batch_id"]).findings["conflicts"] == []


@pytest.mark.parametrize("landed", [False, True], ids=["not imported since", "imported since"])
def test_a_parcel_that_returns_to_its_order_is_not_confirmed_twice(shipping: Shipping, landed: bool) -> None:
    first, second = shipping.loaded(an_order(an_item(units=3)), an_order())
    for shipment_id in ("MOVED", "STAYING"):
        shipping.ship(first, shipment_id=shipment_id, tracking_number=f"T-{shipment_id}", units={1: 1})
    shipping.run()
    before = shipping.packages(first)
    for order_id in (second, first, second, first):
        move(shipping, "MOVED", order_id)
        shipping.run()
        if landed:
            shipping.world.run(order_id=first)
    assert (shipping.packages(first), shipping.calls()) == (before, 3)
    shipping.ship(first, shipment_id="THIRD", tracking_number="T-THIRD", units={1: 1})
    shipping.run()
    assert confirmed(shipping, first) == {"T-MOVED": 1, "T-STAYING": 1, "T-THIRD": 1}
    assert {shipping.parcel(each).package_reference_id for each in ("MOVED", "STAYING", "THIRD")} == {"1", "2", "3"}


def test_a_parcel_that_returns_corrected_is_confirmed_under_its_reference(shipping: Shipping) -> None:
    first, second = shipping.loaded(an_order(an_item(units=3)), an_order())
    for shipment_id in ("MOVED", "STAYING"):
        shipping.ship(first, shipment_id=shipment_id, tracking_number=f"T-{shipment_id}", units={1: 1})
    shipping.run()
    move(shipping, "MOVED", second)
    shipping.run()
    shipping.warehouse.change("MOVED", tracking_number="T-NEW")
    move(shipping, "MOVED", first)
    shipping.run()
    assert confirmed(shipping, first) == {"T-NEW": 1, "T-STAYING": 1}


@pytest.mark.parametrize("landed", [False, True], ids=["not imported since", "imported since"])
@pytest.mark.parametrize("is_written", [False, True], ids=["written later", "held before"])
def test_the_next_parcel_of_an_order_takes_the_place_of_one_that_was_moved_away(
    shipping: Shipping, landed: bool, is_written: bool
) -> None:
    wrong, right = shipping.loaded(an_order(), an_order())
    shipping.ship(wrong, shipment_id="MOVED", tracking_number="T-MOVED")
    shipping.run()
    if is_written:
        shipping.ship(wrong, shipment_id="OWN", tracking_number="T-OWN")
        assert shipping.run()["held"] == 1
    move(shipping, "MOVED", right)
    shipping.run()
    if landed:
        shipping.world.run(order_id=wrong)
    if not is_written:
        shipping.ship(wrong, shipment_id="AWAY", tracking_number="T-AWAY", status="void")
        shipping.ship(wrong, shipment_id="OWN", tracking_number="T-OWN")
        shipping.run()
    assert (confirmed(shipping, wrong), confirmed(shipping, right)) == ({"T-OWN": 1}, {"T-MOVED": 1})
    assert shipping.run()["shipments"] == 0


def test_two_parcels_of_two_orders_that_were_mixed_up_take_each_others_place(shipping: Shipping) -> None:
    orders = shipping.loaded(an_order(), an_order())
    for order_id in orders:
        shipping.ship(order_id, shipment_id=order_id, tracking_number=f"T-{order_id}")
    shipping.run()
    for order_id in orders:
        shipping.world.run(order_id=order_id)
        move(shipping, order_id, next(other for other in orders if other != order_id))
    assert shipping.run()["sent"] == 2
    assert [confirmed(shipping, each) for each in orders] == [{f"T-{other}": 1} for other in reversed(orders)]


def test_a_parcel_whose_order_is_known_to_nobody_and_comes_later_goes_out_once_it_is_there(shipping: Shipping) -> None:
    (first,) = shipping.loaded()
    shipping.ship(first, shipment_id="S1", tracking_number="T-S1")
    shipping.run()
    later = an_order()
    shipping.warehouse.change("S1", order_number=later["orderId"])
    shipping.run()
    assert shipping.reasons("S1") == ["order_unknown"]
    shipping.world.put(later)
    shipping.world.run(order_id=later["orderId"])
    move(shipping, "S1", later["orderId"])
    shipping.run()
    assert (confirmed(shipping, first), confirmed(shipping, later["orderId"])) == ({"T-S1": 1}, {"T-S1": 1})


def test_units_of_a_parcel_that_was_moved_away_are_not_confirmed_again_until_one_takes_its_place(
    shipping: Shipping,
) -> None:
    wrong, right = shipping.loaded(an_order(an_item(units=2)), an_order())
    shipping.ship(wrong, shipment_id="MOVED", tracking_number="T-MOVED")
    shipping.run()
    move(shipping, "MOVED", right)
    shipping.ship(wrong, shipment_id="A", tracking_number=None, units={1: 1})
    shipping.ship(wrong, shipment_id="B", tracking_number="T-B", units={1: 1})
    shipping.run()
    assert (shipping.statuses()["A"], shipping.reasons("B")) == ("held", ["units_told"])
    shipping.warehouse.change("A", tracking_number="T-A")
    shipping.run()
    assert confirmed(shipping, wrong) == {"T-A": 1, "T-B": 1}


@pytest.mark.parametrize("answer", ["heard", "lost"])
def test_a_parcel_rewritten_under_another_id_is_not_confirmed_twice(shipping: Shipping, answer: str) -> None:
    (order_id,) = shipping.loaded(an_order(an_item(units=2)))
    shipping.ship(order_id, shipment_id="S1", tracking_number="T-S1", units={1: 1})
    if answer == "lost":
        shipping.world.amazon.faults.drop("confirmShipment", after_deed=True, times=5)
        with pytest.raises(RunFailedError):
            shipping.run()
    else:
        shipping.run()
    with shipping.warehouse.working() as connection:
        for table in (wms_shipment, wms_shipment_line):
            connection.execute(update(table).values(shipment_id="ANEW"))
    shipping.ship(order_id, shipment_id="S2", tracking_number="T-S2", units={1: 1})
    summary = shipping.run()
    assert confirmed(shipping, order_id) == {"T-S1": 1, "T-S2": 1}
    assert shipping.statuses() == {"ANEW": "sent", "S2": "sent"}
    assert get_batch(shipping.world.ledger, summary["batch_id"]).findings["conflicts"] == []
    shipping.warehouse.change("ANEW", tracking_number="T-NEW")
    shipping.run()
    assert confirmed(shipping, order_id) == {"T-NEW": 1, "T-S2": 1}


@pytest.mark.parametrize(
    ("took_it", "is_noticed", "is_deleted"),
    [(True, False, False), (True, True, True), (False, True, False)],
    ids=["void in the same run", "deleted before it", "void, and Amazon did not take it"],
)
def test_what_is_shipped_instead_of_a_parcel_whose_answer_was_lost_takes_its_place(
    shipping: Shipping, took_it: bool, is_noticed: bool, is_deleted: bool
) -> None:
    (order_id,) = shipping.loaded()
    shipping.ship(order_id, shipment_id="S1", tracking_number="T-S1")
    shipping.world.amazon.faults.drop("confirmShipment", after_deed=took_it, times=5)
    with pytest.raises(RunFailedError):
        shipping.run()
    if is_deleted:
        with shipping.warehouse.working() as connection:
            connection.execute(delete(wms_shipment_line))
            connection.execute(delete(wms_shipment))
    else:
        shipping.warehouse.void("S1")
    if is_noticed:
        assert shipping.run()["skipped"] == 1
    shipping.ship(order_id, shipment_id="S2", tracking_number="T-S2")
    assert shipping.run()["sent"] == 1
    assert confirmed(shipping, order_id) == {"T-S2": 1}
    assert shipping.run()["shipments"] == 0
