"""What the mapping files name against what the warehouse has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mfn.errors import Problem, shown_path
from mfn.mappings.tables import SHIPPING_METHODS, SKU_ALIASES

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from mfn.mappings import Mappings


def check_against_warehouse(
    mappings: Mappings, items: pd.DataFrame, ship_methods: pd.DataFrame, *, connection: str
) -> list[Problem]:
    """Rows that name a SKU or a shipping method which the warehouse does not have, or has no more.

    Args:
        mappings: The mapping files.
        items: The warehouse's items: `sku`, `is_active`.
        ship_methods: The warehouse's shipping methods: `code`, `is_active`.
        connection: Whose warehouse it is; rows of other connections are left out.

    Returns:
        One problem a row, in the order of the files; codes that lost their leading zeros are told as such.
    """
    methods, aliases = mappings.shipping_methods, mappings.sku_aliases
    checks = (
        (SHIPPING_METHODS.file, methods, "warehouse_code", ship_methods["code"], ship_methods["is_active"]),
        (SKU_ALIASES.file, aliases, "warehouse_sku", items["sku"], items["is_active"]),
    )
    return [
        problem
        for file, rows, column, names, active in checks
        for problem in _unknown(
            shown_path(mappings.directory / file),
            rows[rows["connection"].isin(("", connection))],
            column,
            dict(zip(names, active.astype(bool), strict=True)),
        )
    ]


def _unknown(file: str, rows: pd.DataFrame, column: str, is_active: dict[str, bool]) -> Iterator[Problem]:
    missing = rows[~rows[column].isin(list(is_active))]
    longer = {name.lstrip("0"): name for name in sorted(is_active) if name.startswith("0")} if len(missing) else {}
    for line, name in zip(rows["line"], rows[column], strict=True):
        if is_active.get(name):
            continue
        if name in is_active:
            message = f"the warehouse has {name!r}, but not as active."
            yield Problem(file, line, column, message, "Name an active one, or ask the warehouse to activate it.")
        elif name in longer:
            message = f"the warehouse has no {name!r}, but {longer[name]!r}: a spreadsheet has dropped leading zeros."
            yield Problem(file, line, column, message, f"Write {longer[name]} in a column formatted as text.")
        else:
            yield Problem(file, line, column, f"the warehouse has no {name!r}.", "Write it as the warehouse does.")
