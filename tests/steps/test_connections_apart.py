"""Connections on one ledger: each does as if it were alone, whatever orders the others have and wherever they stand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Table, func, insert, select

from mfn.ledger.leases import part_kind
from mfn.ledger.named_orders import OrderName, note_named
from mfn.ledger.order_listing import list_orders
from mfn.ledger.schema import Base, Lease, table
from mfn.steps.privacy.erase import erase
from mfn.steps.reconciling.runs import run_reconcile
from mfn.steps.rerunning.reprocessing import reprocess, reprocess_parameters
from tests.steps.purging import days_pass, purge
from tests.steps.shipping import Shipping
from tests.world import an_item, an_order

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from tests.steps.pushing import Pushing
    from tests.world import World

TWIN, OTHER = "twin", "other"
"""One has the same orders, parcels and offers, which stand elsewhere there; one has its own."""

STANDS_ELSEWHERE = {"loaded": "held", "held": "shipped", "shipped": "loaded", "pending": "cancelled", "sent": "held"}
OWN = ("order_id", "order_number", "shipment_id", "seller_sku", "sku")
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
TABLES = [each for each in Base.metadata.sorted_tables if "connection" in each.columns]


def lately(sku: str = "PLATE", **changes: Any) -> dict[str, Any]:
    """An order since the world's first import."""
    return an_order(an_item(sku=sku), minutes_ago=5, **changes)


def copy_rows(world: World) -> None:
    """Two more connections have all the rows that the first one has, and an old one wherever that has none."""
    with world.ledger.writing() as database:
        for each in TABLES:
            rows = database.execute(select(each).where(each.c.connection == "us")).mappings().all()
            counted = [column.name for column in each.primary_key if column is each.autoincrement_column]
            copies = [_copy_of(row, connection) for connection in (TWIN, OTHER) for row in rows]
            for copy in copies or [_an_old_row(database, each)]:
                database.execute(insert(each).values({name: copy[name] for name in copy if name not in counted}))
        part = {"connection": TWIN, "kind": part_kind("any"), "token": TWIN, "holder": TWIN, "expires_at": 0.0}
        database.execute(insert(table(Lease)), [part])


def _copy_of(row: Any, connection: str) -> dict[str, Any]:
    batches = {name: f"{connection}-{row[name]}" for name in row if name.endswith("batch_id") and row[name]}
    if connection == TWIN:
        changed = {"status": STANDS_ELSEWHERE.get(row["status"], row["status"])} if "status" in row else {}
    else:
        changed = {name: f"{connection}-{row[name]}" for name in row if name in OWN}
    return {**row, **batches, **changed, "connection": connection}


def _an_old_row(database: Connection, each: Table) -> dict[str, Any]:
    values = {"INTEGER": 1, "FLOAT": 1.0, "BOOLEAN": False, "DATETIME": LONG_AGO, "BLOB": b"", "JSON": {}}
    row = {column.name: values.get(str(column.type), TWIN) for column in each.columns}
    # The batches of the twin come last, by their ids.
    keys = {key.parent.name: database.scalar(select(func.max(key.column))) for key in each.foreign_keys}
    return {**row, **keys, "connection": TWIN}


def rows_of_others(world: World) -> dict[str, list[str]]:
    """Every row that another connection has in the ledger, by the table's name."""
    with world.ledger.reading() as database:
        return {
            each.name: sorted(str(row) for row in database.execute(select(each).where(each.c.connection != "us")))
            for each in TABLES
        }


def figures(summary: dict[str, Any], *names: str) -> tuple[int, ...]:
    """Some figures of what a run has done."""
    return tuple(summary[name] for name in names)


def test_a_connection_does_the_same_beside_others_and_every_row_of_theirs_stays(pushing: Pushing) -> None:
    world = pushing.stock.world
    world.write_carriers()
    shipping = Shipping(world)
    for order_id in (shipped := shipping.loaded(lately(), lately(), lately())):
        shipping.ship(order_id)
    shipping.run()
    days_pass(world, 40)
    to_ship, held, paid_later = world.put(lately(), lately("NOWHERE"), lately(status="PENDING"))
    world.run()
    pushing.run()
    copy_rows(world)
    before = rows_of_others(world)
    assert all(before.values())

    for order_id in (to_ship, held, paid_later):
        world.change(order_id)
    with world.ledger.writing() as database:
        note_named(database, "us", [OrderName(to_ship, datetime.now(UTC), "UNSHIPPED")])
    assert figures(world.run(), "fetched", "held", "unchanged", "ignored") == (3, 1, 1, 1)
    shipping.ship(to_ship)
    assert figures(shipping.run(), "shipments", "sent", "verified", "unverified") == (1, 1, 3, 1)
    pushing.stock.receive("BOWL", 1)
    assert figures(pushing.run(full=True), "skus", "pushed", "verified", "oversold") == (4, 4, 4, 0)
    assert figures(run_reconcile(world.settings, "us"), "orders", "missing") == (0, 0)
    done = reprocess(world.settings, "us", reprocess_parameters())
    assert figures(done, "orders", "held", "unchanged", "ignored") == (5, 0, 4, 1)
    erase(world.settings, shipped[0], connection="us")
    assert figures(purge(world), "orders", "purged", "kept") == (5, 2, 3)
    stands = {row.order_id: row.status for row in list_orders(world.ledger, connection="us")}
    asleep = {held: "held", paid_later: "pending"}
    assert stands == {**dict.fromkeys(shipped, "confirmed"), to_ship: "shipped", **asleep}
    after = rows_of_others(world)
    assert {name: rows for name, rows in after.items() if rows != before[name]} == {}
