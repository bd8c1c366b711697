"""A day after a bad one: an import and a confirm run failed in the middle, and are to be run again."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mfn.database.engines import engine_for
from mfn.errors import RunFailedError
from mfn.steps.runs import run_confirm
from tests.faults.matrix import confirm_day, import_day
from tests.faults.matrix.at_rest import at_rest
from tests.faults.matrix.moments import is_warehouse
from tests.faults.processes import in_child, on_commit
from tests.faults.test_killed import _function as function_that_commits
from tests.steps.shipping import Shipping
from tests.world import an_order

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection

    from tests.faults.matrix.orders_truth import Before
    from tests.faults.matrix.stage import Stage
    from tests.faults.matrix.verdicts import Deviation
    from tests.world import World


@dataclass(frozen=True)
class Known:
    """How the day began.

    Attributes:
        orders: What the judge of orders has to know.
        parcels: What the judge of parcels has to know.
    """

    orders: Before
    parcels: confirm_day.Known


def build(world: World) -> Known:
    """Parcels of which Amazon took one and would not hear of the others; an import that died while it loaded."""
    world.write_carriers()
    shipping = Shipping(world)
    sent = world.put(*(an_order(minutes_ago=300) for _ in range(6)))
    orders = import_day.build(world)
    for number, order_id in enumerate(sent):
        shipping.ship(order_id, shipment_id=f"S{number}")
    world.amazon.faults.let_pass("confirmShipment")
    world.amazon.faults.answer("confirmShipment", 503, times=200)
    _fails(lambda: run_confirm(world.settings, "us"))
    world.amazon.faults._queues.clear()
    _dies_while_it_loads(world)
    return Known(orders, confirm_day.Known(sent))


def _fails(run: Callable[[], object]) -> None:
    try:
        run()
    except RunFailedError:
        return
    raise AssertionError("the run did not fail")


def _dies_while_it_loads(world: World) -> None:
    world.ledger.engine.dispose()
    engine_for(world.warehouse_url).dispose()

    def run() -> None:
        on_commit(lambda _, connection: _die(connection))
        world.run()

    assert in_child(run).is_killed


def _die(connection: Connection) -> None:
    if is_warehouse(connection) and function_that_commits() == "load":
        os.kill(os.getpid(), signal.SIGKILL)


def judge(stage: Stage) -> Iterator[Deviation]:
    """How the warehouse, Amazon and the ledger differ from what they have to be."""
    known: Known = stage.known
    yield from import_day.compare(stage.world, known.orders, but=known.parcels.orders)
    yield from confirm_day.compare_parcels(stage.world, known.parcels)
    yield from confirm_day.compare_statuses(stage.world)
    yield from at_rest(stage.world)
