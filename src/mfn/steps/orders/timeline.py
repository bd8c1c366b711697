"""One order for people: its status, the reasons for it, and what runs and people did with it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from mfn.errors import ConfigurationError
from mfn.ledger.decisions import decisions_on
from mfn.ledger.order_ends import ends_of
from mfn.ledger.order_listing import conflicts_of, order_timeline, orders_with_id
from mfn.ledger.orders import read_reasons
from mfn.ledger.parcels import parcels_of, read_units
from mfn.models import Parameters

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Row

    from mfn.ledger.opening import Ledger
    from mfn.models import Reason


@dataclass(frozen=True)
class OrderStanding:
    """The status of an order in one connection.

    Attributes:
        order_id: Amazon's order id.
        connection: The connection's name.
        status: One of `mfn.models.OrderStatus`.
        reasons: The reasons for it, with what to do.
        is_sfp: Whether it is Seller Fulfilled Prime.
        ship_by: By when Amazon wants it shipped, in UTC, or None.
        marketplace_id: Where it was placed, or None.
        service_level: Amazon's fulfillmentServiceLevel, or None.
        programs: Its programmes, comma separated, or None.
        batch_id: The last run that moved it.
        updated_at: When, in UTC.
    """

    order_id: str
    connection: str
    status: str
    reasons: tuple[Reason, ...]
    is_sfp: bool
    ship_by: datetime | None
    marketplace_id: str | None
    service_level: str | None
    programs: str | None
    batch_id: str
    updated_at: datetime


@dataclass(frozen=True)
class Moment:
    """What one run or one person did with an order, or the status of one of its parcels.

    Attributes:
        at: When, in UTC.
        batch_id: The run, or None for a person, and where buyers' data was removed.
        kind: `import`; `confirm` for a parcel; `decision` for a person; `removal` where the buyer's data was removed.
        outcome: The outcome; None if it has landed and is not decided yet. Of a removal `purged` or `erased`;
            `reported` if a confirm run reported conflicts.
        connection: The connection's name.
        reasons: Why.
        warnings: What is odd about it, but no reason to hold it.
        conflicts: What Amazon changed too late, as (what, its status in the warehouse).
        dry_run: Whether nothing reached the warehouse.
        parcel: The warehouse's id of the parcel, or None.
        by: The operating system's name of the person, or None.
        why: The person's words; why the buyer's data was removed; or None.
    """

    at: datetime
    batch_id: str | None
    kind: str
    outcome: str | None
    connection: str
    reasons: tuple[Reason, ...] = ()
    warnings: tuple[Reason, ...] = ()
    conflicts: tuple[tuple[str, str], ...] = ()
    dry_run: bool = False
    parcel: str | None = None
    by: str | None = None
    why: str | None = None


@dataclass(frozen=True)
class ParcelStanding:
    """A parcel of an order; the fields are explained in `mfn.ledger.schema.Parcel`.

    Attributes:
        items: As (Amazon's order item id, units).
    """

    shipment_id: str
    status: str
    package_reference_id: str | None
    carrier: str | None
    service: str | None
    tracking_number: str | None
    carrier_code: str | None
    carrier_name: str | None
    shipping_method: str | None
    tracking_number_sent: str | None
    times_sent: int
    answer: str | None
    batch_id: str
    shipped_at: datetime | None
    ship_date_sent: datetime | None
    sent_at: datetime | None
    verified_at: datetime | None
    reasons: tuple[Reason, ...]
    warnings: tuple[Reason, ...]
    items: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class OrderStory:
    """Everything that the ledger knows of one order, without buyer's data.

    Attributes:
        order_id: Amazon's order id.
        standings: Its status in each connection that has it; none in one where it has only landed.
        timeline: Oldest first.
        parcels: In the order of their ids.
    """

    order_id: str
    standings: tuple[OrderStanding, ...]
    timeline: tuple[Moment, ...]
    parcels: tuple[ParcelStanding, ...]


def order_story(ledger: Ledger, order_id: str) -> OrderStory:
    """What the ledger knows of an order.

    Raises:
        ConfigurationError: The ledger does not know the order.
    """
    standings = tuple(standing_of(row) for row in orders_with_id(ledger, order_id))
    rows = parcels_of(ledger, None, order_numbers=[order_id])
    moments = [_moment(row, order_id) for row in order_timeline(ledger, order_id)]
    moments += [decision_moment(row) for row in decisions_on(ledger, order_id)]
    moments += [_parcel_moment(row) for row in rows]
    reports = [_report(row, order_id) for one in standings for row in conflicts_of(ledger, one.connection, order_id)]
    moments += [report for report in reports if report.conflicts]  # another order's may merely name this one
    moments += [moment for row in ends_of(ledger, [order_id]) if (moment := _removal(row)) is not None]
    if not standings and not moments:
        raise ConfigurationError(
            f"the ledger has no order {order_id!r}.", remedy="Fetch it: mfn import CONNECTION --order " + order_id
        )
    timeline = tuple(sorted(moments, key=lambda moment: moment.at))
    return OrderStory(order_id, standings, timeline, tuple(_parcel(row) for row in rows))


def standing_of(row: Row[Any]) -> OrderStanding:
    """The status of an order, from a row of `tracked_order`."""
    stored = {field.name: getattr(row, field.name) for field in fields(OrderStanding)}
    return OrderStanding(**stored | {"reasons": read_reasons(row.reasons)})


def _moment(row: Row[Any], order_id: str) -> Moment:
    return Moment(
        at=row.at,
        batch_id=row.batch_id,
        kind=row.kind,
        outcome=row.outcome,
        connection=row.connection,
        reasons=read_reasons(row.reasons),
        warnings=read_reasons(row.warnings),
        conflicts=_conflicts(row, order_id),
        dry_run=Parameters.of(row.parameters).dry_run,
    )


def _report(row: Row[Any], order_id: str) -> Moment:
    return Moment(
        at=row.started_at,
        batch_id=row.batch_id,
        kind="confirm",
        outcome="reported",
        connection=row.connection,
        conflicts=_conflicts(row, order_id),
    )


def _conflicts(row: Row[Any], order_id: str) -> tuple[tuple[str, str], ...]:
    found = (conflict for conflict in row.conflicts or () if conflict["order_id"] == order_id)
    return tuple((conflict["what"], conflict["status"]) for conflict in found)


def decision_moment(row: Row[Any]) -> Moment:
    """What a person decided, from a row of `decision`, as a moment of the timeline."""
    return Moment(
        at=row.decided_at,
        batch_id=None,
        kind="decision",
        outcome=row.kind,
        connection=row.connection,
        reasons=read_reasons(row.reasons),
        by=row.decided_by,
        why=row.why,
    )


def _removal(row: Row[Any]) -> Moment | None:
    """When the buyer's data of an order was removed, from a row of `order_end`; None if it is still there."""
    if row.erased_at is not None:  # a person asked for it, whatever a purge removed besides
        at, outcome, by = row.erased_at, "erased", row.erased_by
        why = f"buyer's data removed (erased by {by})"
    elif row.purged_at is not None:
        at, outcome, by = row.purged_at, "purged", None
        why = "buyer's data removed (past retention)"
    else:
        return None
    return Moment(at=at, batch_id=None, kind="removal", outcome=outcome, connection=row.connection, by=by, why=why)


def _parcel_moment(row: Row[Any]) -> Moment:
    """The status of a parcel, as a moment of the timeline."""
    return Moment(
        at=row.verified_at or row.sent_at or row.updated_at,
        batch_id=row.batch_id,
        kind="confirm",
        outcome=row.status,
        connection=row.connection,
        reasons=read_reasons(row.reasons),
        warnings=read_reasons(row.warnings),
        parcel=row.shipment_id,
    )


def _parcel(row: Row[Any]) -> ParcelStanding:
    stored = {field.name: getattr(row, field.name) for field in fields(ParcelStanding)}
    read = {
        "reasons": read_reasons(row.reasons),
        "warnings": read_reasons(row.warnings),
        "items": tuple(read_units(row.items).items()),
    }
    return ParcelStanding(**stored | read)
