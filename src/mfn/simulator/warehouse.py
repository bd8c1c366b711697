"""A local warehouse for the demonstration, and the mappings that fit it."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select, update

from mfn.database.engines import engine_for, writing
from mfn.simulator.catalogue import Catalogue, build_catalogue
from mfn.warehouse.setup import ensure_tables
from mfn.warehouse.tables import (
    wms_inventory,
    wms_item,
    wms_order,
    wms_order_line,
    wms_ship_method,
    wms_shipment,
    wms_shipment_line,
)

if TYPE_CHECKING:
    from pathlib import Path

WHAT = "the demonstration's warehouse"
SHELVES = "SHELVES"
RETURNS = "RETURNS"
RETURNED_EVERY = 12
"""One of so many items has some that came back and are not for sale."""

LEFT_OUT_EVERY = 10
"""One of so many orders is still being picked when the warehouse ships."""

SPLIT_EVERY = 7
"""One of so many leaves in two parcels, where it has more than one line."""

WITHOUT_NUMBER_EVERY = 33
"""One of so many parcels has no tracking number."""
MISREAD_EVERY = 50
"""One of so many tracking numbers has a wrong digit."""

SPELLINGS = ("UPS", "UPS Ground", "U.P.S.", "FEDEX HOME DELIVERY", "U.S.P.S.", "USPS Priority", "Bob's Vans")
"""What the warehouse writes as carriers, in turn."""

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


def ship_loaded_orders(url: str) -> int:
    """Let the warehouse ship most of the orders that it has: some in two parcels, some with a label of Amazon's.

    Args:
        url: The warehouse of `create_demo_warehouse`.

    Returns:
        How many parcels have left.
    """
    now = datetime.now(UTC)
    with writing(engine_for(url), what=WHAT) as connection:
        orders = connection.execute(
            select(wms_order.c.order_number, wms_order.c.is_sfp)
            .where(wms_order.c.status == "new")
            .order_by(wms_order.c.ship_by, wms_order.c.order_number)
        ).all()
        lines: dict[str, list[Any]] = {}
        for line in connection.execute(select(wms_order_line).order_by(*wms_order_line.primary_key)):
            lines.setdefault(line.order_number, []).append(line)
        parcels, contents, shipped = [], [], []
        for number, (order_number, is_sfp) in enumerate(orders, start=1):
            if number % LEFT_OUT_EVERY == 0:
                continue
            shipped.append(order_number)
            whole = lines.get(order_number, [])
            is_split = number % SPLIT_EVERY == 0 and len(whole) > 1
            for part, packed in enumerate((whole[:1], whole[1:]) if is_split else (whole,), start=1):
                shipment_id = f"P{number:05d}-{part}"
                parcels.append(_parcel(shipment_id, order_number, number, now, is_amazon_label=bool(is_sfp)))
                contents += [
                    {
                        "shipment_id": shipment_id,
                        "line_number": position,
                        "order_item_id": line.order_item_id,
                        "sku": line.sku,
                        "quantity": line.quantity,
                    }
                    for position, line in enumerate(packed, start=1)
                ]
        if parcels:
            connection.execute(insert(wms_shipment), parcels)
            connection.execute(insert(wms_shipment_line), contents)
            connection.execute(update(wms_order).where(wms_order.c.order_number.in_(shipped)).values(status="shipped"))
    return len(parcels)


def _parcel(
    shipment_id: str, order_number: str, number: int, now: datetime, *, is_amazon_label: bool
) -> dict[str, Any]:
    carrier = "Amazon" if is_amazon_label else SPELLINGS[number % len(SPELLINGS)]
    tracking_number = _number_of_usps(number) if "S.P.S." in carrier or "USPS" in carrier else f"{number:012d}"
    return {
        "shipment_id": shipment_id,
        "order_number": order_number,
        "carrier": carrier,
        "service": "Ground",
        "tracking_number": None if number % WITHOUT_NUMBER_EVERY == 0 else tracking_number,
        "shipped_at": now - timedelta(seconds=number),
        "is_amazon_label": is_amazon_label,
        "status": "closed",
    }


def _number_of_usps(number: int) -> str:
    """22 digits, the last of which checks the others; one of fifty is misread, and does not."""
    digits = f"94001{number:016d}"
    sum_of_digits = sum(int(digit) * (1 if place % 2 else 3) for place, digit in enumerate(reversed(digits)))
    return f"{digits}{(-sum_of_digits + (number % MISREAD_EVERY == 0)) % 10}"


def _write(path: Path, header: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])
