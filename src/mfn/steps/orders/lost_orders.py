"""Orders that were loaded into the warehouse and are missing there now: a person may have them loaded again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mfn.ledger.parcels import parcels_of
from mfn.models import OrderStatus, Reason
from mfn.rules.parcels import VOID

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Row

    from mfn.steps.workplace import Workplace

LOST = Reason(
    "missing_in_warehouse",
    "the warehouse had lost it, and it was released by hand",
    "The next import reads it from Amazon again, and loads what still has to ship: mfn import CONNECTION.",
)
"""The reason of an order that waits because the warehouse had lost it."""


def lost_orders(place: Workplace, rows: Mapping[str, Row[Any]]) -> dict[str, bool]:
    """The orders that are loaded according to the ledger, but of which the warehouse has no row.

    By id: whether they may be loaded again, since there is no parcel of them either. A parcel that is void, or that the
    warehouse lost as well, counts only if it was confirmed to Amazon. Whether the warehouse has shipped and forgotten
    them cannot be known here: a person has to say that.

    Args:
        place: The workplace; the lease of its imports is held.
        rows: The ledger's rows of orders of its connection, by id.

    Raises:
        RetriableError: The ledger or the warehouse could not be reached.
    """
    loaded = [order_id for order_id, row in rows.items() if row.status == OrderStatus.LOADED]
    if not loaded:
        return {}
    place.warehouse.await_writer()
    gone = set(loaded) - place.warehouse.states(loaded).keys()
    if not gone:
        return {}
    name = place.connection.name
    parcels = parcels_of(place.ledger, name, order_numbers=sorted(gone))
    confirmed = {parcel.order_number for parcel in parcels if parcel.sent_at is not None}
    shipments = place.warehouse.shipments(name)
    packed = confirmed.union(shipments.loc[shipments["status"] != VOID, "order_number"])
    return {order_id: order_id not in packed for order_id in gone}
