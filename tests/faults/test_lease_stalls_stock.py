"""A stock run that stalls for longer than its lease tells Amazon of no level any more: a newer one has been told."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from mfn.ledger.batch_listing import list_batches
from mfn.steps.runs import run_inventory
from tests.faults.stalls import a_lease_passes, put_down, stall_before_call, stalled, woken
from tests.steps.pushing import Pushing, everywhere
from tests.stock_world import stock_world
from tests.world import set_secrets

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("is_warm", "no_pauses")


@pytest.fixture
def pushing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pushing]:
    """Four SKUs, ten units of each on offer."""
    monkeypatch.chdir(tmp_path)
    set_secrets(monkeypatch)
    with stock_world(tmp_path, f"sqlite:///{tmp_path / 'warehouse.db'}") as stock:
        made = Pushing(stock)
        made.set_up()
        made.run()
        yield made


@pytest.mark.parametrize("operation", ["patchListingsItem", "createFeed"])
def test_an_older_level_is_not_sent_after_a_newer_one(pushing: Pushing, operation: str) -> None:
    world = pushing.stock.world
    if operation == "createFeed":
        pushing.make_patches_dear()
        pushing.stock.receive("LAMP", 7)
    pushing.stock.receive("BOWL", 8)
    put_down(world)
    child = stalled(partial(stall_before_call, operation), partial(run_inventory, world.settings, "us"))
    a_lease_passes(world.ledger)
    pushing.stock.receive("BOWL", 2)
    pushing.run()
    sent = everywhere(10) | {"BOWL": 2} | ({"LAMP": 7} if operation == "createFeed" else {})
    assert pushing.shown() == sent
    calls, batches, feeds = pushing.calls(), list_batches(world.ledger), pushing.feeds()
    ended = woken(child)
    assert (ended.error, ended.exit_code) == ("RunFailedError", 1), ended
    assert "another run took over" in ended.message
    assert (pushing.calls(), list_batches(world.ledger), pushing.feeds()) == (calls, batches, feeds)
    assert pushing.shown() == sent
