"""Periods that are yet to be searched, when no more urgent search needs the call."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import case, delete, insert, select, update

from mfn.ledger.schema import SearchGap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Row

    from mfn.ledger.opening import Ledger

GapKind = Literal["named", "passed", "backfill"]


def note_gap(database: Connection, connection: str, kind: GapKind, after: datetime, before: datetime) -> None:
    """Record a period that is yet to be searched; one that starts where another of its kind ends makes that longer.

    Args:
        database: The open transaction on the ledger.
        connection: The connection's name.
        kind: `named`: every order that changed in it was named by notifications; `passed`: pages of it were full, and
            the next search began where each ended; `backfill`: a person requested it.
        after: Its beginning; aware.
        before: Its end; aware, and later.
    """
    mine = (SearchGap.connection == connection) & (SearchGap.kind == kind)
    if database.execute(
        select(SearchGap.gap_id).where(mine, SearchGap.after <= after, SearchGap.before >= before)
    ).first():
        return
    if kind != "backfill":
        goes_on = mine & (SearchGap.before == after) & SearchGap.page_token.is_(None)
        if database.execute(update(SearchGap).where(goes_on).values(before=before)).rowcount:
            return
    now = datetime.now(UTC)
    gap_id = f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
    row = {"connection": connection, "gap_id": gap_id, "kind": kind, "after": after, "before": before, "noted_at": now}
    database.execute(insert(SearchGap), row)


def search_gaps(ledger: Ledger, connection: str) -> Sequence[Row[Any]]:
    """What is left to be searched of a connection, in the order in which it is: backfills last, newest first."""
    statement = (
        select(SearchGap)
        .where(SearchGap.connection == connection)
        .order_by(case((SearchGap.kind == "backfill", 1), else_=0), SearchGap.before.desc(), SearchGap.gap_id)
    )
    return ledger.rows(statement)


def move_gap(database: Connection, gap: Row[Any], page_token: str | None) -> None:
    """Note, in the transaction in which a page landed, where the search of a gap continues; None: at its start."""
    moved = {"page_token": page_token, "page_token_at": datetime.now(UTC)}
    database.execute(update(SearchGap).where(_is(gap)).values(moved))


def close_gap(database: Connection, gap: Row[Any]) -> None:
    """Forget a gap that has been searched to its end."""
    database.execute(delete(SearchGap).where(_is(gap)))


def _is(gap: Row[Any]) -> Any:
    return (SearchGap.connection == gap.connection) & (SearchGap.gap_id == gap.gap_id)
