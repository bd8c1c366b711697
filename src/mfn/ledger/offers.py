"""Offers: what is listed at Amazon, the last level sent of each, and the quantity that Amazon shows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec
import pandas as pd
from sqlalchemy import bindparam, delete

from mfn.database.bulk import merge, utc_text
from mfn.database.columns import columns as columns_of
from mfn.ledger.leases import assert_held
from mfn.ledger.schema import BatchOffer, Offer, table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection

    from mfn.ledger.opening import Ledger
    from mfn.models import BatchRef


NOT_LISTED = ""
"""The channel of a SKU that was looked up and that Amazon does not list."""

KEY = ("marketplace_id", "seller_sku")
NUMBERS = frozenset(
    ("level", "level_sent", "level_sent_basis", "before_limits_sent", "feed_number", "shown", "shown_before")
)
TIMES = frozenset(
    ("listed_at", "sent_at", "covered_at_sending", "shown_at", "sold_seen_at", "counted_at", "updated_at")
)

REPEATED = frozenset(("marketplace_id", "channel", "sent_by", "status", "reasons", "batch_id"))
"""Columns with few distinct texts."""

FRESH = {"channel": NOT_LISTED, "sold_not_imported": 0, "is_applied": False}
"""The default values of a new row."""

OUTCOME_COLUMNS = (
    "batch_id", "connection", "marketplace_id", "seller_sku", "outcome", "level", "before", "shown", "sold", "is_drift",
    "sent_by", "reasons", "at",
)  # fmt: skip


def read_offers(
    ledger: Ledger, connection: str, names: Sequence[str], *, where: str = "", **parameters: object
) -> pd.DataFrame:
    """Some columns of a connection's offers, read column by column, since there may be a hundred thousand of them.

    Args:
        ledger: The open ledger.
        connection: The connection's name.
        names: Columns of the table `offer`.
        where: A further condition in SQL.
        parameters: Its parameters.

    Returns:
        Index 0…n-1, in no order: texts as `object` with None, numbers as float64 with NaN (`sold_not_imported`: int64),
        times as `datetime64[us, UTC]` with NaT, flags as bool.
    """
    of = f"FROM offer WHERE connection = :connection{' AND ' + where if where else ''}"
    with ledger.reading() as database:
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
        times = pd.to_datetime(pd.Series(values, dtype="object"), utc=True, format="ISO8601")
        return times.astype("datetime64[us, UTC]")
    if name == "is_applied":
        return pd.Series(values, dtype="bool")
    return pd.Series(values, dtype="int64" if name == "sold_not_imported" else "object")


def write_offers(database: Connection, batch: BatchRef, names: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
    """Change offers, or add new ones; columns that are not named stay as they are.

    Args:
        database: The open transaction on the ledger.
        batch: The batch.
        names: Columns of the table `offer`.
        rows: (marketplace_id, seller_sku, *those columns) for each offer, times as texts.
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
    """Some columns of some offers, as `read_offers` returns them, and indexed by seller SKU."""
    frame = read_offers(
        ledger,
        connection,
        ("seller_sku", *names),
        where=f"marketplace_id = :marketplace_id AND seller_sku IN (SELECT value FROM {asked_skus(ledger)})",
        marketplace_id=marketplace_id,
        skus=msgspec.json.encode(list(seller_skus)).decode(),
    )
    return frame.set_index("seller_sku")


def asked_skus(ledger: Ledger) -> str:
    """A table expression over the parameter `:skus`, a JSON list, with the column `value`."""
    if ledger.engine.dialect.name == "postgresql":
        return "json_array_elements_text(CAST(:skus AS json)) AS asked(value)"
    return "json_each(:skus) AS asked"


def forget_offers(database: Connection, batch: BatchRef, keys: Iterable[tuple[str, str]]) -> None:
    """Remove rows, by marketplace and SKU, that have no listing and are no longer entries."""
    assert_held(database, batch.lease)
    rows = [{"place": marketplace_id, "sku": seller_sku} for marketplace_id, seller_sku in keys]
    if rows:
        this = (Offer.marketplace_id == bindparam("place")) & (Offer.seller_sku == bindparam("sku"))
        database.execute(delete(Offer).where(Offer.connection == batch.connection, this), rows)


def write_outcomes(database: Connection, batch: BatchRef, rows: Iterable[tuple[Any, ...]]) -> None:
    """Record what the batch did with offers.

    Args:
        database: The open transaction on the ledger.
        batch: The batch.
        rows: (marketplace_id, seller_sku, outcome, level, before, shown, sold, is_drift, sent_by, reasons) for each
            offer, as the columns of the table `batch_offer`.
    """
    assert_held(database, batch.lease)
    now = utc_text(datetime.now(UTC))
    merge(database, table(BatchOffer), OUTCOME_COLUMNS, [(batch.batch_id, batch.connection, *row, now) for row in rows])


def trim_outcomes(database: Connection, batch: BatchRef, before: datetime) -> None:
    """Delete what runs did with offers before a time."""
    assert_held(database, batch.lease)
    database.execute(delete(BatchOffer).where(BatchOffer.connection == batch.connection, BatchOffer.at < before))
