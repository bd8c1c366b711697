"""A run that is killed, wherever that happens, costs nothing: the next one brings everything to the same end."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from mfn.ledger.batch_listing import list_batches
from mfn.ledger.batches import get_batch
from mfn.steps.importing import loading
from mfn.steps.workplace import writing_under_lease
from mfn.warehouse.sql import SqlWarehouse
from tests.faults.copies import assert_at_rest, copy_of, done_since, put_down, standing
from tests.faults.processes import at_once, die_at_commit, in_child, on_commit
from tests.world import address, an_item, an_order

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path
    from types import FrameType

    from sqlalchemy import Connection

    from tests.world import World


def cancellation() -> dict[str, Any]:
    return {"cancellationRequest": {"requester": "BUYER", "cancelReason": "changed my mind"}}


def a_day_that_goes_on(world: World) -> None:
    """A first run, and then everything that can happen to orders, on three pages."""
    moved, begun, cancelled, too_late, asked, paid, _, part = world.put(
        *(an_order(minutes_ago=120) for _ in range(5)),
        an_order(status="PENDING", recipient=None, minutes_ago=120),
        an_order(an_item(sku="MUG-GREEN"), minutes_ago=120),  # held until the warehouse has the item
        an_order(an_item(units=5, shipped=1), status="PARTIALLY_SHIPPED", minutes_ago=120),
    )
    world.put(an_order(level="SAME_DAY", minutes_ago=120), an_order(recipient=None, minutes_ago=120))
    world.run()
    for order_id in (begun, too_late, asked):
        world.warehouse_moves(order_id, "picking")
    world.add_items("MUG-GREEN")
    elsewhere = {"deliveryAddress": address(addressLine1="2 Example Street")}
    world.change(moved, recipient=elsewhere)
    world.change(begun, recipient=elsewhere)
    for order_id in (cancelled, too_late):
        world.change(order_id, fulfillment={"fulfillmentStatus": "CANCELLED"})
    item = world.amazon.orders.get(asked)["orderItems"][0]
    world.change(asked, orderItems=[item | {"cancellation": cancellation()}])
    world.change(paid, fulfillment={"fulfillmentStatus": "UNSHIPPED"}, recipient={"deliveryAddress": address()})
    item = world.amazon.orders.get(part)["orderItems"][0]
    fewer = item | {"quantityOrdered": 4, "fulfillment": {"quantityFulfilled": 3, "quantityUnfulfilled": 1}}
    world.change(part, orderItems=[fewer])
    world.put(*(an_order(an_item(sku="BREAKFAST"), minutes_ago=10, programs=["PRIME"]) for _ in range(205)))
    world.put(
        an_order(level="SAME_DAY", minutes_ago=9),
        an_order(an_item(sku="UNKNOWN"), an_item(sku="PLATE"), minutes_ago=8),
        an_order(status="CANCELLED", minutes_ago=8),
        an_order(status="PENDING", recipient=None, minutes_ago=8),
        an_order(an_item(cancellation=cancellation()), minutes_ago=7),
    )
    put_down(world)


LOUD: dict[str, tuple[int, ...]] = {
    "_land_last_page": (-1,),
    "_index_some": (0,),
    "_write": (0,),
    "load_chunk": (0,),
    "load": (0,),
    "_note": (0,),
    "cancel": (0,),
    "_pass_on_cancellations": (-1,),
    "perform": (-1,),
    "gate": (0,),
    "write_page": (0,),
}
"""Which commits of each function a run is killed after."""

QUIET = {
    *("_take", "open_batch", "_locked", "_note_begun", "_search", "read_again", "keep_calls", "_note_landed"),
    *(
        "validate",
        "transform",
        "_transform_part",
        "request_cancellation",
        "_renewed",
        "assert_held",
        "note_access",
        "forget_landed_names",
    ),
}
"""Functions whose commits leave what the next run meets after another commit as well: bounds, figures, staged rows."""


@dataclass(frozen=True)
class Commit:
    """One commit of a run: its number, which function made it, and whether it was the warehouse's."""

    number: int
    function: str
    is_warehouse: bool


OPENERS = {SqlWarehouse._writing.__name__, writing_under_lease.__name__}
"""Functions outside of mfn.database that open a transaction for others."""


def _function() -> str:
    """The function of this project that is committing, not the one that opens its transaction for it."""
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        code = frame.f_code
        opens = "/database/" in code.co_filename or code.co_name in OPENERS
        if "/src/mfn/" in code.co_filename and not opens:
            return code.co_name
        frame = frame.f_back
    return "?"


def commits_of(run: Callable[[], Any]) -> list[Commit]:
    """Every commit of a run that is left alone."""
    commits: list[Commit] = []

    def note(number: int, connection: Connection) -> None:
        commits.append(Commit(number, _function(), "warehouse" in str(connection.engine.url)))

    on_commit(note)
    run()
    return commits


def points_of(commits: list[Commit]) -> list[tuple[int, bool]]:
    """Where to kill, and whether before the commit: then the databases are as after the one before it, but what the
    run knew of the orders that it was about to write is gone with it.
    """
    numbers: dict[str, list[int]] = {}
    for commit in commits:
        numbers.setdefault(commit.function, []).append(commit.number)
    assert set(numbers) == {*LOUD, *QUIET}, "a new kind of commit: say in LOUD or QUIET what a kill after it would mean"
    after = {numbers[function][place] for function, places in LOUD.items() for place in places}
    before = [(commit.number, True) for commit in commits if commit.function == "load" and commit.is_warehouse]
    return sorted([*((number, False) for number in after), *before])


@dataclass(frozen=True)
class End:
    """What a run, or a killed one and the next, made of a world."""

    standing: dict[str, Any]
    done: dict[str, Any]
    commits: list[Commit] = field(default_factory=list)


def undisturbed(world: World, home: Path, earlier: Collection[str]) -> End:
    """What one whole run makes of it."""
    with copy_of(world, home) as copy:
        commits = commits_of(copy.run)
        assert_at_rest(copy)
        return End(standing(copy), done_since(copy, earlier), commits)


def disturbed(world: World, home: Path, earlier: Collection[str], point: tuple[int, bool]) -> End:
    """What a run that is killed makes of it together with the next one."""
    number, before = point

    def run() -> None:
        die_at_commit(number, before=before)
        copy.run()

    with copy_of(world, home) as copy:
        assert in_child(run).is_killed, f"the run survived its commit {number}"
        copy.run()
        assert_at_rest(copy)
        return End(standing(copy), done_since(copy, earlier))


def test_after_a_kill_at_any_kind_of_commit_the_next_run_reaches_the_same_end(
    world: World, tmp_path_factory: pytest.TempPathFactory
) -> None:
    a_day_that_goes_on(world)
    earlier = {row.batch_id for row in list_batches(world.ledger)}
    put_down(world)
    homes = tmp_path_factory.mktemp("copies")
    ended = in_child(partial(undisturbed, world, homes / "undisturbed", earlier))
    assert not ended.error, ended
    whole: End = ended.value
    assert len(whole.standing["warehouse"]) > 200
    assert len(whole.done["conflicts"]) == 3
    points = points_of(whole.commits)
    for two in [points[start : start + 2] for start in range(0, len(points), 2)]:
        works = [
            partial(disturbed, world, homes / f"{number}-{before}", earlier, (number, before)) for number, before in two
        ]
        for point, end in zip(two, at_once(*works), strict=True):
            assert not end.error, (point, end)
            assert end.value.standing == whole.standing, point
            assert end.value.done == whole.done, point


def killed_between_warehouse_and_ledger(world: World) -> str:
    """An order that the warehouse has, and of which the ledger does not know that it has."""
    (order_id,) = world.put(an_order(minutes_ago=10))

    def run() -> None:
        loading._note = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
        world.run()

    assert in_child(run).is_killed
    assert [row["order_number"] for row in world.rows()] == [order_id]
    assert world.statuses() == {order_id: "ready"}
    return order_id


@pytest.mark.usefixtures("is_warm")
def test_an_order_is_cancelled_in_the_warehouse_even_if_a_killed_run_had_loaded_it(any_world: World) -> None:
    order_id = killed_between_warehouse_and_ledger(any_world)
    any_world.change(order_id, fulfillment={"fulfillmentStatus": "CANCELLED"})
    assert any_world.run()["cancelled"] == 1
    assert [row["status"] for row in any_world.rows()] == ["cancelled"]
    assert any_world.statuses() == {order_id: "cancelled"}
    assert_at_rest(any_world)


@pytest.mark.usefixtures("is_warm")
def test_a_buyers_request_reaches_an_order_that_a_killed_run_had_loaded(world: World) -> None:
    order_id = killed_between_warehouse_and_ledger(world)
    item = world.amazon.orders.get(order_id)["orderItems"][0]
    world.change(order_id, orderItems=[item | {"cancellation": cancellation()}])
    summary = world.run()
    assert (summary["loaded"], summary["held"]) == (1, 0)
    assert world.rows()[0]["cancel_requested_at"] is not None
    assert world.statuses() == {order_id: "loaded"}
    (conflict,) = get_batch(world.ledger, summary["batch_id"]).findings["conflicts"]
    assert conflict["order_id"] == order_id


@pytest.mark.usefixtures("is_warm")
def test_orders_that_the_warehouse_began_before_a_killed_run_resumed_are_left_alone(world: World) -> None:
    order_id = killed_between_warehouse_and_ledger(world)
    world.warehouse_moves(order_id, "picking")
    before = world.rows()
    assert world.run()["loaded"] == 1
    assert world.rows() == before
    assert world.statuses() == {order_id: "loaded"}
    assert_at_rest(world)
