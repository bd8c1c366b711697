"""Reading the audit trail: who saw buyers' data, what people decided, and whose data was removed."""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from sqlalchemy import or_, select

from mfn.ledger.orders import read_reasons
from mfn.ledger.schema import BatchOrder, DataAccess, Decision, OrderEnd

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Row

    from mfn.ledger.opening import Ledger
    from mfn.models import Reason

ERASED = "erased"
PURGED = "purged"


@dataclass(frozen=True)
class DecisionMade:
    """What a person decided about an order.

    Attributes:
        at: When, in UTC.
        by: The operating system's name of the user.
        connection: The connection's name.
        order_id: Amazon's order id.
        kind: What was decided, a `DecisionKind`.
        why: The person's own words.
        reasons: What the order was held for at the time.
    """

    at: datetime
    by: str
    connection: str
    order_id: str
    kind: str
    why: str
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class Removal:
    """One removal of a buyer's data.

    Attributes:
        at: When, in UTC.
        by: The operating system's name of the user who had it erased; None if its retention was over.
        connection: The connection's name.
        order_id: Amazon's order id.
        kind: `erased` or `purged`.
    """

    at: datetime
    by: str | None
    connection: str
    order_id: str
    kind: str


@dataclass(frozen=True)
class AuditTrail:
    """The audit trail of a period, or of an order; each part newest first.

    Attributes:
        accesses: Every column of `data_access`.
        decisions: Decisions by hand.
        removals: Data that was removed.
    """

    accesses: Sequence[Row[Any]]
    decisions: Sequence[DecisionMade]
    removals: Sequence[Removal]


def audit_trail(ledger: Ledger, *, order_id: str | None = None, since: datetime | None = None) -> AuditTrail:
    """The audit trail.

    Args:
        ledger: The open ledger.
        order_id: Only what concerns this order: accesses to it alone, and those of runs that read it among others.
        since: Only from then on, aware.
    """
    met = select(BatchOrder.batch_id).where(BatchOrder.order_id == order_id)
    seen = or_(DataAccess.order_id == order_id, DataAccess.order_id.is_(None) & DataAccess.batch_id.in_(met))
    of_accesses = _where(DataAccess.at, since) + ([seen] if order_id is not None else [])
    of_decisions = _where(Decision.decided_at, since)
    of_ends = [or_(OrderEnd.purged_at.is_not(None), OrderEnd.erased_at.is_not(None))]
    if order_id is not None:
        of_decisions.append(Decision.order_id == order_id)
        of_ends.append(OrderEnd.order_id == order_id)
    with ledger.reading() as database:
        accesses = database.execute(
            select(DataAccess).where(*of_accesses).order_by(DataAccess.at.desc(), DataAccess.number.desc())
        ).all()
        decisions = database.execute(
            select(Decision).where(*of_decisions).order_by(Decision.decided_at.desc(), Decision.number.desc())
        ).all()
        ends = database.execute(select(OrderEnd).where(*of_ends)).all()
    removals = [one for row in ends for one in _removals(row) if since is None or one.at >= since]
    return AuditTrail(
        accesses,
        [_decision(row) for row in decisions],
        sorted(removals, key=attrgetter("at", "order_id"), reverse=True),
    )


def _where(column: Any, since: datetime | None) -> list[ColumnElement[bool]]:
    return [] if since is None else [column >= since]


def _decision(row: Row[Any]) -> DecisionMade:
    reasons = tuple(read_reasons(row.reasons))
    return DecisionMade(row.decided_at, row.decided_by, row.connection, row.order_id, row.kind, row.why, reasons)


def _removals(row: Row[Any]) -> list[Removal]:
    """Removals of orders' data; erasing removes it at the same time."""
    erased = [Removal(row.erased_at, row.erased_by, row.connection, row.order_id, ERASED)] if row.erased_at else []
    if row.purged_at is None or row.purged_at == row.erased_at:
        return erased
    return [*erased, Removal(row.purged_at, None, row.connection, row.order_id, PURGED)]
