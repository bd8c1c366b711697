"""Batches, the orders that they met, what people decided about them, and their parcels."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - SQLAlchemy reads the types when it runs
from typing import Any

from sqlalchemy import ForeignKey, Index, Integer, text
from sqlalchemy.orm import Mapped, mapped_column

from mfn.ledger.schema.base import CHANGED_SOON, CLUSTERED, Base


class Batch(Base):
    """One run of one kind for one connection, with everything needed to run it again."""

    __tablename__ = "batch"

    batch_id: Mapped[str] = mapped_column(primary_key=True)
    connection: Mapped[str]
    kind: Mapped[str]
    status: Mapped[str]  # running, done, failed
    stage: Mapped[str]  # the last stage that was finished; opened before the first
    parameters: Mapped[dict[str, Any]]  # since, order_id, dry_run, …: what was requested of the run
    counts: Mapped[dict[str, Any]]
    api_calls: Mapped[dict[str, Any]]
    findings: Mapped[dict[str, Any]]  # what the checks and the load found, for the report; no buyer's data
    window_after: Mapped[datetime | None]
    window_before: Mapped[datetime | None]
    is_window_open: Mapped[bool]  # whether the window still grows to the present when the batch is run again
    search_after: Mapped[datetime | None]  # the bounds of the search that the page token belongs to
    search_before: Mapped[datetime | None]
    page_token: Mapped[str | None]  # where an interrupted search continues
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
    """Texts that Amazon sent together, encrypted as one; deleted once newer versions of all of them have landed."""

    __tablename__ = "landed_page"

    connection: Mapped[str] = mapped_column(primary_key=True)
    page: Mapped[int] = mapped_column(Integer, primary_key=True)  # 1, 2, … as they came
    payload: Mapped[bytes]
    texts: Mapped[int | None] = mapped_column(Integer)  # how many texts are still on it; None: not counted yet


class ArrivedPage(Base):
    """A landed page whose orders are not in `landed_order` and `batch_order` yet."""

    __tablename__ = "arrived_page"

    connection: Mapped[str] = mapped_column(primary_key=True)
    page: Mapped[int] = mapped_column(Integer, primary_key=True)
    batch_id: Mapped[str] = mapped_column(ForeignKey("batch.batch_id"))
    origin: Mapped[str]  # as in batch_order
    orders: Mapped[list[Any]]  # [order id, Amazon's time of its last change or null], as on the page
    landed_at: Mapped[datetime]


class LandedOrder(Base):
    """The place of the newest text of every order."""

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

    __table_args__ = (Index(None, "order_id"), CLUSTERED | CHANGED_SOON)


DOUBTED = "loaded_digest IN ('', '+cancel')"
"""Marks an order whose newest version the warehouse may not have: see `mfn.ledger.staging.IN_DOUBT`."""


class TrackedOrder(Base):
    """The status of every order, and the reasons for it."""

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
    version_taken_up: Mapped[datetime | None]  # Amazon's time of the newest version that passed every check
    fulfilled_before: Mapped[str | None]  # JSON {order item id: units shipped before that}
    first_loaded_at: Mapped[datetime | None]
    updated_at: Mapped[datetime]

    __table_args__ = (
        Index(None, "connection", "status"),
        # Every import asks for them: few, among all that a connection ever loaded.
        Index("ix_tracked_order_in_doubt", "connection", sqlite_where=text(DOUBTED), postgresql_where=text(DOUBTED)),
    )


class KeptOutVersion(Base):
    """An order that the warehouse has, but not in its newest version, which is kept out; deleted once that passes."""

    __tablename__ = "kept_out_version"

    connection: Mapped[str] = mapped_column(primary_key=True)
    order_id: Mapped[str] = mapped_column(primary_key=True)
    last_updated_at: Mapped[datetime | None]  # Amazon's, of that version; None where it could not be read
    reasons: Mapped[str]  # JSON list of {code, detail, remedy}
    batch_id: Mapped[str]  # the run that reported it
    told_at: Mapped[datetime]

    __table_args__ = CLUSTERED


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
    carrier_code: Mapped[str | None]  # as sent to Amazon, here and in the next five columns
    carrier_name: Mapped[str | None]
    shipping_method: Mapped[str | None]
    tracking_number_sent: Mapped[str | None]
    ship_date_sent: Mapped[datetime | None]
    items: Mapped[str | None]  # JSON list of [order item id, units]
    items_sent: Mapped[str | None]  # the same, as Amazon took it last
    ship_by: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    verified_at: Mapped[datetime | None]
    times_sent: Mapped[int] = mapped_column(Integer)
    answer: Mapped[str | None]  # Amazon's refusal, word for word
    batch_id: Mapped[str]  # the last run in which it was due
    updated_at: Mapped[datetime]

    __table_args__ = (Index(None, "connection", "status"), Index(None, "connection", "order_number"))


class BatchChunk(Base):
    """The output of a stage for one chunk of a batch's orders, encrypted for the next; deleted once they are loaded."""

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

    # Of one connection's orders it grows at its end; with SKUs in it each promise would land somewhere else.
    __table_args__ = (Index(None, "warehouse"), CLUSTERED)
