"""The parcels of a confirm run as its report shows them, from the ledger."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, or_, select

from mfn.errors import FatalError
from mfn.ledger.orders import read_reasons
from mfn.ledger.parcels import EXAMINED, SENT
from mfn.ledger.schema import Parcel, TrackedOrder
from mfn.models import ParcelStatus
from mfn.reports.model import CarrierUse, HeldOrder, LateParcel, Punctuality
from mfn.rules.carriers import UNLISTED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Row

    from mfn.ledger.opening import Ledger

WAITING = (ParcelStatus.HELD, ParcelStatus.FAILED)
LET_THROUGH = (*SENT, ParcelStatus.PENDING)
SOON = timedelta(hours=12)


def parcel_facts(ledger: Ledger, batch: Row[Any]) -> dict[str, Any]:
    """The parts of a `RunReport` that only confirm runs have.

    Args:
        ledger: The open ledger.
        batch: The row of the batch, closed.

    Returns:
        `held`: every parcel that is held or was refused, late ones first; `noted`: parcels of this run that were let
        through with a warning; `ignored` and `warnings`: parcels of this run by reason code; `punctuality`: those of
        this run, and all that are still to be confirmed, against ship-by; `carriers`: those of this run as written
        and as sent.
    """
    rows = _parcels(ledger, batch)
    mine = [row for row in rows if row.batch_id == batch.batch_id]
    skipped = [row for row in mine if row.status == ParcelStatus.SKIPPED]
    noted = [row for row in mine if row.status in LET_THROUGH and row.warnings]
    sent = [row for row in mine if row.status in SENT]
    waiting = [row for row in rows if row.status in EXAMINED]
    return {
        "held": tuple(_shown(row, row.reasons) for row in waiting if row.status in WAITING),
        "noted": tuple(_shown(row, row.warnings) for row in noted),
        "ignored": Counter(reason.code for row in skipped for reason in read_reasons(row.reasons)),
        "warnings": Counter(reason.code for row in noted for reason in read_reasons(row.warnings)),
        "punctuality": _punctuality(sent, waiting, batch.finished_at or datetime.now(UTC)),
        "carriers": _carriers(sent),
    }


def _parcels(ledger: Ledger, batch: Row[Any]) -> Sequence[Row[Any]]:
    """Parcels of the run and all that are still to be confirmed, by ship-by; with `is_sfp` of their orders."""
    joined = and_(TrackedOrder.connection == Parcel.connection, TrackedOrder.order_id == Parcel.order_number)
    statement = (
        select(
            Parcel.shipment_id, Parcel.order_number, Parcel.status, Parcel.reasons, Parcel.warnings, Parcel.ship_by,
            Parcel.sent_at, Parcel.times_sent, Parcel.carrier, Parcel.service, Parcel.carrier_code,
            Parcel.carrier_name, Parcel.shipping_method, Parcel.batch_id, TrackedOrder.is_sfp,
        )
        .outerjoin(TrackedOrder, joined)
        .where(Parcel.connection == batch.connection)
        .where(or_(Parcel.batch_id == batch.batch_id, Parcel.status.in_(EXAMINED)))
        .order_by(Parcel.ship_by.nulls_last(), Parcel.order_number, Parcel.shipment_id)
    )  # fmt: skip
    with ledger.reading() as database:
        rows: Any = database.execute(statement).all()
        return list(rows)


def _punctuality(sent: Sequence[Row[Any]], waiting: Sequence[Row[Any]], now: datetime) -> Punctuality:
    """Parcels against ship-by; of a corrected one only the last call is known, so it is counted apart."""
    first = [row for row in sent if row.times_sent <= 1]
    late = [row for row in first if row.ship_by is not None and row.sent_at > row.ship_by]
    unknown = sum(row.ship_by is None for row in first)
    due = [row for row in waiting if row.ship_by is not None and row.sent_at is None]
    overdue = [row for row in due if row.ship_by < now]
    return Punctuality(
        on_time=len(first) - len(late) - unknown,
        late=len(late),
        corrected=len(sent) - len(first),
        unknown=unknown,
        overdue=len(overdue),
        soon=sum(now <= row.ship_by <= now + SOON for row in due),
        late_parcels=tuple(
            LateParcel(row.order_number, row.shipment_id, row.ship_by, row.sent_at, row.status, bool(row.is_sfp))
            for row in (*overdue, *late)
        ),
    )


def _carriers(sent: Sequence[Row[Any]]) -> tuple[CarrierUse, ...]:
    counted = Counter(
        (
            row.carrier, row.service, row.carrier_code, row.carrier_name, row.shipping_method,
            any(warning.code == UNLISTED for warning in read_reasons(row.warnings)),
        )
        for row in sent
    )  # fmt: skip
    uses = [CarrierUse(*written_and_sent, parcels) for written_and_sent, parcels in counted.items()]
    return tuple(sorted(uses, key=lambda use: (-use.parcels, use.carrier or "", use.service or "")))


def parcel_refusals_of(row: Row[Any]) -> FatalError | None:
    """The error of a confirm run in which parcels failed permanently; None for one in which none did.

    The run still counts as done: running it again would send the same once more.
    """
    failed = row.counts.get("failed", 0)
    if not failed:
        return None
    return FatalError(
        f"{failed} of {row.counts['shipments']} parcels failed: Amazon or a rule refused them; the others were"
        " processed.",
        remedy="Read the reasons in the report and correct the parcels in the warehouse: the next run sends them"
        " again. Or confirm these orders in Seller Central with the same tracking numbers, and fetch each:"
        f" mfn import {row.connection} --order ID.",
    )


def _shown(row: Row[Any], reasons: str | None) -> HeldOrder:
    return HeldOrder(row.order_number, read_reasons(reasons), bool(row.is_sfp), row.ship_by, parcel=row.shipment_id)
