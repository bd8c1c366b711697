"""Two imports of one connection at the same time: one works, and whoever lost the lease changes nothing any more."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import update

from mfn.amazon.client import AmazonOrders
from mfn.errors import LeaseHeldError
from mfn.ledger.batch_listing import list_batches
from mfn.ledger.schema import Lease
from mfn.steps.importing import load
from mfn.warehouse.sql import SqlWarehouse
from tests.faults.copies import assert_at_rest
from tests.faults.gates import stand_before
from tests.faults.processes import Child, start, wait_until_one_lives
from tests.world import address, an_order

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.gates import Gate
    from tests.world import World

pytestmark = pytest.mark.usefixtures("is_warm")


def running(world: World, prepare: Callable[[], None]) -> Child:
    """An import in a process of its own."""

    def run() -> Any:
        prepare()
        return world.run()

    return start(run)


def take_the_lease_away(world: World) -> None:
    """As if it had run out, its holder being on another machine that stood still."""
    with world.ledger.writing() as database:
        database.execute(update(Lease).values(holder="elsewhere/host process 1 started 1", expires_at=0.0))


def test_exactly_one_of_two_imports_that_start_together_works(any_world: World, gate: Gate) -> None:
    world = any_world
    order_ids = world.put(an_order(), an_order())
    children = [running(world, partial(stand_before, gate, AmazonOrders, "search_page")) for _ in range(2)]
    gate.await_one()
    wait_until_one_lives(children)
    gate.open()
    ended = sorted((child.ended() for child in children), key=lambda end: end.error)
    assert [end.error for end in ended] == ["", "LeaseHeldError"]
    assert ended[1].exit_code == 3
    assert ended[0].value["loaded"] == 2
    assert [row["order_number"] for row in world.rows()] == order_ids
    assert len(list_batches(world.ledger)) == 1
    assert_at_rest(world)


def test_a_run_that_was_killed_is_noticed_at_once(any_world: World, gate: Gate) -> None:
    world = any_world
    world.put(an_order(), an_order())
    child = running(world, partial(stand_before, gate, SqlWarehouse, "load"))
    gate.await_one()
    with pytest.raises(LeaseHeldError):
        world.run()
    child.kill()
    assert child.ended().is_killed
    assert world.run()["loaded"] == 2
    assert len(list_batches(world.ledger)) == 1
    assert_at_rest(world)


@pytest.mark.parametrize(("place", "function"), [(SqlWarehouse, "items"), (load, "load_chunk")])
def test_a_run_whose_lease_was_taken_over_changes_nothing(world: World, gate: Gate, place: Any, function: str) -> None:
    world.ledger.engine.dispose()
    (order_id,) = world.put(an_order(minutes_ago=10))
    child = running(world, partial(stand_before, gate, place, function))
    gate.await_one()
    take_the_lease_away(world)
    world.change(order_id, recipient={"deliveryAddress": address(city="Newtown")})
    whole = world.run()
    assert whole["loaded"] == 1
    before = world.rows(), list_batches(world.ledger), world.statuses()
    gate.open()
    ended = child.ended()
    assert (ended.error, ended.exit_code) == ("RunFailedError", 1)
    assert "another run took over this connection" in ended.message
    assert "Nothing to do" in ended.remedy
    assert (world.rows(), list_batches(world.ledger), world.statuses()) == before
    assert_at_rest(world)
