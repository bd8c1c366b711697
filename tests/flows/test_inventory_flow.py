"""Stock as a Prefect flow: the same ledger, Amazon and report as without Prefect, and what the UI shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.rerun_batches import rerun_batches
from flows.sync_inventory import sync_inventory
from mfn.ledger.batch_listing import list_batches
from mfn.ledger.batches import get_batch
from tests.flows.flow_runs import ON_PREFECT, artifacts, run_flow
from tests.steps.conftest import pushing
from tests.steps.pushing import everywhere

if TYPE_CHECKING:
    import pytest

    from tests.steps.pushing import Pushing

__all__ = ["pushing"]

pytestmark = ON_PREFECT


def test_the_flow_does_what_a_run_without_prefect_does_and_the_ui_shows_its_report(pushing: Pushing) -> None:
    pushing.stock.receive("BOWL", -1)
    state = run_flow(sync_inventory, connection="us")
    assert state.is_completed(), state.message
    assert pushing.shown() == everywhere(10) | {"BOWL": 5}
    (batch,) = list_batches(pushing.stock.world.ledger, kind="inventory")
    assert (batch.status, batch.stage, batch.counts["pushed"], batch.counts["held"]) == ("done", "verify", 3, 1)
    assert "1 SKU needs attention" in artifacts("inventory-report-us")[-1].data
    held = artifacts("held-skus-us")[-1].data
    assert "BOWL" in held
    assert "on_hand is -1" in held
    assert pushing.run()["unchanged"] == 3


def test_a_dry_run_says_that_nothing_was_pushed_beside_its_figures(
    pushing: Pushing, caplog: pytest.LogCaptureFixture
) -> None:
    state = run_flow(sync_inventory, connection="us", dry_run=True)
    assert pushing.shown() != everywhere(10)
    assert "pushed 4" in state.message
    assert state.message.endswith("; dry run: nothing was pushed")
    assert "read: done" in caplog.text
    assert not run_flow(sync_inventory, connection="us").message.endswith("; dry run: nothing was pushed")


def test_a_warehouse_that_is_not_trusted_fails_the_flow_run_and_its_batch_until_it_is(pushing: Pushing) -> None:
    assert run_flow(sync_inventory, connection="us").is_completed()
    for sku in ("BOWL", "LAMP", "PLATE"):
        pushing.stock.receive(sku, 0)
    state = run_flow(sync_inventory, connection="us")
    assert state.is_failed()
    assert "the warehouse is not believed" in state.message
    assert "mfn inventory us --force" in artifacts("inventory-report-us")[-1].data
    (batch, _) = list_batches(pushing.stock.world.ledger, kind="inventory")
    assert batch.status == "failed"
    for sku in ("BOWL", "LAMP", "PLATE"):
        pushing.stock.receive(sku, 9)
    assert run_flow(rerun_batches, failed=True).is_completed()
    assert get_batch(pushing.stock.world.ledger, batch.batch_id).status == "done"
    assert pushing.shown() == everywhere(9) | {"VASE": 10}
