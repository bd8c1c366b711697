"""What Amazon's notifications said: orders that changed, and messages that could not be used; no buyer's data."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - SQLAlchemy reads the types when it runs
from typing import Any

from sqlalchemy import Index, Integer
from sqlalchemy.orm import Mapped, mapped_column

from mfn.ledger.schema.base import CLUSTERED, Base


class NamedOrder(Base):
    """An order that a notification named and whose new version has not landed; deleted once it has."""

    __tablename__ = "named_order"

    connection: Mapped[str] = mapped_column(primary_key=True)
    order_id: Mapped[str] = mapped_column(primary_key=True)
    changed_at: Mapped[datetime]  # Amazon's time of the change, without fractions of a second
    named_at: Mapped[datetime]  # when the notification was read
    status: Mapped[str]  # as the Orders API spells it: UNSHIPPED
    asked_at: Mapped[datetime | None]  # when a getOrder for it was last sent, answered or not
    times_asked: Mapped[int] = mapped_column(Integer)  # how often Amazon answered one since the order was named

    __table_args__ = (Index(None, "connection", "changed_at"), CLUSTERED)


class RefusedNotification(Base):
    """A message on a connection's queue that could not be used, without what it said."""

    __tablename__ = "refused_notification"

    connection: Mapped[str] = mapped_column(primary_key=True)  # whose queue it stood on
    message_id: Mapped[str] = mapped_column(primary_key=True)  # of SQS
    refused_at: Mapped[datetime]
    is_left: Mapped[bool]  # left on the queue, since it is somebody else's; else deleted there
    why: Mapped[str]
    shape: Mapped[dict[str, Any]]  # which of the known keys it had, and the kinds of their values
