"""Reconciliations that Amazon, the rate budget or a kill breaks off: they go on where they were, and nobody starves."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, update

from mfn.errors import RunFailedError
from mfn.ledger.batch_listing import list_batches
from mfn.ledger.batches import get_batch
from mfn.ledger.schema import Batch, BatchChunk, Lease, OrderEnd
from mfn.steps.reconciling.runs import run_reconcile
from tests.faults.copies import copy_of, put_down
from tests.faults.processes import die_at_commit, in_child
from tests.faults.test_killed import Commit, commits_of
from tests.steps.reconciling import Reconciling
from tests.steps.shipping import Shipping
from tests.world import an_order

if TYPE_CHECKING:
    from pathlib import Path

    from tests.world import World

ORDERS = 120
POINTS = [
    ("_note_page", 0, True),
    ("_note_page", 0, False),
    ("_ask_for_the_others", 0, True),
    ("compare", 0, False),
]
"""Where a run is killed: which commit of a function, and whether before it, when what it was to note is lost."""


@pytest.fixture
def reconciling(world: World, monkeypatch: pytest.MonkeyPatch) -> Reconciling:
    """Two pages of orders; one was never imported, the warehouse lost another, one is cancelled, and one old."""
    monkeypatch.setattr("mfn.amazon.calling._grow", lambda _state: 0.0)  # Amazon is asked again at once
    found = Reconciling(world)
    orders = [an_order(minutes_ago=60 + number) for number in range(ORDERS)]
    old = an_order(minutes_ago=5 * 24 * 60)
    found.left_out(orders[0])
    world.put(*orders[1:], old)
    world.run()
    world.forget_order(orders[1]["orderId"])
    for order in (orders[2], old):
        found.status(order["orderId"], "CANCELLED")
    return found


def calls(world: World, operation: str) -> int:
    return sum(call.operation == operation for call in world.amazon.calls)


def broken(world: World) -> RunFailedError:
    with pytest.raises(RunFailedError) as failed:
        run_reconcile(world.settings, "us")
    return failed.value


def test_a_search_interrupted_by_amazon_resumes_at_its_page(world: World, reconciling: Reconciling) -> None:
    before = calls(world, "searchOrders")
    world.amazon.faults.let_pass("searchOrders")
    world.amazon.faults.answer("searchOrders", 500, {}, times=5)
    error = broken(world)
    assert "searchOrders" in error.message
    assert (error.summary["status"], error.summary["orders"]) == ("failed", 0)
    assert calls(world, "searchOrders") == before + 6
    summary = reconciling.run()
    assert (summary["batch_id"], summary["differing"]) == (error.summary["batch_id"], 4)
    assert (summary["orders"], calls(world, "searchOrders")) == (ORDERS + 1, before + 7)


def test_a_search_interrupted_long_ago_starts_over(world: World, reconciling: Reconciling) -> None:
    world.amazon.faults.let_pass("searchOrders")
    world.amazon.faults.answer("searchOrders", 500, {}, times=5)
    broken(world)
    (row,) = list_batches(world.ledger, kind="reconcile")
    with world.ledger.writing() as database:
        database.execute(
            update(Batch)
            .where(Batch.batch_id == row.batch_id)
            .values(page_token_at=row.page_token_at - timedelta(hours=4))
        )
    before = calls(world, "searchOrders")
    summary = reconciling.run()
    assert (summary["orders"], calls(world, "searchOrders")) == (ORDERS + 1, before + 2)


def test_a_page_token_that_amazon_refuses_restarts_the_search(world: World, reconciling: Reconciling) -> None:
    refusal = {"errors": [{"code": "InvalidInput", "message": "The paginationToken is not valid.", "details": ""}]}
    world.amazon.faults.let_pass("searchOrders")
    world.amazon.faults.answer("searchOrders", 400, refusal)
    assert reconciling.run()["orders"] == ORDERS + 1


def test_calls_are_reserved_for_imports(world: World, reconciling: Reconciling) -> None:
    Shipping(world).leave_calls("searchOrders", 9)  # the first page takes one, and eight have to stay
    error = broken(world)
    assert "rate limit" in error.message
    assert error.summary["api_calls"] == {"searchOrders": 1}
    for _ in range(2):
        assert world.run()["api_calls"]["searchOrders"] == 1
    Shipping(world).leave_calls("searchOrders", 20)
    assert reconciling.run()["differing"] == 4


def test_orders_without_a_call_in_the_budget_are_reported(world: World, reconciling: Reconciling) -> None:
    Shipping(world).leave_calls("getOrder", 11)
    world.amazon.orders.left_out["created"].update(world.amazon.orders.ids()[:5])
    summary = reconciling.run()
    assert (summary["api_calls"]["getOrder"], summary["not_asked"]) == (1, 4)


def test_one_order_that_amazon_does_not_answer_for_does_not_stop_the_others(
    world: World, reconciling: Reconciling
) -> None:
    world.amazon.faults.answer("getOrder", 500, {}, times=5)
    error = broken(world)
    assert "getOrder" in error.message
    assert reconciling.run()["differing"] == 4


def end_of(world: World) -> Any:
    """What stands in the ledger once all is done."""
    with world.ledger.reading() as database:
        assert set(database.execute(select(Lease.expires_at)).scalars()) == {0.0}
        assert database.execute(select(BatchChunk.batch_id)).all() == []
        ends = set(database.execute(select(OrderEnd.order_id)).scalars())
    batches = [get_batch(world.ledger, row.batch_id) for row in list_batches(world.ledger, kind="reconcile")]
    assert {batch.status for batch in batches} == {"done"}
    found = sorted((one["order_id"], one["kind"]) for one in batches[0].findings["differences"])
    return found, {name: batches[0].counts[name] for name in ("orders", "matched", "differing", "missing")}, ends


def reconciled(world: World) -> None:
    with pytest.raises(RunFailedError, match="differ"):
        run_reconcile(world.settings, "us")


def undisturbed(world: World, home: Path) -> tuple[list[Commit], Any]:
    with copy_of(world, home) as copy:
        return commits_of(partial(reconciled, copy)), end_of(copy)


def disturbed(world: World, home: Path, number: int, *, before: bool) -> Any:
    def run() -> None:
        die_at_commit(number, before=before)
        reconciled(copy)

    with copy_of(world, home) as copy:
        assert in_child(run).is_killed, f"the run survived its commit {number}"
        reconciled(copy)
        return end_of(copy)


def test_after_a_killed_reconciliation_the_next_one_reaches_the_same_end(
    world: World, reconciling: Reconciling, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert reconciling.world is world
    put_down(world)
    homes = tmp_path_factory.mktemp("copies")
    ended = in_child(partial(undisturbed, world, homes / "undisturbed"))
    assert not ended.error, ended
    commits, whole = ended.value
    assert whole[1] == {"orders": ORDERS + 1, "matched": ORDERS - 3, "differing": 4, "missing": 1}
    for function, place, before in POINTS:
        number = [commit.number for commit in commits if commit.function == function][place]
        end = in_child(partial(disturbed, world, homes / f"{number}-{before}", number, before=before))
        assert not end.error, (function, place, before, end)
        assert end.value == whole, (function, place, before)
