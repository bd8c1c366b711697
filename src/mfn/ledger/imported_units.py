"""Orders against stock: what is reserved, up to when that is complete, and which of it no stock run has counted yet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
import pandas as pd
from sqlalchemy import delete, exists, func, select

from mfn.amazon.legible_orders import legible_order
from mfn.amazon.orders import decode_order
from mfn.database.bulk import merge, utc_text
from mfn.database.columns import columns as columns_of
from mfn.errors import DataError
from mfn.ledger.buyers_data import CHUNK_ORDERS, stored_orders
from mfn.ledger.leases import assert_held
from mfn.ledger.schema import CountedOrder, LandedOrder, Offer, Reservation, TrackedOrder, Watermark, same_order, table
from mfn.ledger.watermarks import get_watermark, set_watermark
from mfn.models import OrderStatus
from mfn.moments import in_utc

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy import Connection

    from mfn.amazon.orders import Order
    from mfn.ledger.opening import Ledger
    from mfn.models import BatchRef


RESERVED = "reserved"
"""The kind of watermark up to which everything that Amazon sold is reserved."""

GONE = (OrderStatus.SHIPPED, OrderStatus.CONFIRMED, OrderStatus.CANCELLED, OrderStatus.DISMISSED)
"""Statuses of orders whose units have left or never will: no longer promised, even if the warehouse lost the order."""

REPEATED = ("connection", "marketplace_id")
"""Columns with few distinct texts."""

A_MOMENT = timedelta(microseconds=1)

Units = list[tuple[str, str, int]]
"""(marketplace id, seller SKU, units) of an order."""


def note_reserved(database: Connection, batch: BatchRef) -> None:
    """Record, at the end of an import without a gap, that everything up to the end of its window is reserved.

    Args:
        database: The open transaction on the ledger.
        batch: An import batch whose orders are loaded or held, and reserved.
    """
    assert_held(database, batch.lease)
    landed = (Watermark.connection == batch.connection) & (Watermark.kind == batch.kind)
    # A batch whose window left a gap, and a dry run, did not move it.
    row = database.execute(select(Watermark.before).where(landed, Watermark.batch_id == batch.batch_id)).one_or_none()
    if row is not None:
        set_watermark(database, batch, RESERVED, row.before)


def covered_until(ledger: Ledger, connection: str) -> datetime | None:
    """The time up to which everything that Amazon sold is reserved; None before the first complete import."""
    return get_watermark(ledger, connection, RESERVED)


def reserving_orders(ledger: Ledger, warehouse: str, sharing: Collection[str]) -> list[str]:
    """The orders, of every connection, that have units of a warehouse reserved, without those that have left.

    Args:
        ledger: The open ledger.
        warehouse: The digest that identifies the warehouse; it also finds orders of connections that no longer exist.
        sharing: The connections that have this warehouse, under whatever URL at the time.
    """
    with ledger.reading() as database:
        found = columns_of(
            database,
            {"order_id": "order_id"},
            f"FROM (SELECT DISTINCT r.order_id {_promised(sharing)}) AS reserving",
            {"warehouse": warehouse},
        )
    return found["order_id"]


def _promised(sharing: Collection[str]) -> str:
    names = ", ".join(f"'{name}'" for name in sharing)  # only letters, digits and underscores
    gone = ", ".join(f"'{status.value}'" for status in GONE)
    return (
        "FROM reservation AS r LEFT JOIN tracked_order AS t ON t.connection = r.connection AND t.order_id = r.order_id"
        f" WHERE (r.warehouse = :warehouse OR r.connection IN ({names}))"
        f" AND (t.status IS NULL OR t.status NOT IN ({gone}))"
    )


@dataclass(frozen=True, eq=False)
class Reserved:
    """The reservations at one moment.

    Attributes:
        units: `connection`, `order_id`, `marketplace_id` (text or None), `sku`, `units`: of every connection on the
            warehouse, without orders that have left.
        news: The orders of this connection that have reservations and that no stock run has counted yet.
        at: The time, just after reading; later than that of any earlier reading of this connection, even if the clock
            was set back since: what has been counted must not be new again.
    """

    units: pd.DataFrame
    news: Sequence[str]
    at: datetime


def read_reserved(ledger: Ledger, connection: str, warehouse: str, sharing: Collection[str]) -> Reserved:
    """The reservations in a warehouse, and the orders that no stock run has counted; in one transaction.

    Args:
        ledger: The open ledger.
        connection: The connection's name.
        warehouse: As for `reserving_orders`.
        sharing: As for `reserving_orders`.
    """
    counted = exists().where(same_order(CountedOrder, Reservation))
    news = select(Reservation.order_id).where(Reservation.connection == connection, ~counted).distinct()
    with ledger.reading() as database:
        names = {name: f"r.{name}" for name in ("connection", "order_id", "sku", "units")}
        names["marketplace_id"] = "t.marketplace_id"
        units = columns_of(database, names, _promised(sharing), {"warehouse": warehouse}, repeated=REPEATED)
        order_ids = database.execute(news).scalars().all()
        last = [
            database.execute(select(func.max(noted.counted_at)).where(noted.connection == connection)).scalar()
            for noted in (CountedOrder, Offer)
        ]
    at = max([datetime.now(UTC), *(counted_at + A_MOMENT for counted_at in last if counted_at is not None)])
    frame = pd.DataFrame({name: pd.Series(values, dtype="object") for name, values in units.items()})
    return Reserved(frame.astype({"units": "int64"}), order_ids, at)


def units_sold(
    ledger: Ledger, batch: BatchRef, order_ids: Sequence[str], *, purpose: str
) -> list[tuple[str, datetime | None, Units]]:
    """What Amazon sold with orders: order id, time of placing, and units of each.

    Args:
        ledger: The open ledger.
        batch: The batch.
        order_ids: Orders that have landed; one that cannot be read at all, or whose text was removed, counts as having
            sold nothing.
        purpose: The step, for the audit trail.
    """
    found: list[tuple[str, datetime | None, Units]] = []
    for start in range(0, len(order_ids), CHUNK_ORDERS):
        some = order_ids[start : start + CHUNK_ORDERS]
        without_text = dict.fromkeys(some)
        for order_id, text in stored_orders(ledger, batch.connection, some, purpose=purpose, batch_id=batch.batch_id):
            del without_text[order_id]
            try:
                order = decode_order(text)
            except DataError:
                broken = legible_order(order_id, text)
                found.append((order_id, None, _units(broken) if broken else []))
                continue
            found.append((order_id, in_utc(order.created_time), _units(order)))
        found += [(order_id, None, []) for order_id in without_text]
    return found


def _units(order: Order) -> Units:
    marketplace_id = order.sales_channel.marketplace_id or ""
    return [
        (marketplace_id, item.product.seller_sku, item.quantity_ordered)
        for item in order.order_items
        if item.product.seller_sku and item.quantity_ordered
    ]


def count_orders(
    database: Connection, batch: BatchRef, sold: Sequence[tuple[str, datetime | None, Units]], at: datetime
) -> None:
    """Record that a stock run has subtracted the reservations of orders, so that they are not new to later ones.

    Args:
        database: The open transaction on the ledger.
        batch: The batch.
        sold: What `units_sold` returned.
        at: The moment at which the reservations were read.
    """
    assert_held(database, batch.lease)
    now = utc_text(at)
    rows = [
        (batch.connection, order_id, now, placed_at and utc_text(placed_at), msgspec.json.encode(units).decode())
        for order_id, placed_at, units in sold
    ]
    columns = ("connection", "order_id", "counted_at", "placed_at", "units")
    merge(database, table(CountedOrder), columns, rows, update=())


def counted_since(ledger: Ledger, connection: str, since: datetime) -> pd.DataFrame:
    """The units of orders that stock runs have counted after a moment.

    Returns:
        `marketplace_id`, `seller_sku`, `units`, `counted_at`, `placed_at`; one row for each order and SKU.
    """
    statement = select(CountedOrder.counted_at, CountedOrder.placed_at, CountedOrder.units).where(
        CountedOrder.connection == connection, CountedOrder.counted_at > since, CountedOrder.units != "[]"
    )
    with ledger.reading() as database:
        rows = database.execute(statement).all()
    return imported_frame([(row.counted_at, row.placed_at, _read_units(row.units)) for row in rows])


_read_units = msgspec.json.Decoder(Units).decode


def imported_frame(orders: Sequence[tuple[datetime, datetime | None, Units]]) -> pd.DataFrame:
    """Orders as `counted_since` returns them.

    Args:
        orders: When each was counted and placed, and its units.
    """
    rows = [(*unit, counted_at, placed_at) for counted_at, placed_at, units in orders for unit in units]
    frame = pd.DataFrame(rows, columns=["marketplace_id", "seller_sku", "units", "counted_at", "placed_at"])
    return frame.astype(
        {
            "marketplace_id": "object",
            "seller_sku": "object",
            "units": "int64",
            "counted_at": "datetime64[us, UTC]",
            "placed_at": "datetime64[us, UTC]",
        }
    )


def forget_counted(database: Connection, batch: BatchRef, before: datetime) -> None:
    """Delete orders that were counted before a time and no longer have anything reserved."""
    assert_held(database, batch.lease)
    reserving = exists().where(same_order(Reservation, CountedOrder))
    mine = (CountedOrder.connection == batch.connection) & (CountedOrder.counted_at < before)
    database.execute(delete(CountedOrder).where(mine, ~reserving))


def outlived_promises(ledger: Ledger, connection: str) -> Sequence[str]:
    """The orders that have left and whose text was removed, but that still have units reserved.

    Their units are no longer promised, but every stock run would have to go through them.
    """
    is_gone = exists().where(same_order(TrackedOrder, Reservation), TrackedOrder.status.in_(GONE))
    outlived = is_gone & ~exists().where(same_order(LandedOrder, Reservation))
    statement = select(Reservation.order_id).where(Reservation.connection == connection, outlived).distinct()
    with ledger.reading() as database:
        return database.execute(statement).scalars().all()
