"""What is available to sell: of each item of the warehouse, and of each offer made of them; pure and exact.

Available to sell = on hand (sellable locations) - allocated - promised - buffer, never below zero; of a kit, the
smallest whole number that its components allow. Then at most the maximum, and 0 where it is below the minimum.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Whole = NDArray[np.int64]

DONE = ("shipped", "cancelled")
NOT_BEGUN = ("new", "")
"""Statuses of orders that are not allocated; a warehouse that gives no status has not said that it allocated them."""

LIMITS = ("buffer_units", "buffer_percent", "minimum_units", "maximum_units")
INT64_MOST = np.iinfo("int64").max


def promised_units(reservations: pd.DataFrame, orders: pd.DataFrame, *, is_allocated_at_filled: bool) -> pd.Series[int]:
    """The units of each SKU that have been accepted from Amazon and are not in the warehouse's `allocated` yet.

    An order that the warehouse does not have is promised; one that it has shipped or cancelled is not. For the others,
    a warehouse that fills `allocated_at` says so by that; one that never fills it allocates when it moves an order on.

    Args:
        reservations: `order_id`, `sku` (the warehouse's), `units`, of every connection on this warehouse. Read after
            the snapshot, so that an order that came in between errs towards less stock.
        orders: The orders of the snapshot (`mfn.warehouse.inventory.StockSnapshot`).
        is_allocated_at_filled: Whether the warehouse fills `allocated_at`, from the snapshot.

    Returns:
        int64 by SKU; absent for a SKU of which nothing is promised.
    """
    is_open = ~orders["status"].isin(DONE)
    is_waiting = ~orders["is_allocated"] if is_allocated_at_filled else orders["status"].isin(NOT_BEGUN)
    settled = orders.loc[~(is_open & is_waiting), "order_number"]
    promised = reservations[~reservations["order_id"].isin(settled)]
    return promised["units"].astype("int64").groupby(promised["sku"]).sum()


def item_stock(stock: pd.DataFrame, items: pd.DataFrame, promised: pd.Series[int]) -> pd.DataFrame:
    """What is left of each item. Fractions and unreadable numbers do not count, because such items are held.

    Args:
        stock: The stock rows of a snapshot (`mfn.warehouse.inventory.StockSnapshot`).
        items: Its item master.
        promised: What `promised_units` returned.

    Returns:
        Index: the SKU of every item, in the order of the items. `on_hand`, `allocated` (in sellable locations),
        `promised`, `left` (of these three; may be negative), all int64, and `is_active`.
    """
    skus = pd.Index(items["sku"], dtype="object")
    sellable = stock[stock["is_sellable"]]
    position = skus.get_indexer(pd.Index(sellable["sku"], dtype="object"))
    is_known = position >= 0
    sums = {
        name: np.bincount(
            position[is_known], np.floor(np.nan_to_num(sellable[name].to_numpy()[is_known])), minlength=len(skus)
        ).astype("int64")
        for name in ("on_hand", "allocated")
    }
    sums["promised"] = promised.reindex(skus, fill_value=0).to_numpy(dtype="int64")
    left = sums["on_hand"] - sums["allocated"] - sums["promised"]
    return pd.DataFrame({**sums, "left": left, "is_active": items["is_active"].to_numpy()}, index=skus)


def offer_levels(components: pd.DataFrame, items: pd.DataFrame, limits: pd.DataFrame) -> pd.DataFrame:
    """The level of each offer.

    Args:
        components: What `mfn.rules.skus.offer_components` returned for the offers of `limits`.
        items: What `item_stock` returned. A component that is not an active item allows nothing.
        limits: One row for each offer, index 0…n-1: `buffer_units`, `minimum_units` (whole), `buffer_percent`,
            `maximum_units` (NaN for no limit).

    Returns:
        With the index of `limits`, whole numbers int64: `sku`, `on_hand`, `allocated`, `promised` (of the component
        that allows fewest; of several, the first SKU), `is_kit` (several components, or several units of one),
        `is_inactive` (a component is known and not active), `available` (before the buffer, never below zero),
        `before_limits` (after it), `level`.
    """
    offer = components["offer"].to_numpy(dtype="int64")
    units = components["units"].to_numpy(dtype="int64")
    row = items.index.get_indexer(pd.Index(components["sku"], dtype="object"))
    facts = {name: _of_rows(items[name].to_numpy(), row) for name in ("on_hand", "allocated", "promised", "left")}
    is_known = row >= 0
    is_active = _of_rows(items["is_active"].to_numpy(dtype="int64"), row) > 0
    left = np.maximum(facts["left"], 0) * is_active
    starts = np.flatnonzero(np.diff(offer, prepend=-1))
    allowed = left // units
    available = np.minimum.reduceat(allowed, starts)
    after_buffer = np.maximum(left - _kept_back(left, limits.take(offer)), 0) // units
    before_limits = np.minimum.reduceat(after_buffer, starts)
    fewest = np.where(allowed == available[offer], np.arange(len(offer)), len(offer))
    fewest = np.minimum.reduceat(fewest, starts)
    parts = np.diff(starts, append=len(offer))
    most = limits["maximum_units"].to_numpy(dtype="float64")
    most = np.where(np.isnan(most), INT64_MOST, np.nan_to_num(most).astype("int64"))
    level = np.minimum(before_limits, most)
    return pd.DataFrame(
        {
            "sku": components["sku"].to_numpy()[fewest],
            **{name: facts[name][fewest] for name in ("on_hand", "allocated", "promised")},
            "is_kit": (parts > 1) | (units[starts] > 1),
            "is_inactive": np.bincount(offer, is_known & ~is_active, minlength=len(limits)) > 0,
            "available": available,
            "before_limits": before_limits,
            "level": np.where(level < limits["minimum_units"].to_numpy(), 0, level),
        },
        index=limits.index,
    )


def _of_rows(values: Whole, row: NDArray[np.intp]) -> Whole:
    """The values of some rows, 0 for missing ones."""
    return np.where(row >= 0, values[row], 0) if len(values) else np.zeros(len(row), dtype="int64")


def _kept_back(left: Whole, limits: pd.DataFrame) -> Whole:
    """The buffer: a number of units, or a percentage of what is left, rounded up, whichever is more."""
    kept_back = limits["buffer_units"].to_numpy(dtype="int64").copy()
    percents = limits["buffer_percent"].to_numpy(dtype="float64")
    for percent in np.unique(percents):
        chosen = percents == percent
        kept_back[chosen] = np.maximum(kept_back[chosen], _part(left[chosen], percent))
    return kept_back


def _part(left: Whole, percent: float) -> Whole:
    """A percentage of whole numbers, rounded up; exact for the decimal number that a person wrote."""
    part = Fraction(repr(float(percent))) / 100
    is_small = int(left.max(initial=0)) * part.numerator + part.denominator <= INT64_MOST
    exact: NDArray[Any] = left if is_small else left.astype(object)
    return (-(-exact * part.numerator // part.denominator)).astype("int64")
