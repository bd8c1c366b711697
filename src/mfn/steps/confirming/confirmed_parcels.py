"""What was confirmed of parcels, according to the ledger: a fact for every later run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from mfn.ledger.parcels import SETTLED, read_units
from mfn.rules.confirmed_units import Confirmed, ConfirmedUnits

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from typing import Any

    import pandas as pd
    from sqlalchemy import Row


def confirmed_before(rows: Sequence[Row[Any]], there: Collection[str], examined: Collection[str]) -> Confirmed:
    """What was confirmed before of some orders.

    Args:
        rows: Every parcel of these orders in the ledger.
        there: The parcels that the warehouse has shipped: neither open, nor void, nor gone.
        examined: The parcels that are checked in this run.

    Returns:
        For a parcel that is there, this includes what a call without an answer may have confirmed, and what
        need not be confirmed.
    """
    units = [
        ConfirmedUnits(row.order_number, item, row.shipment_id, count)
        for row in rows
        for item, count in read_units(_items(row) if row.shipment_id in there else row.items_sent).items()
    ]
    return Confirmed(units, frozenset(row.shipment_id for row in rows if row.shipment_id not in examined))


def _items(row: Row[Any]) -> str | None:
    may_be_confirmed = row.package_reference_id is not None and row.answer is None
    is_said = may_be_confirmed or row.status in SETTLED
    # Amazon still has a parcel that was confirmed, even if nothing of it remains to be confirmed.
    items: str | None = (row.items if is_said else None) or row.items_sent
    return items


def gaining(rows: Sequence[Row[Any]], examined: Collection[str], items: Mapping[str, str]) -> list[Row[Any]]:
    """Settled parcels, which no run checks, that now complete more than was confirmed.

    They do so together with a parcel that was written late.

    Args:
        rows: Every parcel of the orders in question in the ledger.
        examined: The parcels that are checked anyway.
        items: What is to be confirmed of each parcel, as `items_by_parcel` returns it.
    """
    return [
        row
        for row in rows
        if row.status in SETTLED
        and row.shipment_id not in examined
        and gains(read_units(row.items), read_units(items.get(row.shipment_id)))
    ]


def gains(before: Mapping[str, int], after: Mapping[str, int]) -> bool:
    """Whether a parcel has more of anything than before."""
    return any(count > before.get(item, 0) for item, count in after.items())


def items_by_parcel(items: pd.DataFrame) -> dict[str, str]:
    """The order items of each parcel as the ledger keeps them.

    Args:
        items: What `mfn.rules.parcels.parcel_items` returns.
    """
    found: dict[str, list[tuple[str, int]]] = {}
    for shipment_id, order_item_id, quantity in items.itertuples(index=False, name=None):
        found.setdefault(shipment_id, []).append((order_item_id, int(quantity)))
    return {shipment_id: msgspec.json.encode(pairs).decode() for shipment_id, pairs in found.items()}


def in_confirmation_order(due: Sequence[Row[Any]]) -> list[Row[Any]]:
    """Parcels in the order in which to confirm them: those that give up units before those that take them.

    Args:
        due: The parcels, those of an order one after the other.
    """
    orders = {order_number: rank for rank, order_number in enumerate(dict.fromkeys(row.order_number for row in due))}

    def rank(row: Row[Any]) -> tuple[int, int]:
        takes = gains(read_units(row.items_sent), read_units(row.items))
        return orders[row.order_number], 2 if row.sent_at is None else int(takes)

    return sorted(due, key=rank)
