"""The brake: whether the warehouse's stock is believed, by what it lost since it last was; pure."""

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
"""A location with less than one in so many of the warehouse's SKUs, and of its units, is not considered by itself: a
warehouse may call every bin a location, and bins run empty all day."""


@dataclass(frozen=True)
class Loss:
    """A loss of stock.

    Attributes:
        location: Where; empty for the whole warehouse.
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
    """In which way the warehouse's answer is empty; "" if it is not.

    Args:
        stock: The stock rows of a snapshot (`mfn.warehouse.inventory.StockSnapshot`).
        items: Its item master.
    """
    empty = [name for name, frame in (("wms_inventory", stock), ("wms_item", items)) if frame.empty]
    return f"{' and '.join(empty)} of the warehouse {'is' if len(empty) == 1 else 'are'} empty" if empty else ""


def stock_totals(stock: pd.DataFrame) -> pd.DataFrame:
    """The stock in each sellable location.

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
    """The losses, of the whole warehouse and by location, that are too large to be believed.

    Args:
        before: What `stock_totals` returned when it was last believed.
        now: What it returns now; a location that no longer exists has nothing.
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
    """For the first run: what the warehouse lacks of the quantities that Amazon shows, of offers that may be sent.

    Args:
        shown: The quantity that Amazon shows of each; NaN if none.
        available: What is available of each before buffer and limits (`mfn.rules.stock_levels.offer_levels`); same
            index.
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
