"""Frames of offers: rows found by marketplace and SKU, and frames turned into rows for the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mfn.rules.frames import time_texts

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from numpy.typing import NDArray


def keys_of(frame: pd.DataFrame) -> pd.Index[Any]:
    """Marketplace and seller SKU of each row as one value."""
    return pd.Index(frame["marketplace_id"] + "\x00" + frame["seller_sku"], dtype="object")


def positions_in(frame: pd.DataFrame, wanted: pd.DataFrame) -> NDArray[np.intp]:
    """The position at which a frame has the marketplace and seller SKU of each wanted row; -1 if it has not.

    Args:
        frame: `marketplace_id`, `seller_sku`, no pair twice.
        wanted: The same columns.
    """
    found = np.full(len(wanted), -1, dtype="intp")
    for marketplace_id in wanted["marketplace_id"].unique():
        here = np.flatnonzero(frame["marketplace_id"] == marketplace_id)
        there = np.flatnonzero(wanted["marketplace_id"] == marketplace_id)
        skus = pd.Index(frame["seller_sku"].to_numpy()[here], dtype="object")
        position = skus.get_indexer(pd.Index(wanted["seller_sku"].to_numpy()[there], dtype="object"))
        found[there[position >= 0]] = here[position[position >= 0]]
    return found


def kept_rows(marketplace_id: str, kept: pd.DataFrame) -> list[tuple[Any, ...]]:
    """The rows that `mfn.ledger.offers.write_offers` takes: (marketplace_id, seller_sku, *columns) for each offer.

    Args:
        marketplace_id: Where.
        kept: Columns of the ledger's offers, in their order; index: the seller SKU.
    """
    columns = [_plain(kept[name]) for name in kept.columns]
    return list(zip([marketplace_id] * len(kept), kept.index.tolist(), *columns, strict=True))


def outcome_rows(
    marketplace_id: str,
    offers: pd.DataFrame,
    outcomes: Sequence[str],
    reasons: Sequence[str | None],
    *,
    sent_by: str,
) -> list[tuple[Any, ...]]:
    """The rows that `mfn.ledger.offers.write_outcomes` takes, of offers that were sent.

    Args:
        marketplace_id: Where.
        offers: What `Sending.to_send` returned.
        outcomes: The outcome of each.
        reasons: Why.
        sent_by: `patch` or `feed`.
    """
    names = ("target", "before", "quantity", "sold_not_imported", "is_drift")
    columns = (_plain(offers[name]) for name in names)
    return [
        (marketplace_id, sku, outcome, level, before, shown, sold, is_drift, sent_by, text)
        for sku, outcome, text, level, before, shown, sold, is_drift in zip(
            offers.index, outcomes, reasons, *columns, strict=True
        )
    ]


def with_new_offers(state: pd.DataFrame, seller_skus: list[str]) -> pd.DataFrame:
    """The state of offers, including those that the ledger does not have yet.

    Args:
        state: Columns of the ledger's offers; index: the seller SKU.
        seller_skus: All that are wanted.
    """
    every = state.reindex(seller_skus)
    return every.assign(
        sold_not_imported=every["sold_not_imported"].fillna(0).astype("int64"),
        is_applied=every["is_applied"].eq(True),
    )


def same_moment(frame: pd.DataFrame, moment: datetime | None) -> pd.Series[Any]:
    """The same moment, or None, for every row of a frame."""
    return pd.Series(moment, index=frame.index, dtype="datetime64[us, UTC]")


def _plain(column: pd.Series[Any]) -> list[Any]:
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return time_texts(column)
    if column.dtype == np.float64:
        return [None if np.isnan(number) else int(number) for number in column.tolist()]
    values: list[Any] = column.tolist()
    return values
