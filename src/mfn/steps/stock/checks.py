"""The checks of a stock run: Great Expectations over the rows and the items of the warehouse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from mfn.quality.runner import check
from mfn.quality.stock import ITEMS, STOCK, checked_items, checked_stock
from mfn.rules.stock_faults import COLUMNS, REMEDIES

if TYPE_CHECKING:
    from datetime import datetime

    from mfn.quality.model import QualityReport


def check_stock(
    stock: pd.DataFrame, items: pd.DataFrame, faults: pd.DataFrame, *, now: datetime, maximum_age_hours: float | None
) -> tuple[pd.DataFrame, dict[str, int], QualityReport]:
    """Check the stock before a run sends levels to Amazon.

    The checks find what `mfn.rules.stock_faults` holds, too, for the report; what only they find is a fault as well.

    Args:
        stock: The rows of the snapshot.
        items: Its item master.
        faults: What `stock_faults` returned.
        now: When the run began.
        maximum_age_hours: How old a count may be; None: any age.

    Returns:
        All faults, how many rows or items broke each rule that warns, and the report.

    Raises:
        FatalError: A check that holds stock could not run: nothing unchecked may be sent to Amazon.
    """
    report, hits = check(
        [
            (STOCK, checked_stock(stock, items, now=now, maximum_age_hours=maximum_age_hours)),
            (ITEMS, checked_items(stock, items)),
        ]
    )
    report.assert_ran("stock", undone="Nothing was sent to Amazon.")
    warned = hits.loc[hits["severity"] == "warning", "code"].value_counts()
    faults = _with_hits(faults, stock, hits[hits["severity"] == "critical"])
    return faults, {str(code): count for code, count in warned.items()}, report


def _with_hits(faults: pd.DataFrame, stock: pd.DataFrame, hits: pd.DataFrame) -> pd.DataFrame:
    known = set(zip(faults["row"].tolist(), faults["code"].tolist(), strict=True))
    meanings = {rule.code: rule.meaning for rule in STOCK.rules}
    more: list[tuple[Any, ...]] = [
        (row, *stock.loc[row, ["sku", "location"]], code, f"expected: {meanings[code]}", REMEDIES[code])
        for row, code in zip(hits["row"].tolist(), hits["code"].tolist(), strict=True)
        if (row, code) not in known
    ]
    return pd.concat([faults, pd.DataFrame(more, columns=list(COLUMNS), dtype="object")]) if more else faults
