"""How parcels change in the ledger, by the verdict on each and by what is known of their orders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from mfn.ledger.orders import read_reasons, reasons_text
from mfn.ledger.parcels import SENT, SETTLED
from mfn.models import ParcelStatus, Reason
from mfn.steps.confirming.sending import digest_of_parcel

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from sqlalchemy import Row

    from mfn.amazon.packages import ShownPackages
    from mfn.ledger.opening import Ledger
    from mfn.models import BatchRef
    from mfn.rules.parcel_verdicts import Verdict

HELD_THEN_FAILED = (ParcelStatus.HELD, ParcelStatus.FAILED)

VERDICT_COLUMNS = (
    "shipment_id", "status", "reasons", "warnings", "marketplace_id", "package_reference_id", "carrier_code",
    "carrier_name", "shipping_method", "tracking_number_sent", "shipped_at", "ship_date_sent", "items", "ship_by",
    "batch_id",
)  # fmt: skip


@dataclass(frozen=True)
class KnownOrders:
    """What is known of the parcels' orders.

    Attributes:
        shown: What Amazon showed of each when it landed, or shows now; an order that never landed is absent.
        references: The references that this project gave to parcels of each.
        facts: The standing of each, as `mfn.ledger.known_orders.known_orders` has it.
        removed: Those whose buyer's data was removed, and with it what Amazon had shown.
    """

    shown: Mapping[str, ShownPackages]
    references: Mapping[str, set[str]]
    facts: Mapping[str, Row[Any]]
    removed: Collection[str]

    def given_references(self, row: Row[Any]) -> set[str]:
        """The references under which no parcel is searched for: this project's, except one that Amazon refused."""
        refused = {row.package_reference_id} if row.status == ParcelStatus.FAILED else set()
        return self.references[row.order_number] - refused

    def give_reference(self, order_number: str) -> str:
        """Give a parcel a reference above those that Amazon shows and those given by this project; returns it."""
        given = self.references[order_number]
        highest = max([self.shown[order_number].highest_reference, *(int(reference) for reference in given)])
        given.add(str(highest + 1))
        return str(highest + 1)


@dataclass(frozen=True)
class ParcelChanges:
    """Turns verdicts into changes of the ledger.

    Attributes:
        ledger: The open ledger.
        batch: The batch.
        known: What is known of the orders.
        items: The contents of each parcel, as the ledger stores them.
    """

    ledger: Ledger
    batch: BatchRef
    known: KnownOrders
    items: Mapping[str, str]

    def change(self, row: Row[Any], parcel: Mapping[Any, Any], verdict: Verdict) -> dict[str, Any]:
        """The columns of a parcel that change in the ledger; what is confirmed of it only if it is to be confirmed.

        Args:
            row: The parcel as the ledger has it.
            parcel: The parcel as the verdict saw it.
            verdict: The verdict on it.
        """
        unchanged = {name: getattr(row, name) for name in VERDICT_COLUMNS}
        if verdict.status == ParcelStatus.SKIPPED and row.status in SENT:
            return unchanged
        mine = {"batch_id": self.batch.batch_id}
        change = unchanged | {
            "status": verdict.status.value,
            "reasons": reasons_text(verdict.reasons),
            "warnings": reasons_text(verdict.warnings),
            "ship_by": _moment(parcel["ship_by"]),
        }
        if verdict.status == ParcelStatus.SKIPPED:
            return change | {"items": self.items.get(row.shipment_id)} | mine
        if verdict.status != ParcelStatus.PENDING:
            # What was held or refused before is reported once, not in every run.
            is_news = row.status in (ParcelStatus.PENDING, *SETTLED) or (row.status, verdict.status) == HELD_THEN_FAILED
            return change | (mine if is_news else {})
        to_confirm = {
            **{name: parcel[name] for name in ("marketplace_id", "carrier_code", "carrier_name", "shipping_method")},
            "tracking_number_sent": "".join(filter(str.isprintable, parcel["tracking_number"])),
            "items": self.items[row.shipment_id],
            "shipped_at": _moment(parcel["shipped_at"]),
        }
        digest = digest_of_parcel(self.ledger, to_confirm)
        if digest != row.sent_digest:
            reference = row.package_reference_id or self.known.give_reference(row.order_number)
            due = {"package_reference_id": reference, "ship_date_sent": _moment(parcel["ship_date"])}
            return change | to_confirm | due | mine
        if row.answer is not None:
            refused = Reason("refused_by_amazon", row.answer, "Correct the parcel, and the next run sends it again.")
            reasons = [*read_reasons(row.reasons), refused][:1]
            return change | {"status": ParcelStatus.FAILED.value, "reasons": reasons_text(reasons)}
        return change | {"status": (ParcelStatus.VERIFIED if row.verified_at else ParcelStatus.SENT).value}


def _moment(time: Any) -> datetime | None:
    return None if pd.isna(time) else time.to_pydatetime()
