"""Orders that the warehouse was given and no longer has: a person may let them be loaded again."""

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
"""Why an order waits that the warehouse had lost."""


def lost_orders(place: Workplace, rows: Mapping[str, Row[Any]]) -> set[str]:
    """Which orders are loaded, as the ledger has it, and stand nowhere in the warehouse, nor does a parcel of theirs.

    A parcel that the warehouse lost as well stands in the way only where Amazon was told of it. Nobody can tell from
    here whether the warehouse has shipped and forgotten them: that is for a person to say.

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
