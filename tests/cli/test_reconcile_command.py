"""`mfn reconcile` as a person and a script use it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mfn.cli.application import run
from mfn.ledger.leases import lease
from tests.steps.reconciling import Reconciling
from tests.world import an_order

if TYPE_CHECKING:
    from tests.cli.conftest import Mfn
    from tests.world import World

KEYS = {"batch_id", "orders", "matched", "differing", "differences", "api_calls", "report", "seconds"}


def test_it_ends_with_0_if_nothing_differs(world: World, mfn: Mfn) -> None:
    world.put(an_order())
    world.run()
    status, document = mfn("reconcile", "us")
    assert status == 0
    assert document.keys() >= KEYS | {"window", "missing", "not_asked"}
    assert (document["orders"], document["matched"], document["differences"]) == (1, 1, [])
    assert "error" not in document


def test_it_ends_with_1_and_the_command_that_fixes_it_if_something_differs(
    world: World, mfn: Mfn, capsys: pytest.CaptureFixture[str]
) -> None:
    (order_id,) = Reconciling(world).left_out(an_order())
    world.run()
    status, document = mfn("reconcile", "us", "--since", "2026-01-01")
    assert status == 1
    assert document.keys() >= KEYS | {"error", "remedy"}
    (difference,) = document["differences"]
    assert set(difference) == {"order_id", "kind", "detail", "remedy"}
    assert (difference["order_id"], difference["kind"]) == (order_id, "missing_in_ledger")
    assert document["window"]["after"] == "2026-01-01T00:00:00Z"
    assert run(["reconcile", "us"]) == 1
    shown = capsys.readouterr()
    assert f"    mfn import us --order {order_id}\n" in shown.out
    assert shown.err.count(order_id) == 1
    batches = mfn("batches")[1]["batches"]
    assert {(batch["kind"], batch["status"]) for batch in batches} == {("import", "done"), ("reconcile", "done")}


@pytest.mark.parametrize("since", ["2099-01-01", "2001-01-01", "soon"])
def test_a_period_that_cannot_be_compared_is_refused_at_once(mfn: Mfn, world: World, since: str) -> None:
    status, document = mfn("reconcile", "us", "--since", since)
    assert status == 2
    assert document["remedy"]
    assert not (world.home / ".mfn").exists()


def test_a_missing_connection_ends_with_2_and_a_busy_one_with_3(world: World, mfn: Mfn) -> None:
    assert mfn("reconcile", "nope")[0] == 2
    with lease(world.ledger, "us", "reconcile"):
        assert mfn("reconcile", "us")[0] == 3


def test_a_reconciliation_can_be_run_again_from_the_start(world: World, mfn: Mfn) -> None:
    reconciling = Reconciling(world)
    (order_id,) = reconciling.left_out(an_order())
    world.run()
    batch_id = mfn("reconcile", "us")[1]["batch_id"]
    assert mfn("rerun", batch_id)[0] == 1
    world.run(order_id=order_id)
    for stage in ((), ("--from-stage", "compare"), ("--from-stage", "search")):
        status, document = mfn("rerun", batch_id, *stage)
        assert (status, document["batches"][0]["differing"]) == (0, 0)
    assert mfn("rerun", batch_id, "--from-stage", "load")[0] == 2
