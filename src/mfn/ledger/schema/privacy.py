"""When orders ended and lost their buyers' data, who saw such data, and how long each secret has been in use."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - SQLAlchemy reads the types when it runs

from sqlalchemy import Index, Integer
from sqlalchemy.orm import Mapped, mapped_column

from mfn.ledger.schema.base import Base


class OrderEnd(Base):
    """When an order ended, as far as that is known, and when its buyer's data was removed.

    Each time stays at the earliest that was seen: a retention that has begun does not start again.
    """

    __tablename__ = "order_end"

    connection: Mapped[str] = mapped_column(primary_key=True)
    order_id: Mapped[str] = mapped_column(primary_key=True)
    shipped_at: Mapped[datetime | None]  # when the last of its parcels left
    delivered_at: Mapped[datetime | None]  # when Amazon first showed every parcel as delivered
    cancelled_at: Mapped[datetime | None]
    purged_at: Mapped[datetime | None]  # when its retention was over, and its buyer's data removed
    erased_at: Mapped[datetime | None]  # when a person had it removed
    erased_by: Mapped[str | None]  # the operating system's name of the user

    __table_args__ = (Index(None, "order_id"),)


class DataAccess(Base):
    """Who had buyers' data decrypted, and what for: the audit trail, of which no row is ever changed."""

    __tablename__ = "data_access"

    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    at: Mapped[datetime]
    by: Mapped[str]  # the operating system's name of the user, and the machine
    purpose: Mapped[str]  # the step or the command, e.g. validate, rules test, keys rotate
    connection: Mapped[str | None]
    batch_id: Mapped[str | None]
    order_id: Mapped[str | None]  # where it was a single one
    orders: Mapped[int] = mapped_column(Integer)  # how many

    __table_args__ = (Index(None, "at"), Index(None, "order_id"))


class SeenSecret(Base):
    """When this ledger first saw a client secret of Login with Amazon; only its digest is stored."""

    __tablename__ = "seen_secret"

    connection: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(primary_key=True)  # made with the ledger's own secret
    first_seen_at: Mapped[datetime]
