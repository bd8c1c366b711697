"""The offers whose levels were sent: what Amazon took in a batch, what is on its way, and what is to be read back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from sqlalchemy import exists, func, select

from mfn.amazon.quantities import MERCHANT_CHANNEL
from mfn.database.columns import columns as columns_of
from mfn.ledger.offers import KEY, read_offers
from mfn.ledger.schema import Offer
from mfn.models import OfferStatus

if TYPE_CHECKING:
    from datetime import datetime

    from mfn.ledger.opening import Ledger
    from mfn.models import BatchRef

SENT = {
    "marketplace_id": "marketplace_id",
    "seller_sku": "seller_sku",
    "level_sent_basis": "level",
    "before_limits_sent": "before_limits",
    "level_sent": "level_sent",
}
"""Columns of the ledger, and what they are called where they mean the level that is to be sent."""


def has_sent(ledger: Ledger, connection: str) -> bool:
    """Whether any level of a connection was ever sent."""
    sent = exists().where(Offer.connection == connection, Offer.level_sent.is_not(None))
    with ledger.reading() as database:
        return bool(database.execute(select(sent)).scalar())


def in_feeds(ledger: Ledger, connection: str) -> pd.DataFrame:
    """The offers that are in a feed under way: the columns of `SENT`, `shown_before`, `status` and `feed_number`."""
    names = (*SENT, "shown_before", "status", "feed_number")
    return read_offers(ledger, connection, names, where="feed_number IS NOT NULL").rename(columns=SENT)


def oldest_count(ledger: Ledger, connection: str) -> datetime | None:
    """Since when orders may be news to an offer that was sent; None where none was."""
    mine = (Offer.connection == connection) & (Offer.channel == MERCHANT_CHANNEL) & Offer.level_sent.is_not(None)
    with ledger.reading() as database:
        return database.execute(select(func.min(Offer.counted_at)).where(mine)).scalar()


def offers_to_read(ledger: Ledger, connection: str, most: int, *, but_for: pd.DataFrame) -> pd.DataFrame:
    """Offers to be read back: those from which units were subtracted, those not verified, and the longest unread.

    Args:
        ledger: The open ledger.
        connection: The connection's name.
        most: So many.
        but_for: `marketplace_id`, `seller_sku` of those that are not meant.

    Returns:
        `marketplace_id`, `seller_sku`, `level`, `before_limits` (those that were sent) and `level_sent`; without offers
        that are held, or in a feed under way.
    """
    of = (
        "FROM (SELECT * FROM offer WHERE connection = :connection AND channel = :ours AND feed_number IS NULL"
        " AND level_sent_basis IS NOT NULL AND before_limits_sent IS NOT NULL"
        " AND coalesce(status, '') NOT IN (:held, :failed)"
        " ORDER BY (level_sent < level_sent_basis OR sold_not_imported > 0) DESC, is_applied, shown_at, seller_sku"
        " LIMIT :most) AS chosen"
    )
    given = {"connection": connection, "ours": MERCHANT_CHANNEL, "most": most + len(but_for)}
    given |= {"held": OfferStatus.HELD.value, "failed": OfferStatus.FAILED.value}
    with ledger.reading() as database:
        found = columns_of(database, {name: column for column, name in SENT.items()}, of, given)
    frame = pd.DataFrame(found, columns=list(found)).astype(dict.fromkeys(KEY, "object"))
    others = frame.merge(but_for[list(KEY)], on=list(KEY), how="left", indicator=True)
    chosen = frame[(others["_merge"] == "left_only").to_numpy()].head(most)
    return chosen.astype({"level": "int64", "before_limits": "int64", "level_sent": "float64"})


def sent_offers(ledger: Ledger, batch: BatchRef) -> pd.DataFrame:
    """The offers whose levels were sent to Amazon in a batch.

    Returns:
        `marketplace_id`, `seller_sku`, `level`, `before_limits` (those that were sent), `is_applied`, `feed_number`.
    """
    frame = read_offers(
        ledger,
        batch.connection,
        (*KEY, "level_sent_basis", "before_limits_sent", "is_applied", "feed_number"),
        where="batch_id = :batch_id AND status = :pushed"
        " AND level_sent_basis IS NOT NULL AND before_limits_sent IS NOT NULL",
        batch_id=batch.batch_id,
        pushed=OfferStatus.PUSHED.value,
    )
    named = frame.rename(columns={"level_sent_basis": "level", "before_limits_sent": "before_limits"})
    return named.astype({"level": "int64", "before_limits": "int64"})
