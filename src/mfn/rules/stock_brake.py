"""Whether the warehouse's stock is believed: what it lost since it was last believed; pure."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterator

WHOLE = ""
"""The location that stands for the whole warehouse."""

SMALLEST_PART = 100
"""A location that held less than one in so many of the warehouse's SKUs, and of its units, is not looked at by itself:
a warehouse may call every bin a location, and bins run empty all day."""


@dataclass(frozen=True)
class Loss:
    """What is gone.

    Attributes:
        location: Where; empty: in the warehouse as a whole.
        what: `SKUs` or `units`.
        before: How many there were.
        now: How many there are.
    """

    location: str
    what: str
    before: int
    now: int

    def __str__(self) -> str:
        where = f"in {self.location}" if self.location else "as a whole"
        return f"{self.before:,} {self.what} {where} before, {self.now:,} now"


def emptiness(stock: pd.DataFrame, items: pd.DataFrame) -> str:
    """In which way the warehouse answers empty; "" where it does not.

    Args:
        stock: The stock rows of a snapshot (`mfn.warehouse.inventory.StockSnapshot`).
        items: Its item master.
    """
    empty = [name for name, frame in (("wms_inventory", stock), ("wms_item", items)) if frame.empty]
    return f"{' and '.join(empty)} of the warehouse {'has' if len(empty) == 1 else 'have'} no row" if empty else ""


def stock_totals(stock: pd.DataFrame) -> pd.DataFrame:
    """What lies where, in sellable locations.

    Args:
        stock: The stock rows of a snapshot; numbers that are negative or cannot be read count for nothing.

    Returns:
        First the whole, then each location that has a name, sorted: `location`, `skus` (with units on hand), `units`.
    """
    filled = stock[stock["is_sellable"] & (stock["on_hand"] > 0)]
    units = filled["on_hand"].astype("int64")
    whole = pd.DataFrame({"location": [WHOLE], "skus": [filled["sku"].nunique()], "units": [int(units.sum())]})
    named = stock.loc[stock["is_sellable"] & (stock["location"] != WHOLE), "location"]
    locations = pd.Index(np.sort(named.unique()), dtype="object")
    each = pd.DataFrame({"location": filled["location"], "sku": filled["sku"], "units": units})
    sums = each.groupby("location").agg(skus=("sku", "nunique"), units=("units", "sum"))
    sums = sums.reindex(locations, fill_value=0).rename_axis("location").reset_index()
    return pd.concat([whole, sums], ignore_index=True).astype({"location": "object", "skus": "int64", "units": "int64"})


def losses(before: pd.DataFrame, now: pd.DataFrame, *, brake_percent: float) -> list[Loss]:
    """What the warehouse lost, as a whole and by location, that is more than is believed.

    Args:
        before: What `stock_totals` returned when it was last believed.
        now: What it returns now; a location that is not there any more has nothing.
        brake_percent: How much may be lost at most; exactly as much is believed, and so is any loss at 100.
    """
    left: dict[str, tuple[int, int]] = {location: (skus, units) for location, skus, units in _rows(now)}
    found = []
    of_whole = next(((skus, units) for location, skus, units in _rows(before) if location == WHOLE), (0, 0))
    for location, *held in _rows(before):
        is_small = all(part * SMALLEST_PART < whole for part, whole in zip(held, of_whole, strict=True))
        if location == WHOLE or not is_small:
            remaining = left.get(location, (0, 0))
            found += [
                Loss(location, what, were, are)
                for what, were, are in zip(("SKUs", "units"), held, remaining, strict=True)
                if _is_lost(were, are, brake_percent)
            ]
    return found


def losses_against_amazon(shown: pd.Series[Any], available: pd.Series[int], *, brake_percent: float) -> list[Loss]:
    """What the warehouse lacks of that which Amazon shows, for the first run; of offers whose level may be told.

    Args:
        shown: The quantity that Amazon shows of each; NaN: none.
        available: What there is of each before buffer and limits (`mfn.rules.stock_levels.offer_levels`); same index.
        brake_percent: How much may be lacking at most, as for `losses`.
    """
    on_offer = shown.fillna(0).to_numpy(dtype="float64") > 0
    were, are = shown.to_numpy(dtype="float64")[on_offer], available.to_numpy()[on_offer]
    pairs = (("SKUs", len(were), int((are > 0).sum())), ("units", int(were.sum()), int(are.sum())))
    return [Loss(WHOLE, what, before, now) for what, before, now in pairs if _is_lost(before, now, brake_percent)]


def _is_lost(before: int, now: int, percent: float) -> bool:
    return (before - now) * 100 > Fraction(repr(float(percent))) * before


def _rows(totals: pd.DataFrame) -> Iterator[tuple[str, int, int]]:
    return zip(*(totals[name].tolist() for name in ("location", "skus", "units")), strict=True)
