"""The stock levels that were sent to Amazon, and the orders that were subtracted from them."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - SQLAlchemy reads the types when it runs
from typing import Any

from sqlalchemy import ForeignKey, Index, Integer
from sqlalchemy.orm import Mapped, mapped_column

from mfn.ledger.schema.base import CLUSTERED, Base


class CountedOrder(Base):
    """An order whose reservations a stock run has subtracted, and when one did so first."""

    __tablename__ = "counted_order"

    connection: Mapped[str] = mapped_column(primary_key=True)
    order_id: Mapped[str] = mapped_column(primary_key=True)
    counted_at: Mapped[datetime]
    placed_at: Mapped[datetime | None]  # when the buyer placed it; None where nothing had been sent by then
    units: Mapped[str]  # JSON list of [marketplace id, seller SKU, units], as Amazon sold them

    __table_args__ = (Index(None, "connection", "counted_at"), CLUSTERED)


class Offer(Base):
    """One of Amazon's SKUs in one marketplace: what it is, what was sent to Amazon and what Amazon shows.

    SKUs of the warehouse that are listed nowhere, and stock rows without an item, are here too, with an empty
    marketplace.
    """

    __tablename__ = "offer"

    connection: Mapped[str] = mapped_column(primary_key=True)
    marketplace_id: Mapped[str] = mapped_column(primary_key=True)
    seller_sku: Mapped[str] = mapped_column(primary_key=True)
    asin: Mapped[str | None]
    title: Mapped[str | None]
    channel: Mapped[str]  # DEFAULT: ours; empty: Amazon was asked and has no such listing; others are Amazon's own
    listed_at: Mapped[datetime | None]  # when Amazon was last asked whether it is listed
    level: Mapped[int | None] = mapped_column(Integer)  # computed last
    level_sent: Mapped[int | None] = mapped_column(Integer)  # the last level sent
    level_sent_basis: Mapped[int | None] = mapped_column(Integer)  # the computed level that it came from
    before_limits_sent: Mapped[int | None] = mapped_column(Integer)  # the same before minimum and maximum
    sent_at: Mapped[datetime | None]
    covered_at_sending: Mapped[datetime | None]  # up to when everything that Amazon sold was reserved by then
    sent_by: Mapped[str | None]  # patch, feed
    feed_number: Mapped[int | None] = mapped_column(Integer)  # the feed under way that it is in
    shown: Mapped[int | None] = mapped_column(Integer)  # what Amazon showed last, or what was sent after that
    shown_before: Mapped[int | None] = mapped_column(Integer)  # what it showed before that was sent
    shown_at: Mapped[datetime | None]
    sold_not_imported: Mapped[int] = mapped_column(Integer)
    sold_seen_at: Mapped[datetime | None]  # the reading in which units were last added to these
    counted_at: Mapped[datetime | None]  # orders that a stock run counted later are news to sold_not_imported
    is_applied: Mapped[bool]  # whether Amazon has shown the last level sent
    status: Mapped[str | None]  # an OfferStatus
    reasons: Mapped[str | None]  # JSON list of {code, detail, remedy}
    answer: Mapped[str | None]  # Amazon's refusal, word for word
    batch_id: Mapped[str | None]  # the last run that pushed, held or failed it
    updated_at: Mapped[datetime]

    __table_args__ = (Index(None, "connection", "status"), CLUSTERED)


class BatchOffer(Base):
    """What one stock run did with one offer; of those that were held before and still are, nothing."""

    __tablename__ = "batch_offer"

    batch_id: Mapped[str] = mapped_column(ForeignKey("batch.batch_id"), primary_key=True)
    marketplace_id: Mapped[str] = mapped_column(primary_key=True)
    seller_sku: Mapped[str] = mapped_column(primary_key=True)
    connection: Mapped[str]
    outcome: Mapped[str]  # due until it is sent, then pushed; held, failed, unchanged
    level: Mapped[int | None] = mapped_column(Integer)  # what was sent to Amazon, or would be
    before: Mapped[int | None] = mapped_column(Integer)  # what had been sent before
    shown: Mapped[int | None] = mapped_column(Integer)  # what it showed when it was asked
    sold: Mapped[int] = mapped_column(Integer)  # sold on Amazon and not imported yet, subtracted
    is_drift: Mapped[bool]
    sent_by: Mapped[str | None]
    reasons: Mapped[str | None]  # JSON list of {code, detail, remedy}
    at: Mapped[datetime]

    __table_args__ = (Index(None, "connection", "marketplace_id", "seller_sku", "at"), CLUSTERED)


class Feed(Base):
    """A feed of levels: written down before Amazon is given it, so that none is forgotten and none given twice."""

    __tablename__ = "feed"

    connection: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)  # 1, 2, … as they were made
    marketplace_id: Mapped[str]
    batch_id: Mapped[str] = mapped_column(ForeignKey("batch.batch_id"))
    feed_id: Mapped[str | None]  # Amazon's
    document_id: Mapped[str | None]
    status: Mapped[str]  # submitting, submitted, done, fatal, lost, stuck
    messages: Mapped[list[Any]]  # [seller SKU, level, computed, before its limits]; message ids count from 1
    created_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
    errors: Mapped[dict[str, Any] | None]  # Amazon's words about the feed as a whole, and its figures

    __table_args__ = (Index(None, "connection", "status"),)


class StockLocation(Base):
    """What the last stock run that was believed found in a location; an empty name is the warehouse as a whole."""

    __tablename__ = "stock_location"

    connection: Mapped[str] = mapped_column(primary_key=True)
    location: Mapped[str] = mapped_column(primary_key=True)
    skus: Mapped[int] = mapped_column(Integer)
    units: Mapped[int] = mapped_column(Integer)
    batch_id: Mapped[str]
