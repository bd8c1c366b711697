"""A stock run that is killed where it tells Amazon: the next one brings Amazon and the ledger to the same end."""

from __future__ import annotations

import copy as copies
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from mfn.ledger.batch_listing import list_batches
from mfn.ledger.feeds import feeds
from mfn.ledger.schema import Lease, Offer
from mfn.steps.runs import run_inventory
from tests.faults.copies import copy_of, put_down
from tests.faults.processes import die_at_commit, in_child
from tests.faults.test_killed import Commit, commits_of
from tests.steps.pushing import Pushing
from tests.stock_world import stock_world
from tests.world import set_secrets

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.world import World

LEVELS = {"BOWL": 0, "LAMP": 3, "PLATE": 18, "VASE": 7}
KEPT = (
    Offer.seller_sku, Offer.level, Offer.level_sent, Offer.level_sent_basis, Offer.sold_not_imported, Offer.is_applied,
    Offer.feed_number,
)  # fmt: skip
POINTS = {
    "patch": [("_note", -3, True), ("_note", -2, False), ("_note", -2, True)],
    "feed": [("hand_in", 0, False), ("hand_in", 1, True), ("_settle", 0, True)],
}
"""Where a run is killed: which commit of a function, and whether before it, when what it was to note is lost."""


@pytest.fixture
def pushing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_warm: bool) -> Iterator[Pushing]:
    """Four SKUs were pushed; then one ran out, one fell, one rose, and of one three were sold."""
    monkeypatch.chdir(tmp_path)
    set_secrets(monkeypatch)
    with stock_world(tmp_path, f"sqlite:///{tmp_path / 'warehouse.db'}") as stock:
        made = Pushing(stock)
        made.set_up()
        made.run()
        stock.minutes_pass(20)
        for sku, units in (("BOWL", 0), ("LAMP", 3), ("PLATE", 18)):
            stock.receive(sku, units)
        stock.check_out("VASE", 3)
        yield made


def end_of(world: World) -> list[tuple[Any, ...]]:
    """What stands in the ledger once all is done."""
    with world.ledger.reading() as database:
        offers = [tuple(row) for row in database.execute(select(*KEPT).order_by(Offer.seller_sku))]
        assert set(database.execute(select(Lease.expires_at)).scalars()) == {0.0}
    assert {feed.status for feed in feeds(world.ledger, "us")} <= {"done", "lost"}
    assert list_batches(world.ledger, kind="inventory")[0].status == "done"
    return offers


def undisturbed(world: World, home: Path) -> tuple[list[Commit], list[tuple[Any, ...]]]:
    """The commits of a whole run, and what stands then."""
    with copy_of(world, home) as copy:
        commits = commits_of(partial(run_inventory, copy.settings, "us"))
        return commits, end_of(copy)


def disturbed(world: World, home: Path, number: int, *, before: bool) -> list[tuple[Any, ...]]:
    """What stands after a killed run and the next one."""

    def run() -> None:
        die_at_commit(number, before=before)
        run_inventory(copy.settings, "us")

    with copy_of(world, home) as copy:
        assert in_child(run).is_killed, f"the run survived its commit {number}"
        run_inventory(copy.settings, "us")
        return end_of(copy)


@pytest.mark.parametrize("way", POINTS)
def test_after_a_push_is_killed_while_sending_the_next_one_reaches_the_same_end(
    pushing: Pushing, tmp_path_factory: pytest.TempPathFactory, way: str
) -> None:
    if way == "feed":
        pushing.make_patches_dear()
    world = pushing.stock.world
    put_down(world)
    homes = tmp_path_factory.mktemp("copies")
    shown = copies.deepcopy(pushing.stock.amazon._listings)
    ended = in_child(partial(undisturbed, world, homes / "undisturbed"))
    assert not ended.error, ended
    commits, whole = ended.value
    assert pushing.shown() == LEVELS
    for function, place, before in POINTS[way]:
        pushing.stock.amazon._listings.update(copies.deepcopy(shown))
        world.amazon.feeds.feeds.clear()
        number = [commit.number for commit in commits if commit.function == function][place]
        end = in_child(partial(disturbed, world, homes / f"{number}-{before}", number, before=before))
        assert not end.error, (function, place, before, end)
        assert end.value == whole, (function, place, before)
        assert pushing.shown() == LEVELS, (function, place, before)
