"""The status of every order, and what each batch did with it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import Text, cast, func, select, update

from mfn.database.bulk import among, change, merge, utc_text
from mfn.ledger.landing import EARLIER, WINDOW
from mfn.ledger.schema import BatchOrder, LandedOrder, TrackedOrder, table
from mfn.ledger.staging import IN_DOUBT, in_doubt
from mfn.models import OrderStatus, Outcome, Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import Connection, Row

    from mfn.ledger.opening import Ledger
    from mfn.models import BatchRef

UNFINISHED = (OrderStatus.HELD, OrderStatus.READY)
WAITING = (OrderStatus.PENDING, *UNFINISHED)
"""Statuses of orders that the warehouse was not given yet and that runs examine again."""
GIVEN = (OrderStatus.LOADED, OrderStatus.PARTIALLY_SHIPPED)
"""Statuses of orders that the warehouse has to ship and may still need a newer version of."""
LEFT = (OrderStatus.SHIPPED, OrderStatus.CONFIRMED)
"""Statuses of orders of which every unit has left."""
IN_WAREHOUSE = (*GIVEN, *LEFT)
TO_SHIP = (OrderStatus.READY, *GIVEN)
"""Statuses of orders that the warehouse may have units of to ship; `ready` ones if a run died before recording it."""

STANDING = (
    TrackedOrder.order_id, TrackedOrder.status, TrackedOrder.reasons, TrackedOrder.ship_by, TrackedOrder.loaded_digest,
    TrackedOrder.fulfilled_before,
)  # fmt: skip
"""The columns that the steps need of an order that they meet again."""

TRACKED_COLUMNS = (
    "connection", "order_id", "status", "reasons", "is_sfp", "ship_by", "marketplace_id", "service_level", "programs",
    "batch_id", "updated_at",
)  # fmt: skip
LOADED_COLUMNS = (
    "connection", "order_id", "status", "reasons", "loaded_digest", "fulfilled_before", "version_taken_up",
    "first_loaded_at", "batch_id", "updated_at",
)  # fmt: skip
OUTCOME_COLUMNS = ("batch_id", "order_id", "outcome", "reasons", "warnings", "at")

ALIKE_AT_ONCE = 1_000
"""SQLite keeps the old version of every page that a statement changes in memory: adjacent ids are on few pages.
PostgreSQL keeps none, and as long as it has no statistics of a table each statement reads all orders of the batch."""


def batch_orders(
    ledger: Ledger, batch_id: str, *, outcomes: Sequence[str] | None = None
) -> Sequence[Row[str, str, str | None, str | None, str | None]]:
    """The orders of a batch: order_id, origin, outcome, reasons, warnings; sorted by id."""
    statement = select(
        BatchOrder.order_id, BatchOrder.origin, BatchOrder.outcome, BatchOrder.reasons, BatchOrder.warnings
    ).where(BatchOrder.batch_id == batch_id)
    if outcomes is not None:
        statement = statement.where(BatchOrder.outcome.in_(outcomes))
    return ledger.rows(statement.order_by(BatchOrder.order_id))


def count_outcomes(ledger: Ledger, batch_id: str) -> dict[tuple[str, str | None], int]:
    """How many orders of a batch have each (origin, outcome)."""
    statement = (
        select(BatchOrder.origin, BatchOrder.outcome, func.count())
        .where(BatchOrder.batch_id == batch_id)
        .group_by(BatchOrder.origin, BatchOrder.outcome)
    )
    with ledger.reading() as database:
        return {(row[0], row[1]): row[2] for row in database.execute(statement)}


def figures_of(outcomes: Mapping[tuple[str, str | None], int]) -> dict[str, int]:
    """The counts of the contract: the window's orders by outcome, and apart from these, orders held earlier.

    Args:
        outcomes: As `count_outcomes` returns them.
    """
    return {
        **{outcome.value: outcomes.get((WINDOW, outcome.value), 0) for outcome in Outcome},
        "released": outcomes.get((EARLIER, Outcome.LOADED.value), 0),
        "still_held": outcomes.get((EARLIER, Outcome.HELD.value), 0),
    }


def tracked_orders(
    ledger: Ledger, connection: str, order_ids: Sequence[str], *, statuses: Sequence[str] | None = None
) -> dict[str, Row[Any]]:
    """What the ledger knows of a chunk of orders: `STANDING`, by order id; unknown ones are absent."""
    statement = select(*STANDING).where(TrackedOrder.connection == connection)
    if statuses is not None:
        statement = statement.where(TrackedOrder.status.in_(statuses))
    with ledger.reading() as database:
        rows: Any = database.execute(statement.where(among(database, TrackedOrder.order_id, order_ids)))
        return {row.order_id: row for row in rows}


def write_outcomes(database: Connection, batch: BatchRef, rows: Iterable[tuple[Any, ...]]) -> None:
    """Record what the batch did with its orders.

    Args:
        database: The open transaction on the ledger.
        batch: The batch.
        rows: (order_id, outcome, reasons, warnings) for each order of the batch, the last two as `reasons_text` returns
            them.
    """
    now = datetime.now(UTC)
    plain: dict[str, list[str]] = {}
    changes = []
    for row in rows:
        order_id, outcome, reasons, warnings = row
        if reasons is None and warnings is None:
            plain.setdefault(outcome, []).append(order_id)
        else:
            changes.append((batch.batch_id, *row, utc_text(now)))
    for outcome, order_ids in plain.items():
        _write_alike(database, batch, order_ids, outcome=outcome, reasons=None, warnings=None, at=now)
    change(database, table(BatchOrder), OUTCOME_COLUMNS, changes)


def move_outcomes(database: Connection, batch: BatchRef, rows: Iterable[tuple[str, str]]) -> None:
    """Change the outcome of orders that were judged before; their reasons and warnings stay."""
    now = datetime.now(UTC)
    alike: dict[str, list[str]] = {}
    for order_id, outcome in rows:
        alike.setdefault(outcome, []).append(order_id)
    for outcome, order_ids in alike.items():
        _write_alike(database, batch, order_ids, outcome=outcome, at=now)


def _write_alike(database: Connection, batch: BatchRef, order_ids: Sequence[str], **values: Any) -> None:
    # Most orders of a chunk have the same outcome: one statement for all takes half as long as one row each.
    by_key = sorted(order_ids)
    at_once = ALIKE_AT_ONCE if database.dialect.name == "sqlite" else max(1, len(by_key))
    for start in range(0, len(by_key), at_once):
        wanted = among(database, BatchOrder.order_id, by_key[start : start + at_once])
        database.execute(update(BatchOrder).where(BatchOrder.batch_id == batch.batch_id, wanted).values(values))


def write_standing(
    database: Connection, batch: BatchRef, rows: Iterable[tuple[Any, ...]], *, mostly_new: bool = False
) -> None:
    """Write the present status of orders; what the warehouse was given stays recorded.

    Args:
        database: The open transaction on the ledger.
        batch: The batch.
        rows: One (order_id, status, reasons, is_sfp, ship_by, marketplace_id, service_level, programs) an order, times
            as texts.
        mostly_new: Whether none of them is likely to be known.
    """
    now = utc_text(datetime.now(UTC))
    given = [(batch.connection, *row, batch.batch_id, now) for row in rows]
    merge(database, table(TrackedOrder), TRACKED_COLUMNS, given, mostly_new=mostly_new)


def write_loaded(database: Connection, batch: BatchRef, rows: Iterable[tuple[Any, ...]]) -> None:
    """Record that orders are in the warehouse for the first time.

    Args:
        database: The open transaction on the ledger.
        batch: The batch.
        rows: One (order_id, loaded_digest, fulfilled_before) an order, whose standing was written when it was judged;
            the last is JSON text {order item id: units shipped before} or None.
    """
    now, loaded, rows = utc_text(datetime.now(UTC)), OrderStatus.LOADED.value, list(rows)
    version = versions_landed(database, batch.connection, [order_id for order_id, *_ in rows])
    given = [
        (batch.connection, order_id, loaded, None, *facts, version.get(order_id), now, batch.batch_id, now)
        for order_id, *facts in rows
    ]
    change(database, table(TrackedOrder), LOADED_COLUMNS, given)


def write_reloaded(database: Connection, batch: BatchRef, rows: Iterable[tuple[str, str]]) -> None:
    """Record the digest of what the warehouse was given again of orders that it has; their progress stays."""
    now = utc_text(datetime.now(UTC))
    columns = ("connection", "order_id", "loaded_digest", "batch_id", "updated_at")
    given = [(batch.connection, order_id, digest, batch.batch_id, now) for order_id, digest in rows]
    change(database, table(TrackedOrder), columns, given)


def write_left_behind(database: Connection, batch: BatchRef, given: Iterable[tuple[str, str | None]]) -> None:
    """Record that the warehouse lacks the newest version of orders that it has: later imports examine them again.

    Args:
        database: The open transaction on the ledger.
        batch: The batch.
        given: One (order_id, loaded_digest) an order, the latter as the ledger has it.
    """
    write_reloaded(database, batch, [(order_id, in_doubt(one)) for order_id, one in given if one not in IN_DOUBT])


def versions_landed(database: Connection, connection: str, order_ids: Sequence[str]) -> dict[str, str]:
    """When Amazon last updated a chunk of orders, by their newest landed versions, as texts; unreadable ones absent."""
    of_connection = (LandedOrder.connection == connection) & LandedOrder.last_updated_at.is_not(None)
    statement = select(LandedOrder.order_id, cast(LandedOrder.last_updated_at, Text)).where(of_connection)
    return dict(database.execute(statement.where(among(database, LandedOrder.order_id, order_ids))).all())


def write_cancelled(database: Connection, batch: BatchRef, order_ids: Sequence[str]) -> None:
    """Record that Amazon has cancelled orders, according to the batch; their units are free again."""
    found = select(BatchOrder.reasons).where(
        BatchOrder.batch_id == batch.batch_id, BatchOrder.order_id == TrackedOrder.order_id
    )
    said = {"status": OrderStatus.CANCELLED.value, "reasons": found.scalar_subquery()}
    database.execute(
        update(TrackedOrder)
        .where(TrackedOrder.connection == batch.connection, among(database, TrackedOrder.order_id, order_ids))
        .values(**said, batch_id=batch.batch_id, updated_at=datetime.now(UTC))
    )


def reasons_text(reasons: Sequence[Reason]) -> str | None:
    """Reasons as the ledger stores them; None if there are none."""
    return msgspec.json.encode(reasons).decode() if reasons else None


def read_reasons(stored: str | None) -> tuple[Reason, ...]:
    """Reasons from the ledger."""
    return msgspec.json.decode(stored, type=tuple[Reason, ...]) if stored else ()
