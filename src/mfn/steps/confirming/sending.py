"""Sending a parcel to Amazon, and how Amazon's answer changes the parcel in the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from mfn.amazon.failures import BudgetExhaustedError
from mfn.amazon.packages import read_packages
from mfn.amazon.refusals import OrderFulfilledError
from mfn.amazon.shipments import PackageDetail, PackageItem
from mfn.amazon.shown_orders import SHOWN_DATA
from mfn.errors import DataError
from mfn.ledger.orders import reasons_text
from mfn.ledger.parcels import read_units
from mfn.models import ParcelStatus, Reason
from mfn.rules.parcel_verdicts import SHOWN_BY_AMAZON

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sqlalchemy import Row

    from mfn.amazon.packages import ShownPackage
    from mfn.amazon.refusals import ShipmentRefusedError
    from mfn.ledger.opening import Ledger
    from mfn.steps.workplace import Workplace

COMPARED = (
    "marketplace_id", "carrier_code", "carrier_name", "shipping_method", "tracking_number_sent", "items", "shipped_at",
)  # fmt: skip
"""The columns of a parcel that Amazon is sent, with the warehouse's or a rule's date, not one adapted for Amazon."""

SETTLING_WAIT_SECONDS = 30.0
"""How long a parcel waits for a call of getOrder; if its turn does not come, the next run settles it."""

ANSWERED = (
    "shipment_id", "status", "reasons", "warnings", "answer", "sent_digest", "sent_at", "verified_at", "times_sent",
    "items_sent", "batch_id",
)  # fmt: skip
"""The columns that an answer of Amazon may change, and the parcel's key."""


@dataclass(frozen=True)
class Answer:
    """How a parcel changes.

    Attributes:
        order_number: Its order.
        change: `shipment_id`, and the columns of the ledger that change: the same ones for every answer.
    """

    order_number: str
    change: Mapping[str, Any]


def digest_of_parcel(ledger: Ledger, parcel: Mapping[str, Any]) -> str:
    """A digest of a parcel's columns `COMPARED` that differs if something other than before would be sent to Amazon."""
    return ledger.cipher.digest(msgspec.json.encode([parcel[name] for name in COMPARED]))


def package_of(parcel: Row[Any]) -> PackageDetail:
    """What Amazon is sent about a parcel, from its row in the ledger after its verdict."""
    return PackageDetail(
        marketplace_id=parcel.marketplace_id,
        package_reference_id=parcel.package_reference_id,
        carrier_code=parcel.carrier_code,
        carrier_name=parcel.carrier_name or "",
        shipping_method=parcel.shipping_method or "",
        tracking_number=parcel.tracking_number_sent,
        ship_date=parcel.ship_date_sent,
        items=tuple(PackageItem(order_item_id, units) for order_item_id, units in read_units(parcel.items).items()),
    )


def answered(place: Workplace, parcel: Row[Any], refusal: ShipmentRefusedError | None) -> Answer | None:
    """How Amazon's answer changes a parcel.

    Args:
        place: The workplace.
        parcel: The parcel's row in the ledger.
        refusal: Amazon's refusal; None where it took the parcel.

    Returns:
        Sent, or failed with Amazon's words. If Amazon says that the order is fulfilled already, what it shows of the
        order decides; None if that could not be read in time, and the parcel stays pending.

    Raises:
        RetriableError: Amazon could not be reached for what it shows.
        FatalError: A role is missing, or the credentials are refused.
    """
    if isinstance(refusal, OrderFulfilledError):
        return _settled(place, parcel, refusal)
    if refusal is not None:
        return _refused(place, parcel, refusal)
    sent = {"sent_at": datetime.now(UTC), "verified_at": None, "items_sent": parcel.items}
    sent["times_sent"] = parcel.times_sent + 1
    return Answer(parcel.order_number, _change(place, parcel, ParcelStatus.SENT) | sent)


def is_shown(tracking_number: str | None, packages: Collection[ShownPackage], *, but_for: Collection[str]) -> bool:
    """Whether Amazon shows a parcel with a tracking number.

    Args:
        tracking_number: The parcel's.
        packages: What Amazon shows of the order.
        but_for: References of packages to leave out.
    """
    wanted = _bare(tracking_number)
    return bool(wanted) and any(
        _bare(package.tracking_number) == wanted
        for package in packages
        if package.package_reference_id not in but_for and package.status != "CANCELLED"
    )


def _bare(tracking_number: str | None) -> str:
    return "".join(letter for letter in tracking_number or "" if letter.isalnum()).upper()


def _settled(place: Workplace, parcel: Row[Any], refusal: OrderFulfilledError) -> Answer | None:
    try:
        text = place.amazon.get_order(
            parcel.order_number, max_wait_seconds=SETTLING_WAIT_SECONDS, included_data=SHOWN_DATA
        )
        packages = read_packages(text).packages if text is not None else ()
    except BudgetExhaustedError:
        return None
    except DataError:
        packages = ()
    mine = [package for package in packages if package.package_reference_id == parcel.package_reference_id]
    if is_shown(parcel.tracking_number_sent, mine, but_for=()):
        now = datetime.now(UTC)
        change = {"sent_at": parcel.sent_at or now, "verified_at": now, "items_sent": parcel.items}
        return Answer(parcel.order_number, _change(place, parcel, ParcelStatus.VERIFIED) | change)
    if is_shown(parcel.tracking_number_sent, packages, but_for=()):
        change = {"reasons": reasons_text([SHOWN_BY_AMAZON])}
        return Answer(parcel.order_number, _change(place, parcel, ParcelStatus.SKIPPED) | change)
    return _refused(place, parcel, refusal)


def _refused(place: Workplace, parcel: Row[Any], refusal: ShipmentRefusedError) -> Answer:
    said = "; ".join(map(str, refusal.words)) or refusal.message
    reasons = reasons_text([Reason("refused_by_amazon", said, refusal.remedy)])
    return Answer(
        parcel.order_number, _change(place, parcel, ParcelStatus.FAILED) | {"answer": said, "reasons": reasons}
    )


def _change(place: Workplace, parcel: Row[Any], status: ParcelStatus) -> dict[str, Any]:
    digest = digest_of_parcel(place.ledger, {name: getattr(parcel, name) for name in COMPARED})
    changed = {"status": status.value, "reasons": None, "answer": None, "sent_digest": digest}
    return {name: getattr(parcel, name) for name in ANSWERED} | changed
