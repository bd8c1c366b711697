"""What the ledger knows of orders: their status, the units promised to them, and their parcels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from mfn.database.bulk import among
from mfn.ledger.order_listing import OPEN
from mfn.ledger.schema import Parcel, Reservation, TrackedOrder

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import Row

    from mfn.ledger.opening import Ledger


def open_orders(ledger: Ledger, connection: str) -> Sequence[Row[str, str, datetime | None]]:
    """Orders of a connection that have not left yet: order_id, status, ship_by."""
    statement = select(TrackedOrder.order_id, TrackedOrder.status, TrackedOrder.ship_by)
    with ledger.reading() as database:
        of = statement.where(TrackedOrder.connection == connection, TrackedOrder.status.in_(OPEN))
        return database.execute(of).all()


def known_orders(ledger: Ledger, connection: str, order_ids: Iterable[str]) -> dict[str, Row[Any]]:
    """The status of orders, by id; unknown ones are absent.

    Returns:
        order_id, status, reasons, updated_at, is_sfp, ship_by, service_level, fulfilled_before.
    """
    statement = select(
        TrackedOrder.order_id, TrackedOrder.status, TrackedOrder.reasons, TrackedOrder.updated_at, TrackedOrder.is_sfp,
        TrackedOrder.ship_by, TrackedOrder.service_level, TrackedOrder.fulfilled_before,
    ).where(TrackedOrder.connection == connection)  # fmt: skip
    with ledger.reading() as database:
        rows: Any = database.execute(statement.where(among(database, TrackedOrder.order_id, order_ids)))
        return {row.order_id: row for row in rows}


def units_promised_to(ledger: Ledger, connection: str, order_ids: Collection[str]) -> dict[str, dict[str, int]]:
    """The units promised to orders, by order id and the warehouse's SKU; absent if none."""
    statement = (
        select(Reservation.order_id, Reservation.sku, func.sum(Reservation.units))
        .where(Reservation.connection == connection)
        .group_by(Reservation.order_id, Reservation.sku)
    )
    found: dict[str, dict[str, int]] = {}
    with ledger.reading() as database:
        for order_id, sku, units in database.execute(statement.where(among(database, Reservation.order_id, order_ids))):
            found.setdefault(order_id, {})[sku] = int(units)
    return found


def parcels_by_id(ledger: Ledger, connection: str, order_ids: Collection[str]) -> dict[str, Row[Any]]:
    """Parcels of orders, by the warehouse's id: shipment_id, status, reasons, warnings, sent_at, updated_at."""
    statement = select(
        Parcel.shipment_id, Parcel.status, Parcel.reasons, Parcel.warnings, Parcel.sent_at, Parcel.updated_at
    ).where(Parcel.connection == connection)
    with ledger.reading() as database:
        rows: Any = database.execute(statement.where(among(database, Parcel.order_number, order_ids)))
        return {row.shipment_id: row for row in rows}
