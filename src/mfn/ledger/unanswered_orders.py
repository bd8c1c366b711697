"""Orders whose own call Amazon left without an answer, or refused: later runs ask for them after the others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete, select

from mfn.database.bulk import merge, utc_text
from mfn.ledger.schema import UnansweredOrder, table
from mfn.moments import LONG_AGO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sqlalchemy import Connection

    from mfn.ledger.opening import Ledger

KEPT_FOR = timedelta(days=7)
"""How long an order stays noted that was left without an answer no more."""

COLUMNS = ("connection", "order_id", "asked_at")


def when_unanswered(ledger: Ledger, connection: str) -> Callable[[str], datetime]:
    """When Amazon last left an order's call without an answer: what orders are sorted by before they are requested.

    Returns:
        A function of an order's id: those that never were come first, then those that wait longest.
    """
    noted = select(UnansweredOrder.order_id, UnansweredOrder.asked_at).where(UnansweredOrder.connection == connection)
    with ledger.reading() as database:
        moments: dict[str, datetime] = dict(database.execute(noted).all())
    return lambda order_id: moments.get(order_id, LONG_AGO)


def note_unanswered(database: Connection, connection: str, order_ids: Iterable[str]) -> None:
    """Note orders that Amazon has just left without an answer, in the order in which they were requested."""
    now = datetime.now(UTC)
    mine = UnansweredOrder.connection == connection
    database.execute(delete(UnansweredOrder).where(mine, UnansweredOrder.asked_at < now - KEPT_FOR))
    rows = [(connection, order_id, utc_text(now)) for order_id in order_ids]
    merge(database, table(UnansweredOrder), COLUMNS, rows)
