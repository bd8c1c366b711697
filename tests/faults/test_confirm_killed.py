"""A confirm run that is killed, wherever that happens, costs nothing: no parcel is doubled, and none is left out."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from mfn.ledger.batch_listing import list_batches
from mfn.ledger.batches import get_batch
from mfn.ledger.schema import Lease, Parcel
from mfn.steps.runs import run_confirm
from tests.faults.copies import copy_of, put_down
from tests.faults.processes import die_at_commit, in_child
from tests.faults.test_killed import Commit, commits_of
from tests.steps.shipping import Shipping
from tests.world import an_item, an_order

if TYPE_CHECKING:
    from pathlib import Path

    from tests.world import World

BOOKKEEPING = ("batch_id", "updated_at")
MOMENTS = {"sent_at", "verified_at"}
"""Of these only whether there is one is compared."""


def a_day_of_parcels(world: World) -> dict[str, dict[str, Any]]:
    """A first run, and then everything that can happen to parcels; what Amazon has of the orders by then."""
    shipping = Shipping(world)
    seen, edited, voided, corrected, _, label, parts, new = orders = shipping.loaded(
        *(an_order(minutes_ago=120) for _ in range(6)), an_order(an_item(units=3)), an_order()
    )
    for shipment_id, order_id in (("SEEN", seen), ("EDITED", edited), ("VOIDED", voided)):
        shipping.ship(order_id, shipment_id=shipment_id)
    shipping.ship(corrected, shipment_id="CORRECTED", tracking_number=None)
    shipping.run()
    shipping.an_hour_passes()
    shipping.warehouse.change("EDITED", carrier="FedEx", tracking_number="123456789012")
    shipping.warehouse.change("CORRECTED", tracking_number="T0000000077")
    shipping.warehouse.void("VOIDED")
    shipping.ship(label, shipment_id="LABEL", is_amazon_label=True)
    for number in range(3):
        shipping.ship(parts, shipment_id=f"PART{number}", units={1: 1})
    shipping.ship(new, shipment_id="NEW", carrier="Nobody's Vans")
    shipping.warehouse.write_parcel("111-0000000-0000000", shipment_id="LOST", lines=[("1", "MUG-BLUE", 1)])
    put_down(world)
    return {order_id: world.amazon.orders.get(order_id) for order_id in orders}


def end_of(world: World) -> dict[str, Any]:
    """What a run, or a killed one and the next, made of the day, in the ledger."""
    (batch, first) = list_batches(world.ledger, kind="confirm")
    assert (first.status, batch.status) == ("done", "done")
    with world.ledger.reading() as database:
        rows = database.execute(select(Parcel).order_by(Parcel.shipment_id)).mappings().all()
        assert set(database.execute(select(Lease.expires_at)).scalars()) == {0.0}
    return {
        "parcels": [
            {name: value is not None if name in MOMENTS else value for name, value in row.items()}
            | dict.fromkeys(BOOKKEEPING)
            for row in rows
        ],
        "orders": world.statuses(),
        "counts": batch.counts,
        "conflicts": get_batch(world.ledger, batch.batch_id).findings["conflicts"],
    }


def shown_by_amazon(world: World, orders: dict[str, dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """The parcels that Amazon has of the orders."""
    packages = {order_id: world.amazon.orders.get(order_id).get("packages", []) for order_id in orders}
    return {
        order_id: sorted(
            ({name: value for name, value in package.items() if name != "createdTime"} for package in these),
            key=lambda package: str(package["packageReferenceId"]),
        )
        for order_id, these in packages.items()
    }


TELLING = {"collect", "_normalize", "_note"}
"""Functions after whose commits a run is killed: those that write down what parcels and orders have come to."""


def undisturbed(world: World, home: Path) -> tuple[list[Commit], dict[str, Any]]:
    """The commits of a whole run, and what it makes of the day."""
    with copy_of(world, home) as copy:
        commits = commits_of(partial(run_confirm, copy.settings, "us"))
        return commits, end_of(copy)


def disturbed(world: World, home: Path, number: int, *, before: bool) -> dict[str, Any]:
    """What a run that is killed at a commit makes of the day together with the next one."""

    def run() -> None:
        die_at_commit(number, before=before)
        run_confirm(copy.settings, "us")

    with copy_of(world, home) as copy:
        assert in_child(run).is_killed, f"the run survived its commit {number}"
        run_confirm(copy.settings, "us")
        return end_of(copy)


@pytest.mark.usefixtures("is_warm")
def test_after_a_kill_at_any_commit_about_parcels_the_next_run_reaches_the_same_end(
    world: World, tmp_path_factory: pytest.TempPathFactory
) -> None:
    world.write_carriers()
    orders = a_day_of_parcels(world)
    homes = tmp_path_factory.mktemp("copies")
    ended = in_child(partial(undisturbed, world, homes / "undisturbed"))
    assert not ended.error, ended
    commits, whole = ended.value
    assert whole["counts"] | {"sent": 6, "skipped": 1, "held": 1, "released": 1, "verified": 1} == whole["counts"]
    assert len(whole["conflicts"]) == 1
    shown = shown_by_amazon(world, orders)
    points = {commit.function: commit.number for commit in commits if commit.function in TELLING}
    assert set(points) == TELLING
    # What is about to be noted is what a killed run had done and not written down.
    for number, before in [*((number, False) for number in points.values()), (points["_note"], True)]:
        world.put(*orders.values())
        end = in_child(partial(disturbed, world, homes / f"{number}-{before}", number, before=before))
        assert not end.error, (number, before, end)
        assert end.value == whole, (number, before)
        assert shown_by_amazon(world, orders) == shown, (number, before)
