"""Parcels that the warehouse corrects or writes late, after Amazon was told of others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import delete, insert, update

from mfn.errors import RunFailedError
from mfn.ledger.batches import get_batch
from mfn.warehouse.tables import wms_shipment, wms_shipment_line
from tests.steps.shipping import confirmed
from tests.world import an_item, an_order

if TYPE_CHECKING:
    from tests.steps.shipping import Shipping


@pytest.mark.parametrize("hours", [0, 1], ids=["of the same moment", "that left earlier"])
def test_a_parcel_that_is_written_late_completes_the_kits_of_one_that_was_sent(shipping: Shipping, hours: int) -> None:
    (order_id,) = shipping.loaded(an_order(an_item(sku="BREAKFAST", units=2), minutes_ago=600))
    left_at = datetime.now(UTC) - timedelta(hours=2)
    bowls, plates = (
        line["line_number"] for sku in ("BOWL", "PLATE") for line in shipping.warehouse.lines(order_id)
        if line["sku"] == sku
    )  # fmt: skip
    shipping.ship(order_id, shipment_id="999", tracking_number="T-999", units={bowls: 2, plates: 2}, shipped_at=left_at)
    shipping.run()
    assert confirmed(shipping, order_id) == {"T-999": 1}
    earlier = left_at - timedelta(hours=hours)
    shipping.ship(order_id, shipment_id="1000", tracking_number="T-1000", units={plates: 2}, shipped_at=earlier)
    summary = shipping.run()
    assert confirmed(shipping, order_id) == {"T-999": 2}
    assert (summary["shipments"], summary["sent"], summary["skipped"]) == (2, 1, 1)
    assert shipping.world.statuses() == {order_id: "shipped"}
    assert shipping.run()["shipments"] == 0


def test_lines_that_a_warehouse_deletes_take_nothing_from_what_was_confirmed(shipping: Shipping) -> None:
    (order_id,) = shipping.loaded(an_order(an_item(units=3)))
    shipping.ship(order_id, shipment_id="S1", tracking_number="T-S1", units={1: 2})
    shipping.run()
    with shipping.warehouse.working() as connection:
        connection.execute(update(wms_shipment_line).values(quantity=1))
    shipping.ship(order_id, shipment_id="S2", tracking_number="T-S2", units={1: 1})
    shipping.run()
    assert confirmed(shipping, order_id) == {"T-S1": 2, "T-S2": 1}


def test_units_that_a_corrected_parcel_gives_up_are_free_before_another_confirms_them(shipping: Shipping) -> None:
    (order_id,) = shipping.loaded(an_order(an_item(units=2)))
    shipping.ship(order_id, shipment_id="S2", tracking_number="T-S2")
    shipping.run()
    with shipping.warehouse.working() as connection:
        connection.execute(update(wms_shipment_line).values(quantity=1))
    shipping.warehouse.change("S2", shipped_at=datetime.now(UTC) - timedelta(minutes=2))
    shipping.ship(order_id, shipment_id="S1", tracking_number="T-S1", units={1: 1})
    assert shipping.run()["sent"] == 2
    assert confirmed(shipping, order_id) == {"T-S2": 1, "T-S1": 1}


def test_parcels_that_were_away_for_a_moment_go_out_when_they_are_back(shipping: Shipping) -> None:
    unmapped, unanswered = shipping.loaded(an_order(), an_order())
    shipping.ship(unmapped, shipment_id="HELD", carrier=None)
    shipping.ship(unanswered, shipment_id="PENDING")
    shipping.world.amazon.faults.answer("confirmShipment", 500, times=200)
    with pytest.raises(RunFailedError):
        shipping.run()
    assert shipping.statuses() == {"HELD": "held", "PENDING": "pending"}
    shipping.world.amazon.faults = type(shipping.world.amazon.faults)()
    written = shipping.warehouse.rows(wms_shipment)
    with shipping.warehouse.working() as connection:
        connection.execute(delete(wms_shipment))
    assert shipping.run()["skipped"] == 2
    with shipping.warehouse.working() as connection:
        connection.execute(insert(wms_shipment), written)
    shipping.world.write_carriers(",,,UPS,,,")
    assert shipping.run()["sent"] == 2
    assert shipping.statuses() == {"HELD": "sent", "PENDING": "sent"}


def test_a_parcel_written_late_confirms_no_kit_twice(shipping: Shipping) -> None:
    order = an_order(an_item(), an_item(2, sku="BREAKFAST", units=2), minutes_ago=600)
    (order_id,) = shipping.loaded(order)
    line = {line["sku"]: line["line_number"] for line in shipping.warehouse.lines(order_id)}
    mug, plate, bowl = line["MUG-BLUE"], line["PLATE"], line["BOWL"]
    for hours_ago, shipment_id, units in (
        (2, "B", {mug: 1, plate: 1}),
        (1, "C", {plate: 1, bowl: 1}),  # completes a kit, and is told so
        (3, "A", {plate: 1, bowl: 1}),  # with it, B has completed that kit
    ):
        left_at = datetime.now(UTC) - timedelta(hours=hours_ago)
        shipping.ship(
            order_id, shipment_id=shipment_id, tracking_number=f"T-{shipment_id}", units=units, shipped_at=left_at
        )
        shipping.run()
    assert confirmed(shipping, order_id) == {"T-B": 1, "T-C": 1}
    shipping.ship(order_id, shipment_id="D", tracking_number="T-D", units={plate: 1})
    shipping.run()
    assert confirmed(shipping, order_id) == {"T-B": 1, "T-C": 1, "T-D": 1}
    assert shipping.world.statuses() == {order_id: "shipped"}


def test_a_parcel_whose_units_were_confirmed_with_a_void_one_is_held_before_amazon_refuses_it(
    shipping: Shipping,
) -> None:
    (order_id,) = shipping.loaded()
    shipping.ship(order_id, shipment_id="VOIDED", tracking_number="T-VOIDED")
    shipping.run()
    shipping.warehouse.void("VOIDED")
    shipping.ship(order_id, shipment_id="INSTEAD", tracking_number="T-INSTEAD")
    assert shipping.run()["held"] == 1
    assert shipping.reasons("INSTEAD") == ["units_told"]
    assert "void or deleted" in shipping.parcel("INSTEAD").reasons
    shipping.warehouse.void("INSTEAD")
    shipping.warehouse.change("VOIDED", status="closed", tracking_number="T-INSTEAD")
    assert shipping.run()["sent"] == 1
    assert confirmed(shipping, order_id) == {"T-INSTEAD": 1}


def test_units_that_move_from_one_parcel_to_another_are_given_up_before_they_are_taken(shipping: Shipping) -> None:
    (order_id,) = shipping.loaded(an_order(an_item(units=3)))
    shipping.ship(order_id, shipment_id="S1", tracking_number="T-S1", units={1: 1})
    shipping.ship(order_id, shipment_id="S2", tracking_number="T-S2", units={1: 2})
    shipping.run()
    for shipment_id, units in (("S1", 2), ("S2", 1)):
        shipping.warehouse.change(shipment_id, shipped_at=datetime.now(UTC) - timedelta(minutes=2))
        with shipping.warehouse.working() as connection:
            of_parcel = wms_shipment_line.c.shipment_id == shipment_id
            connection.execute(update(wms_shipment_line).where(of_parcel).values(quantity=units))
    assert shipping.run()["sent"] == 2
    assert confirmed(shipping, order_id) == {"T-S1": 2, "T-S2": 1}


def write_lines_of(shipping: Shipping, shipment_id: str, other: str) -> None:
    """The warehouse moves a parcel's lines to another parcel, with a new shipping time."""
    with shipping.warehouse.working() as connection:
        of_parcel = wms_shipment_line.c.shipment_id == shipment_id
        connection.execute(update(wms_shipment_line).where(of_parcel).values(shipment_id=other))
    shipping.warehouse.change(other, shipped_at=datetime.now(UTC) - timedelta(minutes=2))


def test_parcels_whose_lines_were_mixed_up_are_held_and_go_out_once_their_numbers_are_swapped_instead(
    shipping: Shipping,
) -> None:
    (order_id,) = shipping.loaded(an_order(an_item(), an_item(sku="PLATE"), minutes_ago=600))
    for line, shipment_id in enumerate(("S1", "S2"), 1):
        shipping.ship(order_id, shipment_id=shipment_id, tracking_number=f"T-{shipment_id}", units={line: 1})
    shipping.run()

    def swap_lines() -> None:
        for former, other in (("S1", "ASIDE"), ("S2", "S1"), ("ASIDE", "S2")):
            write_lines_of(shipping, former, other)

    swap_lines()
    assert shipping.run()["held"] == 2
    assert "with parcel S2, which no longer contains it" in shipping.parcel("S1").reasons
    assert "swap their carriers" in shipping.parcel("S1").reasons
    swap_lines()
    shipping.warehouse.change("S1", tracking_number="T-S2")
    shipping.warehouse.change("S2", tracking_number="T-S1")
    assert shipping.run()["sent"] == 2
    items = [package["packageItems"][0]["orderItemId"] for package in shipping.packages(order_id)]
    numbers = [package["trackingNumber"] for package in shipping.packages(order_id)]
    assert (len(set(items)), numbers) == (2, ["T-S2", "T-S1"])


def write_lines(shipping: Shipping, shipment_id: str, units: dict[str, int], shipped_at: datetime) -> None:
    """The warehouse corrects what is in a parcel, and says so by another ship date."""
    (order_id,) = {row["order_number"] for row in shipping.warehouse.rows(wms_shipment, shipment_id=shipment_id)}
    items = {line["sku"]: line["order_item_id"] for line in shipping.warehouse.lines(order_id)}
    with shipping.warehouse.working() as connection:
        connection.execute(delete(wms_shipment_line).where(wms_shipment_line.c.shipment_id == shipment_id))
        rows = [
            {
                "shipment_id": shipment_id,
                "line_number": number,
                "sku": sku,
                "order_item_id": items[sku],
                "quantity": count,
            }
            for number, (sku, count) in enumerate(units.items(), start=1)
        ]
        connection.execute(insert(wms_shipment_line), rows)
    shipping.warehouse.change(shipment_id, shipped_at=shipped_at)


@pytest.mark.parametrize("minutes", [1, 9], ids=["that left later", "that left earlier"])
def test_units_confirmed_with_a_parcel_that_now_holds_part_of_a_kit_are_confirmed_with_no_other(
    shipping: Shipping, minutes: int
) -> None:
    (order_id,) = shipping.loaded(an_order(an_item(sku="BREAKFAST", units=2), an_item(units=2), minutes_ago=600))
    one, other = (shipping.ship(order_id, units={1: 1, 2: 2, 3: 1}) for _ in range(2))
    shipping.run()
    now = datetime.now(UTC)
    write_lines(shipping, other, {"PLATE": 1}, now - timedelta(minutes=5))
    write_lines(shipping, one, {"PLATE": 1, "BOWL": 1, "MUG-BLUE": 2}, now - timedelta(minutes=minutes))
    for _ in range(3):
        shipping.run()
    assert shipping.statuses() == {one: "sent", other: "sent"}
    assert sorted(confirmed(shipping, order_id).values()) == [1, 2]
    assert shipping.run()["api_calls"] == {}


def test_what_a_corrected_parcel_gives_up_goes_out_with_another_in_the_next_run(shipping: Shipping) -> None:
    (order_id,) = shipping.loaded(an_order(an_item(), an_item(sku="PLATE"), minutes_ago=600))
    shipping.ship(order_id, shipment_id="S1", tracking_number="T-S1", units={1: 1})
    shipping.run()
    shipping.ship(order_id, shipment_id="S2", tracking_number="T-S2", units={2: 1})
    for former, other in (("S1", "ASIDE"), ("S2", "S1"), ("ASIDE", "S2")):
        write_lines_of(shipping, former, other)
    shipping.run()
    shipping.run()
    assert shipping.statuses() == {"S1": "sent", "S2": "sent"}


def test_kits_that_a_voided_parcel_would_have_completed_are_confirmed_with_the_remaining_ones(
    shipping: Shipping,
) -> None:
    (order_id,) = shipping.loaded(an_order(an_item(sku="BREAKFAST", units=1), minutes_ago=600))
    line = {line["sku"]: line["line_number"] for line in shipping.warehouse.lines(order_id)}
    left_at = datetime.now(UTC) - timedelta(hours=1)
    shipping.ship(order_id, shipment_id="A", units={line["PLATE"]: 2, line["BOWL"]: 1}, shipped_at=left_at)
    early = left_at - timedelta(hours=1)
    shipping.ship(order_id, shipment_id="B", units={line["PLATE"]: 2, line["BOWL"]: 1}, shipped_at=early, carrier=None)
    shipping.run()
    assert shipping.statuses() == {"A": "held", "B": "held"}
    shipping.warehouse.void("B")
    shipping.run()
    assert shipping.statuses() == {"A": "sent", "B": "skipped"}


def test_a_parcel_voided_before_it_was_confirmed_does_not_count_as_shipped(shipping: Shipping) -> None:
    (order_id,) = shipping.loaded()
    shipping.ship(order_id, shipment_id="S1")
    shipping.world.amazon.faults.answer("confirmShipment", 500, times=200)
    with pytest.raises(RunFailedError):
        shipping.run()
    shipping.world.amazon.faults = type(shipping.world.amazon.faults)()
    shipping.warehouse.void("S1")
    shipping.run()
    assert shipping.world.statuses() == {order_id: "loaded"}


def test_an_order_has_shipped_although_a_correction_of_its_parcel_is_held_refused_or_under_way(
    shipping: Shipping,
) -> None:
    (order_id,) = shipping.loaded(an_order(an_item(units=2)))
    shipping.ship(order_id, shipment_id="S1", units={1: 1})
    shipping.run()
    assert shipping.world.statuses() == {order_id: "partially_shipped"}
    shipping.warehouse.change("S1", tracking_number=None)
    assert shipping.run()["held"] == 1
    assert shipping.world.statuses() == {order_id: "partially_shipped"}
    shipping.ship(order_id, shipment_id="S2", units={1: 1})
    shipping.run()
    assert shipping.world.statuses() == {order_id: "shipped"}
    for status, left in ((400, "failed"), (500, "pending")):
        shipping.world.amazon.faults.answer("confirmShipment", status, {"errors": []}, times=9)
        shipping.warehouse.change("S1", tracking_number=f"T-{status}")
        with pytest.raises(RunFailedError):
            shipping.run()
        assert (shipping.statuses()["S1"], shipping.world.statuses()) == (left, {order_id: "shipped"})
        shipping.world.amazon.faults = type(shipping.world.amazon.faults)()
    shipping.run()
    shipping.an_hour_passes()
    shipping.run()
    assert shipping.world.statuses() == {order_id: "confirmed"}


def test_units_that_a_held_correction_gives_up_go_out_with_no_other_parcel_before_it(shipping: Shipping) -> None:
    (order_id,) = shipping.loaded(an_order(an_item(units=2)))
    shipping.ship(order_id, shipment_id="TOLD", tracking_number="T-TOLD")
    shipping.run()
    with shipping.warehouse.working() as connection:
        fewer = update(wms_shipment_line).where(wms_shipment_line.c.shipment_id == "TOLD").values(quantity=1)
        connection.execute(fewer)
    shipping.warehouse.change("TOLD", tracking_number=None)
    shipping.ship(order_id, shipment_id="OTHER", tracking_number="T-OTHER", units={1: 1})
    assert shipping.run()["held"] == 2
    assert (shipping.reasons("TOLD"), shipping.reasons("OTHER")) == (["tracking_missing"], ["units_told"])
    assert "with parcel TOLD, whose correction is held" in shipping.parcel("OTHER").reasons
    shipping.warehouse.change("TOLD", tracking_number="T-TOLD")
    assert shipping.run()["sent"] == 2
    assert confirmed(shipping, order_id) == {"T-TOLD": 1, "T-OTHER": 1}


def test_a_parcel_of_a_fully_shipped_order_may_leave_the_table_once_it_is_confirmed(
    shipping: Shipping,
) -> None:
    (order_id,) = shipping.loaded(an_order())
    shipping.ship(order_id, shipment_id="OLD")
    shipping.run()
    with shipping.warehouse.working() as connection:
        connection.execute(delete(wms_shipment_line))
        connection.execute(delete(wms_shipment))
    summary = shipping.run()
    assert (summary["shipments"], summary["api_calls"], summary["unverified"]) == (0, {}, 1)
    assert get_batch(shipping.world.ledger, summary["batch_id"]).findings["conflicts"] == []
    assert shipping.world.statuses()[order_id] == "shipped"
