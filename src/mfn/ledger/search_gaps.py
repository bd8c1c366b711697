"""Periods that are yet to be searched, when no more urgent search needs the call."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import case, delete, insert, select, update

from mfn.database.engines import reading
from mfn.ledger.schema import SearchGap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Row

    from mfn.ledger.opening import Ledger

GapKind = Literal["named", "backfill"]


def note_gap(database: Connection, connection: str, kind: GapKind, after: datetime, before: datetime) -> str:
    """Note a period that is yet to be searched.

    A backfill that stands there already with the same bounds stays the one that it is.

    Args:
        database: The open transaction on the ledger.
        connection: The connection's name.
        kind: `named`: every order that changed in it was named by notifications; `backfill`: a person asked for it.
        after: Its beginning; aware.
        before: Its end; aware, and later.

    Returns:
        The gap's id.
    """
    same = (SearchGap.connection == connection) & (SearchGap.kind == kind)
    same &= (SearchGap.after == after) & (SearchGap.before == before)
    if (known := database.execute(select(SearchGap.gap_id).where(same)).scalar()) is not None:
        return known
    now = datetime.now(UTC)
    gap_id = f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
    row = {"connection": connection, "gap_id": gap_id, "kind": kind, "after": after, "before": before}
    database.execute(insert(SearchGap), {**row, "reached_at": after, "noted_at": now})
    return gap_id


def search_gaps(ledger: Ledger, connection: str) -> Sequence[Row[Any]]:
    """What is left to be searched of a connection, in the order in which it is: named periods first, newest first.

    Args:
        ledger: The open ledger.
        connection: The connection's name.
    """
    statement = (
        select(SearchGap)
        .where(SearchGap.connection == connection)
        .order_by(case((SearchGap.kind == "named", 0), else_=1), SearchGap.before.desc(), SearchGap.gap_id)
    )
    with reading(ledger.engine, what="the ledger") as database:
        return database.execute(statement).all()


def move_gap(
    database: Connection, gap: Row[Any], *, after: datetime, reached_at: datetime, page_token: str | None
) -> None:
    """Note how far a gap has been searched.

    Args:
        database: The transaction in which the page landed.
        gap: The gap, as `search_gaps` gave it.
        after: Where the search began to which the page token belongs, or where the next one begins.
        reached_at: Where it begins anew once the page token has expired.
        page_token: Where the search goes on; None: a new one begins.
    """
    moved = {"after": after, "reached_at": reached_at, "page_token": page_token}
    database.execute(update(SearchGap).where(_is(gap)).values(**moved, page_token_at=datetime.now(UTC)))


def close_gap(database: Connection, gap: Row[Any]) -> None:
    """Forget a gap that has been searched to its end.

    Args:
        database: The transaction in which its last page landed.
        gap: The gap, as `search_gaps` gave it.
    """
    database.execute(delete(SearchGap).where(_is(gap)))


def _is(gap: Row[Any]) -> Any:
    return (SearchGap.connection == gap.connection) & (SearchGap.gap_id == gap.gap_id)
