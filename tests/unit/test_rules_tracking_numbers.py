"""Tracking numbers: what looks like the carrier's, what does not, and what nobody can judge."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from mfn.mappings import load_mappings
from mfn.rules.tracking_numbers import FORMS, check_shared_numbers, check_tracking_numbers

ROOT = Path(__file__).parents[2]


def warning(carrier_code: str | None, tracking_number: str | None) -> str:
    parcels = pd.DataFrame({"carrier_code": [carrier_code], "tracking_number": [tracking_number]}, dtype="object")
    return str(check_tracking_numbers(parcels).item())


@pytest.mark.parametrize(
    ("carrier_code", "tracking_number"),
    [
        ("UPS", "1Z999AA10123456784"),
        ("UPS", "1z 999 aa1 01 2345 6784"),
        ("UPS", "\ufeff1Z999AA10123456784"),
        ("FedEx", "\u200b986578788855"),
        ("UPS", "T1234567890"),
        ("UPS", "123456789012"),
        ("UPSMI", "MI123456000000000000000001"),
        ("USPS", "9400 1112 0108 0805 4830 16"),
        ("USPS", "7112-3456-7891-2345-6787"),
        ("USPS", "7196 9010 7560 0307 7385"),
        ("USPS", "42022153 9101026837331000039521"),
        ("USPS", "4201002334249200190132607600833457"),
        ("USPS", "92748931507708513018050063"),
        ("USPS", "RB123456785US"),
        ("FedEx", "986578788855"),
        ("FedEx", "041441760228964"),
        ("FedEx SmartPost", "61299998820821171811"),
        ("FedEx", "9611020987654312345672"),
        ("DHL", "3318810025"),
        ("DHL Express", "JD014600006281230704"),
        ("DHL eCommerce", "GM2951173225174494"),
        ("DHL-Paket", "00340434161094015902"),
        ("OnTrac", "C11031500001879"),
        ("OnTrac", "D10011354453707"),
        ("OnTrac", "1LS717793482164"),
        ("Lasership", "1LS7119013618127-1"),
        ("Lasership", "LX17635036"),
        ("Amazon Shipping", "TBA502887274000"),
        ("Canada Post", "0073 9380 0054 9297"),
        ("Canada Post", "RB123456785CA"),
        ("PUROLATOR", "320595463938"),
        ("PUROLATOR", "KYV009956937"),
        ("Royal Mail", "RB123456785GB"),
        ("Royal Mail", "RR473124829GB"),
        ("DHL-Paket", "CC400000050DE"),
        ("USPS", "LX400000085US"),
        ("ROYAL_MAIL", "0B0480284000010123ABC"),
        ("Hermes UK", "H00AAA0123456789"),
        ("DPD", "15501234567890"),
        ("DPD", "008182709980000020033350276C"),
        ("GLS", "50123456789"),
        ("Yodel", "JJD0002257639032011"),
        ("Australia Post", "33ABC1234567"),
    ],
)
def test_a_number_in_its_carriers_form_is_no_warning(carrier_code: str, tracking_number: str) -> None:
    assert warning(carrier_code, tracking_number) == ""


@pytest.mark.parametrize(
    ("carrier_code", "tracking_number"),
    [
        ("UPS", "1Z999AA1012345678"),
        ("UPS", "JD014600006281230704"),
        ("UPS", "1Z999AA1012345678é"),
        ("FedEx", "1Z999AA10123456784"),
        ("FedEx", "112345678"),
        ("USPS", "1Z999AA10123456784"),
        ("USPS", "RB123456785GB"),
        ("Royal Mail", "RB123456785US"),
        ("Royal Mail", "1Z999AA10123456784"),
        ("Hermes UK", "1Z999AA10123456784"),
        ("DPD", "TBA502887274000X"),
        ("OnTrac", "9400111201080805483016"),
        ("Canada Post", "123"),
        ("Amazon Shipping", "1Z999AA10123456784"),
        ("DHL", "pending"),
        ("GLS", "TBD"),
    ],
)
def test_a_number_of_another_form_is_a_warning_that_says_what_was_expected(
    carrier_code: str, tracking_number: str
) -> None:
    warned = warning(carrier_code, tracking_number)
    expected = FORMS[carrier_code].expected
    assert warned == f"its tracking number does not look like a {carrier_code} number: expected {expected}"


@pytest.mark.parametrize(
    ("carrier_code", "good"),
    [
        ("UPS", "1Z999AA10123456784"),
        ("UPS", "1Z5R89390357567127"),
        ("USPS", "9400111201080805483016"),
        ("USPS", "92748931507708513018050063"),
        ("USPS", "RB123456785US"),
        ("Canada Post", "RB123456785CA"),
    ],
)
def test_a_mistyped_digit_is_reported_as_such(carrier_code: str, good: str) -> None:
    assert warning(carrier_code, good) == ""
    last = max(position for position, letter in enumerate(good) if letter.isdigit())
    for digit in {*"0123456789"} - {good[last]}:
        warned = warning(carrier_code, good[:last] + digit + good[last + 1 :])
        assert warned.startswith(
            f"its tracking number looks like a {carrier_code} number, but its check digit is wrong"
        )


@pytest.mark.parametrize("carrier_code", ["Other", "Sendle", "StarTrack-Consignment", None])
def test_a_carrier_whose_forms_are_not_known_is_not_judged(carrier_code: str | None) -> None:
    assert warning(carrier_code, "anything at all") == ""


@pytest.mark.parametrize("tracking_number", [None, "", " - ", float("nan")])
def test_a_missing_number_is_reported_elsewhere(tracking_number: str | None) -> None:
    assert warning("UPS", tracking_number) == ""


def test_every_carrier_whose_forms_are_known_is_one_of_amazon_s() -> None:
    assert set(FORMS) <= set(load_mappings(ROOT / "mappings").accepted_carriers["carrier_code"])


def test_a_number_named_as_an_example_has_its_carrier_s_form() -> None:
    examples = {
        (code, example)
        for code, forms in FORMS.items()
        for example in re.findall(r"\b[A-Z]{2}[0-9]{9}[A-Z]{2}\b", forms.expected)
    }
    assert {example for _, example in examples} >= {"EA123456785US", "CC123456785DE"}
    assert {warning(code, example) for code, example in examples} == {""}


def test_parcels_keep_their_index() -> None:
    parcels = pd.DataFrame({"carrier_code": ["UPS", "UPS"], "tracking_number": ["1Z", None]}, index=[7, 3])
    found = check_tracking_numbers(parcels)
    assert found.index.tolist() == [7, 3]
    assert [bool(each) for each in found] == [True, False]
    assert check_tracking_numbers(parcels[:0]).tolist() == []


def test_a_number_without_end_is_odd_with_any_carrier() -> None:
    parcels = pd.DataFrame({"carrier_code": ["Nobody's", "Nobody's"], "tracking_number": ["7" * 50, "7" * 51]})
    assert check_tracking_numbers(parcels).tolist() == ["", "its tracking number is longer than 50 characters"]


def test_a_number_of_another_orders_parcel_that_left_lately_is_odd() -> None:
    now = datetime(2026, 11, 30, tzinfo=UTC)
    days = (0, 1, 0, 40, 0, None, None)
    others = pd.DataFrame(
        {
            "shipment_id": ["A", "B", "C", "D", "E", "F", "G"],
            "order_number": ["1", "2", "1", "3", "4", "5", "6"],
            "tracking_number": ["1z-99", "1Z 99", "1Z99", "1Z99", "7", None, " "],
            "shipped_at": [pd.NaT if ago is None else now - timedelta(days=ago) for ago in days],
        }
    )
    said = check_shared_numbers(others, others, now).tolist()
    of_b, of_a = (f"parcel {name} has the same tracking number" for name in ("B of order 2", "A of order 1"))
    assert said == [of_b, of_a, of_b, of_a, "", "", ""]
