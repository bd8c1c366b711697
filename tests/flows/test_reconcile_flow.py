"""A reconciliation as a Prefect flow: a run that finds differences fails, and says which and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from flows.reconcile import reconcile
from mfn.ledger.batch_listing import list_batches
from tests.flows.flow_runs import ON_PREFECT, artifacts, run_flow
from tests.steps.reconciling import Reconciling, carry_out
from tests.world import an_order

if TYPE_CHECKING:
    from tests.world import World

pytestmark = ON_PREFECT


def test_a_flow_run_that_finds_differences_fails_until_they_are_fixed(world: World) -> None:
    world.put(an_order())
    (order_id,) = Reconciling(world).left_out(an_order())
    world.run()
    state = run_flow(reconcile, connection="us")
    assert state.is_failed()
    (batch,) = list_batches(world.ledger, kind="reconcile")
    assert batch.status == "done"
    assert f"1 of 2 orders differ between Amazon, the ledger and the warehouse. {order_id}: missing" in state.message
    assert f"mfn report {batch.batch_id}" in state.message
    command = f"mfn import us --order {order_id}"
    assert command in artifacts("reconcile-report-us")[-1].data
    assert command in artifacts("differing-orders-us")[-1].data
    carry_out(f"Mend it:\n{command}")
    state = run_flow(reconcile, connection="us")
    assert state.is_completed()
    assert "orders 2, matched 2, differing 0" in state.message


@pytest.mark.parametrize("since", ["2099-01-01T00:00:00Z", "2001-01-01T00:00:00Z"])
def test_a_period_that_cannot_be_compared_is_refused_before_anything_is_started(world: World, since: str) -> None:
    state = run_flow(reconcile, connection="us", since=since)
    assert state.is_failed()
    assert state.message.startswith("Nothing was started: since: 2")
    assert "Give a time in the past, " in state.message
    assert list_batches(world.ledger) == []
