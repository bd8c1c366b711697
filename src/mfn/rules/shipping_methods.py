"""Amazon's programmes and service levels to the warehouse's shipping methods."""

from __future__ import annotations

import re
from itertools import product
from typing import TYPE_CHECKING

import pandas as pd
from rapidfuzz import utils

from mfn.amazon.marketplaces import BY_ID
from mfn.mappings.csv_file import csv_row
from mfn.rules.frames import sorted_programs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MATCH_COLUMNS = ("connection", "program", "service_level", "marketplace")

SPEEDS = {
    "SAME_DAY": r"same ?day",
    "NEXT_DAY": r"(?:next|one|1) ?day|overnight",
    "SECOND_DAY": r"(?:second|two|2nd|2) ?day",
    "STANDARD": r"standard|std|ground",
    "FREE_ECONOMY": r"economy",
    "EXPEDITED": r"expedited",
    "PRIORITY": r"priority",
    "SCHEDULED": r"scheduled",
}
"""The names that warehouses and carriers use for Amazon's service levels, in words of letters and digits only.

Source of the levels: Orders API v2026-01-01, `fulfillmentServiceLevel`, as of November 2026.
"""
PROGRAMS = {"PRIME": r"prime|sfp", "PREMIUM": r"premium"}
"""The same for programmes that promise more than the level does, and for which warehouses have methods of their own."""


def resolve_shipping_methods(orders: pd.DataFrame, methods: pd.DataFrame, *, connection: str) -> pd.DataFrame:
    """Orders with the warehouse's code for their shipping method.

    Of several rows that match, the one that fills the earliest of connection, program, service_level and marketplace
    wins, then the next, from left to right; of several programmes of an order PRIME comes first, then PREMIUM, then the
    others by name.

    Args:
        orders: An order frame (`mfn.rules.frames`): `marketplace_id`, `service_level`, `programs`.
        methods: `Mappings.shipping_methods`.
        connection: The connection's name.

    Returns:
        The orders with `warehouse_code`: the code, or None if no row matches.
    """
    by_match = dict(zip(_matches(methods), methods["warehouse_code"], strict=True))

    def code(marketplace_id: str | None, service_level: str | None, programs: tuple[str, ...]) -> str | None:
        # The product runs through the combinations in the order in which rows win.
        candidates = product(
            (connection, ""),
            (*(name.upper() for name in programs), ""),
            ((service_level or "").upper(), ""),
            (marketplace_id or "", ""),
        )
        return next((by_match[match] for match in candidates if match in by_match), None)

    columns = (orders[name].tolist() for name in ("marketplace_id", "service_level", "programs"))
    keys = list(zip(*columns, strict=True))
    codes = {key: code(*key) for key in set(keys)}
    return orders.assign(warehouse_code=pd.Series([codes[key] for key in keys], index=orders.index, dtype="object"))


def propose_shipping_method_row(
    *,
    marketplace_id: str | None,
    service_level: str | None,
    programs: Iterable[str],
    connection: str,
    methods: pd.DataFrame,
    ship_methods: pd.DataFrame,
) -> str:
    """The row of shipping_methods.csv that would map a method without one, ready to paste.

    Args:
        marketplace_id: Where the order was placed.
        service_level: Amazon's fulfillmentServiceLevel.
        programs: The order's programmes; PRIME or PREMIUM goes into the row.
        connection: The connection's name.
        methods: `Mappings.shipping_methods`.
        ship_methods: The warehouse's shipping methods: `code`, `service`, `is_active`.

    Returns:
        One line of CSV without a line end. Its code is the one that the same programme and service level have in
        another row, or that of the only method of the warehouse whose name says exactly that. It is empty if there is
        none or several, and the check of the mappings refuses the row until somebody fills it in: a row that is pasted
        unread must not send parcels with another promise than Amazon's. For the same reason it names no connection if
        rows for any connection match this level and marketplace, such as one for PRIME: with a connection it would win
        over them, since that column comes first.
    """
    program = next((name for name in sorted_programs([*programs]) if name in PROGRAMS), "")
    active = ship_methods[ship_methods["is_active"].astype(bool)]
    wanted = (connection, program, (service_level or "").upper(), marketplace_id or "")
    usable = methods[methods["warehouse_code"].isin(active["code"])]
    code = _code_of_similar_row(wanted, usable) or _code_named_so(program, wanted[2], active)
    marketplace = BY_ID.get(marketplace_id or "")
    own = "" if _fits_a_row_for_any_connection(wanted[2:], methods) else connection
    return csv_row([own, program, service_level or "", marketplace.name if marketplace else "", code, ""])


def _fits_a_row_for_any_connection(level_and_marketplace: tuple[str, ...], methods: pd.DataFrame) -> bool:
    return any(
        not row[0]
        and all(not cell or not one or cell == one for cell, one in zip(row[2:], level_and_marketplace, strict=True))
        for row in _matches(methods)
    )


def _matches(methods: pd.DataFrame) -> list[tuple[str, ...]]:
    return list(zip(*(methods[column].tolist() for column in MATCH_COLUMNS), strict=True))


def _code_of_similar_row(wanted: tuple[str, ...], methods: pd.DataFrame) -> str:
    """The code of the row with the same programme and service level that has most other cells in common."""
    connection, program, service_level, marketplace = wanted
    similar = [
        ((row[0] == connection, row[3] == marketplace), code)
        for row, code in zip(_matches(methods), methods["warehouse_code"], strict=True)
        if service_level and row[1:3] == (program, service_level)
    ]
    return max(similar)[1] if similar else ""


def _code_named_so(program: str, service_level: str, ship_methods: pd.DataFrame) -> str:
    """The code of the only method that is named for this programme and level, or for this programme and no level."""
    own_words = _words(service_level)
    speeds = SPEEDS if service_level in SPEEDS or not own_words else {**SPEEDS, service_level: re.escape(own_words)}
    of_level, of_any = [], []
    for code, service in zip(ship_methods["code"], ship_methods["service"].fillna(""), strict=True):
        if _said(PROGRAMS, f"{code} {service}") != {program} - {""}:
            continue
        # A carrier's name for its service may suggest another level than the warehouse's own code does.
        levels = _said(speeds, code) or _said(speeds, service)
        if levels == {service_level}:
            of_level.append(code)
        elif not levels and program:
            of_any.append(code)
    fitting = of_level or of_any
    return str(fitting[0]) if len(fitting) == 1 else ""


def _said(patterns: Mapping[str, str], name: str) -> frozenset[str]:
    """The service levels, or programmes, that a name mentions, in Amazon's terms."""
    words = _words(name)
    return frozenset(meant for meant, pattern in patterns.items() if re.search(rf"\b(?:{pattern})\b", words))


def _words(name: str) -> str:
    """A name in lower case, with a blank in place of everything but letters and digits."""
    return utils.default_process(name.replace("_", " "))
