"""Amazon's programmes and service levels to the warehouse's shipping methods."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import pandas as pd
from rapidfuzz import fuzz, process, utils

from mfn.amazon.marketplaces import BY_ID
from mfn.mappings.csv_file import csv_row
from mfn.rules.frames import sorted_programs

if TYPE_CHECKING:
    from collections.abc import Iterable

MATCH_COLUMNS = ("connection", "program", "service_level", "marketplace")
SIMILAR_PERCENT = 60
"""How much of a name must agree before a warehouse's method is proposed."""


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
        The orders with `warehouse_code`: the code, or None where no row matches.
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
    """The row of shipping_methods.csv that would map a method without one, ready to be pasted.

    Args:
        marketplace_id: Where the order was placed.
        service_level: Amazon's fulfillmentServiceLevel.
        programs: The order's programmes; PRIME or PREMIUM goes into the row.
        connection: The connection's name.
        methods: `Mappings.shipping_methods`.
        ship_methods: The warehouse's shipping methods: `code`, `service`, `is_active`.

    Returns:
        One line of CSV without a line end. Its code is the one that the same service level has in a row for something
        else, or that of the warehouse's method which is named most alike; without either it is empty, and the check of
        the mappings refuses the row until somebody fills it.
    """
    program = next((name for name in sorted_programs([*programs]) if name in {"PRIME", "PREMIUM"}), "")
    active = ship_methods[ship_methods["is_active"].astype(bool)]
    wanted = (connection, program, (service_level or "").upper(), marketplace_id or "")
    usable = methods[methods["warehouse_code"].isin(active["code"])]
    code = _code_of_similar_row(wanted, usable) or _code_named_alike(f"{program} {service_level or ''}", active)
    marketplace = BY_ID.get(marketplace_id or "")
    return csv_row([connection, program, service_level or "", marketplace.name if marketplace else "", code, ""])


def _matches(methods: pd.DataFrame) -> list[tuple[str, ...]]:
    return list(zip(*(methods[column].tolist() for column in MATCH_COLUMNS), strict=True))


def _code_of_similar_row(wanted: tuple[str, ...], methods: pd.DataFrame) -> str:
    """The code of the row with the same service level that has most cells in common, the programme counting most."""
    connection, program, service_level, marketplace = wanted
    similar = [
        ((row[1] == program, row[0] == connection, row[3] == marketplace), code)
        for row, code in zip(_matches(methods), methods["warehouse_code"], strict=True)
        if service_level and row[2] == service_level
    ]
    return max(similar)[1] if similar else ""


def _code_named_alike(name: str, ship_methods: pd.DataFrame) -> str:
    names = dict(
        zip(ship_methods["code"], ship_methods["code"] + " " + ship_methods["service"].fillna(""), strict=True)
    )
    found = process.extractOne(
        name.replace("_", " "),
        names,
        scorer=fuzz.token_set_ratio,
        processor=utils.default_process,
        score_cutoff=SIMILAR_PERCENT,
    )
    return str(found[2]) if found else ""
