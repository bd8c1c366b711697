"""Parcels: what the warehouse has shipped, and what was confirmed to Amazon and Amazon shows."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import bindparam, delete, func, or_, select, update

from mfn.database.bulk import among, merge, utc_text
from mfn.database.columns import columns
from mfn.ledger.batches import update_batch
from mfn.ledger.known_connections import KNOWN_CONNECTIONS
from mfn.ledger.schema import Batch, Parcel, table
from mfn.models import ParcelStatus

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from sqlalchemy import Connection, Row

    from mfn.ledger.opening import Ledger
    from mfn.models import BatchRef


EXAMINED = (ParcelStatus.PENDING, ParcelStatus.HELD, ParcelStatus.FAILED)
"""Parcels that a run checks: those that are due, and those that may have been corrected since then."""

SENT = (ParcelStatus.SENT, ParcelStatus.VERIFIED)
"""Parcels that Amazon has taken."""

SETTLED = (*SENT, ParcelStatus.SKIPPED)
"""Parcels that have shipped: Amazon has accepted them, or there is a reason why no confirmation is needed."""

NOT_WRITTEN = ""
"""The digest of a parcel that is not there: whatever the warehouse writes under its id later is new."""

WRITTEN_COLUMNS = (
    "connection", "shipment_id", "order_number", "status", "reasons", "warnings", "written_digest", "carrier",
    "service", "tracking_number", "shipped_at", "times_sent", "batch_id", "updated_at",
)  # fmt: skip
KEPT = {"connection", "shipment_id", "times_sent", "batch_id"}
"""What a parcel keeps when the warehouse changes it; in which run it is due is said once it has been examined."""


def written_digests(ledger: Ledger, connection: str) -> dict[str, str]:
    """The digest of what the warehouse wrote of every parcel of a connection, by shipment id."""
    names = {"shipment_id": "shipment_id", "written_digest": "written_digest"}
    with ledger.reading() as database:
        found = columns(database, names, "FROM parcel WHERE connection = :of", {"of": connection})
    return dict(zip(found["shipment_id"], found["written_digest"], strict=True))


def known_parcels(ledger: Ledger, connection: str, shipment_ids: Iterable[str]) -> dict[str, Row[Any]]:
    """What `collect` looks at of parcels that are known, by shipment id: of some of them, and of all to be examined."""
    wanted = (
        Parcel.shipment_id, Parcel.order_number, Parcel.status, Parcel.sent_at, Parcel.package_reference_id,
        Parcel.items_sent, Parcel.warnings,
    )  # fmt: skip
    with ledger.reading() as database:
        which = Parcel.status.in_(EXAMINED) | among(database, Parcel.shipment_id, shipment_ids)
        rows: Any = database.execute(select(*wanted).where(Parcel.connection == connection, which))
        return {row.shipment_id: row for row in rows}


def write_collected(database: Connection, batch: BatchRef, shipments: Iterable[tuple[Any, ...]]) -> None:
    """Note shipments that are new, or that the warehouse has changed.

    Args:
        database: The open transaction on the ledger.
        batch: The batch.
        shipments: One (status, shipment_id, order_number, digest, carrier, service, tracking_number, shipped_at) a
            shipment, the last five as the warehouse wrote them; the last one aware, or None.
    """
    now = utc_text(datetime.now(UTC))
    rows = [
        (batch.connection, shipment_id, order_number, status, None, None, digest, *written,
         shipped_at and utc_text(shipped_at), 0, batch.batch_id, now)
        for status, shipment_id, order_number, digest, *written, shipped_at in shipments
    ]  # fmt: skip
    update = [name for name in WRITTEN_COLUMNS if name not in KEPT]
    merge(database, table(Parcel), WRITTEN_COLUMNS, rows, update=update)


def former_id(shipment_id: str, order_number: str) -> str:
    """The id under which the ledger keeps what Amazon has of a parcel with an order that it is no longer under."""
    return f"{shipment_id} of {order_number}"


def given_away(ledger: Ledger, connection: str, order_numbers: Iterable[str]) -> list[tuple[str, str]]:
    """Order number and id of what orders have at Amazon, or may have, and that may be no parcel's any more.

    That is what was confirmed of parcels that are under another order by now (`former_id`), and what no answer says was
    ever confirmed, if the parcel never shipped.
    """
    with ledger.reading() as database:
        rows = database.execute(
            select(Parcel.order_number, Parcel.shipment_id, Parcel.sent_at)
            .where(
                Parcel.connection == connection,
                among(database, Parcel.order_number, order_numbers),
                Parcel.package_reference_id.is_not(None),
            )
            .order_by(Parcel.order_number, Parcel.shipment_id)
        )
        return [
            (order_number, key)
            for order_number, key, sent_at in rows
            if sent_at is None or key.endswith(former_id("", order_number))
        ]


def rename_parcels(database: Connection, batch: BatchRef, new_ids: Sequence[tuple[str, str]]) -> None:
    """Give what the ledger has of parcels other ids: (the former one, the new one, which no parcel has)."""
    mine = (Parcel.connection == batch.connection) & (Parcel.shipment_id == bindparam("key"))
    if new_ids:
        rename = update(Parcel).where(mine).values(shipment_id=bindparam("new_key"))
        database.execute(rename, [{"key": former, "new_key": new} for former, new in new_ids])


def forget_parcels(database: Connection, batch: BatchRef, shipment_ids: Collection[str]) -> None:
    """Forget parcels of which Amazon has nothing."""
    if shipment_ids:
        mine = (Parcel.connection == batch.connection) & among(database, Parcel.shipment_id, shipment_ids)
        database.execute(delete(Parcel).where(mine))


def parcels_of(
    ledger: Ledger,
    connection: str | None,
    *,
    statuses: Sequence[str] | None = None,
    order_numbers: Sequence[str] | None = None,
    batch_id: str | None = None,
) -> Sequence[Row[Any]]:
    """Parcels, the most urgent first, of an order those first that Amazon knows: every column.

    Args:
        ledger: The open ledger.
        connection: Only those of this connection; None: of any.
        statuses: Only those with one of these.
        order_numbers: Only those of these orders.
        batch_id: Only those that were due in this run last.
    """
    statement = select(Parcel).order_by(
        Parcel.ship_by.nulls_last(), Parcel.order_number, Parcel.sent_at.is_(None), Parcel.shipment_id
    )
    asked = KNOWN_CONNECTIONS if connection is None else [connection]
    statement = statement.where(Parcel.connection.in_(asked))
    if statuses is not None:
        statement = statement.where(Parcel.status.in_(statuses))
    if batch_id is not None:
        statement = statement.where(Parcel.batch_id == batch_id)
    with ledger.reading() as database:
        if order_numbers is not None:
            statement = statement.where(among(database, Parcel.order_number, order_numbers))
        return database.execute(statement).all()


def count_parcels(ledger: Ledger, connection: str, statuses: Sequence[str]) -> int:
    """How many parcels of a connection have one of these statuses."""
    statement = select(func.count()).where(Parcel.connection == connection, Parcel.status.in_(statuses))
    with ledger.reading() as database:
        return database.execute(statement).scalar_one()


def update_parcels(database: Connection, batch: BatchRef, changes: Sequence[Mapping[str, Any]]) -> None:
    """Change parcels of a connection.

    Args:
        database: The open transaction on the ledger.
        batch: The batch.
        changes: `shipment_id` and the columns to change, the same ones in each; times are aware.
    """
    if not changes:
        return
    names = [name for name in changes[0] if name != "shipment_id"]
    where = (Parcel.connection == batch.connection) & (Parcel.shipment_id == bindparam("key"))
    statement = update(Parcel).where(where).values({name: bindparam(f"new_{name}") for name in [*names, "updated_at"]})
    now = datetime.now(UTC)
    database.execute(
        statement,
        [
            {"key": change["shipment_id"], "new_updated_at": now} | {f"new_{name}": change[name] for name in names}
            for change in changes
        ],
    )


def to_verify(ledger: Ledger, connection: str, before: datetime) -> Sequence[Row[Any]]:
    """Parcels that Amazon took before a moment and has not been seen to show, oldest first: every column."""
    statement = (
        select(Parcel)
        .where(Parcel.connection == connection, Parcel.status == ParcelStatus.SENT, Parcel.sent_at <= before)
        .order_by(Parcel.sent_at, Parcel.order_number, Parcel.shipment_id)
    )
    return ledger.rows(statement)


def references_of(ledger: Ledger, connection: str, order_numbers: Sequence[str]) -> dict[str, set[str]]:
    """The package references that this project gave to parcels of orders; an empty set for an order without any."""
    found: dict[str, set[str]] = {order_number: set() for order_number in order_numbers}
    with ledger.reading() as database:
        rows = database.execute(
            select(Parcel.order_number, Parcel.package_reference_id).where(
                Parcel.connection == connection,
                among(database, Parcel.order_number, order_numbers),
                Parcel.package_reference_id.is_not(None),
            )
        )
        for order_number, reference in rows:
            found[order_number].add(reference or "")
    return found


def units_sent(ledger: Ledger, connection: str, order_numbers: Iterable[str]) -> dict[tuple[str, str], int]:
    """How many units of each order item Amazon has with parcels of this project, by order number and order item id."""
    found: Counter[tuple[str, str]] = Counter()
    with ledger.reading() as database:
        rows = database.execute(
            select(Parcel.order_number, Parcel.items_sent).where(
                Parcel.connection == connection,
                among(database, Parcel.order_number, order_numbers),
                Parcel.items_sent.is_not(None),
            )
        )
        for order_number, items in rows:
            for order_item_id, units in read_units(items).items():
                found[order_number, order_item_id] += units
    return found


def read_units(items: str | None) -> dict[str, int]:
    """Units by order item, from what the ledger keeps of a parcel."""
    return dict(msgspec.json.decode(items or "[]", type=list[tuple[str, int]]))


def note_counts(ledger: Ledger, batch: BatchRef) -> dict[str, int]:
    """Write the figures of a confirm run into its batch, as the contract has them.

    `shipments` are the parcels that were due in this run: those that it took up, and all that are still pending.
    `verified` and `unverified` are all parcels of the connection that were sent so far, `still_held` those that earlier
    runs have held and that are still so.

    Returns:
        All counts of the batch.
    """
    due_here = or_(Parcel.batch_id == batch.batch_id, Parcel.status == ParcelStatus.PENDING)
    statement = select(Parcel.status, func.count()).where(Parcel.connection == batch.connection).group_by(Parcel.status)
    with ledger.writing() as database:
        here: dict[str, int] = dict(database.execute(statement.where(due_here)).all())
        everywhere: dict[str, int] = dict(database.execute(statement).all())
        before: dict[str, int] = database.execute(
            select(Batch.counts).where(Batch.batch_id == batch.batch_id)
        ).scalar_one()
        figures = {status.value: here.get(status, 0) for status in ParcelStatus if status != ParcelStatus.VERIFIED}
        figures["sent"] += here.get(ParcelStatus.VERIFIED, 0)
        counts = {
            "shipments": sum(figures.values()),
            **figures,
            "verified": everywhere.get(ParcelStatus.VERIFIED, 0),
            "unverified": everywhere.get(ParcelStatus.SENT, 0),
            "released": before.get("released", 0),
            "still_held": everywhere.get(ParcelStatus.HELD, 0) - figures["held"],
        }
        update_batch(database, batch, counts=counts)
    return counts
