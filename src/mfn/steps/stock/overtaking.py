"""Overtaking: an offer in a feed under way of which Amazon shows more than there is does not wait for that feed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mfn.ledger.feeds import leave_feeds

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from mfn.steps.stock.sending import Sending


def overtaking(sending: Sending, waiting: pd.DataFrame) -> NDArray[np.bool_]:
    """Find the offers that cannot wait for the end of their feed, and take them out of it.

    Their newer level is below what the feed has, and below what Amazon shows now. The feed may still undo what is sent
    instead: when it ends, they are due again (`mfn.ledger.feeds.update_feed`).

    Args:
        sending: The run.
        waiting: `marketplace_id`, `seller_sku`, `level`, `level_sent` of offers in a feed under way.

    Returns:
        Which these are.

    Raises:
        RetriableError: Amazon did not answer, or the ledger could not be reached.
        FatalError: A role is missing, or the credentials are refused.
    """
    found = (waiting["level"] < waiting["level_sent"]).to_numpy(copy=True)
    shown = np.full(len(waiting), np.nan)
    for marketplace_id in waiting.loc[found, "marketplace_id"].unique():
        here = np.flatnonzero(found & (waiting["marketplace_id"] == marketplace_id).to_numpy())
        skus = waiting["seller_sku"].to_numpy()[here]
        read = sending.place.listings.listings_of(marketplace_id, skus.tolist(), are_known=True).frame
        quantities = read.set_index("seller_sku")["quantity"].astype("float64")
        shown[here] = quantities.reindex(skus).to_numpy()
    found &= shown > waiting["level"].to_numpy()
    if found.any() and not sending.is_dry_run:
        with sending.place.ledger.writing() as database:
            leave_feeds(database, sending.batch, waiting[found])
    return found
