"""Stock rows that are not believed, explained for the person who has to fix them; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from numpy.typing import NDArray

    Check = tuple[NDArray[np.bool_], Callable[[dict[str, Any]], str]]

NUMBERS = ("on_hand", "allocated")
COLUMNS = ("row", "sku", "location", "code", "detail", "remedy")
READ = ("sku", "location", *NUMBERS, "counted_at", "unreadable")

CORRECT = "Correct it in the warehouse"
REMEDIES = {
    "stock_unreadable": f"{CORRECT}: on_hand and allocated in wms_inventory must be numbers of units.",
    "stock_negative": f"{CORRECT}: count what is there; a quantity is never below 0.",
    "stock_fractional": f"{CORRECT}: units must be whole; for goods sold by weight or length, define a unit.",
    "stock_duplicate": f"{CORRECT}: wms_inventory must have one row per SKU and location.",
    "stock_too_old": "Count it again, and make sure that the warehouse writes counted_at with each count; the limit is "
    "maximum_age_hours under inventory in connections.yaml.",
    "item_unknown": "Add the SKU to wms_item, or correct it in wms_inventory: SKUs must match exactly, including "
    "case, spaces and leading zeros.",
}
"""What to do about each fault, by its code, in the order of the report."""


def stock_faults(
    stock: pd.DataFrame, items: pd.DataFrame, *, now: datetime, maximum_age_hours: float | None
) -> pd.DataFrame:
    """Everything that is wrong with the stock, all of it at once.

    Rows of locations that are not sellable do not count, and an inactive item is not sold whatever its rows say:
    neither is examined.

    Args:
        stock: The rows (`mfn.warehouse.inventory.StockSnapshot`), with any unique index.
        items: The item master of the same snapshot.
        now: When the run began.
        maximum_age_hours: How old a count may be; None for any age. A count without a time has no age; one whose time
            cannot be read is too old.

    Returns:
        One row for each fault, sorted by SKU, location and the order of `REMEDIES`: `row` (the label in `stock`),
        `sku`, `location`, `code`, `detail`, `remedy`. A row of the stock may have several.
    """
    inactive = items.loc[~items["is_active"], "sku"]
    is_looked_at = (stock["is_sellable"] & ~stock["sku"].isin(inactive)).to_numpy()
    checks: dict[str, Check] = {
        "stock_unreadable": (stock["unreadable"].ne("").to_numpy(), lambda row: row["unreadable"]),
        "stock_negative": _check(stock, lambda units: units < 0),
        "stock_fractional": _check(stock, lambda units: units % 1 > 0),
        "stock_duplicate": (_is_duplicate(stock, is_looked_at), _duplicate),
        "item_unknown": (~stock["sku"].isin(items["sku"]).to_numpy(), _unknown),
    }
    if maximum_age_hours is not None:
        oldest = pd.Timestamp(now) - pd.Timedelta(hours=maximum_age_hours)
        is_too_old = (stock["counted_at"] < oldest) | stock["is_counted_at_unreadable"]
        checks["stock_too_old"] = is_too_old.to_numpy(), lambda row: _age(row, maximum_age_hours)
    found = []
    codes = list(REMEDIES)
    for code, (is_bad, detail) in checks.items():
        bad = stock[is_bad & is_looked_at]
        rows = zip(*(bad[name].tolist() for name in READ), strict=True)
        for label, row in zip(bad.index, rows, strict=True):
            cells = dict(zip(READ, row, strict=True))
            found.append((cells["sku"], cells["location"], codes.index(code), detail(cells), label))
    return pd.DataFrame(
        [
            (label, sku, location, codes[rank], said, REMEDIES[codes[rank]])
            for sku, location, rank, said, label in sorted(found)
        ],
        columns=list(COLUMNS),
        dtype="object",
    )


def _check(stock: pd.DataFrame, is_bad: Callable[[Any], Any]) -> Check:
    """The fault of either number, and which of them it is."""

    def described(row: dict[str, Any]) -> str:
        return ", ".join(f"{name} is {row[name]:.15g}" for name in NUMBERS if is_bad(row[name]))

    return is_bad(stock[list(NUMBERS)]).any(axis=1).to_numpy(), described


def _is_duplicate(stock: pd.DataFrame, is_looked_at: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether an examined row shares its SKU and location with another one."""
    is_duplicate = np.zeros(len(stock), dtype=bool)
    is_duplicate[is_looked_at] = stock.loc[is_looked_at, ["sku", "location"]].duplicated(keep=False)
    return is_duplicate


def _duplicate(row: dict[str, Any]) -> str:
    return f"the SKU has more than one row in this location, one of them with on_hand {row['on_hand']:.15g}"


def _unknown(row: dict[str, Any]) -> str:
    return "the SKU is not in wms_item" if row["sku"] else "the row has no SKU"


def _age(row: dict[str, Any], maximum_age_hours: float) -> str:
    if pd.isna(row["counted_at"]):
        return "counted_at cannot be read as a time"
    return f"counted at {row['counted_at']:%Y-%m-%d %H:%M} UTC, more than {maximum_age_hours:g} hours ago"
