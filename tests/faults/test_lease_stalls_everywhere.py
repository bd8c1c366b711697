"""An import that stalls after whichever of its commits, for longer than its lease, changes nothing when it wakes up."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from mfn.ledger.batch_listing import list_batches
from tests.faults.copies import assert_at_rest, copy_of, put_down, standing
from tests.faults.processes import at_once, in_child
from tests.faults.stalls import a_lease_passes, stall_after_commit, stalled, woken
from tests.faults.test_killed import commits_of
from tests.world import address, an_item, an_order, cancellation

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.world import World

STALLED_AFTER = (
    "open_batch", "_land_last_page", "_index_some", "_write", "transform", "load_chunk", "_note", "cancel", "gate",
)  # fmt: skip
"""Functions after whose last commit a run stalls: after others it goes on with the same."""


def a_small_day(world: World) -> None:
    """A first run, and then a little of everything that can happen to orders."""
    moved, begun, cancelled, asked, paid = world.put(
        *(an_order(minutes_ago=120) for _ in range(4)),
        an_order(status="PENDING", recipient=None, minutes_ago=120),
    )
    world.put(an_order(level="SAME_DAY", minutes_ago=120), an_order(recipient=None, minutes_ago=120))
    world.run()
    world.warehouse_moves(begun, "picking")
    for order_id in (moved, begun):
        world.change(order_id, recipient={"deliveryAddress": address(addressLine1="2 Example Street")})
    world.change(cancelled, fulfillment={"fulfillmentStatus": "CANCELLED"})
    item = world.amazon.orders.get(asked)["orderItems"][0]
    world.change(asked, orderItems=[item | cancellation_of()])
    world.change(paid, fulfillment={"fulfillmentStatus": "UNSHIPPED"}, recipient={"deliveryAddress": address()})
    world.put(an_order(an_item(sku="BREAKFAST"), minutes_ago=10), an_order(an_item(sku="UNKNOWN"), minutes_ago=8))
    put_down(world)


def cancellation_of() -> dict[str, Any]:
    """What an item has whose buyer asks for a cancellation."""
    return {"cancellation": cancellation()}


def undisturbed(world: World, home: Path) -> tuple[dict[str, int], dict[str, Any]]:
    """The last commit of each function of a whole run, and what stands after it."""
    with copy_of(world, home) as copy:
        commits = commits_of(copy.run)
        return {commit.function: commit.number for commit in commits}, standing(copy)


def disturbed(world: World, home: Path, number: int) -> dict[str, Any]:
    """What stands after a run that stalled, and another one meanwhile."""
    with copy_of(world, home) as copy:
        child = stalled(partial(stall_after_commit, number), copy.run)
        a_lease_passes(copy.ledger)
        copy.run()
        before = standing(copy), list_batches(copy.ledger)
        ended = woken(child)
        assert ended.error in {"RunFailedError", "LeaseLostError"}, ended
        assert "another run took over" in ended.message, ended
        assert (standing(copy), list_batches(copy.ledger)) == before
        assert_at_rest(copy)
        return before[0]


def test_a_run_stalled_after_any_kind_of_commit_has_no_effect_once_another_has_worked(
    world: World, is_warm: bool, no_pauses: None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    a_small_day(world)
    homes = tmp_path_factory.mktemp("copies")
    ended = in_child(partial(undisturbed, world, homes / "undisturbed"))
    assert not ended.error, ended
    last, whole = ended.value
    points = sorted(last[function] for function in STALLED_AFTER)
    for two in [points[start : start + 2] for start in range(0, len(points), 2)]:
        works = [partial(disturbed, world, homes / str(number), number) for number in two]
        for number, end in zip(two, at_once(*works), strict=True):
            assert not end.error, (number, last, end)
            assert end.value == whole, (number, last)
