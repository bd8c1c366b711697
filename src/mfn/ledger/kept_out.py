"""Orders whose newest version was kept out of the warehouse, which has an older one: what was reported of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, not_, select, update

from mfn.database.bulk import among
from mfn.ledger.orders import TO_SHIP, reasons_text
from mfn.ledger.schema import KeptOutVersion, LandedOrder, TrackedOrder, same_order

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from sqlalchemy import Connection, Row, Select

    from mfn.ledger.opening import Ledger
    from mfn.models import BatchRef, Reason


def kept_out_orders(connection: str) -> Select[str]:
    """The ids of orders of which the warehouse has an older version to ship, because the newest was kept out."""
    kept_out = select(KeptOutVersion.order_id).join(TrackedOrder, same_order(TrackedOrder, KeptOutVersion))
    return kept_out.where(KeptOutVersion.connection == connection, TrackedOrder.status.in_(TO_SHIP))


def kept_out_versions(ledger: Ledger, connection: str) -> dict[str, Row[Any]]:
    """Every column of `kept_out_version`, by order id, of the orders that the warehouse has yet to ship."""
    statement = select(KeptOutVersion).where(
        KeptOutVersion.connection == connection, KeptOutVersion.order_id.in_(kept_out_orders(connection))
    )
    with ledger.reading() as database:
        return {row.order_id: row for row in database.execute(statement)}


def versions_not_taken_up(ledger: Ledger, connection: str, order_ids: Collection[str]) -> dict[str, datetime | None]:
    """Those of a chunk of orders whose newest landed version is not the one that last passed every check.

    Returns:
        By order id, when Amazon made that version; None where that could not be read.
    """
    is_another = LandedOrder.last_updated_at.is_distinct_from(TrackedOrder.version_taken_up)
    statement = (
        select(LandedOrder.order_id, LandedOrder.last_updated_at)
        .join(TrackedOrder, same_order(TrackedOrder, LandedOrder))
        .where(LandedOrder.connection == connection, is_another | LandedOrder.last_updated_at.is_(None))
    )
    with ledger.reading() as database:
        wanted = among(database, LandedOrder.order_id, order_ids)
        return {row.order_id: row.last_updated_at for row in database.execute(statement.where(wanted))}


def note_taken_up(database: Connection, batch: BatchRef, order_ids: Collection[str]) -> None:
    """Note which version of orders that the warehouse has had before has passed every check.

    Args:
        database: The open transaction on the ledger.
        batch: The batch, whose lease lets nothing newer land meanwhile.
        order_ids: At most a chunk of ids.
    """
    if not order_ids:
        return
    landed = select(LandedOrder.last_updated_at).where(same_order(LandedOrder, TrackedOrder)).scalar_subquery()
    meant = (TrackedOrder.connection == batch.connection) & among(database, TrackedOrder.order_id, order_ids)
    database.execute(update(TrackedOrder).where(meant).values(version_taken_up=landed))


def write_kept_out(
    database: Connection,
    batch: BatchRef,
    reported: Mapping[str, tuple[datetime | None, Sequence[Reason]]],
    *,
    passed: Collection[str],
) -> None:
    """Note the orders whose newest version is kept out, and forget those whose newest version no longer is.

    Args:
        database: The open transaction on the ledger.
        batch: The batch.
        reported: (Amazon's time of that version, why it is kept out) of those that this batch reports.
        passed: Orders that an earlier batch reported and whose newest version is no longer kept out.
    """
    mine = KeptOutVersion.connection == batch.connection
    gone = among(database, KeptOutVersion.order_id, {*reported, *passed})
    has_left = not_(KeptOutVersion.order_id.in_(kept_out_orders(batch.connection)))
    database.execute(delete(KeptOutVersion).where(mine, gone | has_left))
    same = {"connection": batch.connection, "batch_id": batch.batch_id, "told_at": datetime.now(UTC)}
    rows = [
        {**same, "order_id": order_id, "last_updated_at": version, "reasons": reasons_text(reasons)}
        for order_id, (version, reasons) in sorted(reported.items())
    ]
    if rows:
        database.execute(insert(KeptOutVersion), rows)
