"""Overtaking: an offer in a feed under way of which Amazon shows more than there is does not wait for that feed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mfn.ledger.feeds import late_feeds, leave_feeds
from mfn.ledger.sent_offers import in_feeds
from mfn.models import OfferStatus
from mfn.steps.stock.rows import keys_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mfn.steps.stock.sending import Sending

LATE_AFTER = timedelta(minutes=30)
"""How old a feed is when it is late; most are done within minutes."""


def overtake(sending: Sending, due: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Tell the levels that can be sent from those that wait for a feed, and take offers that cannot wait out of theirs.

    These are offers of which Amazon shows more than their level, if the feed has another one, or would lower what
    Amazon shows, but is late. The feed may still undo what is sent instead: when it ends, they are due again
    (`mfn.ledger.feeds.end_feed`).

    Args:
        sending: The run.
        due: `CompareChunk.due`.

    Returns:
        Those to be sent now, with those of late feeds, and those that wait; columns as of `due`.

    Raises:
        RetriableError: Amazon did not answer, or the ledger could not be reached.
        FatalError: A role is missing, or the credentials are refused.
    """
    ledger, connection = sending.place.ledger, sending.batch.connection
    within = in_feeds(ledger, connection)
    is_late = within["feed_number"].isin(late_feeds(ledger, connection, datetime.now(UTC) - LATE_AFTER))
    is_sent = within["status"].eq(OfferStatus.PUSHED) & within["level"].notna()
    is_lowering = is_sent & (within["level_sent"] < within["shown_before"])
    late = within[is_late & is_lowering]
    others = late[~keys_of(late).isin(keys_of(due))]
    every = pd.concat([due, others[due.columns].astype(due.dtypes)], ignore_index=True) if len(others) else due
    is_waiting = keys_of(every).isin(keys_of(within))
    in_feed = within["level"].set_axis(keys_of(within)).reindex(keys_of(every))
    may_overtake = is_waiting & ((every["level"].to_numpy() != in_feed.to_numpy()) | keys_of(every).isin(keys_of(late)))
    is_overtaking = may_overtake & (_shown(sending, every, may_overtake) > every["level"].to_numpy())
    if is_overtaking.any() and not sending.is_dry_run:
        with ledger.writing() as database:
            leave_feeds(database, sending.batch, every[is_overtaking])
    is_waiting[is_overtaking] = False
    is_due = keys_of(every).isin(keys_of(due))
    return every[~is_waiting], every[is_waiting & is_due].reset_index(drop=True)


def _shown(sending: Sending, offers: pd.DataFrame, is_wanted: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The quantities that Amazon shows of some of the offers; NaN for the others, and where it shows none."""
    shown = np.full(len(offers), np.nan)
    for marketplace_id in offers.loc[is_wanted, "marketplace_id"].unique():
        here = np.flatnonzero(is_wanted & (offers["marketplace_id"] == marketplace_id).to_numpy())
        skus = offers["seller_sku"].to_numpy()[here]
        read = sending.place.listings.listings_of(marketplace_id, skus.tolist(), are_known=True).frame
        quantities = read.set_index("seller_sku")["quantity"].astype("float64")
        shown[here] = quantities.reindex(skus).to_numpy()
    return shown
