"""What the report of a confirm run shows of its parcels, from the ledger."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from mfn.errors import FatalError
from mfn.ledger.orders import read_reasons
from mfn.ledger.parcels import parcels_of
from mfn.models import ParcelStatus, Reason
from mfn.reports.model import HeldOrder

if TYPE_CHECKING:
    from sqlalchemy import Row

    from mfn.ledger.opening import Ledger
    from mfn.models import BatchRef

WAITING = (ParcelStatus.HELD, ParcelStatus.FAILED)


def parcel_facts(ledger: Ledger, batch: BatchRef) -> dict[str, Any]:
    """The parts of a `RunReport` that a confirm run has of its own.

    Args:
        ledger: The open ledger.
        batch: The batch, closed.

    Returns:
        `held`: every parcel that is held or was refused, late ones first; `ignored` and `warnings`: parcels of this run
        by reason code.
    """
    mine = parcels_of(ledger, batch.connection, batch_id=batch.batch_id)
    skipped = [row for row in mine if row.status == ParcelStatus.SKIPPED]
    return {
        "held": tuple(_waiting(row) for row in parcels_of(ledger, batch.connection, statuses=WAITING)),
        "ignored": Counter(reason.code for row in skipped for reason in read_reasons(row.reasons)),
        "warnings": Counter(reason.code for row in mine for reason in read_reasons(row.warnings)),
    }


def refusal_of(row: Row[Any]) -> FatalError | None:
    """The error of a confirm run in which parcels failed for good; None for one in which none did.

    The run is done all the same: running it again would send the same once more.

    Args:
        row: The row of the batch.
    """
    failed = row.counts.get("failed", 0)
    if not failed:
        return None
    return FatalError(
        f"{failed} of {row.counts['shipments']} parcels failed for good: Amazon or a rule refused them; the others went"
        " on.",
        remedy="Read why in the report, correct them in the warehouse, and they are sent again by the next run; or"
        " confirm these orders in Seller Central.",
    )


def _waiting(row: Row[Any]) -> HeldOrder:
    reasons = tuple(
        Reason(reason.code, f"parcel {row.shipment_id}: {reason.detail}", reason.remedy)
        for reason in read_reasons(row.reasons)
    )
    return HeldOrder(row.order_number, reasons, ship_by=row.ship_by)
