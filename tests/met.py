"""Orders that a batch of a test has met, without an Amazon."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mfn.database.bulk import merge, utc_text
from mfn.ledger.landing import BATCH_COLUMNS, WINDOW
from mfn.ledger.schema import BatchOrder, table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

    from mfn.models import BatchRef


def add_to_batch(database: Connection, batch: BatchRef, order_ids: Iterable[str], *, origin: str) -> None:
    """Make orders part of a batch; one that Amazon returned for the window stays so."""
    now = utc_text(datetime.now(UTC))
    rows = [(batch.batch_id, order_id, batch.connection, origin, now) for order_id in order_ids]
    update = ("origin",) if origin == WINDOW else ()
    merge(database, table(BatchOrder), BATCH_COLUMNS, rows, update=update)
