"""Read: what the warehouse has, what is promised, and what is listed at Amazon, as of one moment."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec
import pandas as pd

from mfn.ledger.batches import parameters_of
from mfn.ledger.chunks import drop_chunks, write_chunk
from mfn.ledger.imported_units import Units, count_orders, covered_until, units_sold
from mfn.ledger.packing import Frame, packed
from mfn.ledger.sent_offers import has_sent
from mfn.steps.stock.feeds import follow_earlier_feeds
from mfn.steps.stock.listings import read_listings
from mfn.steps.stock.promised import read_promised, read_stock
from mfn.steps.workplace import keep_calls, open_workplace, writing_under_lease

if TYPE_CHECKING:
    from mfn.ledger.imported_units import Reserved
    from mfn.models import BatchRef
    from mfn.settings import Settings
    from mfn.steps.workplace import Workplace

Sold = list[tuple[str, datetime | None, Units]]
"""Order id, time of placing and units of orders."""


class ReadChunk(msgspec.Struct, frozen=True, array_like=True):
    """The input of compare and push: nothing in it is read twice in a run.

    Attributes:
        at: When the reservations were read, after the warehouse.
        covered_until: The time up to which everything that Amazon sold was reserved by then; None before the first
            import.
        news: The orders that this run is the first to subtract.
        stock: `StockSnapshot.stock`.
        items: `StockSnapshot.items`.
        promised: `sku`, `units`: as `promised_frame` makes it.
        listings: `Listings.news`.
        shown: `Listings.shown`.
    """

    at: datetime
    covered_until: datetime | None
    news: Sold
    stock: Frame
    items: Frame
    promised: Frame
    listings: Frame
    shown: Frame


def read(batch: BatchRef, settings: Settings) -> BatchRef:
    """Read the stock, the promised units and the listings.

    The warehouse is read before the reservations, and these before Amazon, so that an order that comes in meanwhile
    errs towards less stock. Feeds of earlier runs are followed first: their outcome decides what is due.

    Args:
        batch: The batch, just opened or run again.
        settings: The settings in force.

    Returns:
        The batch as it was; what was read is in the ledger.

    Raises:
        RetriableError: Amazon, the warehouse or the ledger could not be reached.
        FatalError: The warehouse's tables cannot be read, a role is missing, or the credentials are refused.
    """
    place = open_workplace(settings, batch.connection, lease=batch.lease)
    asked = parameters_of(place.ledger, batch)
    try:
        if not asked.dry_run:
            follow_earlier_feeds(place, batch)
        _read(place, batch, full=asked.full, dry_run=asked.dry_run)
    finally:
        keep_calls(place, batch)
    return batch


def _read(place: Workplace, batch: BatchRef, *, full: bool, dry_run: bool) -> None:
    covered = covered_until(place.ledger, batch.connection)
    snapshot = read_stock(place)
    reserved, promised = read_promised(place, snapshot)
    news = _news(place, batch, reserved)
    if not dry_run:
        with place.ledger.writing() as database:
            count_orders(database, batch, news, reserved.at)
    active = snapshot.items.loc[snapshot.items["is_active"], "sku"].tolist()
    listings = read_listings(place, batch, [*active, *_aliases(place)], full=full, dry_run=dry_run)
    chunk = ReadChunk(
        at=reserved.at,
        covered_until=covered,
        news=news,
        stock=packed(snapshot.stock, repeated=("location", "unreadable")),
        items=packed(snapshot.items),
        promised=packed(promised_frame(promised)),
        listings=packed(listings.news, repeated=("marketplace_id", "channel")),
        shown=packed(listings.shown, repeated=("marketplace_id",)),
    )
    with writing_under_lease(place.ledger, batch.lease) as database:
        drop_chunks(database, batch)
        write_chunk(place.ledger, database, batch, chunk, stage=read.__name__, number=0)


def _news(place: Workplace, batch: BatchRef, reserved: Reserved) -> Sold:
    """The orders that no run has subtracted yet; not needed if nothing was ever sent."""
    if not has_sent(place.ledger, batch.connection):
        return [(order_id, None, []) for order_id in reserved.news]
    return units_sold(place.ledger, batch, reserved.news, purpose=read.__name__)


def _aliases(place: Workplace) -> list[str]:
    aliases = place.mappings.sku_aliases
    mine = aliases["connection"].isin(["", place.connection.name])
    there = aliases["marketplace"].isin(["", *place.connection.marketplace_ids])
    found: list[str] = aliases.loc[mine & there, "seller_sku"].tolist()
    return found


def promised_frame(promised: pd.Series[int]) -> pd.DataFrame:
    """`ReadChunk.promised`, from what `read_promised` returned."""
    return pd.DataFrame(
        {"sku": pd.Series(promised.index.tolist(), dtype="object"), "units": promised.to_numpy(dtype="int64")}
    )
