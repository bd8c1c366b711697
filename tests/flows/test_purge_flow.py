"""A purge as a Prefect flow: every connection in one run, none of which stops the others, and what the UI shows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select, update

from flows.purge_expired import purge_expired
from mfn.ledger.batch_listing import list_batches
from mfn.ledger.leases import lease
from mfn.ledger.schema import LandedOrder
from tests.flows.flow_runs import ON_PREFECT, artifacts, run_flow
from tests.world import an_order

if TYPE_CHECKING:
    import pytest

    from tests.world import World

pytestmark = ON_PREFECT


def test_the_flow_purges_every_connection_and_names_those_it_could_not(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.put(an_order(status="CANCELLED"))
    world.run()
    long_ago = datetime.now(UTC) - timedelta(days=60)
    with world.ledger.writing() as database:
        database.execute(update(LandedOrder).values(landed_at=long_ago, last_updated_at=long_ago))
    world.add_connection("mexico", marketplaces="[MX]")
    with lease(world.ledger, "mexico", "purge"):
        state = run_flow(purge_expired)
    assert state.is_failed()
    assert "1 of 2 failed." in state.message
    assert "The purge of mexico was not started" in state.message
    assert "Done: us." in state.message
    (batch,) = list_batches(world.ledger, kind="purge")
    assert (batch.status, batch.stage, batch.counts["purged"]) == ("done", "scrub", 1)
    assert batch.flow_run_id is not None
    assert "purged" in artifacts("purge-report-us")[-1].data
    with world.ledger.reading() as database:
        assert database.execute(select(LandedOrder)).all() == []
    assert run_flow(purge_expired, dry_run=True).is_completed()
    assert "dry run: nothing was removed" in caplog.text
