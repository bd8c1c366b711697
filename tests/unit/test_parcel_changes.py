"""What becomes of a parcel in the ledger, by where it stood, what Amazon was told of it, and the verdict about it."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from mfn.ledger.encryption import Cipher, new_key, parse_keys
from mfn.ledger.orders import read_reasons, reasons_text
from mfn.models import BatchRef, ParcelStatus, Reason
from mfn.rules.parcel_verdicts import Verdict
from mfn.steps.confirming.parcel_changes import KnownOrders, ParcelChanges
from mfn.steps.confirming.sending import digest_of_parcel

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
LEDGER: Any = SimpleNamespace(cipher=Cipher(parse_keys(new_key(), origin="test"), b"secret"))
BATCH = BatchRef("this", "us", "confirm", stage="collect", lease="")
PARCEL = {
    "marketplace_id": "M",
    "carrier_code": "UPS",
    "carrier_name": None,
    "shipping_method": "Ground",
    "tracking_number": "1Z\u200b999",
    "shipped_at": pd.Timestamp(NOON),
    "ship_date": pd.Timestamp(NOON),
    "ship_by": pd.NaT,
}
ITEMS = '[["I",2]]'
SENT_DIGEST = digest_of_parcel(
    LEDGER,
    {name: PARCEL[name] for name in ("marketplace_id", "carrier_code", "carrier_name", "shipping_method")}
    | {"tracking_number_sent": "1Z999", "items": ITEMS, "shipped_at": NOON},
)
PENDING, HELD, SKIPPED, FAILED = (
    Verdict(status, () if status == ParcelStatus.PENDING else (Reason("why", "Why.", "Do."),))
    for status in (ParcelStatus.PENDING, ParcelStatus.HELD, ParcelStatus.SKIPPED, ParcelStatus.FAILED)
)


def parcel(status: ParcelStatus, **changes: Any) -> Any:
    """A parcel of an earlier run as the ledger has it, of which Amazon was told nothing yet."""
    empty = dict.fromkeys(("reasons", "warnings", "ship_by", "ship_date_sent", "sent_digest", "answer", "verified_at"))
    to_confirm = dict.fromkeys(("marketplace_id", "carrier_code", "carrier_name", "shipping_method"))
    given = {"tracking_number_sent": None, "items": None, "package_reference_id": None}
    mine = {"shipment_id": "S", "order_number": "O", "status": status, "batch_id": "earlier", "shipped_at": NOON}
    return SimpleNamespace(**empty | to_confirm | given | mine | changes)


def known(*given: str, highest: int = 0) -> KnownOrders:
    """What is known of the order: the highest reference that Amazon shows, and those that this project gave."""
    shown: Any = {"O": SimpleNamespace(highest_reference=highest)}
    return KnownOrders(shown=shown, references={"O": set(given)}, facts={}, removed=())


def change(row: Any, verdict: Verdict, *, orders: KnownOrders | None = None) -> dict[str, Any]:
    return ParcelChanges(LEDGER, BATCH, orders or known(), {"S": ITEMS}).change(row, PARCEL, verdict)


@pytest.mark.parametrize(("verified_at", "status"), [(None, ParcelStatus.SENT), (NOON, ParcelStatus.VERIFIED)])
def test_a_parcel_that_is_again_as_amazon_accepted_it_keeps_its_status_and_is_not_sent(
    verified_at: datetime | None, status: ParcelStatus
) -> None:
    row = parcel(ParcelStatus.HELD, sent_digest=SENT_DIGEST, verified_at=verified_at, package_reference_id="4")
    assert change(row, PENDING) == change(row, HELD) | {"status": status.value, "reasons": None}
    assert change(row, PENDING)["batch_id"] == "earlier"


def test_a_parcel_that_is_again_as_amazon_refused_it_has_failed_in_amazons_words() -> None:
    refusal = Reason("refused_by_amazon", "No such carrier.", "Map it.")
    row = parcel(
        ParcelStatus.FAILED, sent_digest=SENT_DIGEST, answer="No such carrier.", reasons=reasons_text([refusal])
    )
    changed = change(row, PENDING)
    assert (changed["status"], changed["batch_id"]) == ("failed", "earlier")
    assert read_reasons(changed["reasons"]) == (refusal,)
    (again,) = read_reasons(
        change(parcel(ParcelStatus.PENDING, sent_digest=SENT_DIGEST, answer="No."), PENDING)["reasons"]
    )
    assert (again.code, again.detail) == ("refused_by_amazon", "No.")


@pytest.mark.parametrize(
    ("reference", "orders", "expected"),
    [
        ("4", known("4", highest=9), "4"),
        (None, known(), "1"),
        (None, known("2"), "3"),
        (None, known("2", highest=7), "8"),
        (None, known("12", "9", highest=7), "13"),
    ],
)
def test_a_parcel_that_is_due_keeps_its_reference_or_gets_one_above_all_others(
    reference: str | None, orders: KnownOrders, expected: str
) -> None:
    changed = change(parcel(ParcelStatus.HELD, package_reference_id=reference), PENDING, orders=orders)
    assert (changed["package_reference_id"], changed["status"]) == (expected, "pending")
    assert (changed["batch_id"], changed["tracking_number_sent"]) == ("this", "1Z999")
    assert (changed["items"], changed["ship_date_sent"], changed["ship_by"]) == (ITEMS, NOON, None)
    assert expected in orders.references["O"] or reference


@pytest.mark.parametrize(
    ("before", "verdict", "batch_id"),
    [
        (ParcelStatus.PENDING, HELD, "this"),
        (ParcelStatus.SENT, HELD, "this"),
        (ParcelStatus.SKIPPED, FAILED, "this"),
        (ParcelStatus.HELD, FAILED, "this"),
        (ParcelStatus.HELD, HELD, "earlier"),
        (ParcelStatus.FAILED, FAILED, "earlier"),
        (ParcelStatus.FAILED, HELD, "earlier"),
        (ParcelStatus.HELD, SKIPPED, "this"),
    ],
)
def test_a_parcel_that_was_not_confirmed_before_takes_the_verdict_of_this_run(
    before: ParcelStatus, verdict: Verdict, batch_id: str
) -> None:
    changed = change(parcel(before), verdict)
    assert (changed["batch_id"], changed["status"]) == (batch_id, verdict.status.value)
    assert changed["items"] == (ITEMS if verdict is SKIPPED else None)
    assert read_reasons(changed["reasons"]) == (Reason("why", "Why.", "Do."),)


@pytest.mark.parametrize("status", [ParcelStatus.SENT, ParcelStatus.VERIFIED])
def test_a_parcel_that_amazon_took_is_not_skipped_afterwards(status: ParcelStatus) -> None:
    row = parcel(status, items=ITEMS, reasons="[]")
    changed = change(row, SKIPPED)
    assert changed == {name: getattr(row, name) for name in changed}


def test_a_reference_that_amazon_refused_is_one_under_which_the_parcel_is_looked_for() -> None:
    orders = known("1", "2")
    assert orders.given_references(parcel(ParcelStatus.FAILED, package_reference_id="2")) == {"1"}
    assert orders.given_references(parcel(ParcelStatus.HELD, package_reference_id="2")) == {"1", "2"}
