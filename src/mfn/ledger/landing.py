"""Landing: what Amazon answered is written down, encrypted, and committed before anything else happens."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import select

from mfn.amazon.orders import IDENTIFIER, in_utc
from mfn.database.bulk import among, merge, utc_text
from mfn.database.engines import reading
from mfn.ledger.schema import BatchOrder, LandedOrder, Watermark

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sqlalchemy import Connection

    from mfn.ledger.opening import Ledger
    from mfn.models import BatchRef

NEWER = (
    "excluded.last_updated_at IS NULL OR landed_order.last_updated_at IS NULL"
    " OR excluded.last_updated_at >= landed_order.last_updated_at"
)
WINDOW = "window"
EARLIER = "earlier"
CHUNK_ORDERS = 10_000
"""Orders that are in memory at a time; 100,000 orders stay under 600 MB."""


class Header(msgspec.Struct, frozen=True, rename="camel"):
    """What landing reads of an order; everything else is judged later."""

    order_id: str | None = None
    last_updated_time: datetime | None = None


_ORDER_ID = re.compile(IDENTIFIER)
_HEADER = msgspec.json.Decoder(Header)
_LOOSE_ID = msgspec.json.Decoder(dict[str, msgspec.Raw])


@dataclass(frozen=True)
class Arrival:
    """One order as it came.

    Attributes:
        order_id: Amazon's id, or a made-up one (`unreadable-…`, from the text) where it cannot be read.
        last_updated_at: Amazon's time of the last change, None where it cannot be read.
        raw: The JSON text.
    """

    order_id: str
    last_updated_at: datetime | None
    raw: bytes


def read_arrival(raw: bytes) -> Arrival:
    """The id and age of an order, whatever shape the rest is in.

    Args:
        raw: The JSON text of one order.
    """
    try:
        header = _HEADER.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        header = Header(order_id=_loose_order_id(raw))
    if not header.order_id or not _ORDER_ID.match(header.order_id):
        return Arrival("unreadable-" + hashlib.sha256(raw).hexdigest()[:24], None, raw)
    try:
        updated_at = header.last_updated_time and in_utc(header.last_updated_time)
    except OverflowError:
        updated_at = None
    return Arrival(header.order_id, updated_at, raw)


def _loose_order_id(raw: bytes) -> str | None:
    try:
        value = msgspec.json.decode(_LOOSE_ID.decode(raw).get("orderId", b"null"))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return value if isinstance(value, str) else None


def land(ledger: Ledger, database: Connection, batch: BatchRef, arrivals: Iterable[Arrival], *, origin: str) -> int:
    """Write orders down, each at its newest; an order that stands there in a newer version stays as it is.

    Args:
        ledger: The open ledger.
        database: The open transaction.
        batch: The batch that fetched them.
        arrivals: Orders, possibly the same one twice.
        origin: `window` for what Amazon returned for the batch's window, `earlier` for orders read again.

    Returns:
        How many distinct orders were given.
    """
    newest: dict[str, Arrival] = {}
    for arrival in arrivals:
        known = newest.get(arrival.order_id)
        if known is None or not _is_older(arrival, known):
            newest[arrival.order_id] = arrival
    now = utc_text(datetime.now(UTC))
    rows = [
        (
            batch.connection,
            order_id,
            ledger.cipher.encrypt(arrival.raw, context=f"{batch.connection} {order_id}"),
            arrival.last_updated_at and utc_text(arrival.last_updated_at),
            batch.batch_id,
            now,
        )
        for order_id, arrival in newest.items()
    ]
    columns = ("connection", "order_id", "payload", "last_updated_at", "batch_id", "landed_at")
    merge(database, table(LandedOrder), columns, rows, guard=NEWER)
    add_to_batch(database, batch, newest, origin=origin)
    return len(newest)


def _is_older(arrival: Arrival, known: Arrival) -> bool:
    return bool(arrival.last_updated_at and known.last_updated_at and arrival.last_updated_at < known.last_updated_at)


def add_to_batch(database: Connection, batch: BatchRef, order_ids: Iterable[str], *, origin: str) -> None:
    """Make orders part of a batch; one that Amazon returned for the window stays so."""
    now = utc_text(datetime.now(UTC))
    rows = [(batch.batch_id, order_id, batch.connection, origin, now) for order_id in order_ids]
    update = ("origin",) if origin == WINDOW else ()
    merge(database, table(BatchOrder), ("batch_id", "order_id", "connection", "origin", "at"), rows, update=update)


def stored_orders(ledger: Ledger, connection: str, order_ids: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """The newest landed text of orders.

    Args:
        ledger: The open ledger.
        connection: The connection's name.
        order_ids: At most `CHUNK_ORDERS` ids.

    Yields:
        Order id and JSON text, in the order of the ids; an order without a text is left out.
    """
    with reading(ledger.engine, what="the ledger") as database:
        wanted = among(database, LandedOrder.order_id, order_ids)
        statement = select(LandedOrder.order_id, LandedOrder.payload).where(
            LandedOrder.connection == connection, wanted
        )
        found = dict(database.execute(statement).all())
    for order_id in order_ids:
        if order_id in found:
            yield order_id, ledger.cipher.decrypt(found[order_id], context=f"{connection} {order_id}")


def get_watermark(ledger: Ledger, connection: str) -> datetime | None:
    """Up to when Amazon's changes of a connection have landed, or None before the first import."""
    with reading(ledger.engine, what="the ledger") as database:
        return database.execute(
            select(Watermark.before).where(Watermark.connection == connection, Watermark.kind == "import")
        ).scalar()


def move_watermark(database: Connection, batch: BatchRef, before: datetime) -> None:
    """Move the watermark on; it never goes back."""
    merge(
        database,
        table(Watermark),
        ("connection", "kind", "before", "batch_id"),
        [(batch.connection, batch.kind, utc_text(before), batch.batch_id)],
        guard="excluded.before > watermark.before",
    )


def table(model: Any) -> Any:
    """The table of a mapped class."""
    return model.__table__
