"""The next stock run, judged as it would be, with nothing written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from mfn.amazon.quantities import MERCHANT_CHANNEL
from mfn.ledger.imported_units import covered_until
from mfn.ledger.packing import packed
from mfn.steps.stock.judging import judge
from mfn.steps.stock.listings import none_shown
from mfn.steps.stock.promised import read_promised
from mfn.steps.stock.read import ReadChunk, promised_frame

if TYPE_CHECKING:
    from mfn.steps.checking.place import CheckPlace
    from mfn.steps.stock.judging import Judged
    from mfn.warehouse.inventory import StockSnapshot

NEWS = ["marketplace_id", "seller_sku", "asin", "channel"]


def rehearse_push(place: CheckPlace, snapshot: StockSnapshot, listings: pd.DataFrame | None) -> Judged:
    """The verdicts of a stock run on this stock and these listings.

    Args:
        place: The workplace.
        snapshot: The stock, the items, and the orders that may have units promised to them.
        listings: What `mfn.steps.checking.skus.read_listings` returned; None if Amazon did not answer: then those in
            the ledger count.

    Raises:
        RetriableError: The ledger could not be reached.
        FatalError: A check could not run at all.
    """
    reserved, promised = read_promised(place, snapshot)
    there = pd.DataFrame({name: pd.Series(dtype="object") for name in NEWS}) if listings is None else listings[NEWS]
    chunk = ReadChunk(
        at=reserved.at,
        covered_until=covered_until(place.ledger, place.connection.name),
        news=[],
        stock=packed(snapshot.stock),
        items=packed(snapshot.items),
        promised=packed(promised_frame(promised)),
        listings=packed(there.astype("object")),
        shown=packed(none_shown() if listings is None else _shown(listings, pd.Timestamp(reserved.at))),
    )
    return judge(place, chunk, is_dry_run=True, is_forced=False)


def _shown(listings: pd.DataFrame, at: pd.Timestamp) -> pd.DataFrame:
    own = listings[listings["channel"] == MERCHANT_CHANNEL].reset_index(drop=True)
    quantity = pd.to_numeric(own["quantity"], errors="coerce").astype("float64")
    texts = own[["marketplace_id", "seller_sku"]].astype("object")
    return texts.assign(quantity=quantity, read_at=at.as_unit("us"))
