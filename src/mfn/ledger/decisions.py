"""People's decisions about orders: recorded for good, and those that are in force."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, insert, select

from mfn.database.bulk import among, change, utc_text
from mfn.ledger.known_connections import of_order
from mfn.ledger.leases import assert_held
from mfn.ledger.orders import read_reasons
from mfn.ledger.schema import Batch, BatchChunk, Decision, Reservation, TrackedOrder, table

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from sqlalchemy import Connection, Row

    from mfn.ledger.opening import Ledger


Known = frozenset[tuple[str, str]]
"""(code, detail) of reasons."""


class DecisionKind(StrEnum):
    """What a person decides about an order."""

    RELEASED = "released"
    DISMISSED = "dismissed"


def write_decisions(
    database: Connection, connection: str, kind: DecisionKind, held_for: Mapping[str, str | None], *, by: str, why: str
) -> None:
    """Record decisions; nothing changes or deletes them afterwards.

    Args:
        database: The open transaction on the ledger, its import lease asserted.
        connection: The connection's name.
        kind: What was decided.
        held_for: By order id, what it is held for now, as `reasons_text` returns it.
        by: The operating system's name of the user.
        why: The user's own words.
    """
    mine = (Decision.connection == connection) & among(database, Decision.order_id, held_for)
    newest = select(Decision.order_id, func.max(Decision.number)).where(mine).group_by(Decision.order_id)
    numbers: dict[str, int] = dict(database.execute(newest).all())
    same = {"connection": connection, "kind": kind.value, "decided_at": datetime.now(UTC), "decided_by": by, "why": why}
    database.execute(
        insert(Decision),
        [
            {**same, "order_id": order_id, "number": numbers.get(order_id, 0) + 1, "reasons": reasons}
            for order_id, reasons in held_for.items()
        ],
    )


def move_decided(
    database: Connection,
    connection: str,
    status: str,
    reasons: Mapping[str, str | None],
    *,
    reserved: Collection[str] = (),
) -> None:
    """Set the status of orders after a decision, and free what was promised to them.

    Args:
        database: The open transaction on the ledger.
        connection: The connection's name.
        status: Their new status.
        reasons: By order id, the reasons for it, as `reasons_text` returns them.
        reserved: The orders that keep what is promised to them.
    """
    now = utc_text(datetime.now(UTC))
    rows = [(connection, order_id, status, text, now) for order_id, text in reasons.items()]
    change(database, table(TrackedOrder), ("connection", "order_id", "status", "reasons", "updated_at"), rows)
    database.execute(
        delete(Reservation).where(
            Reservation.connection == connection, among(database, Reservation.order_id, reasons.keys() - set(reserved))
        )
    )


def drop_staged(database: Connection, connection: str, token: str) -> None:
    """Remove what interrupted imports had staged for the warehouse: it was judged before this decision.

    A batch that is run again judges its orders again if it finds nothing staged.

    Raises:
        RetriableError: The lease of the imports is lost; nothing of this transaction may stay.
    """
    assert_held(database, token)
    imports = select(Batch.batch_id).where(Batch.connection == connection, Batch.kind == "import")
    database.execute(delete(BatchChunk).where(BatchChunk.batch_id.in_(imports)))


def released_reasons(ledger: Ledger, connection: str, order_ids: Collection[str]) -> dict[str, Known]:
    """The reasons that orders were released for, by every release since the last dismissal; absent if none."""
    if not order_ids:
        return {}
    statement = select(Decision.order_id, Decision.kind, Decision.reasons).where(Decision.connection == connection)
    released: dict[str, Known] = {}
    with ledger.reading() as database:
        wanted = among(database, Decision.order_id, order_ids)
        for order_id, kind, reasons in database.execute(statement.where(wanted).order_by(Decision.number)):
            known = frozenset((reason.code, reason.detail) for reason in read_reasons(reasons))
            is_release = kind == DecisionKind.RELEASED
            released[order_id] = released.get(order_id, frozenset()) | known if is_release else frozenset()
    return {order_id: known for order_id, known in released.items() if known}


def decisions_on(ledger: Ledger, order_id: str, *, connection: str | None = None) -> Sequence[Row[Any]]:
    """The decisions about an order, oldest first: every column of `decision`."""
    statement = of_order(Decision, order_id, connection).order_by(Decision.decided_at, Decision.number)
    return ledger.rows(statement)
