"""Frames of offers as the rows that the ledger takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mfn.rules.frames import time_texts

if TYPE_CHECKING:
    from collections.abc import Sequence


def kept_rows(marketplace_id: str, kept: pd.DataFrame) -> list[tuple[Any, ...]]:
    """What `mfn.ledger.offers.write_offers` takes: (marketplace_id, seller_sku, *columns) an offer.

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
    """What `mfn.ledger.offers.write_outcomes` takes, of offers of which Amazon was told.

    Args:
        marketplace_id: Where.
        offers: What `Sending.to_send` returned.
        outcomes: What became of each.
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


def _plain(column: pd.Series[Any]) -> list[Any]:
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return time_texts(column)
    if column.dtype == np.float64:
        return [None if np.isnan(number) else int(number) for number in column.tolist()]
    values: list[Any] = column.tolist()
    return values
