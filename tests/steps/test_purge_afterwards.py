"""After a purge every step goes on with orders that have no text, and imports and purges let each other end."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import delete, select, update

from mfn.errors import LeaseHeldError, RunFailedError
from mfn.ledger.batch_listing import list_batches
from mfn.ledger.leases import is_held, lease
from mfn.ledger.schema import Batch, BatchOrder, TrackedOrder
from mfn.steps import waiting
from mfn.steps.privacy.purges import run_purge
from mfn.steps.rerunning.reruns import rerun_batch
from tests.steps.purging import days_pass, purge, set_privacy, with_texts
from tests.world import an_order

if TYPE_CHECKING:
    from tests.steps.shipping import Shipping
    from tests.world import World


def test_an_old_batch_that_is_run_again_counts_its_orders_although_their_texts_are_gone(shipping: Shipping) -> None:
    world = shipping.world
    loaded, ready, cancelled, ignored, to_ship = world.put(
        an_order(), an_order(), an_order(status="CANCELLED"), an_order(status="PENDING"), an_order()
    )
    first = world.run()
    for order_id in (loaded, ready):
        shipping.ship(order_id)
    shipping.run()
    with world.ledger.writing() as database:
        # As if this batch had broken off before its load, and another one had loaded the order.
        database.execute(update(BatchOrder).where(BatchOrder.order_id == ready).values(outcome="ready"))
        database.execute(update(TrackedOrder).where(TrackedOrder.order_id == ignored).values(status="ignored"))
    days_pass(world)
    warehouse = world.rows()
    assert purge(world)["purged"] == 4
    again = rerun_batch(world.settings, first["batch_id"])
    parts = {name: again[name] for name in ("fetched", "loaded", "held", "unchanged", "cancelled", "ignored")}
    assert parts == {"fetched": 5, "loaded": 2, "held": 0, "unchanged": 1, "cancelled": 1, "ignored": 1}
    assert world.rows() == warehouse
    ended = {loaded: "shipped", ready: "shipped", cancelled: "cancelled", ignored: "ignored"}
    assert world.statuses() == ended | {to_ship: "loaded"}


def test_an_order_that_no_batch_had_judged_is_not_taken_up_for_ever(world: World) -> None:
    (order_id,) = world.put(an_order())
    world.run()
    with world.ledger.writing() as database:
        database.execute(delete(TrackedOrder))
        database.execute(update(BatchOrder).values(outcome=None))
        batch = list_batches(world.ledger)[0]
        database.execute(update(Batch).values(status="failed", stage="extract", is_window_open=False))
    days_pass(world)
    assert purge(world)["purged"] == 1
    world.run()
    assert world.statuses() == {order_id: "ignored"}
    assert world.reasons(order_id) == ["data_removed"]
    newest = world.run()["batch_id"]
    with world.ledger.reading() as database:
        met = database.execute(select(BatchOrder.order_id).where(BatchOrder.batch_id == newest)).scalars().all()
    assert order_id not in met
    assert batch.batch_id != newest


def test_a_parcel_corrected_after_the_purge_is_sent_once_amazon_says_what_it_shows(shipping: Shipping) -> None:
    world = shipping.world
    (order_id,) = shipping.loaded()
    shipment_id = shipping.ship(order_id)
    shipping.run()
    days_pass(world)
    purge(world)
    shipping.warehouse.change(shipment_id, tracking_number="T-CORRECTED-2")
    world.amazon.faults.answer("getOrder", 403, times=2)
    assert shipping.run()["held"] == 1
    assert shipping.reasons(shipment_id) == ["order_unknown"]
    assert "its buyer's data was removed" in shipping.parcel(shipment_id).reasons
    summary = shipping.run()
    assert (summary["sent"], summary["api_calls"]) == (1, {"confirmShipment": 1, "getOrder": 1})
    assert shipping.data_sets() == {"FULFILLMENT", "PACKAGES"}, "what was removed is not fetched again"
    assert [package["trackingNumber"] for package in shipping.packages(order_id)] == ["T-CORRECTED-2"]
    assert with_texts(world) == set()


def test_an_order_that_amazon_denies_after_the_purge_holds_up_no_other_parcel(shipping: Shipping) -> None:
    parcels = [shipping.ship(order_id) for order_id in shipping.loaded(*(an_order() for _ in range(3)))]
    shipping.run()
    days_pass(shipping.world)
    purge(shipping.world)
    for shipment_id in parcels:
        shipping.warehouse.change(shipment_id, tracking_number=f"T-CORRECTED-{shipment_id}")
    shipping.world.amazon.faults.answer("getOrder", 403, times=2)
    summary = shipping.run()
    assert (summary["sent"], summary["held"]) == (2, 1)
    assert shipping.run()["sent"] == 1


def test_fractions_of_a_second_in_a_new_parcel_make_no_earlier_one_due(shipping: Shipping) -> None:
    earlier, later = shipping.loaded(an_order(), an_order())
    left = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=1)
    shipping.ship(earlier, shipped_at=left)
    shipping.run()
    shipping.an_hour_passes()
    assert shipping.run()["verified"] == 1
    days_pass(shipping.world)
    purge(shipping.world)
    shipping.ship(later, shipped_at=left + timedelta(microseconds=1))
    assert shipping.run()["api_calls"] == {"confirmShipment": 1}


def test_parcels_not_confirmed_before_the_purge_are_confirmed_afterwards(shipping: Shipping) -> None:
    world = shipping.world
    unsent, refused = shipping.loaded(an_order(), an_order())
    failed = shipping.ship(refused)
    world.amazon.faults.answer("confirmShipment", 400, {"errors": [{"code": "InvalidInput", "message": "no"}]})
    with pytest.raises(RunFailedError):
        shipping.run()
    pending = shipping.ship(unsent)
    for order_id in (unsent, refused):
        world.warehouse_moves(order_id, "shipped")
    set_privacy(world, "{retention_days: 0}")
    assert purge(world)["purged"] == 2
    assert shipping.run()["sent"] == 1
    assert shipping.statuses() == {pending: "sent", failed: "failed"}
    assert world.statuses() == {unsent: "shipped", refused: "loaded"}
    assert shipping.run()["api_calls"] == {}


def test_an_import_at_work_is_waited_for_and_then_the_purge_can_be_run_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.run()
    monkeypatch.setattr(waiting, "PATIENCE_SECONDS", 0.0)
    with lease(world.ledger, "us", "import"), pytest.raises(RunFailedError, match="another import run"):
        run_purge(world.settings, "us")
    assert purge(world)["orders"] == 0


def test_an_import_that_meets_a_purge_waits_until_it_is_done(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "LOOK_AGAIN_SECONDS", 0.0)
    (order_id,) = world.put(an_order())
    at_work = ExitStack()
    at_work.enter_context(lease(world.ledger, "us", "purge"))
    at_work.enter_context(lease(world.ledger, "us", "import"))

    def look_and_end(*of: Any) -> bool:
        found = is_held(*of)
        at_work.close()
        return found

    monkeypatch.setattr(waiting, "is_held", look_and_end)
    assert world.run()["loaded"] == 1
    assert world.statuses() == {order_id: "loaded"}
    with lease(world.ledger, "us", "import"), pytest.raises(LeaseHeldError):
        world.run()
