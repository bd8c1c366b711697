"""The units of an order item that are still to be confirmed to Amazon, and with which parcels; pure.

What was confirmed is a fact, whatever the warehouse writes later: if a parcel is written late, or gets another ship
date, other parcels complete other kits than when they were confirmed. So confirmed units stay with their parcels, and
only the remaining complete kits are shared out: first to the unconfirmed parcels, each as many as it completes; then to
the confirmed ones, which are sent again with more.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from mfn.plain_text import listed

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence


KEYS = ("item", "position", "quantity")


class ConfirmedUnits(NamedTuple):
    """The units of one order item that were confirmed with one parcel."""

    order_number: str
    order_item_id: str
    shipment_id: str
    units: int


@dataclass(frozen=True)
class Confirmed:
    """What was confirmed before of the parcels' orders.

    Attributes:
        units: Those of every parcel of these orders, including parcels that are void or gone now.
        settled: The parcels that stay as they are, unless they now complete more than was confirmed.
    """

    units: Sequence[ConfirmedUnits] = ()
    settled: Collection[str] = field(default_factory=frozenset)


@dataclass
class _Share:
    """The share of one parcel in one order item, in units that the buyer ordered.

    Attributes:
        position: The parcel's.
        completed: The units that it completes together with the parcels that left before it.
        most: The units that its contents could complete at most.
        confirmed: The units confirmed with it.
        is_settled: Whether it stays as it is, unless it gains.
        is_known: Whether it was confirmed, with this item or others.
        units: The units that are confirmed with it from now on.
        is_over: Whether it completes units that were confirmed with parcels that are void or gone.
    """

    position: int
    completed: int
    most: int
    confirmed: int
    is_settled: bool
    is_known: bool
    units: int = 0
    is_over: bool = False

    @property
    def counted(self) -> int:
        """How many of the complete units were confirmed with it; lines that were deleted do not count."""
        return min(self.confirmed, self.completed) if self.is_settled and self.confirmed > self.most else self.units


PREFERENCE: tuple[tuple[Callable[[_Share], bool], Callable[[_Share], int]], ...] = (
    (lambda share: not share.is_settled and not share.is_known, lambda share: share.completed),
    (lambda share: not share.is_settled and share.is_known, lambda share: share.completed),
    (lambda share: share.is_settled and share.is_known, lambda share: share.completed),
    (lambda share: not share.is_settled, lambda share: share.most),
    (lambda share: share.is_settled, lambda share: share.completed),
)
"""Who gets the remaining units, one after the other: which parcels, and how many units they may have at most."""


def share_out(
    kits: pd.DataFrame, progress: pd.DataFrame, components: pd.DataFrame, parcels: pd.DataFrame, confirmed: Confirmed
) -> pd.DataFrame:
    """The units to confirm with each parcel after what was confirmed before; the frames are `mfn.rules.parcels`'.

    Args:
        kits: By item and position: `kits`, `quantity`, as if nothing had been confirmed yet.
        progress: By component and position: `item`, `units`, `units_per_kit`.
        components: What was ordered.
        parcels: By position: `order_number`, `shipment_id`.
        confirmed: What was confirmed before.

    Returns:
        `kits` with what is confirmed instead, and `is_over`: whether the parcel has units that were confirmed with
        parcels that are void, gone or no longer have the item, so that they cannot be confirmed again; `holder` is one
        of the last kind, or None, and `gone` lists those that are void or gone.
    """
    kits = kits.assign(is_over=False, holder=None, gone="")
    by_item = _confirmed_by_item(components, confirmed)
    concerned = kits["item"].isin(by_item)
    if not concerned.any():
        return kits
    most = -(-progress["units"] // progress["units_per_kit"])
    most = most.groupby([progress["item"], progress["position"]]).max()
    capacity = (components["ordered"] // components["units_per_kit"]).groupby(components["item"]).min()
    ids = parcels["shipment_id"].to_dict()
    settled, known = set(confirmed.settled), {each.shipment_id for each in confirmed.units}
    closed, holders, gone = set(ids.values()), {}, {}
    shares: dict[int, list[_Share]] = {}
    for item, position, quantity in zip(*(kits.loc[concerned, name].tolist() for name in KEYS), strict=True):
        shipment_id = ids[position]
        share = _Share(
            position=position,
            completed=quantity,
            most=int(most[item, position]),
            confirmed=by_item[item].get(shipment_id, 0),
            is_settled=shipment_id in settled,
            is_known=shipment_id in known,
        )
        shares.setdefault(item, []).append(share)
    for item, of_item in shares.items():
        there = {ids[share.position] for share in of_item}
        holders[item] = next((each for each in by_item[item] if each in closed and each not in there), None)
        gone[item] = listed(each for each in by_item[item] if each not in closed)
        elsewhere = sum(units for shipment_id, units in by_item[item].items() if shipment_id not in there)
        _share_out(of_item, capacity=int(capacity[item]), elsewhere=elsewhere)
    shared = [
        (item, share.position, share.units, share.is_over, holders[item], gone[item])
        for item, of_item in shares.items()
        for share in of_item
    ]
    changed = pd.DataFrame(shared, columns=["item", "position", "quantity", "is_over", "holder", "gone"])
    changed = changed.assign(kits=changed.groupby("item")["quantity"].cumsum())
    both = pd.concat([kits[~concerned], changed[list(kits.columns)]])
    return both.sort_values(["item", "position"], ignore_index=True)


def _confirmed_by_item(components: pd.DataFrame, confirmed: Confirmed) -> dict[int, dict[str, int]]:
    names = zip(components["order_number"], components["order_item_id"], components["item"], strict=True)
    items = {(order_number, order_item_id): int(item) for order_number, order_item_id, item in names}
    found: dict[int, dict[str, int]] = {}
    for order_number, order_item_id, shipment_id, units in confirmed.units:
        item = items.get((order_number, order_item_id))
        if item is not None and units > 0:
            found.setdefault(item, {})[shipment_id] = units
    return found


def _share_out(parcels: Sequence[_Share], *, capacity: int, elsewhere: int) -> None:
    """Give each parcel of one order item the units that are confirmed with it.

    Args:
        parcels: The parcels in the order in which they left.
        capacity: How many units were ordered.
        elsewhere: How many were confirmed with parcels that are void or gone, or that no longer have the item.
    """
    for share in parcels:
        share.units = share.confirmed if share.is_settled else min(share.confirmed, share.most)
    spare = sum(share.completed for share in parcels) - sum(share.counted for share in parcels)
    for share in reversed(parcels):
        if spare < 0 and not share.is_settled:  # a corrected parcel gives back what is no longer complete
            given_back = min(share.units, -spare)
            share.units -= given_back
            spare += given_back
    room = max(capacity - elsewhere - sum(share.units for share in parcels), 0)
    for is_meant, most in PREFERENCE:
        for share in filter(is_meant, parcels):
            more = max(min(spare, most(share) - share.units), 0)
            share.units += min(more, room)
            share.is_over |= more > room and not share.is_settled
            room -= min(more, room)
            spare -= more
