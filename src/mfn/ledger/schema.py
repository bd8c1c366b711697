"""The ledger's tables: the truth about batches, orders, decisions, parcels, reservations, offers, budgets and leases.

A change here comes with a migration in ledger/migrations/versions. Times are UTC. Buyers' data stands in the `payload`
columns only, and encrypted there.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Text,
    TypeDecorator,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Utc(TypeDecorator[datetime]):
    """An aware datetime in UTC on both databases; SQLite keeps it as text without a zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """An aware moment as each database keeps it."""
        if value is None:
            return None
        return value.astimezone(UTC).replace(tzinfo=None) if dialect.name == "sqlite" else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        """The kept moment, aware again."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


CLUSTERED = {"sqlite_with_rowid": False}
"""Rows lie in the order of their key: a table with many small ones is one tree less to write."""


class Base(DeclarativeBase):
    """All of the ledger's tables."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it from the class
        datetime: Utc(),
        str: Text(),  # a length would be one more way to fail, on PostgreSQL alone
        dict[str, Any]: JSON(),
        list[Any]: JSON(),
        bytes: LargeBinary(),
    }


class Batch(Base):
    """One run of one kind for one connection, with everything needed to run it again."""

    __tablename__ = "batch"

    batch_id: Mapped[str] = mapped_column(primary_key=True)
    connection: Mapped[str]
    kind: Mapped[str]
    status: Mapped[str]  # running, done, failed
    stage: Mapped[str]  # the last stage that was finished; opened before the first
    parameters: Mapped[dict[str, Any]]  # since, order_id, dry_run, …: what the run was asked for
    counts: Mapped[dict[str, Any]]
    api_calls: Mapped[dict[str, Any]]
    findings: Mapped[dict[str, Any]]  # what the checks and the load found, for the report; no buyer's data
    window_after: Mapped[datetime | None]
    window_before: Mapped[datetime | None]
    is_window_open: Mapped[bool]  # whether the window still grows to the present when the batch is run again
    search_after: Mapped[datetime | None]  # the bounds of the search that the page token belongs to
    search_before: Mapped[datetime | None]
    page_token: Mapped[str | None]  # where a broken-off search goes on
    page_token_at: Mapped[datetime | None]  # Amazon forgets a token after 24 hours
    error: Mapped[str | None]
    remedy: Mapped[str | None]
    report: Mapped[str | None]
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    flow_run_id: Mapped[str | None]  # Prefect's flow run that opened it, or carried it on last; None: none did
    taken_up_at: Mapped[datetime | None]  # when a run last began to work on it

    __table_args__ = (
        Index(None, "connection", "kind", "started_at"), Index(None, "flow_run_id"), Index(None, "started_at"),
        Index(None, "status", "started_at"),
    )  # fmt: skip


class LandedPage(Base):
    """Texts that Amazon sent together, encrypted as one; gone once newer versions of all of them have landed."""

    __tablename__ = "landed_page"

    connection: Mapped[str] = mapped_column(primary_key=True)
    page: Mapped[int] = mapped_column(Integer, primary_key=True)  # 1, 2, … as they came
    payload: Mapped[bytes]


class ArrivedPage(Base):
    """A landed page whose orders are not in `landed_order` and `batch_order` yet."""

    __tablename__ = "arrived_page"

    connection: Mapped[str] = mapped_column(primary_key=True)
    page: Mapped[int] = mapped_column(Integer, primary_key=True)
    batch_id: Mapped[str] = mapped_column(ForeignKey("batch.batch_id"))
    origin: Mapped[str]  # as in batch_order
    orders: Mapped[list[Any]]  # [order id, Amazon's time of its last change or null], as they stand on the page
    landed_at: Mapped[datetime]


class LandedOrder(Base):
    """Where the newest text of every order is that Amazon sent."""

    __tablename__ = "landed_order"

    connection: Mapped[str] = mapped_column(primary_key=True)
    order_id: Mapped[str] = mapped_column(primary_key=True)
    page: Mapped[int] = mapped_column(Integer)
    position: Mapped[int] = mapped_column(Integer)  # on the page, from 0
    last_updated_at: Mapped[datetime | None]  # Amazon's; None where it could not be read
    batch_id: Mapped[str]
    landed_at: Mapped[datetime]

    __table_args__ = (Index(None, "connection", "page"), CLUSTERED)


class BatchOrder(Base):
    """What one batch did with one order: the sum of the report, and the timeline of the order."""

    __tablename__ = "batch_order"

    batch_id: Mapped[str] = mapped_column(ForeignKey("batch.batch_id"), primary_key=True)
    order_id: Mapped[str] = mapped_column(primary_key=True)
    connection: Mapped[str]
    origin: Mapped[str]  # window: Amazon returned it; earlier: held or unfinished before
    outcome: Mapped[str | None]
    reasons: Mapped[str | None]  # JSON list of {code, detail, remedy}
    warnings: Mapped[str | None]
    at: Mapped[datetime]

    __table_args__ = (Index(None, "order_id"), CLUSTERED)


class TrackedOrder(Base):
    """Where every order stands and why."""

    __tablename__ = "tracked_order"

    connection: Mapped[str] = mapped_column(primary_key=True)
    order_id: Mapped[str] = mapped_column(primary_key=True)
    status: Mapped[str]
    reasons: Mapped[str | None]  # JSON list of {code, detail, remedy}
    is_sfp: Mapped[bool]
    ship_by: Mapped[datetime | None]
    marketplace_id: Mapped[str | None]
    service_level: Mapped[str | None]
    programs: Mapped[str | None]  # comma separated, in the order of the mappings
    batch_id: Mapped[str]
    loaded_digest: Mapped[str | None]  # of what the warehouse was given
    fulfilled_before: Mapped[str | None]  # JSON {order item id: units shipped before that}
    first_loaded_at: Mapped[datetime | None]
    updated_at: Mapped[datetime]

    __table_args__ = (Index(None, "connection", "status"),)


class Decision(Base):
    """What a person decided about an order, and why: the audit trail, of which no row is ever changed or deleted."""

    __tablename__ = "decision"

    connection: Mapped[str] = mapped_column(primary_key=True)
    order_id: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)  # 1, 2, … as they were taken
    kind: Mapped[str]  # released, dismissed
    decided_at: Mapped[datetime]
    decided_by: Mapped[str]  # the operating system's name of the user
    why: Mapped[str]
    reasons: Mapped[str | None]  # JSON list of {code, detail, remedy}: for what it was held then


class PassedCheck(Base):
    """A connection that has passed `mfn check`, and when it last did: its schedules may run."""

    __tablename__ = "passed_check"

    connection: Mapped[str] = mapped_column(primary_key=True)
    passed_at: Mapped[datetime]


class ToldAlert(Base):
    """What people have been told of and is still so: that many orders are held, or that one has to leave soon."""

    __tablename__ = "told_alert"

    connection: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)  # held, due_soon
    order_id: Mapped[str] = mapped_column(primary_key=True)  # empty where orders are counted
    orders: Mapped[int] = mapped_column(Integer)  # how many there were
    told_at: Mapped[datetime]


class Parcel(Base):
    """One shipment of the warehouse, and what Amazon knows of it; no buyer's data."""

    __tablename__ = "parcel"

    connection: Mapped[str] = mapped_column(primary_key=True)
    shipment_id: Mapped[str] = mapped_column(primary_key=True)
    order_number: Mapped[str]
    marketplace_id: Mapped[str | None]
    package_reference_id: Mapped[str | None]  # digits, unique within the order, given once and kept for life
    status: Mapped[str]
    reasons: Mapped[str | None]  # JSON list of {code, detail, remedy}
    warnings: Mapped[str | None]
    written_digest: Mapped[str]  # of what the warehouse wrote
    sent_digest: Mapped[str | None]  # of what Amazon answered last: it took it, or it refused it
    carrier: Mapped[str | None]  # as the warehouse wrote it, here and in the next three columns
    service: Mapped[str | None]
    tracking_number: Mapped[str | None]
    shipped_at: Mapped[datetime | None]
    carrier_code: Mapped[str | None]  # as Amazon is told, here and in the next five columns
    carrier_name: Mapped[str | None]
    shipping_method: Mapped[str | None]
    tracking_number_sent: Mapped[str | None]
    ship_date_sent: Mapped[datetime | None]
    items: Mapped[str | None]  # JSON list of [order item id, units]
    ship_by: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    verified_at: Mapped[datetime | None]
    times_sent: Mapped[int] = mapped_column(Integer)
    answer: Mapped[str | None]  # Amazon's refusal, word for word
    batch_id: Mapped[str]  # the last run in which it was due
    updated_at: Mapped[datetime]

    __table_args__ = (Index(None, "connection", "status"), Index(None, "connection", "order_number"))


class BatchChunk(Base):
    """What a stage made of one chunk of a batch's orders, for the next one, encrypted; gone once they are loaded."""

    __tablename__ = "batch_chunk"

    batch_id: Mapped[str] = mapped_column(ForeignKey("batch.batch_id"), primary_key=True)
    stage: Mapped[str] = mapped_column(primary_key=True)  # the stage that made it
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    payload: Mapped[bytes]


class Reservation(Base):
    """Units that are promised to an order; the stock flow subtracts them until the warehouse counts them itself."""

    __tablename__ = "reservation"

    connection: Mapped[str] = mapped_column(primary_key=True)
    order_id: Mapped[str] = mapped_column(primary_key=True)
    line_number: Mapped[int] = mapped_column(Integer, primary_key=True)
    warehouse: Mapped[str]  # digest of the warehouse's URL: connections that share it
    sku: Mapped[str]
    units: Mapped[int] = mapped_column(Integer)

    __table_args__ = (Index(None, "warehouse", "sku"), CLUSTERED)


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
    """One of Amazon's SKUs in one marketplace: what it is, what Amazon was told and what it shows.

    A SKU of the warehouse that is listed nowhere, and a stock row without an item, stand here as well, with an empty
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
    level_sent: Mapped[int | None] = mapped_column(Integer)  # what Amazon was told last
    level_sent_basis: Mapped[int | None] = mapped_column(Integer)  # the computed level that it came from
    before_limits_sent: Mapped[int | None] = mapped_column(Integer)  # the same before minimum and maximum
    sent_at: Mapped[datetime | None]
    covered_at_sending: Mapped[datetime | None]  # up to when everything that Amazon sold was reserved by then
    sent_by: Mapped[str | None]  # patch, feed
    feed_number: Mapped[int | None] = mapped_column(Integer)  # the feed under way that it is in
    shown: Mapped[int | None] = mapped_column(Integer)  # what Amazon showed last, or was told after that
    shown_before: Mapped[int | None] = mapped_column(Integer)  # what it showed before it was told
    shown_at: Mapped[datetime | None]
    sold_not_imported: Mapped[int] = mapped_column(Integer)
    sold_seen_at: Mapped[datetime | None]  # the reading in which units were last added to these
    counted_at: Mapped[datetime | None]  # orders that a stock run counted later are news to sold_not_imported
    is_applied: Mapped[bool]  # whether Amazon has shown what it was told last
    status: Mapped[str | None]  # pushed, unchanged, held, failed
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
    level: Mapped[int | None] = mapped_column(Integer)  # what Amazon was told, or would be
    before: Mapped[int | None] = mapped_column(Integer)  # what it had been told before
    shown: Mapped[int | None] = mapped_column(Integer)  # what it showed when it was asked
    sold: Mapped[int] = mapped_column(Integer)  # sold at Amazon and not imported yet, subtracted
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
    messages: Mapped[list[Any]]  # [seller SKU, level, computed level]; message ids count them from 1
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


class Watermark(Base):
    """Up to when Amazon's changes have landed (`import`), and up to when they are reserved as well (`reserved`)."""

    __tablename__ = "watermark"

    connection: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    before: Mapped[datetime]
    batch_id: Mapped[str]


class Lease(Base):
    """Who works on a connection; times in seconds since 1970."""

    __tablename__ = "lease"

    connection: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    token: Mapped[str]
    holder: Mapped[str]
    expires_at: Mapped[float] = mapped_column(Float(53))


class RateBudget(Base):
    """The token bucket of one operation of one account, shared by every process; time in seconds since 1970."""

    __tablename__ = "rate_budget"

    account: Mapped[str] = mapped_column(primary_key=True)
    operation: Mapped[str] = mapped_column(primary_key=True)
    tokens: Mapped[float] = mapped_column(Float(53))
    rate: Mapped[float] = mapped_column(Float(53))
    counted_at: Mapped[float] = mapped_column(Float(53))


class EncryptionKey(Base):
    """Which keys this ledger's data was encrypted with: a known word under each, to tell a wrong key at once."""

    __tablename__ = "encryption_key"

    key_id: Mapped[str] = mapped_column(primary_key=True)
    proof: Mapped[bytes]
    added_at: Mapped[datetime]
