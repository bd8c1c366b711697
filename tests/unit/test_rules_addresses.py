"""Addresses: what a parcel cannot go without, country by country, as Amazon sends them."""

from __future__ import annotations

import pandas as pd
import pytest

from mfn.rules.addresses import check_addresses

WHOLE = {
    "US": {"city": "Seattle", "state": "WA", "postal_code": "98101"},
    "JP": {"city": "Tokyo", "postal_code": "150-0002"},
    "DE": {"city": "Berlin", "postal_code": "10115"},
    "GB": {"city": "London", "state": "England", "postal_code": "SW1A 1AA"},
    "BR": {"city": "São Paulo", "state": "SP", "postal_code": "01310-100"},
    "TR": {"city": "Istanbul", "state": "Istanbul", "postal_code": "34430"},
    "IT": {"city": "None", "postal_code": "10060"},
    "ES": {"city": "Madrid", "postal_code": "28001"},
    "AE": {"city": "Dubai"},
    "IE": {"city": "Dublin"},
    "SG": {"postal_code": "238801"},
    "HK": {"state": "Kowloon"},
    "CA": {"city": "Montréal", "state": "Québec", "postal_code": "H2X 1Y4"},
    "SA": {"city": "Riyadh"},
}


def address(country: str | None, **fields: str | None) -> dict[str, str | None]:
    empty = dict.fromkeys(("company_name", "line_2", "line_3", "city", "state", "postal_code"))
    return (
        {"order_id": "1", "name": "Test Buyer", "line_1": "1 Example Street", "country_code": country} | empty | fields
    )


def check(*addresses: dict[str, str | None]) -> list[tuple[str | None, str | None]]:
    found = check_addresses(pd.DataFrame(addresses, dtype="object"))
    return list(zip(found["missing_fields"], found["warning"], strict=True))


@pytest.mark.parametrize("country", WHOLE)
def test_an_address_as_amazon_sends_it_is_whole(country: str) -> None:
    assert check(address(country, **WHOLE[country])) == [(None, None)]


@pytest.mark.parametrize("country", ["AU", "BR", "CA", "IN", "MX", "US"])
def test_a_state_is_missed_where_carriers_route_by_it(country: str) -> None:
    assert check(address(country, city="Town", postal_code="x"))[0][0] == "stateOrRegion"


@pytest.mark.parametrize(
    ("country", "missing"),
    [
        ("US", "name, addressLine1, city, stateOrRegion, postalCode"),
        ("DE", "name, addressLine1, city, postalCode"),
        ("JP", "name, addressLine1, city, postalCode"),
        ("AE", "name, addressLine1, city"),
        ("SG", "name, addressLine1, postalCode"),
        (None, "name, addressLine1, city, countryCode"),
        ("", "name, addressLine1, city, countryCode"),
        ("ZZ", "name, addressLine1, city, countryCode"),
        ("ALL", "name, addressLine1, city, countryCode"),
        ("../US", "name, addressLine1, city, countryCode"),
        ("UK", "name, addressLine1, city, countryCode"),
    ],
)
def test_what_is_missing_is_reported_by_amazons_names(country: str | None, missing: str) -> None:
    assert check(address(country, name=None, line_1=None)) == [(missing, None)]


@pytest.mark.parametrize("empty", [None, "", "   ", "\u3000", "-", ".", " -- ", "N/A", "n/a.", "null", "Not Provided"])
def test_a_blank_or_a_placeholder_is_missing(empty: str | None) -> None:
    assert check(address("DE", name=empty, line_1=empty, city=empty, postal_code=empty)) == [
        ("name, addressLine1, city, postalCode", None)
    ]


@pytest.mark.parametrize("text", ["Na", "None", "X", "山田", "د", "O", "1"])
def test_a_short_or_odd_text_is_not_a_placeholder(text: str) -> None:
    assert check(address("IE", name=text, line_1=text, city=text)) == [(None, None)]


def test_a_company_is_a_recipient_and_any_line_is_a_street() -> None:
    fields = {"city": "Berlin", "postal_code": "10115"}
    assert (
        check(
            address("DE", name=None, company_name="Test GmbH", **fields),
            address("DE", line_1="-", line_2="2 Example Street", **fields),
            address("DE", line_1=None, line_3="3 Example Street", **fields),
        )
        == [(None, None)] * 3
    )


@pytest.mark.parametrize(
    ("country", "state", "postal_code", "warning"),
    [
        ("US", "WA", "98101-1234", None),
        ("us", "washington", "98101", None),
        ("US", "WA", "10001", "postalCode does not fit stateOrRegion"),
        ("US", "Somewhere", "10001", None),
        ("US", "WA", "9810", "postalCode does not fit countryCode"),
        ("GB", None, "sw1a1aa", None),
        ("GB", None, "1234", "postalCode does not fit countryCode"),
        ("JP", "Tokyo", "530-0001", "postalCode does not fit stateOrRegion"),
        ("JP", "東京都", "1500002", None),
        ("DE", None, "1011", "postalCode does not fit countryCode"),
        ("IE", None, "anything", "postalCode does not fit countryCode"),
        ("AE", None, "00000", None),
    ],
)
def test_a_postal_code_that_does_not_fit_is_a_warning_only(
    country: str, state: str | None, postal_code: str, warning: str | None
) -> None:
    assert check(address(country, city="Town", state=state, postal_code=postal_code)) == [(None, warning)]


def test_no_text_holds_a_value_of_the_address() -> None:
    secret = "Hush"
    fields = dict.fromkeys(
        ("name", "company_name", "line_1", "line_2", "line_3", "city", "state", "postal_code"), secret
    )
    [(_, warning)] = check(address("US", **fields))
    [(missing, _)] = check(address(secret, **fields))
    assert missing == "countryCode"
    assert warning is not None
    assert secret not in warning


def test_addresses_keep_their_index_and_none_give_none() -> None:
    frame = pd.DataFrame([address("IE", city="Dublin"), address("IE")], index=[5, 2], dtype="object")
    assert check_addresses(frame)["missing_fields"].to_dict() == {5: None, 2: "city"}
    assert check_addresses(frame.iloc[:0]).empty
