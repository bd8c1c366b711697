"""Watermarks: up to when what a connection's runs ask for is complete."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from mfn.database.bulk import merge, utc_text
from mfn.ledger.schema import Watermark, table

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from mfn.ledger.opening import Ledger
    from mfn.models import BatchRef


COLUMNS = ("connection", "kind", "before", "batch_id")


def get_watermark(ledger: Ledger, connection: str, kind: str = "import") -> datetime | None:
    """Up to when something of a connection is complete, or None before it was for the first time.

    Args:
        ledger: The open ledger.
        connection: The connection's name.
        kind: What: `import` for Amazon's changes, which have landed.
    """
    with ledger.reading() as database:
        return database.execute(
            select(Watermark.before).where(Watermark.connection == connection, Watermark.kind == kind)
        ).scalar()


def move_watermark(database: Connection, batch: BatchRef, before: datetime) -> None:
    """Move the watermark of a batch's kind on; it never goes back."""
    row = (batch.connection, batch.kind, utc_text(before), batch.batch_id)
    merge(database, table(Watermark), COLUMNS, [row], guard="excluded.before > watermark.before")


def set_watermark(database: Connection, batch: BatchRef, kind: str, before: datetime) -> None:
    """Put a watermark of another kind than the batch's where the batch has found it to be."""
    merge(database, table(Watermark), COLUMNS, [(batch.connection, kind, utc_text(before), batch.batch_id)])
