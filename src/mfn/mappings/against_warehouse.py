"""The mapping files checked against what the warehouse has."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from mfn.errors import Problem, shown_path
from mfn.mappings.tables import SHIPPING_METHODS, SKU_ALIASES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    import pandas as pd

    from mfn.mappings import Mappings
    from mfn.mappings.tables import Table


def check_codes(
    mappings: Mappings, ship_methods: pd.DataFrame, *, connection: str, marketplace_ids: Collection[str]
) -> list[Problem]:
    """Rows that lead a connection to a shipping method that its warehouse does not have, or no longer has.

    Args:
        mappings: The mapping files.
        ship_methods: The warehouse's shipping methods: `code`, `is_active`.
        connection: Whose warehouse it is.
        marketplace_ids: Its marketplaces. Rows for other connections or marketplaces are left out, as are those for any
            connection over which a row of this one always wins: they are for another warehouse.

    Returns:
        One problem for each row, in the order of the file; codes that lost their leading zeros are reported as such.
    """
    used = _used(mappings.shipping_methods, SHIPPING_METHODS, connection, marketplace_ids)
    is_active = dict(zip(ship_methods["code"], ship_methods["is_active"].astype(bool), strict=True))
    file = shown_path(mappings.directory / SHIPPING_METHODS.file)
    return list(_unknown(file, used, "warehouse_code", f"the warehouse of {connection}", is_active))


def check_skus(
    mappings: Mappings, items: pd.DataFrame, *, connection: str, marketplace_ids: Collection[str]
) -> list[Problem]:
    """Rows that lead a connection to a SKU that its warehouse does not have, or no longer has.

    Args:
        mappings: The mapping files.
        items: The warehouse's items: `sku`, `is_active`.
        connection: As for `check_codes`.
        marketplace_ids: As for `check_codes`.

    Returns:
        As `check_codes`.
    """
    used = _used(mappings.sku_aliases, SKU_ALIASES, connection, marketplace_ids)
    is_active = dict(zip(items["sku"], items["is_active"].astype(bool), strict=True))
    file = shown_path(mappings.directory / SKU_ALIASES.file)
    return list(_unknown(file, used, "warehouse_sku", f"the warehouse of {connection}", is_active))


def _used(rows: pd.DataFrame, table: Table, connection: str, marketplace_ids: Collection[str]) -> pd.DataFrame:
    """The rows that can decide something for a connection."""
    here = rows[rows["connection"].isin(("", connection)) & rows["marketplace"].isin(("", *marketplace_ids))]
    places = [name for name in table.match if name != "connection"]
    matches = list(zip(*(here[name] for name in places), strict=True))
    is_own = here["connection"].eq(connection).tolist()
    own = {match for match, is_of_it in zip(matches, is_own, strict=True) if is_of_it}
    beaten = [
        not is_of_it and any(wider in own for wider in product(*((cell, "") for cell in match)))
        for match, is_of_it in zip(matches, is_own, strict=True)
    ]
    return here.loc[[not is_beaten for is_beaten in beaten]]


def _unknown(
    file: str, rows: pd.DataFrame, column: str, warehouse: str, is_active: dict[str, bool]
) -> Iterator[Problem]:
    missing = rows[~rows[column].isin(list(is_active))]
    longer = {name.lstrip("0"): name for name in sorted(is_active) if name.startswith("0")} if len(missing) else {}
    for line, name in zip(rows["line"], rows[column], strict=True):
        if not name or is_active.get(name):  # an empty cell is a fault of the file, and reported with that
            continue
        if name in is_active:
            message = f"{warehouse} has {name!r}, but it is inactive."
            yield Problem(file, line, column, message, "Use an active one, or ask the warehouse to activate it.")
        elif name in longer:
            message = f"{warehouse} has no {name!r}, but {longer[name]!r}: a spreadsheet has dropped the leading zeros."
            yield Problem(file, line, column, message, f"Write {longer[name]} in a column formatted as text.")
        else:
            yield Problem(
                file, line, column, f"{warehouse} has no {name!r}.", "Write it exactly as the warehouse does."
            )
