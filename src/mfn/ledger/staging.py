"""What the transform made of each order, waiting for the load; and the units that are promised."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import delete, select

from mfn.database.bulk import among, merge
from mfn.database.engines import reading
from mfn.ledger.landing import table
from mfn.ledger.schema import Reservation, StagedOrder
from mfn.models import Standing  # noqa: TC001 - msgspec reads the types when it runs

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection

    from mfn.ledger.opening import Ledger
    from mfn.models import BatchRef


class Staged(msgspec.Struct, frozen=True, array_like=True):
    """One order, ready to be written; buyers' data, encrypted in the ledger.

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


CANCEL_REQUESTED = "+cancel"
"""What the digest of an order ends with whose buyer asks for a cancellation."""

_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Staged)


def stage(ledger: Ledger, database: Connection, batch: BatchRef, staged: Iterable[tuple[str, str, Staged]]) -> None:
    """Write staged orders down; one that is there already is replaced.

    Args:
        ledger: The open ledger.
        database: The open transaction.
        batch: The batch.
        staged: (order id, digest of what the warehouse is given, the staged order).
    """
    rows = [
        (
            batch.batch_id,
            order_id,
            ledger.cipher.encrypt(_ENCODER.encode(order), context=f"{batch.batch_id} {order_id}"),
            digest,
        )
        for order_id, digest, order in staged
    ]
    merge(database, table(StagedOrder), ("batch_id", "order_id", "payload", "digest"), rows)


def staged_orders(ledger: Ledger, batch: BatchRef, order_ids: Sequence[str]) -> list[tuple[str, str, Staged]]:
    """Staged orders of a batch.

    Args:
        ledger: The open ledger.
        batch: The batch.
        order_ids: At most a chunk of ids.

    Returns:
        (order id, digest, staged order), in no particular order; an order that is not staged is left out.
    """
    with reading(ledger.engine, what="the ledger") as database:
        rows = database.execute(
            select(StagedOrder.order_id, StagedOrder.digest, StagedOrder.payload).where(
                StagedOrder.batch_id == batch.batch_id, among(database, StagedOrder.order_id, order_ids)
            )
        ).all()
    decrypt = ledger.cipher.decrypt
    return [
        (order_id, digest, _DECODER.decode(decrypt(payload, context=f"{batch.batch_id} {order_id}")))
        for order_id, digest, payload in rows
    ]


def staged_ids(ledger: Ledger, batch: BatchRef) -> Sequence[str]:
    """The ids of every staged order of a batch, sorted."""
    statement = (
        select(StagedOrder.order_id).where(StagedOrder.batch_id == batch.batch_id).order_by(StagedOrder.order_id)
    )
    with reading(ledger.engine, what="the ledger") as database:
        return database.execute(statement).scalars().all()


def drop_staged(database: Connection, batch: BatchRef, order_ids: Sequence[str] | None = None) -> None:
    """Remove staged orders that are done with; None: all of the batch."""
    statement = delete(StagedOrder).where(StagedOrder.batch_id == batch.batch_id)
    if order_ids is not None:
        statement = statement.where(among(database, StagedOrder.order_id, order_ids))
    database.execute(statement)


def digest_of(
    ledger: Ledger, order: tuple[Any, ...], lines: Sequence[tuple[Any, ...]], *, is_cancel_requested: bool
) -> str:
    """The fingerprint of what the warehouse is given: order and lines, and whether it is told of a buyer's request."""
    return ledger.cipher.digest(_ENCODER.encode((order, lines))) + (CANCEL_REQUESTED if is_cancel_requested else "")


def is_same_order(one: str | None, other: str) -> bool:
    """Whether two digests mean the same order and lines, whatever the buyer asks for."""
    return one is not None and one.removesuffix(CANCEL_REQUESTED) == other.removesuffix(CANCEL_REQUESTED)


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
    release(database, batch, [order_id for order_id, _ in reserved])
    rows = [
        (batch.connection, order_id, number, warehouse, sku, units)
        for order_id, lines in reserved
        for number, sku, units in lines
    ]
    merge(database, table(Reservation), ("connection", "order_id", "line_number", "warehouse", "sku", "units"), rows)


def release(database: Connection, batch: BatchRef, order_ids: Sequence[str]) -> None:
    """Free what was promised to orders."""
    database.execute(
        delete(Reservation).where(
            Reservation.connection == batch.connection, among(database, Reservation.order_id, order_ids)
        )
    )
