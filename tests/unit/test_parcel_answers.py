"""What Amazon is told of a parcel, and what its answer makes of the parcel in the ledger."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from mfn.amazon.answers import Words
from mfn.amazon.refusals import ShipmentRefusedError
from mfn.amazon.shipments import PackageDetail, PackageItem
from mfn.ledger.encryption import Cipher, new_key, parse_keys
from mfn.ledger.orders import read_reasons
from mfn.models import Reason
from mfn.steps.confirming.sending import ANSWERED, COMPARED, answered, digest_of_parcel, package_of

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
PLACE: Any = SimpleNamespace(ledger=SimpleNamespace(cipher=Cipher(parse_keys(new_key(), origin="test"), b"secret")))
SENT = {
    "marketplace_id": "M",
    "carrier_code": "UPS",
    "carrier_name": "Bob's Vans",
    "shipping_method": "Ground",
    "tracking_number_sent": "1Z999",
    "items": '[["I",2],["J",1]]',
    "shipped_at": NOON,
}
PARCEL: Any = SimpleNamespace(
    **SENT,
    order_number="O",
    shipment_id="S",
    package_reference_id="4",
    ship_date_sent=NOON + timedelta(hours=1),
    status="pending",
    batch_id="this",
    reasons="[]",
    warnings='["of an earlier run"]',
    answer="No.",
    sent_digest="as it was sent before",
    sent_at=NOON,
    verified_at=NOON,
    times_sent=1,
    items_sent='[["I",1]]',
)
"""One that Amazon was told of, shows, and refused once; the warehouse has corrected it since."""


def test_what_the_verdict_left_of_a_parcel_is_confirmed() -> None:
    sent = PackageDetail(
        marketplace_id="M",
        package_reference_id="4",
        carrier_code="UPS",
        carrier_name="Bob's Vans",
        shipping_method="Ground",
        tracking_number="1Z999",
        ship_date=NOON + timedelta(hours=1),
        items=(PackageItem("I", 2), PackageItem("J", 1)),
    )
    assert package_of(PARCEL) == sent
    nameless: Any = SimpleNamespace(**vars(PARCEL) | {"carrier_name": None, "shipping_method": None})
    assert package_of(nameless) == replace(sent, carrier_name="", shipping_method="")


def test_a_parcel_that_amazon_took_has_its_new_units_and_is_neither_verified_nor_refused_any_more() -> None:
    answer = answered(PLACE, PARCEL, None)
    assert answer is not None
    change = dict(answer.change)
    assert (answer.order_number, set(change)) == ("O", set(ANSWERED))
    assert change.pop("sent_at") > NOON
    assert change == {
        "shipment_id": "S",
        "status": "sent",
        "reasons": None,
        "warnings": PARCEL.warnings,
        "answer": None,
        "sent_digest": digest_of_parcel(PLACE.ledger, SENT),
        "verified_at": None,
        "times_sent": 2,
        "items_sent": PARCEL.items,
        "batch_id": "this",
    }


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            (Words("InvalidInput", "Odd.", ""), Words("Other", "Odder.", "why")),
            "InvalidInput: Odd.; Other: Odder.: why",
        ),
        ((), "HTTP 400."),
    ],
)
def test_a_parcel_that_amazon_refused_keeps_what_amazon_took_of_it_before(words: tuple[Words, ...], said: str) -> None:
    answer = answered(PLACE, PARCEL, ShipmentRefusedError("HTTP 400.", remedy="Mend it.", status=400, words=words))
    assert answer is not None
    assert read_reasons(answer.change["reasons"]) == (Reason("refused_by_amazon", said, "Mend it."),)
    assert {name: value for name, value in answer.change.items() if name != "reasons"} == {
        "shipment_id": "S",
        "status": "failed",
        "warnings": PARCEL.warnings,
        "answer": said,
        "sent_digest": digest_of_parcel(PLACE.ledger, SENT),
        "sent_at": NOON,
        "verified_at": NOON,
        "times_sent": 1,
        "items_sent": '[["I",1]]',
        "batch_id": "this",
    }


@pytest.mark.parametrize("name", COMPARED)
def test_a_confirmation_counts_as_changed_once_anything_that_is_sent_differs(name: str) -> None:
    other = {"shipped_at": NOON - timedelta(minutes=1)}.get(name, "another")
    assert digest_of_parcel(PLACE.ledger, SENT | {name: other}) != digest_of_parcel(PLACE.ledger, SENT)
