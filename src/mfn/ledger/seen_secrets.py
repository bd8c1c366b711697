"""Since when this ledger has seen each Login with Amazon client secret; of the secret itself only a digest is kept."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import select

from mfn.database.bulk import merge, utc_text
from mfn.ledger.schema import SeenSecret, table

if TYPE_CHECKING:
    from mfn.ledger.opening import Ledger


def first_seen(ledger: Ledger, connection: str, secret: str) -> datetime:
    """When a connection's secret was first seen; noted as now where it never was.

    Returns:
        An aware moment.
    """
    digest, now = ledger.cipher.digest(secret.encode()), datetime.now(UTC)
    statement = select(SeenSecret.first_seen_at).where(SeenSecret.connection == connection, SeenSecret.digest == digest)
    with ledger.reading() as database:
        seen = database.execute(statement).scalar_one_or_none()
    if seen is not None:
        return seen
    row = (connection, digest, utc_text(now))
    with ledger.writing() as database:
        merge(database, table(SeenSecret), ("connection", "digest", "first_seen_at"), [row], update=())
    return now
