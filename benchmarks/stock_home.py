"""A home with much stock, all of it pushed once: `python -m benchmarks.stock_home '{"endpoint": …, "home": …, …}'`.

One marketplace. Each SKU lies in one location, every tenth in a second one, every twentieth also among returns, which
are not for sale. One of a hundred listings is a kit of two of them. A day of orders is imported before.
"""

from __future__ import annotations

import csv
import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, insert, update

from benchmarks.clock import Seconds, timed
from benchmarks.homes import CONNECTION, enter_home
from benchmarks.local_amazon import seller_skus
from mfn.database.engines import engine_for, writing
from mfn.steps.runs import run_import, run_inventory
from mfn.steps.workplace import open_workplace
from mfn.warehouse.tables import wms_inventory, wms_item

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mfn.settings import Settings

SHELVES, OVERFLOW, RETURNS = "SHELVES", "OVERFLOW", "RETURNS"
OVERFLOW_EVERY, RETURNS_EVERY, KIT_EVERY = 10, 20, 100
EMPTY_EVERY = 10
"""Of the SKUs that change, one of so many has nothing left."""

WHAT = "the warehouse of the benchmark"


def measure(endpoint: str, home: str, skus: int, warehouse: str, ledger: str) -> dict[str, Any]:
    """Make the home, import the local Amazon's orders, and push every level for the first time.

    Args:
        endpoint: Base URL of a local Amazon that lists the SKUs.
        home: A directory that is not there yet.
        skus: How many.
        warehouse: URL of the warehouse's database; empty: a SQLite file in the home.
        ledger: The same of the ledger's.

    Returns:
        `times` of `first_push`, and its `summary`.
    """
    settings = enter_home(Path(home), endpoint=endpoint, warehouse=warehouse, ledger=ledger, marketplaces="US")
    fill(settings, seller_skus(skus))
    run_import(settings, CONNECTION)
    times: dict[str, Seconds] = {}
    with timed(times, "first_push"):
        summary = run_inventory(settings, CONNECTION)
    return {"times": times, "summary": summary}


def fill(settings: Settings, skus: Sequence[str]) -> None:
    """Put items and stock into the warehouse, and the kits into sku_aliases.csv.

    Args:
        settings: The settings of the home.
        skus: Seller SKUs; those that are no kit are the warehouse's own.
    """
    kits, items = skus[::KIT_EVERY], [sku for number, sku in enumerate(skus) if number % KIT_EVERY]
    counted = datetime.now(UTC)
    stock = [(sku, SHELVES, 20 + number % 40, number % 4, True) for number, sku in enumerate(items)]
    stock += [(sku, OVERFLOW, 12, 0, True) for sku in items[::OVERFLOW_EVERY]]
    stock += [(sku, RETURNS, 2, 0, False) for sku in items[::RETURNS_EVERY]]
    names = ("sku", "location", "on_hand", "allocated", "is_sellable", "counted_at")
    with writing(engine_for(open_workplace(settings, CONNECTION).connection.warehouse.url), what=WHAT) as database:
        database.execute(insert(wms_item), [{"sku": sku, "description": sku, "is_active": True} for sku in items])
        rows = ((*row, counted - timedelta(seconds=number)) for number, row in enumerate(stock))
        database.execute(insert(wms_inventory), [dict(zip(names, row, strict=True)) for row in rows])
    with (settings.mappings / "sku_aliases.csv").open("a", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(
            (CONNECTION, "", kit, sku, units, "")
            for number, kit in enumerate(kits)
            for sku, units in ((items[2 * number], 1), (items[2 * number + 1], 2))
        )


def change_stock(settings: Settings, skus: int, changed: int) -> None:
    """The warehouse books something in, or out, of some SKUs that are in no kit; of a tenth of them all that there is.

    Args:
        settings: The settings of the home.
        skus: How many seller SKUs it has.
        changed: Of how many the level is to change.
    """
    loose = [sku for number, sku in enumerate(seller_skus(skus)) if number % KIT_EVERY][2 * -(-skus // KIT_EVERY) :]
    chosen = loose[:: len(loose) // changed][:changed]
    assert len(chosen) == changed, f"only {len(chosen)} SKUs can change"
    key = (wms_inventory.c.sku == bindparam("changed")) & (wms_inventory.c.location == SHELVES)
    of_sku = wms_inventory.c.sku == bindparam("changed")
    with writing(engine_for(open_workplace(settings, CONNECTION).connection.warehouse.url), what=WHAT) as database:
        emptied, booked = chosen[::EMPTY_EVERY], [sku for n, sku in enumerate(chosen) if n % EMPTY_EVERY]
        database.execute(update(wms_inventory).where(of_sku).values(on_hand=0), [{"changed": sku} for sku in emptied])
        more = [{"changed": sku, "units": 5 if n % 2 else -5} for n, sku in enumerate(booked)]
        database.execute(
            update(wms_inventory).where(key).values(on_hand=wms_inventory.c.on_hand + bindparam("units")), more
        )


if __name__ == "__main__":
    print(json.dumps(measure(**json.loads(sys.argv[1]))))
