"""Parcels that the warehouse has moved to another order: what was confirmed of them with the former one is kept.

Amazon has no call that takes a parcel away from an order, but a call with the same reference changes it. So what was
confirmed is kept besides the parcel, which counts as a new one of its present order. If the parcel comes back, it is
what it was again; otherwise the first other parcel of the former order takes its place at Amazon, under its reference.
The same goes for a parcel that never left and that Amazon may know of from a call whose answer was lost.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mfn.ledger.orders import read_reasons, reasons_text
from mfn.ledger.parcels import (
    NOT_WRITTEN,
    SENT,
    forget_parcels,
    former_id,
    given_away,
    rename_parcels,
    update_parcels,
)
from mfn.models import ParcelStatus, Reason
from mfn.rules.parcels import LEFT_ALONE, VOID

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd
    from sqlalchemy import Connection, Row

    from mfn.ledger.opening import Ledger
    from mfn.models import BatchRef

VOIDED_AFTER_SENDING = "voided_after_sending"


@dataclass(frozen=True)
class Moves:
    """The changes for parcels that are now under another order, and for what Amazon has of them with the former one.

    Attributes:
        moved: The ledger's row of each, and the number of its present order.
        taking: By the parcel's id, the id under which the ledger keeps what the parcel takes up: what Amazon was told
            of it with this order before, or a package of this order that belonged to another parcel.
    """

    moved: Sequence[tuple[Row[Any], str]]
    taking: Mapping[str, str]


def may_be_confirmed(known: Row[Any]) -> bool:
    """Whether Amazon may know of a parcel because a run was interrupted before it could record the answer."""
    return known.status == ParcelStatus.PENDING and known.package_reference_id is not None


def plan_moves(
    ledger: Ledger,
    connection: str,
    shipments: pd.DataFrame,
    changed: Iterable[str],
    known: Mapping[str, Row[Any]],
) -> Moves:
    """Find the parcels that are now under another order, and those that take up what Amazon has with an order.

    Args:
        ledger: The open ledger.
        connection: The connection's name.
        shipments: What the warehouse has (`mfn.warehouse.shipments.written`).
        changed: The ids of those that are new or were changed.
        known: What the ledger has of these, and of all that are to be examined.
    """
    looked_at = shipments[shipments["shipment_id"].isin([*changed, *known]) & ~shipments["status"].isin(LEFT_ALONE)]
    orders = dict(zip(looked_at["shipment_id"], looked_at["order_number"], strict=True))
    moved = [
        (known[key], order_number)
        for key, order_number in orders.items()
        if key in known and known[key].order_number != order_number
    ]
    free: defaultdict[str, list[str]] = defaultdict(list)
    standing = set(shipments["shipment_id"][shipments["status"] != VOID])
    for order_number, key in given_away(ledger, connection, set(orders.values())):
        if key not in standing:
            free[order_number].append(key)
    for row, _ in moved:
        if row.package_reference_id is not None:
            free[row.order_number].append(former_id(row.shipment_id, row.order_number))
    is_confirmable = ~(looked_at["is_id_missing"] | looked_at["is_id_ambiguous"] | looked_at["is_amazon_label"])
    moved_ids = {row.shipment_id for row, _ in moved}
    without = [key for key in orders if key not in known or key in moved_ids or not known[key].package_reference_id]
    taking = {}
    for key in without:
        own = former_id(key, orders[key])
        if own in free[orders[key]]:
            free[orders[key]].remove(own)
            taking[key] = own
    for key in looked_at["shipment_id"][is_confirmable & looked_at["shipment_id"].isin(without)]:
        if key not in taking and free[orders[key]]:
            taking[key] = free[orders[key]].pop(0)
    return Moves(moved, taking)


def carry_out(database: Connection, batch: BatchRef, moves: Moves) -> None:
    """Change the ledger's rows, before the warehouse's present rows are recorded.

    Args:
        database: The open transaction on the ledger.
        batch: The batch.
        moves: What `plan_moves` found.
    """
    aside = [(row, order_number) for row, order_number in moves.moved if row.package_reference_id is not None]
    rename_parcels(
        database, batch, [(row.shipment_id, former_id(row.shipment_id, row.order_number)) for row, _ in aside]
    )
    update_parcels(database, batch, [_of_former_order(row, order_number) for row, order_number in aside])
    forget_parcels(database, batch, list(moves.taking))
    rename_parcels(database, batch, [(former, key) for key, former in moves.taking.items()])
    # The others were never confirmed: all that they have of their former order is what was in them.
    others = [row.shipment_id for row, _ in moves.moved if row.package_reference_id is None]
    update_parcels(database, batch, [{"shipment_id": key, "items": None} for key in others if key not in moves.taking])


def _of_former_order(known: Row[Any], order_number: str) -> dict[str, Any]:
    """What the ledger keeps of a parcel with its former order."""
    state = f"in the warehouse it now belongs to {order_number or 'no order'}"
    kept: dict[str, Any] = {
        "shipment_id": former_id(known.shipment_id, known.order_number),
        "written_digest": NOT_WRITTEN,
        "status": ParcelStatus.SKIPPED.value,
        "reasons": reasons_text([Reason("voided", state)]),
        "warnings": None,
        "items": known.items_sent,
    }
    if known.sent_at is None:
        return kept
    warning = Reason(
        VOIDED_AFTER_SENDING,
        f"{state}, but it was confirmed to Amazon for this order",
        "The next parcel of this order takes its place; if there is none to come, correct the order in Seller Central.",
    )
    return kept | {
        "status": known.status if known.status in SENT else ParcelStatus.SENT.value,
        "reasons": None,
        "warnings": reasons_text([*read_reasons(known.warnings), warning]),
    }
