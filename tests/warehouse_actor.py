"""A warehouse at work on its own database: it picks, allocates, ships, ships short, corrects and voids, at any moment.

A parcel is any row of `wms_shipment` with its lines; it may be written open and closed later.
"""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, NullPool, Table, create_engine, delete, event, func, insert, select, text, update
from sqlalchemy.engine import make_url

from mfn.warehouse.tables import (
    LINE_COLUMNS,
    ORDER_COLUMNS,
    metadata,
    wms_order,
    wms_order_line,
    wms_shipment,
    wms_shipment_line,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

MOMENT = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)


class WarehouseActor:
    """Speaks to the database through connections of its own, as a foreign system does.

    With `patient=False` it gives up at once where a row is locked, instead of waiting.
    """

    def __init__(self, url: str, *, patient: bool = True) -> None:
        self.sqlite = make_url(url).get_backend_name() == "sqlite"
        connect = {"timeout": 30 if patient else 0} if self.sqlite else {}
        self.engine = create_engine(url, poolclass=NullPool, connect_args=connect)
        self.patient = patient
        if self.sqlite:
            event.listen(self.engine, "connect", _leave_transactions_alone)
            event.listen(self.engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))

    @contextmanager
    def working(self) -> Iterator[Connection]:
        """One transaction."""
        with self.engine.begin() as connection:
            if not self.sqlite and not self.patient:
                connection.execute(text("SET LOCAL lock_timeout = '1ms'"))
            yield connection

    def add(self, table: Table, *rows: Mapping[str, Any]) -> None:
        """Write rows of its own: items, shipping methods, stock."""
        with self.working() as connection:
            connection.execute(insert(table), list(rows))

    @contextmanager
    def picking(self, order_number: str) -> Iterator[bool]:
        """Begin an order that is new; the block runs before this is committed. Whether it was new."""
        with self.working() as connection:
            begun = connection.execute(
                update(wms_order)
                .where(wms_order.c.order_number == order_number, wms_order.c.status == "new")
                .values(status="picking")
            )
            yield begun.rowcount == 1

    def pick(self, order_number: str) -> bool:
        """Begin an order that is new. Whether it was."""
        with self.picking(order_number) as begun:
            return begun

    def allocate(self, order_number: str) -> None:
        """Count an order's units as allocated from now on."""
        with self.working() as connection:
            connection.execute(
                update(wms_order).where(wms_order.c.order_number == order_number).values(allocated_at=MOMENT)
            )

    def ship(
        self,
        order_number: str,
        *,
        shipment_id: str,
        short_by: int = 0,
        units: Mapping[int, int] | None = None,
        **header: object,
    ) -> None:
        """Send a parcel with what the order has, less some units of each line, and write it with its lines at once.

        Args:
            order_number: The order; it is `shipped` afterwards, or `picking` where lines are chosen and not all of it
                has left.
            shipment_id: The parcel's id.
            short_by: How many units of each line stay behind.
            units: What is in the parcel instead, by line number: a part of an order, of a line, or of a kit.
            header: Columns of `wms_shipment` that differ, e.g. `is_amazon_label=True` for a label bought from Amazon,
                or `status="open"`.
        """
        with self.working() as connection:
            lines = connection.execute(
                select(wms_order_line).where(wms_order_line.c.order_number == order_number).order_by("line_number")
            ).all()
            packed = [
                (
                    line.order_item_id,
                    line.sku,
                    max(line.quantity - short_by, 0) if units is None else units[line.line_number],
                )
                for line in lines
                if units is None or line.line_number in units
            ]
            self._write_parcel(connection, order_number, shipment_id, packed, header)
            left = connection.execute(
                select(func.sum(wms_shipment_line.c.quantity))
                .join(wms_shipment, wms_shipment.c.shipment_id == wms_shipment_line.c.shipment_id)
                .where(wms_shipment.c.order_number == order_number)
            ).scalar_one()
            is_whole = units is None or left >= sum(line.quantity for line in lines)
            connection.execute(
                update(wms_order)
                .where(wms_order.c.order_number == order_number)
                .values(status="shipped" if is_whole else "picking")
            )

    def write_parcel(
        self, order_number: str | None, *, shipment_id: str, lines: Sequence[tuple[Any, Any, Any]], **header: object
    ) -> None:
        """Write a parcel as it is told, right or wrong, for an order that is there or not.

        Args:
            order_number: What stands in the header.
            shipment_id: The parcel's id.
            lines: Order item id, SKU and quantity of each.
            header: Columns of `wms_shipment` that differ.
        """
        with self.working() as connection:
            self._write_parcel(connection, order_number, shipment_id, lines, header)

    @staticmethod
    def _write_parcel(
        connection: Connection,
        order_number: str | None,
        shipment_id: str,
        lines: Sequence[tuple[Any, Any, Any]],
        header: Mapping[str, object],
    ) -> None:
        given = {
            "shipment_id": shipment_id,
            "order_number": order_number,
            "carrier": "UPS",
            "service": "GROUND",
            "tracking_number": f"1Z{shipment_id}",
            "shipped_at": MOMENT,
            "is_amazon_label": False,
            "status": "closed",
        }
        connection.execute(insert(wms_shipment).values({**given, **header}))
        for number, (order_item_id, sku, quantity) in enumerate(lines, start=1):
            connection.execute(
                insert(wms_shipment_line).values(
                    shipment_id=shipment_id,
                    line_number=number,
                    order_item_id=order_item_id,
                    sku=sku,
                    quantity=quantity,
                )
            )

    def change(self, shipment_id: str, **header: object) -> None:
        """Correct a parcel that is there: another carrier, another tracking number, …."""
        with self.working() as connection:
            connection.execute(update(wms_shipment).where(wms_shipment.c.shipment_id == shipment_id).values(**header))

    def close(self, shipment_id: str) -> None:
        """Send off a parcel that was open."""
        self.change(shipment_id, status="closed")

    def void(self, shipment_id: str) -> None:
        """Take a parcel back: it never left."""
        self.change(shipment_id, status="void")

    def empty(self) -> None:
        """Throw everything away."""
        with self.working() as connection:
            for table in metadata.sorted_tables:
                connection.execute(delete(table))

    def rows(self, table: Table, **where: object) -> list[dict[str, Any]]:
        """What stands in a table, by its key."""
        query = select(table).order_by(*table.primary_key).filter_by(**where)
        with self.engine.connect() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def order(self, order_number: str) -> dict[str, Any]:
        """One order as it stands."""
        return self.rows(wms_order, order_number=order_number)[0]

    def lines(self, order_number: str) -> list[dict[str, Any]]:
        """The lines of one order as they stand."""
        return self.rows(wms_order_line, order_number=order_number)


def _leave_transactions_alone(connection: Any, _record: object) -> None:
    connection.isolation_level = None


def order_row(order_number: str, **values: object) -> tuple[Any, ...]:
    """One order as `SqlWarehouse.load` takes it."""
    at = "2026-11-24 10:00:00.000000"
    times = dict.fromkeys(
        ("ordered_at", "earliest_ship_at", "ship_by", "deliver_by", "loaded_at", "updated_at"), at
    ) | {"ship_by": "2026-11-25 23:59:59.000000"}
    flags = {name: 0 for name in ORDER_COLUMNS if name.startswith(("is_", "requires_"))}
    texts = {
        "connection": "us",
        "marketplace_id": "ATVPDKIKX0DER",
        "ship_method_code": "GROUND",
        "programs": "PRIME",
        "ship_to_name": "Test Buyer",
        "address_1": "1 Example Street",
        "city": "Exampletown",
        "postal_code": "00001",
        "country_code": "US",
        "batch_id": "batch-1",
    }
    given = {"order_number": order_number, **times, **flags, **texts, **values}
    assert given.keys() <= set(ORDER_COLUMNS)
    return tuple(given.get(name) for name in ORDER_COLUMNS)


def line_row(order_number: str, line_number: int = 1, **values: object) -> tuple[Any, ...]:
    """One line as `SqlWarehouse.load` takes it."""
    given = {
        "order_number": order_number,
        "line_number": line_number,
        "order_item_id": f"{order_number}-{line_number}",
        "sku": "SKU-1",
        "seller_sku": "SELLER-SKU-1",
        "title": "A thing",
        "quantity": 1,
        "units_per_kit": 1,
        "unit_price": "12.5",
        "currency_code": "USD",
        "requires_serial_number": 0,
        "requires_transparency_code": 0,
        **values,
    }
    assert given.keys() <= set(LINE_COLUMNS)
    return tuple(given.get(name) for name in LINE_COLUMNS)
