"""Feeds of levels: recorded before Amazon is given them, followed until Amazon has processed them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, insert, select, update

from mfn.database.bulk import among
from mfn.ledger.leases import assert_held
from mfn.ledger.schema import Feed, Offer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from sqlalchemy import Connection, Row

    from mfn.ledger.opening import Ledger
    from mfn.models import BatchRef


SUBMITTING, SUBMITTED, DONE, FATAL, LOST, STUCK = "submitting", "submitted", "done", "fatal", "lost", "stuck"

UNDER_WAY = (SUBMITTING, SUBMITTED)
"""Statuses of feeds whose levels may take effect at any moment."""


def note_feed(
    database: Connection,
    batch: BatchRef,
    marketplace_id: str,
    document_id: str,
    messages: Sequence[tuple[str, int, int, int]],
) -> int:
    """Record that a feed is about to be submitted to Amazon.

    Args:
        database: The open transaction on the ledger.
        batch: The batch.
        marketplace_id: The marketplace of all of its offers.
        document_id: Amazon's id of the uploaded messages.
        messages: (seller SKU, level, computed level, the same before its limits), in the order of the message ids.

    Returns:
        The feed's number in the ledger.
    """
    assert_held(database, batch.lease)
    mine = Feed.connection == batch.connection
    number = (database.execute(select(func.max(Feed.number)).where(mine)).scalar() or 0) + 1
    database.execute(
        insert(Feed).values(
            connection=batch.connection,
            number=number,
            marketplace_id=marketplace_id,
            batch_id=batch.batch_id,
            document_id=document_id,
            status=SUBMITTING,
            messages=[list(message) for message in messages],
            created_at=datetime.now(UTC),
        )
    )
    return number


def note_submitted(database: Connection, batch: BatchRef, number: int, feed_id: str) -> None:
    """Record that Amazon has a feed, and under which id."""
    assert_held(database, batch.lease)
    mine = (Feed.connection == batch.connection) & (Feed.number == number)
    database.execute(update(Feed).where(mine).values(feed_id=feed_id, status=SUBMITTED))


def end_feed(database: Connection, batch: BatchRef, feed: Row[Any], *, status: str, errors: Mapping[str, Any]) -> None:
    """Record how a feed ended, and release its offers.

    The level of those that left it earlier is due again: it may have undone what was sent instead.

    Args:
        database: The open transaction on the ledger.
        batch: The batch.
        feed: As `feeds` returns it.
        status: One that is not of `UNDER_WAY`.
        errors: What Amazon says, for the report.
    """
    assert_held(database, batch.lease)
    mine = (Feed.connection == batch.connection) & (Feed.number == feed.number)
    ended = {"status": status, "done_at": datetime.now(UTC), "errors": dict(errors)}
    database.execute(update(Feed).where(mine).values(ended))
    skus = [message[0] for message in feed.messages]
    given = (Offer.connection == batch.connection) & (Offer.marketplace_id == feed.marketplace_id)
    left = given & Offer.feed_number.is_distinct_from(feed.number) & among(database, Offer.seller_sku, skus)
    database.execute(update(Offer).where(left).values(level_sent_basis=None, before_limits_sent=None))
    held = (Offer.connection == batch.connection) & (Offer.feed_number == feed.number)
    database.execute(update(Offer).where(held).values(feed_number=None))


def leave_feeds(database: Connection, batch: BatchRef, offers: pd.DataFrame) -> None:
    """Take offers out of the feeds that they are in: what is sent next is newer.

    Args:
        database: The open transaction on the ledger.
        batch: The batch.
        offers: `marketplace_id`, `seller_sku`.
    """
    assert_held(database, batch.lease)
    for marketplace_id, some in offers.groupby("marketplace_id"):
        mine = (Offer.connection == batch.connection) & (Offer.marketplace_id == str(marketplace_id))
        mine &= among(database, Offer.seller_sku, some["seller_sku"].tolist())
        database.execute(update(Offer).where(mine).values(feed_number=None))


def feeds(ledger: Ledger, connection: str, *, statuses: Sequence[str] | None = None) -> Sequence[Row[Any]]:
    """Feeds of a connection, oldest first: every column."""
    statement = select(Feed).where(Feed.connection == connection).order_by(Feed.number)
    if statuses is not None:
        statement = statement.where(Feed.status.in_(statuses))
    return ledger.rows(statement)


def late_feeds(ledger: Ledger, connection: str, before: datetime) -> list[int]:
    """The numbers of the feeds under way that were submitted before a time."""
    late = (Feed.connection == connection) & Feed.status.in_(UNDER_WAY) & (Feed.created_at < before)
    with ledger.reading() as database:
        return list(database.execute(select(Feed.number).where(late)).scalars())


def forget_feeds(database: Connection, batch: BatchRef, before: datetime) -> None:
    """Delete feeds that ended before a time."""
    assert_held(database, batch.lease)
    database.execute(delete(Feed).where(Feed.connection == batch.connection, Feed.done_at < before))


def known_feed_ids(ledger: Ledger, connection: str) -> set[str]:
    """Amazon's ids of every feed that the ledger knows of."""
    mine = (Feed.connection == connection) & Feed.feed_id.is_not(None)
    with ledger.reading() as database:
        return {feed_id for feed_id in database.execute(select(Feed.feed_id).where(mine)).scalars() if feed_id}
