"""Reconciliations: what a search left out, what differs, and that each remedy mends what it stands at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mfn.errors import RunFailedError
from mfn.steps.reconciling.runs import run_reconcile
from tests.world import an_order

if TYPE_CHECKING:
    from tests.world import World


def test_where_all_three_agree_nothing_differs(world: World) -> None:
    world.put(an_order(), an_order(status="PENDING"), an_order(status="SHIPPED"))
    world.run()
    summary = run_reconcile(world.settings, "us")
    assert (summary["orders"], summary["matched"], summary["differing"]) == (3, 3, 0)
    assert summary["differences"] == []
    assert summary["api_calls"] == {"searchOrders": 1}
