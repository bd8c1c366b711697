"""Amazon's listings as the ledger knows them: the SKUs that were looked up, and when all listings were read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import select, text

from mfn.ledger.leases import assert_held
from mfn.ledger.offers import asked_skus, read_offers
from mfn.ledger.schema import Watermark
from mfn.ledger.watermarks import set_watermark

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from mfn.ledger.opening import Ledger
    from mfn.models import BatchRef

LISTINGS = "listings "
"""The kind of watermark, followed by the marketplace id, for the time when all listings were read."""


def unknown_skus(ledger: Ledger, connection: str, marketplace_id: str, seller_skus: Sequence[str]) -> list[str]:
    """Those of some SKUs that were never looked up in a marketplace."""
    statement = (
        f"SELECT DISTINCT value FROM {asked_skus(ledger)} WHERE NOT EXISTS (SELECT 1 FROM offer"
        " WHERE connection = :connection AND marketplace_id = :place AND seller_sku = value) ORDER BY value"
    )
    given = {"skus": msgspec.json.encode(seller_skus).decode(), "connection": connection, "place": marketplace_id}
    with ledger.reading() as database:
        return list(database.execute(text(statement), given).scalars())


def listed_skus(ledger: Ledger, connection: str, marketplace_id: str) -> list[str]:
    """The SKUs that Amazon listed in a marketplace when it was last asked."""
    where = "marketplace_id = :place AND channel <> ''"
    listed = read_offers(ledger, connection, ("seller_sku",), where=where, place=marketplace_id)
    skus: list[str] = listed["seller_sku"].tolist()
    return skus


def listings_read_at(ledger: Ledger, connection: str) -> dict[str, datetime]:
    """When all listings were last read from Amazon, by marketplace id; absent if they never were."""
    with ledger.reading() as database:
        rows = database.execute(
            select(Watermark.kind, Watermark.before).where(
                Watermark.connection == connection, Watermark.kind.startswith(LISTINGS)
            )
        )
        return {kind.removeprefix(LISTINGS): before for kind, before in rows}


def note_listings_read(database: Connection, batch: BatchRef, marketplace_id: str, at: datetime) -> None:
    """Record that all listings of a marketplace were read from Amazon."""
    assert_held(database, batch.lease)
    set_watermark(database, batch, LISTINGS + marketplace_id, at)
