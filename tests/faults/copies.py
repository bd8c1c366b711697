"""Copies of a world, each with a ledger and a warehouse of its own before the same Amazon, and what stands in them."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from mfn.database.engines import engine_for
from mfn.ledger.batch_listing import list_batches
from mfn.ledger.batches import get_batch
from mfn.ledger.buyers_data import stored_orders
from mfn.ledger.opening import ledger_engine
from mfn.ledger.schema import Batch, BatchChunk, BatchOrder, LandedOrder, Lease, Reservation, TrackedOrder
from mfn.ledger.watermarks import get_watermark
from mfn.warehouse.tables import wms_order_line

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from tests.world import World

BOOKKEEPING = {"batch_id", "loaded_at", "updated_at", "landed_at", "page", "position", "warehouse"}
MOMENTS = {"first_loaded_at", "cancel_requested_at"}
"""Of these only whether there is one is compared."""


def put_down(world: World) -> None:
    """Close a world's databases, so that its files are whole."""
    engine_for(world.warehouse_url).dispose()
    ledger_engine(f"sqlite:///{world.home / '.mfn' / 'ledger.db'}").dispose()


@contextmanager
def copy_of(world: World, home: Path) -> Iterator[World]:
    """A copy of a world on SQLite, which was put down; the working directory while it lasts.

    Args:
        world: The world to copy.
        home: The folder of the copy, which is not there yet.
    """
    before = os.getcwd()  # noqa: PTH109 - what os.chdir takes back
    shutil.copytree(world.home, home)
    copy = replace(world, home=home, warehouse_url=f"sqlite:///{home / 'warehouse.db'}")
    copy.write_connections()
    os.chdir(home)
    try:
        yield copy
    finally:
        put_down(copy)
        os.chdir(before)
        shutil.rmtree(home)


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value is not None if name in MOMENTS else value for name, value in row.items() if name not in BOOKKEEPING
    }


def _ledger_rows(world: World, model: Any) -> list[dict[str, Any]]:
    table = model.__table__
    with world.ledger.reading() as database:
        return [dict(row) for row in database.execute(select(table).order_by(*table.primary_key)).mappings()]


def standing(world: World) -> dict[str, Any]:
    """Everything that must not depend on how often a run was broken off: warehouse, ledger and reservations."""
    landed = _ledger_rows(world, LandedOrder)
    return {
        "warehouse": [_plain(row) for row in world.rows()],
        "lines": world.rows(wms_order_line),
        "orders": [_plain(row) for row in _ledger_rows(world, TrackedOrder)],
        "landed": [_plain(row) for row in landed],
        "texts": dict(stored_orders(world.ledger, "us", [row["order_id"] for row in landed], purpose="test")),
        "reservations": [_plain(row) for row in _ledger_rows(world, Reservation)],
        "staged": _ledger_rows(world, BatchChunk),
    }


def done_since(world: World, earlier: Collection[str]) -> dict[str, Any]:
    """What the batches did that are not among the earlier ones.

    Args:
        world: The world.
        earlier: Batch ids to leave out.
    """
    batches = [row for row in _ledger_rows(world, Batch) if row["batch_id"] not in earlier]
    rows = [row for row in _ledger_rows(world, BatchOrder) if row["batch_id"] not in earlier]
    outcomes = ("loaded", "held", "cancelled", "ignored")
    return {
        **{outcome: sorted({row["order_id"] for row in rows if row["outcome"] == outcome}) for outcome in outcomes},
        "loads": sum(row["outcome"] == "loaded" for row in rows),
        "open": [row["order_id"] for row in rows if row["outcome"] in {None, "ready"}],
        "conflicts": sorted(tuple(conflict.values()) for row in batches for conflict in row["findings"]["conflicts"]),
    }


def assert_at_rest(world: World) -> None:
    """Nothing is under way: no batch runs, no lease is held, and the watermark stands where the last window ended."""
    batches = list_batches(world.ledger)
    assert {row.status for row in batches} == {"done"}
    assert {row["expires_at"] for row in _ledger_rows(world, Lease)} == {0.0}
    assert get_watermark(world.ledger, "us") == get_batch(world.ledger, batches[0].batch_id).window_before
    for row in batches:
        parts = ("loaded", "held", "unchanged", "cancelled", "ignored")
        assert row.counts["fetched"] == sum(row.counts[part] for part in parts)
