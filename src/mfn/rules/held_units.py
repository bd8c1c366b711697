"""Units that Amazon has with a parcel whose correction is held: no other parcel is sent with them meanwhile; pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CODE = "units_told"
REMEDY = "Correct that parcel first: this one is then confirmed with it or in the next run."


class TellingParcel(NamedTuple):
    """A parcel of an order, and its units by order item.

    Attributes:
        order_number: Its order.
        shipment_id: The warehouse's id.
        is_due: Whether it is confirmed in this run.
        is_held: Whether it would be confirmed, but something holds it.
        before: What was confirmed last.
        now: What is confirmed in this run.
    """

    order_number: str
    shipment_id: str
    is_due: bool
    is_held: bool
    before: Mapping[str, int]
    now: Mapping[str, int]

    def at_amazon(self, item: str) -> int:
        """How many units of an order item Amazon has with it after this run."""
        return (self.now if self.is_due else self.before).get(item, 0)


def waiting_for_held(
    parcels: Sequence[TellingParcel], ordered: Mapping[str, Mapping[str, int]]
) -> list[tuple[str, str, str, str]]:
    """Parcels that are due with units that Amazon still has with a parcel whose correction is held.

    Returns:
        (shipment_id, code, detail, remedy) as `mfn.rules.parcels.parcel_items` tells faults; each parcel once.
    """
    of_orders: dict[str, list[TellingParcel]] = {}
    for parcel in parcels:
        of_orders.setdefault(parcel.order_number, []).append(parcel)
    found = []
    for order_number, together in of_orders.items():
        held = [parcel for parcel in together if parcel.is_held and parcel.before]
        limits = ordered.get(order_number, {})
        for parcel in (one for one in together if one.is_due and held):
            for item, units in parcel.now.items():
                holder = next((one for one in held if one.before.get(item, 0)), None)
                is_rising = units > parcel.before.get(item, 0)
                is_over = sum(one.at_amazon(item) for one in together) > limits.get(item, math.inf)
                if holder is not None and is_rising and is_over:
                    with_ = f"with parcel {holder.shipment_id}, whose correction is held"
                    detail = f"order item {item}: its units were confirmed {with_}"
                    found.append((parcel.shipment_id, CODE, detail, REMEDY))
                    break
    return found
