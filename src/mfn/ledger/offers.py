"""Offers: what is listed at Amazon, what it was told of each and what it shows."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pandas as pd
from sqlalchemy import bindparam, delete, exists, func, select

from mfn.database.bulk import merge, utc_text
from mfn.database.engines import reading
from mfn.ledger.landing import table
from mfn.ledger.leases import assert_held
from mfn.ledger.schema import BatchOffer, Offer, Watermark
from mfn.warehouse.asking import columns as columns_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection

    from mfn.ledger.opening import Ledger
    from mfn.models import BatchRef

WHAT = "the ledger"

OURS = "DEFAULT"
"""The fulfillment channel of what the seller ships; listingsItems_2021-08-01.json, 2026-07-29."""

NOT_LISTED = ""
"""The channel of a SKU for which Amazon was asked and has no listing."""

KEY = ("marketplace_id", "seller_sku")
NUMBERS = frozenset(
    ("level", "level_sent", "level_sent_basis", "before_limits_sent", "feed_number", "shown", "shown_before")
)
TIMES = frozenset(
    ("listed_at", "sent_at", "covered_at_sending", "shown_at", "sold_seen_at", "counted_at", "updated_at")
)

REPEATED = frozenset(("marketplace_id", "channel", "sent_by", "status", "reasons", "batch_id"))
"""Columns with few different texts."""

FRESH = {"channel": NOT_LISTED, "sold_not_imported": 0, "is_applied": False}
"""What a new row holds where it is not said otherwise."""

OUTCOME_COLUMNS = (
    "batch_id", "connection", "marketplace_id", "seller_sku", "outcome", "level", "before", "shown", "sold", "is_drift",
    "sent_by", "reasons", "at",
)  # fmt: skip


def read_offers(
    ledger: Ledger, connection: str, names: Sequence[str], *, where: str = "", **parameters: object
) -> pd.DataFrame:
    """Some columns of a connection's offers, by column, which is what a hundred thousand of them need.

    Args:
        ledger: The open ledger.
        connection: The connection's name.
        names: Columns of the table `offer`.
        where: A further condition in SQL.
        parameters: What it names.

    Returns:
        Index 0…n-1, in no order: texts as `object` with None, numbers as float64 with NaN (`sold_not_imported`: int64),
        times as `datetime64[us, UTC]` with NaT, flags as bool.
    """
    of = f"FROM offer WHERE connection = :connection{' AND ' + where if where else ''}"
    with reading(ledger.engine, what=WHAT) as database:
        found = columns_of(
            database,
            {name: name for name in names},
            of,
            {"connection": connection, **parameters},
            repeated=REPEATED.intersection(names),
        )
    return pd.DataFrame({name: _typed(name, values) for name, values in found.items()}, columns=list(names))


def _typed(name: str, values: list[Any]) -> pd.Series[Any]:
    if name in NUMBERS:
        return pd.Series(values, dtype="float64")
    if name in TIMES:
        return pd.Series(pd.to_datetime(pd.Series(values, dtype="object"), utc=True, format="ISO8601")).astype(
            "datetime64[us, UTC]"
        )
    if name == "is_applied":
        return pd.Series(values, dtype="bool")
    return pd.Series(values, dtype="int64" if name == "sold_not_imported" else "object")


def write_offers(database: Connection, batch: BatchRef, names: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
    """Change offers, or note new ones; columns that are not named stay as they are.

    Args:
        database: The open transaction on the ledger.
        batch: The batch.
        names: Columns of the table `offer`.
        rows: One (marketplace_id, seller_sku, *those columns) an offer, times as texts.
    """
    assert_held(database, batch.lease)
    now = utc_text(datetime.now(UTC))
    filled = [name for name in FRESH if name not in names]
    rest = (*(FRESH[name] for name in filled), now)
    merge(
        database,
        table(Offer),
        ("connection", *KEY, *names, *filled, "updated_at"),
        [(batch.connection, *row, *rest) for row in rows],
        update=(*names, "updated_at"),
    )


def offers_of(
    ledger: Ledger, connection: str, names: Sequence[str], marketplace_id: str, seller_skus: Sequence[str]
) -> pd.DataFrame:
    """Some columns of some offers, as `read_offers` returns them, and indexed by seller SKU.

    Args:
        ledger: The open ledger.
        connection: The connection's name.
        names: Columns of the table `offer`.
        marketplace_id: Where.
        seller_skus: As many as there are.
    """
    is_postgresql = ledger.engine.dialect.name == "postgresql"
    values = "json_array_elements_text(CAST(:skus AS json))" if is_postgresql else "value FROM json_each(:skus)"
    frame = read_offers(
        ledger,
        connection,
        ("seller_sku", *names),
        where=f"marketplace_id = :marketplace_id AND seller_sku IN (SELECT {values})",
        marketplace_id=marketplace_id,
        skus=json.dumps(list(seller_skus)),
    )
    return frame.set_index("seller_sku")


def forget_offers(database: Connection, batch: BatchRef, keys: Iterable[tuple[str, str]]) -> None:
    """Remove rows that stood for no listing and are no entry any more.

    Args:
        database: The open transaction on the ledger.
        batch: The batch.
        keys: (marketplace_id, seller_sku) of each.
    """
    assert_held(database, batch.lease)
    rows = [{"place": marketplace_id, "sku": seller_sku} for marketplace_id, seller_sku in keys]
    if rows:
        this = (Offer.marketplace_id == bindparam("place")) & (Offer.seller_sku == bindparam("sku"))
        database.execute(delete(Offer).where(Offer.connection == batch.connection, this), rows)


def write_outcomes(database: Connection, batch: BatchRef, rows: Iterable[tuple[Any, ...]]) -> None:
    """Say what the batch did with offers.

    Args:
        database: The open transaction on the ledger.
        batch: The batch.
        rows: One (marketplace_id, seller_sku, outcome, level, before, shown, sold, is_drift, sent_by, reasons) an
            offer, as the columns of the table `batch_offer`.
    """
    assert_held(database, batch.lease)
    now = utc_text(datetime.now(UTC))
    merge(database, table(BatchOffer), OUTCOME_COLUMNS, [(batch.batch_id, batch.connection, *row, now) for row in rows])


def count_outcomes(database: Connection, batch: BatchRef) -> dict[str, int]:
    """How many offers the batch has with each outcome."""
    mine = BatchOffer.batch_id == batch.batch_id
    rows = database.execute(select(BatchOffer.outcome, func.count()).where(mine).group_by(BatchOffer.outcome)).all()
    return {row[0]: row[1] for row in rows}


def trim_outcomes(database: Connection, batch: BatchRef, before: datetime) -> None:
    """Forget what runs did with offers before a moment."""
    assert_held(database, batch.lease)
    database.execute(delete(BatchOffer).where(BatchOffer.connection == batch.connection, BatchOffer.at < before))


def listings_read_at(ledger: Ledger, connection: str) -> dict[str, datetime]:
    """When all listings were read from Amazon last, by marketplace id; one in which they never were is absent."""
    with reading(ledger.engine, what=WHAT) as database:
        rows = database.execute(
            select(Watermark.kind, Watermark.before).where(
                Watermark.connection == connection, Watermark.kind.startswith(LISTINGS)
            )
        )
        return {kind.removeprefix(LISTINGS): before for kind, before in rows}


LISTINGS = "listings "
"""The kind of watermark, before the marketplace id, that says when all listings were read."""


def note_listings_read(database: Connection, batch: BatchRef, marketplace_id: str, at: datetime) -> None:
    """Note that all listings of a marketplace were read from Amazon."""
    assert_held(database, batch.lease)
    row = (batch.connection, LISTINGS + marketplace_id, utc_text(at), batch.batch_id)
    merge(database, table(Watermark), ("connection", "kind", "before", "batch_id"), [row])


def has_sent(ledger: Ledger, connection: str) -> bool:
    """Whether any level of a connection was ever sent."""
    sent = exists().where(Offer.connection == connection, Offer.level_sent.is_not(None))
    with reading(ledger.engine, what=WHAT) as database:
        return bool(database.execute(select(sent)).scalar())


def in_feeds(ledger: Ledger, connection: str) -> pd.DataFrame:
    """The offers that are in a feed under way: `marketplace_id`, `seller_sku`."""
    return read_offers(ledger, connection, KEY, where="feed_number IS NOT NULL")


def oldest_count(ledger: Ledger, connection: str) -> datetime | None:
    """Since when orders may be news to an offer that was sent; None where none was."""
    mine = (Offer.connection == connection) & (Offer.channel == OURS) & Offer.level_sent.is_not(None)
    with reading(ledger.engine, what=WHAT) as database:
        return database.execute(select(func.min(Offer.counted_at)).where(mine)).scalar()


def offers_to_read(ledger: Ledger, connection: str, most: int, *, but_for: pd.Index[Any]) -> pd.DataFrame:
    """Offers to be read back: those from which units were subtracted, those not verified, and the longest unread.

    Args:
        ledger: The open ledger.
        connection: The connection's name.
        most: So many.
        but_for: Marketplace and seller SKU of those that are not meant (`mfn.steps.stock_judging.keys_of`).

    Returns:
        `marketplace_id`, `seller_sku`, `level`, `before_limits` (those that were sent) and `level_sent`; without offers
        that are held, or in a feed under way.
    """
    frame = read_offers(
        ledger,
        connection,
        (*KEY, "level_sent", "level_sent_basis", "before_limits_sent", "shown_at", "sold_not_imported", "is_applied"),
        where="channel = :ours AND level_sent_basis IS NOT NULL AND before_limits_sent IS NOT NULL"
        " AND feed_number IS NULL AND coalesce(status, '') NOT IN ('held', 'failed')",
        ours=OURS,
    )
    frame = frame[~(frame["marketplace_id"] + "\x00" + frame["seller_sku"]).isin(but_for)]
    is_less = (frame["level_sent"] < frame["level_sent_basis"]) | (frame["sold_not_imported"] > 0)
    frame = frame.assign(is_less=~is_less).sort_values(["is_less", "is_applied", "shown_at"], na_position="first")
    chosen = frame.head(most).rename(columns={"level_sent_basis": "level", "before_limits_sent": "before_limits"})
    return chosen[[*KEY, "level", "before_limits", "level_sent"]].astype({"level": "int64", "before_limits": "int64"})


def told_offers(ledger: Ledger, batch: BatchRef) -> pd.DataFrame:
    """The offers of which Amazon was told in a batch.

    Args:
        ledger: The open ledger.
        batch: The batch.

    Returns:
        `marketplace_id`, `seller_sku`, `level`, `before_limits` (those that were sent), `is_applied`, `feed_number`.
    """
    frame = read_offers(
        ledger,
        batch.connection,
        (*KEY, "level_sent_basis", "before_limits_sent", "is_applied", "feed_number"),
        where="batch_id = :batch_id AND status = 'pushed'"
        " AND level_sent_basis IS NOT NULL AND before_limits_sent IS NOT NULL",
        batch_id=batch.batch_id,
    )
    named = frame.rename(columns={"level_sent_basis": "level", "before_limits_sent": "before_limits"})
    return named.astype({"level": "int64", "before_limits": "int64"})
