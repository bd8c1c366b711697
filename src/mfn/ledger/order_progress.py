"""How far an order has got, from the confirmation of its parcels: loaded, partially_shipped, shipped, confirmed."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, case, select, update

from mfn.database.bulk import among
from mfn.ledger.orders import IN_WAREHOUSE
from mfn.ledger.parcels import SETTLED, read_units
from mfn.ledger.schema import Parcel, TrackedOrder
from mfn.models import OrderStatus, ParcelStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy import Connection

    from mfn.models import BatchRef

Units = dict[str, int]
"""Units by order item id."""

SHOWN = {ParcelStatus.VERIFIED, ParcelStatus.SKIPPED}


def move_orders(database: Connection, batch: BatchRef, wanted: Mapping[str, Units]) -> None:
    """Update how far orders have got; one that is no longer with the warehouse (cancelled, dismissed) keeps its status.

    An order is `shipped` once every unit that the warehouse was given has left in a parcel that was confirmed or needs
    no confirmation, `partially_shipped` before that, and `confirmed` once Amazon shows all parcels that were confirmed.
    What was confirmed still counts while a correction of it is held, refused or under way.
    """
    if not wanted:
        return
    items = case((Parcel.status.in_(SETTLED), Parcel.items), else_=Parcel.items_sent)
    parcels = select(Parcel.order_number, Parcel.status, items).where(
        Parcel.connection == batch.connection, among(database, Parcel.order_number, wanted), items.is_not(None)
    )
    left: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for order_number, status, units in database.execute(parcels):
        left[order_number].append((status, units))
    standing = select(TrackedOrder.order_id, TrackedOrder.status).where(
        TrackedOrder.connection == batch.connection,
        among(database, TrackedOrder.order_id, wanted),
        TrackedOrder.status.in_(IN_WAREHOUSE),
    )
    moves = []
    for order_id, status in database.execute(standing):
        reached = _reached(wanted[order_id], left[order_id])
        if reached != status:
            moves.append({"key": order_id, "new_status": reached.value})
    if moves:
        database.execute(
            update(TrackedOrder)
            .where(TrackedOrder.connection == batch.connection, TrackedOrder.order_id == bindparam("key"))
            .values(status=bindparam("new_status"), batch_id=batch.batch_id, updated_at=datetime.now(UTC)),
            moves,
        )


def _reached(wanted: Units, parcels: Iterable[tuple[str, str]]) -> OrderStatus:
    left: Units = defaultdict(int)
    statuses = set()
    for status, items in parcels:
        statuses.add(status)
        for order_item_id, units in read_units(items).items():
            left[order_item_id] += units
    if not any(left.values()):
        return OrderStatus.LOADED
    if any(left[order_item_id] < units for order_item_id, units in wanted.items()):
        return OrderStatus.PARTIALLY_SHIPPED
    return OrderStatus.CONFIRMED if statuses <= SHOWN else OrderStatus.SHIPPED
