"""A person, a schedule and a second machine start together: one works, and what it leaves is taken up."""

from __future__ import annotations

import platform
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from mfn import processes
from mfn.amazon.client import AmazonOrders
from mfn.errors import LeaseHeldError
from mfn.ledger.batch_listing import list_batches
from mfn.ledger.batches import get_batch
from mfn.steps.runs import carried_out, import_parameters, new_run
from mfn.warehouse.sql import SqlWarehouse
from tests.faults.copies import assert_at_rest
from tests.faults.gates import stand_before
from tests.faults.processes import start, wait_until_one_lives
from tests.faults.stalls import a_lease_passes, put_down, stall_before, stalled, woken
from tests.world import an_order

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.faults.gates import Gate
    from tests.world import World

pytestmark = pytest.mark.usefixtures("is_warm", "no_pauses")

FLOW_RUN = "00000000-0000-4000-8000-000000000007"


def be_the_second_machine(home: Path) -> None:
    """Let this process be one of another machine, with a name and a kernel of its own."""
    boot_id = home / "boot_id_of_second"
    boot_id.write_text("0b5b1c0e-0000-4000-8000-000000000002\n", encoding="ascii")
    processes.BOOT_ID = boot_id
    platform.node = lambda: "warehouse-2"


def by_hand(world: World) -> Any:
    """As `mfn import us` does it."""
    return world.run()


def by_schedule(world: World) -> Any:
    """As the flow of a schedule does it."""
    parameters = import_parameters()
    return carried_out(world.settings, new_run(world.settings, "us", "import", parameters, flow_run_id=FLOW_RUN))


def elsewhere(world: World) -> Any:
    """By hand, on the second machine."""
    be_the_second_machine(world.home)
    return world.run()


def test_exactly_one_of_a_person_a_schedule_and_a_second_machine_works(any_world: World, gate: Gate) -> None:
    world = any_world
    order_ids = world.put(an_order(), an_order())

    def standing_first(run: Callable[[World], Any]) -> Any:
        stand_before(gate, AmazonOrders, "search_page")
        return run(world)

    children = [start(partial(standing_first, run)) for run in (by_hand, by_schedule, elsewhere)]
    gate.await_one()
    wait_until_one_lives(children)
    gate.open()
    ended = [child.ended() for child in children]
    assert sorted(end.error for end in ended) == ["", "LeaseHeldError", "LeaseHeldError"]
    assert {end.exit_code for end in ended if end.error} == {3}
    assert [end.value["loaded"] for end in ended if not end.error] == [2]
    assert [row["order_number"] for row in world.rows()] == order_ids
    (batch,) = list_batches(world.ledger)
    assert get_batch(world.ledger, batch.batch_id).flow_run_id == (None if ended[1].error else FLOW_RUN)
    assert_at_rest(world)


@pytest.mark.parametrize("end", ["dies", "wakes up"])
def test_work_left_by_a_second_machine_is_taken_over_once_its_lease_has_expired(any_world: World, end: str) -> None:
    """Nobody here can see whether it lives: it has its lease, and no more than that."""
    world = any_world
    world.put(an_order(), an_order())
    put_down(world)
    child = stalled(partial(stall_before, SqlWarehouse, "load"), partial(elsewhere, world))
    with pytest.raises(LeaseHeldError, match="warehouse-2 process"):
        world.run()
    if end == "dies":
        child.kill()
        assert child.ended().is_killed
        with pytest.raises(LeaseHeldError, match="warehouse-2 process"):
            world.run()
    a_lease_passes(world.ledger)
    assert world.run()["loaded"] == 2
    assert len(list_batches(world.ledger)) == 1
    before = world.rows(), list_batches(world.ledger)
    if end == "wakes up":
        assert "another run took over" in woken(child).message
    assert (world.rows(), list_batches(world.ledger)) == before
    assert_at_rest(world)
