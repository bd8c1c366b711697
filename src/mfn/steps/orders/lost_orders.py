"""Orders that the warehouse was given and no longer has: a person may have them loaded again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mfn.ledger.parcels import parcels_of
from mfn.models import OrderStatus, Reason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Row

    from mfn.steps.workplace import Workplace

LOST = Reason(
    "missing_in_warehouse",
    "the warehouse no longer had it, and it is taken back by hand",
    "The next import reads it from Amazon again, and loads what is to be shipped: mfn import CONNECTION.",
)
"""The reason of an order that waits because the warehouse had lost it."""


def lost_orders(place: Workplace, rows: Mapping[str, Row[Any]]) -> set[str]:
    """The orders that are loaded according to the ledger, but of which the warehouse has neither a row nor a parcel.

    A parcel that the warehouse lost as well counts only if Amazon was told of it. Whether the warehouse has shipped and
    forgotten them cannot be told from here: a person has to say that.

    Args:
        place: The workplace; the lease of its imports is held.
        rows: The ledger's rows of orders of its connection, by id.

    Raises:
        RetriableError: The ledger or the warehouse could not be reached.
    """
    loaded = [order_id for order_id, row in rows.items() if row.status == OrderStatus.LOADED]
    if not loaded:
        return set()
    place.warehouse.await_writer()
    gone = set(loaded) - place.warehouse.states(loaded).keys()
    if not gone:
        return set()
    name = place.connection.name
    parcels = parcels_of(place.ledger, name, order_numbers=sorted(gone))
    told = {parcel.order_number for parcel in parcels if parcel.sent_at is not None}
    return gone - told - set(place.warehouse.shipments(name)["order_number"])
