"""A local warehouse for the demonstration, and the mappings that fit it."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert

from mfn.database.engines import engine_for, writing
from mfn.simulator.catalogue import Catalogue, build_catalogue
from mfn.warehouse.setup import ensure_tables
from mfn.warehouse.tables import wms_inventory, wms_item, wms_ship_method

if TYPE_CHECKING:
    from pathlib import Path

WHAT = "the demonstration's warehouse"
SHELVES = "SHELVES"
RETURNS = "RETURNS"
RETURNED_EVERY = 12
"""One of so many items has some that came back and are not for sale."""

METHOD_COLUMNS = ("connection", "program", "service_level", "marketplace", "warehouse_code", "note")
ALIAS_COLUMNS = ("connection", "marketplace", "seller_sku", "warehouse_sku", "units", "note")


def create_demo_warehouse(url: str, catalogue: Catalogue) -> None:
    """Make the warehouse's tables, and fill in its items, its shipping methods and its stock.

    Args:
        url: A SQLAlchemy URL of SQLite or PostgreSQL; orders that are there stay.
        catalogue: What lies in the warehouse.

    Raises:
        FatalError: The tables that are there are not those of the contract.
        RetriableError: The database cannot be reached.
    """
    engine = engine_for(url)
    ensure_tables(engine, what=WHAT)
    counted = datetime.now(UTC)
    items = [{"sku": item.sku, "description": item.title, "is_active": item.is_active} for item in catalogue.items]
    methods = [
        {"code": method.code, "carrier": method.carrier, "service": method.service, "is_active": method.is_active}
        for method in catalogue.methods
    ]
    stock = [
        {"sku": item.sku, "location": SHELVES, "on_hand": item.on_hand, "is_sellable": True} for item in catalogue.items
    ] + [
        {"sku": item.sku, "location": RETURNS, "on_hand": 3, "is_sellable": False}
        for item in catalogue.items[::RETURNED_EVERY]
    ]
    with writing(engine, what=WHAT) as connection:
        for table in (wms_item, wms_ship_method, wms_inventory):
            connection.execute(delete(table))
        connection.execute(insert(wms_item), items)
        connection.execute(insert(wms_ship_method), methods)
        connection.execute(insert(wms_inventory), [row | {"allocated": 0, "counted_at": counted} for row in stock])


def write_demo_mappings(directory: Path, connection: str) -> None:
    """Write shipping_methods.csv and sku_aliases.csv; what the catalogue leaves unmapped stays so.

    Args:
        directory: Where; made if it is not there.
        connection: The name of the connection that the rows hold for.
    """
    catalogue = build_catalogue()
    directory.mkdir(parents=True, exist_ok=True)
    _write(
        directory / "shipping_methods.csv",
        METHOD_COLUMNS,
        [
            (connection, row.program, row.service_level, row.marketplace, row.code, row.note)
            for row in catalogue.mappings
        ],
    )
    _write(
        directory / "sku_aliases.csv",
        ALIAS_COLUMNS,
        [
            (connection, alias.marketplace, alias.seller_sku, sku, str(units), alias.title)
            for alias in (*catalogue.aliases, *catalogue.kits)
            if alias.is_mapped
            for sku, units in alias.components
        ],
    )


def _write(path: Path, header: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])
