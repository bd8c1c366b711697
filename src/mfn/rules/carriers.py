"""From the carrier and service that the warehouse writes to the carrier code that Amazon accepts."""

from __future__ import annotations

from dataclasses import astuple, dataclass, fields
from itertools import product
from typing import TYPE_CHECKING, Literal

import pandas as pd
from rapidfuzz import process
from rapidfuzz.distance import Indel

from mfn.mappings.csv_file import csv_row
from mfn.mappings.tables import MAXIMUM_NAME_LENGTH, OTHER, spelling

if TYPE_CHECKING:
    from collections.abc import Mapping

UNLISTED = "carrier_unlisted"
MISSING = "carrier_missing"
ALIKE = 0.85
"""How alike two spellings must be for a proposal: `Lasership Inc` and Lasership are."""


@dataclass(frozen=True)
class _Normalized:
    """What is sent to Amazon, by the names of the columns that `normalize_carriers` returns."""

    carrier_code: str | None
    carrier_name: str | None
    shipping_method: str | None
    carrier_reason: str = ""
    carrier_warning: str = ""


def normalize_carriers(
    parcels: pd.DataFrame,
    carriers: pd.DataFrame,
    accepted_carriers: pd.DataFrame,
    *,
    connection: str,
    unlisted_carrier: Literal["other", "hold"],
) -> pd.DataFrame:
    """The carrier of each parcel as Amazon accepts it.

    Names are compared as a whole, by `mfn.mappings.tables.spelling`: `U.P.S.` is UPS, `UPS Store` is not. Tried in
    turn:

    1. carriers.csv. Of several rows that match, the one that fills the earliest of connection, warehouse_carrier and
       warehouse_service wins, then the next, from left to right; an empty cell matches everything, also what the
       warehouse did not write.
    2. accepted_carriers.csv: an exact code passes as it is, another spelling of a code becomes this code. Where
       Amazon lists one name in several spellings (Sendle and SENDLE), a spelling that is none of them becomes the
       first in the file; carriers.csv decides otherwise.
    3. `Other` with the warehouse's own name, or held.

    Amazon takes a carrier code only exactly and needs a name with `Other`: ordersV0.json of 2026-05-27,
    confirmShipment; selling-partner-api-docs issue 772.

    Args:
        parcels: One row for each parcel: `carrier` and `service` as the warehouse wrote them, texts or missing.
        carriers: `Mappings.carriers`.
        accepted_carriers: `Mappings.accepted_carriers`.
        connection: The connection's name.
        unlisted_carrier: What to do with a carrier that Amazon does not list: `other` sends its name, `hold` holds it.

    Returns:
        With the index of the parcels: `carrier_code`, None for a parcel that is held; `carrier_name`, of the mapping or
        the warehouse's own with `Other`, else None; `shipping_method`, the mapping's, else the warehouse's service,
        else None; `carrier_reason`, why it is held (`carrier_unlisted`, `carrier_missing`), else empty;
        `carrier_warning`, `carrier_unlisted` where it is sent as `Other` without a row that says so, else empty. Names
        of the warehouse are on one line and at most 50 characters.
    """
    by_match = _by_match(carriers)
    codes = dict.fromkeys(code for code in accepted_carriers["carrier_code"].tolist() if code != OTHER)
    by_spelling = {spelling(code): code for code in reversed(codes)}

    def normalized(carrier: str | None, service: str | None) -> _Normalized:
        name, method = _name(carrier), _name(service)
        # The spelling is that of the whole text: a name that is cut may be that of another carrier.
        spelled = spelling(carrier or "")
        # The product runs through the combinations in the order in which rows win.
        matches = product((connection, ""), (spelled, ""), (spelling(service or ""), ""))
        mapped = next((by_match[match] for match in matches if match in by_match), None)
        if mapped is not None:
            return _Normalized(mapped.carrier_code, mapped.carrier_name, mapped.shipping_method or method)
        if not spelled:
            return _Normalized(None, None, method, carrier_reason=MISSING)
        code = name if name in codes else by_spelling.get(spelled)
        if code is not None:
            return _Normalized(code, None, method)
        if unlisted_carrier == "hold":
            return _Normalized(None, None, method, carrier_reason=UNLISTED)
        return _Normalized(OTHER, name, method, carrier_warning=UNLISTED)

    written = list(zip(_texts(parcels["carrier"]), _texts(parcels["service"]), strict=True))
    found = {pair: astuple(normalized(*pair)) for pair in dict.fromkeys(written)}
    columns = [field.name for field in fields(_Normalized)]
    return pd.DataFrame([found[pair] for pair in written], columns=columns, index=parcels.index, dtype="object")


def propose_carrier_rows(parcels: pd.DataFrame, accepted_carriers: pd.DataFrame) -> pd.Series[str]:
    """Rows of carriers.csv for carriers that no row maps, ready to paste.

    Args:
        parcels: One row a parcel, `carrier` as the warehouse wrote it, `carrier_reason` and `carrier_warning`.
        accepted_carriers: `Mappings.accepted_carriers`.

    Returns:
        With the index of the parcels: one line of CSV without a line end, with the code of Amazon's list that is
        spelled most alike, or with `Other` and the carrier's own name; empty where the carrier is mapped.
    """
    codes = {code: spelling(code) for code in accepted_carriers["carrier_code"].tolist() if code != OTHER}

    def proposed(carrier: str) -> str:
        alike = process.extractOne(spelling(carrier), codes, scorer=Indel.normalized_similarity, score_cutoff=ALIKE)
        result = [str(alike[2]), ""] if alike else [OTHER, _name(carrier) or ""]
        return csv_row(["", _printable(carrier), "", *result, "", ""])

    unlisted = parcels["carrier_reason"].eq(UNLISTED) | parcels["carrier_warning"].eq(UNLISTED)
    written = [carrier if named else None for carrier, named in zip(_texts(parcels["carrier"]), unlisted, strict=True)]
    rows = {carrier: proposed(carrier) if carrier else "" for carrier in dict.fromkeys(written)}
    return pd.Series([rows[carrier] for carrier in written], index=parcels.index, dtype="object")


def _by_match(carriers: pd.DataFrame) -> Mapping[tuple[str, ...], _Normalized]:
    columns = (
        "connection",
        "warehouse_carrier",
        "warehouse_service",
        "carrier_code",
        "carrier_name",
        "shipping_method",
    )
    return {
        (connection, spelling(carrier), spelling(service)): _Normalized(code, name or None, method or None)
        for connection, carrier, service, code, name, method in zip(*(carriers[each] for each in columns), strict=True)
    }


def _texts(column: pd.Series) -> list[str | None]:
    return [value if isinstance(value, str) else None for value in column.tolist()]


def _name(text: str | None) -> str | None:
    """A text that Amazon accepts: printable and cut to length; None if nothing is left."""
    return _printable(text or "")[:MAXIMUM_NAME_LENGTH].rstrip() or None


def _printable(text: str) -> str:
    """A text on one line, without surrounding blanks."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
