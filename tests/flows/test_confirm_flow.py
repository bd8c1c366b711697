"""Confirmations as a Prefect flow: the same ledger, Amazon and report as without Prefect, and what the UI shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.confirm_shipments import confirm_shipments
from flows.rerun_batches import rerun_batches
from mfn.ledger.batch_listing import list_batches
from mfn.ledger.batches import get_batch
from mfn.steps.runs import run_confirm
from tests.flows.flow_runs import ON_PREFECT, artifacts, run_flow
from tests.steps.shipping import Shipping
from tests.world import an_order

if TYPE_CHECKING:
    from tests.world import World

pytestmark = ON_PREFECT


def a_day(world: World) -> Shipping:
    world.write_carriers()
    shipping = Shipping(world)
    good, held = shipping.loaded(an_order(), an_order())
    shipping.ship(good, shipment_id="GOOD")
    shipping.ship(held, shipment_id="HELD", tracking_number=None)
    return shipping


def test_the_flow_does_what_a_run_without_prefect_does_and_the_ui_shows_its_report(world: World) -> None:
    shipping = a_day(world)
    state = run_flow(confirm_shipments, connection="us")
    assert state.is_completed(), state.message
    assert shipping.statuses() == {"GOOD": "sent", "HELD": "held"}
    (batch,) = list_batches(world.ledger, kind="confirm")
    assert (batch.status, batch.stage, batch.counts["sent"], batch.counts["held"]) == ("done", "verify", 1, 1)
    assert "no tracking number" in artifacts("confirm-report-us")[-1].data
    assert '"parcel": "HELD"' in artifacts("held-parcels-us")[-1].data
    assert run_confirm(world.settings, "us")["shipments"] == 0


def test_a_parcel_that_amazon_refuses_fails_the_flow_run_but_not_the_batch(world: World) -> None:
    shipping = a_day(world)
    said = {"errors": [{"code": "InvalidInput", "message": "no such carrier"}]}
    world.amazon.faults.answer("confirmShipment", 400, said)
    state = run_flow(confirm_shipments, connection="us")
    assert state.is_failed()
    assert "1 of 2 parcels failed" in state.message
    (batch,) = list_batches(world.ledger, kind="confirm")
    assert batch.status == "done"
    assert shipping.statuses()["GOOD"] == "failed"


def test_a_confirm_batch_that_failed_is_run_again_by_the_rerun_flow(world: World) -> None:
    shipping = a_day(world)
    world.amazon.faults.answer("confirmShipment", 403, times=2)
    assert run_flow(confirm_shipments, connection="us").is_failed()
    state = run_flow(rerun_batches, failed=True)
    assert state.is_completed(), state.message
    (batch,) = list_batches(world.ledger, kind="confirm")
    assert get_batch(world.ledger, batch.batch_id).status == "done"
    assert shipping.statuses()["GOOD"] == "sent"
