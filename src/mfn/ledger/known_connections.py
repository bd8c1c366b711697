"""The connections that have ever run, according to the ledger, whatever connections.yaml contains now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from mfn.ledger.schema import Batch

if TYPE_CHECKING:
    from sqlalchemy import Select

    from mfn.ledger.opening import Ledger


def _each_connection() -> Select[str]:
    """Each connection that has batches; DISTINCT would read every batch, this does one index lookup for each name."""
    found = select(func.min(Batch.connection).label("connection")).cte("known_connection", recursive=True)
    following = select(func.min(Batch.connection)).where(Batch.connection > found.c.connection).scalar_subquery()
    found = found.union_all(select(following).where(found.c.connection.is_not(None)))
    return select(found.c.connection).where(found.c.connection.is_not(None))


KNOWN_CONNECTIONS = _each_connection()
"""With these, an order of any connection is found by the full key of a table, which begins with the connection."""


def of_order(model: Any, order_id: str, connection: str | None = None) -> Select[Any]:
    """The rows of an order in any table that has orders of connections, by a key that begins with the connection.

    They are those of one connection; None stands for any that has ever run.
    """
    asked = KNOWN_CONNECTIONS if connection is None else [connection]
    return select(model).where(model.order_id == order_id, model.connection.in_(asked))


def known_connections(ledger: Ledger) -> list[str]:
    """The names of all connections that have ever run, in order."""
    with ledger.reading() as database:
        return sorted(database.execute(KNOWN_CONNECTIONS).scalars())
