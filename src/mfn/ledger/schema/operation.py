"""What runs hold and share, which alerts were sent, and which keys the ledger was written with."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - SQLAlchemy reads the types when it runs

from sqlalchemy import Float, Integer
from sqlalchemy.orm import Mapped, mapped_column

from mfn.ledger.schema.base import Base


class PassedCheck(Base):
    """A connection that has passed `mfn check`, and when it last did: its schedules may run."""

    __tablename__ = "passed_check"

    connection: Mapped[str] = mapped_column(primary_key=True)
    passed_at: Mapped[datetime]


class SentAlert(Base):
    """What people have been alerted to: held orders, orders that have to leave soon, a secret that expires."""

    __tablename__ = "told_alert"

    connection: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)  # held, due_soon, overdue, secret
    order_id: Mapped[str] = mapped_column(primary_key=True)  # empty where orders are counted, or it is about none
    orders: Mapped[int] = mapped_column(Integer)  # how many there were
    told_at: Mapped[datetime]


class Watermark(Base):
    """The time up to which Amazon's changes have landed (`import`), or are reserved too; or when listings were read."""

    __tablename__ = "watermark"

    connection: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    before: Mapped[datetime]
    batch_id: Mapped[str]


class Lease(Base):
    """Who works on a connection; times as of `mfn.ledger.clock`."""

    __tablename__ = "lease"

    connection: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    token: Mapped[str]
    holder: Mapped[str]
    expires_at: Mapped[float] = mapped_column(Float(53))


class RateBudget(Base):
    """The token bucket of one operation of one account, shared by every process; times as of `mfn.ledger.clock`."""

    __tablename__ = "rate_budget"

    account: Mapped[str] = mapped_column(primary_key=True)
    operation: Mapped[str] = mapped_column(primary_key=True)
    tokens: Mapped[float] = mapped_column(Float(53))
    rate: Mapped[float] = mapped_column(Float(53))
    counted_at: Mapped[float] = mapped_column(Float(53))


class UnansweredOrder(Base):
    """An order whose own call Amazon left without an answer, or refused: it is fetched after the others."""

    __tablename__ = "unanswered_order"

    connection: Mapped[str] = mapped_column(primary_key=True)
    order_id: Mapped[str] = mapped_column(primary_key=True)
    asked_at: Mapped[datetime]  # when it last was


class EncryptionKey(Base):
    """Which keys this ledger's data may be encrypted with: its secret under each exposes a wrong one at once."""

    __tablename__ = "encryption_key"

    key_id: Mapped[str] = mapped_column(primary_key=True)
    proof: Mapped[bytes]
    added_at: Mapped[datetime]
