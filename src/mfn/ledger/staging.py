"""What the transform made of each order, waiting for the load; and the units that are promised."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import delete

from mfn.database.bulk import among, merge
from mfn.ledger.schema import Reservation, table
from mfn.models import Standing  # noqa: TC001 - msgspec reads the types when it runs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from mfn.ledger.opening import Ledger
    from mfn.models import BatchRef


class Staged(msgspec.Struct, frozen=True, array_like=True):
    """One order, ready to be written; buyers' data, encrypted where it is kept.

    Attributes:
        order: The row of `wms_order` in the order of the warehouse's columns, or None for an order that is only
            reserved.
        lines: Its rows of `wms_order_line`.
        reserved: (line number, warehouse SKU, units) that are promised to it.
        standing: What the ledger's list of orders shows of it.
        is_in_warehouse: Whether the warehouse was given it before.
        cancel_reason: Why the buyer asks for a cancellation, or None.
        fulfilled_before: JSON text of units that were shipped before the first load, or None.
    """

    order: tuple[Any, ...] | None
    lines: list[tuple[Any, ...]]
    reserved: list[tuple[int, str, int]]
    standing: Standing
    is_in_warehouse: bool
    cancel_reason: str | None = None
    fulfilled_before: str | None = None


class StagedChunk(msgspec.Struct, frozen=True, array_like=True):
    """What the transform made of one chunk of orders.

    Attributes:
        orders: (order id, digest of what the warehouse is given, the staged order).
    """

    orders: list[tuple[str, str, Staged]]


CANCEL_REQUESTED = "+cancel"
"""What the digest of an order ends with whose buyer asks for a cancellation."""

IN_DOUBT = ("", CANCEL_REQUESTED)
"""What `in_doubt` makes of a digest: the warehouse may lack what Amazon says now, and the next import looks again."""

_ENCODER = msgspec.msgpack.Encoder()


def digest_of(
    ledger: Ledger, order: tuple[Any, ...], lines: Sequence[tuple[Any, ...]], *, is_cancel_requested: bool
) -> str:
    """The fingerprint of what the warehouse is given: order and lines, and whether a buyer's request is passed on."""
    return ledger.cipher.digest(_ENCODER.encode((order, lines))) + (CANCEL_REQUESTED if is_cancel_requested else "")


def is_same_order(one: str | None, other: str) -> bool:
    """Whether two digests mean the same order and lines, whatever the buyer asks for."""
    return one is not None and one.removesuffix(CANCEL_REQUESTED) == other.removesuffix(CANCEL_REQUESTED)


def in_doubt(digest: str | None) -> str:
    """The fingerprint of an order while it is not known what the warehouse has: the same as no other order's.

    Args:
        digest: What it was given before; of that, only whether a buyer's request was passed on stays.
    """
    return CANCEL_REQUESTED if (digest or "").endswith(CANCEL_REQUESTED) else ""


def refused_digest(digest: str) -> str:
    """The fingerprint of an order whose rows the warehouse has, and which refused the update with its buyer's request.

    Args:
        digest: What it would have, had it accepted that.
    """
    return digest.removesuffix(CANCEL_REQUESTED) if digest.endswith(CANCEL_REQUESTED) else digest + CANCEL_REQUESTED


def reserve(
    database: Connection,
    batch: BatchRef,
    warehouse: str,
    reserved: Sequence[tuple[str, Sequence[tuple[int, str, int]]]],
) -> None:
    """Replace what is promised to orders.

    Args:
        database: The open transaction on the ledger.
        batch: The batch.
        warehouse: The digest that tells warehouses apart.
        reserved: (order id, its (line number, warehouse SKU, units)); nothing for an order that needs nothing any more.
    """
    released = release(database, batch, [order_id for order_id, _ in reserved])
    rows = [
        (batch.connection, order_id, number, warehouse, sku, units)
        for order_id, lines in reserved
        for number, sku, units in lines
    ]
    columns = ("connection", "order_id", "line_number", "warehouse", "sku", "units")
    merge(database, table(Reservation), columns, rows, mostly_new=not released)


def release(database: Connection, batch: BatchRef, order_ids: Sequence[str]) -> int:
    """Free what was promised to orders; returns how many promises that were."""
    return database.execute(
        delete(Reservation).where(
            Reservation.connection == batch.connection, among(database, Reservation.order_id, order_ids)
        )
    ).rowcount
