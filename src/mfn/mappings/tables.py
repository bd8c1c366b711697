"""The four CSV files: their columns, the requirements for a row, and the rows as frames."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pandas as pd

from mfn.amazon.marketplaces import BY_NAME, find_marketplace
from mfn.errors import Problem
from mfn.mappings.csv_file import Row, read_csv_file, spreadsheet_problems
from mfn.plain_text import HARMFUL

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

OTHER = "Other"
MAXIMUM_UNITS = 1_000_000
"""The largest quantity that is allowed here; a product of two fits into 64 bits."""
MAXIMUM_NAME_LENGTH = 50
"""The limit of CarrierName and ShippingMethod: Amazon's OrderFulfillment.xsd; ordersV0.json states no limit."""


@dataclass(frozen=True)
class Table:
    """The format of a mapping file.

    Attributes:
        file: Its name in the mappings directory.
        match: The columns that say which orders, parcels or SKUs a row is for; empty means any.
        result: The other columns.
        required: Columns that must be filled.
        kept_to_the_letter: Columns in which a blank at either end counts.
        rows_of_one_match: Column in which rows with identical match columns differ; None: there may be one row.
    """

    file: str
    match: tuple[str, ...]
    result: tuple[str, ...]
    required: tuple[str, ...]
    kept_to_the_letter: tuple[str, ...] = ()
    rows_of_one_match: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of its header."""
        return self.match + self.result


SHIPPING_METHODS = Table(
    "shipping_methods.csv",
    ("connection", "program", "service_level", "marketplace"),
    ("warehouse_code", "note"),
    required=("warehouse_code",),
)
SKU_ALIASES = Table(
    "sku_aliases.csv",
    ("connection", "marketplace", "seller_sku"),
    ("warehouse_sku", "units", "note"),
    required=("seller_sku", "warehouse_sku", "units"),
    kept_to_the_letter=("seller_sku", "warehouse_sku"),
    rows_of_one_match="warehouse_sku",
)
CARRIERS = Table(
    "carriers.csv",
    ("connection", "warehouse_carrier", "warehouse_service"),
    ("carrier_code", "carrier_name", "shipping_method", "note"),
    required=("carrier_code",),
)
ACCEPTED_CARRIERS = Table("accepted_carriers.csv", ("carrier_code",), ("source",), required=("carrier_code",))
TABLES = (SHIPPING_METHODS, SKU_ALIASES, CARRIERS, ACCEPTED_CARRIERS)


def read_table(
    path: Path, shown: str, table: Table, *, connections: Collection[str] | None
) -> tuple[pd.DataFrame, list[Problem]]:
    """A mapping file as a frame, and everything that is wrong with it.

    Args:
        path: The file; it exists.
        shown: The file's name in messages.
        table: Its format.
        connections: Names that the column `connection` may have; None for any.

    Returns:
        The frame that `mfn.mappings.Mappings` describes, including wrong rows, so that faults that concern several rows
        or files are reported together with the rest.
    """
    rows, problems = read_csv_file(path, shown, table.columns, kept_to_the_letter=table.kept_to_the_letter)
    rows = [_normalized(row) for row in rows]
    for row in rows:
        broken = spreadsheet_problems(shown, row)
        broken_columns = {problem.column for problem in broken}
        problems += broken
        problems += [
            found for found in _cell_problems(shown, table, row, connections) if found.column not in broken_columns
        ]
    problems += _repeated(shown, table, rows)
    return _frame(table, rows), problems


def empty_frame(table: Table) -> pd.DataFrame:
    """The frame of a missing file."""
    return _frame(table, [])


def spelling(text: str) -> str:
    """A carrier's or a service's name for comparison: its letters and digits, without case, width and accents.

    `U.P.S.`, `UPS™` and `ups` are one spelling, `Colis Privé` and `COLIS PRIVE` another; `UPS Freight` is not `UPS`.
    """
    # Also before: NFKD turns a trade mark sign into two letters.
    written = "".join(filter(str.isalnum, text))
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKD", written).casefold()))


def carrier_problems(shown: str, carriers: pd.DataFrame, accepted: pd.DataFrame) -> list[Problem]:
    """Rows of carriers.csv whose result Amazon would refuse, and rows that contradict each other.

    A carrier code has to match an entry of Amazon's list exactly, and `Other` needs the carrier's name: Selling
    Partner API model ordersV0.json of 2026-05-27, confirmShipment.

    Args:
        shown: carriers.csv in messages.
        carriers: Its frame.
        accepted: The frame of accepted_carriers.csv.
    """
    problems = [*_name_problems(shown, carriers), *_spelling_problems(shown, carriers)]
    if accepted.empty and not carriers.empty:
        message = f"is missing or empty, but {shown} needs Amazon's list of carrier codes."
        remedy = "Copy the file from the mfn project."
        file = shown.replace(CARRIERS.file, ACCEPTED_CARRIERS.file)
        return [*problems, Problem(file, None, None, message, remedy)]
    codes = set(accepted["carrier_code"])
    by_letters = {code.casefold(): code for code in sorted(codes)}
    for line, code, name in zip(carriers["line"], carriers["carrier_code"], carriers["carrier_name"], strict=True):
        if code and code not in codes:
            near = by_letters.get(code.casefold())
            remedy = (
                f"Amazon writes {near!r}." if near else f"Use a code from that file, or {OTHER} with a carrier_name."
            )
            message = f"{code!r} does not exactly match a code in {ACCEPTED_CARRIERS.file}."
            problems.append(Problem(shown, line, "carrier_code", message, remedy))
        if code == OTHER and not name:
            message = f"must be filled if carrier_code is {OTHER}."
            problems.append(
                Problem(shown, line, "carrier_name", message, "Enter the carrier's name as the buyer is to see it.")
            )
    return problems


def _name_problems(shown: str, carriers: pd.DataFrame) -> Iterator[Problem]:
    """Names that match nothing, and names that Amazon would not accept."""
    for column in ("warehouse_carrier", "warehouse_service"):
        for line, name in zip(carriers["line"], carriers[column], strict=True):
            if name and not spelling(name):
                message = f"{name!r} has no letters or digits, and nothing else counts."
                yield Problem(shown, line, column, message, "Leave the cell empty to match any.")
    for column in ("carrier_name", "shipping_method"):
        for line, name in zip(carriers["line"], carriers[column], strict=True):
            if len(name) > MAXIMUM_NAME_LENGTH:
                message = f"has {len(name)} characters; Amazon accepts {MAXIMUM_NAME_LENGTH}."
                yield Problem(shown, line, column, message, "Shorten it.")
            if HARMFUL.search(name):
                message = f"{name!r} has an unprintable character, and the buyer would see it."
                yield Problem(shown, line, column, message, "Remove it.")


def _spelling_problems(shown: str, carriers: pd.DataFrame) -> Iterator[Problem]:
    """Rows for the same parcels with different results, so that nobody could tell which of them wins."""
    first_rows: dict[tuple[str, ...], tuple[int, tuple[str, ...], tuple[str, ...]]] = {}
    columns = (*CARRIERS.match, "carrier_code", "carrier_name", "shipping_method", "line")
    for *cells, line in zip(*(carriers[column] for column in columns), strict=True):
        match, result = tuple(cells[:3]), tuple(cells[3:])
        key = (match[0], spelling(match[1]), spelling(match[2]))
        first, first_match, first_result = first_rows.setdefault(key, (line, match, result))
        if match != first_match and result != first_result:
            message = (
                f"is the same as in line {first} apart from case, spaces, punctuation or accents, which do not count."
            )
            remedy = "Remove one of the two, or give both the same result."
            yield Problem(shown, line, "warehouse_carrier", message, remedy)


def _normalized(row: Row) -> Row:
    cells = dict(row.cells)
    for column, value in row.cells.items():
        if column == "connection":
            cells[column] = value.lower()
        elif column in {"program", "service_level"}:
            cells[column] = value.upper()
        elif column == "marketplace":
            marketplace = find_marketplace(value)
            cells[column] = marketplace.marketplace_id if marketplace else value
    return replace(row, cells=cells)


def _cell_problems(shown: str, table: Table, row: Row, connections: Collection[str] | None) -> Iterator[Problem]:
    for column in table.required:
        if not row.cells[column]:
            yield Problem(shown, row.line, column, "is empty and must be filled.")
    connection, marketplace = row.cells.get("connection", ""), row.cells.get("marketplace", "")
    if connection and connections is not None and connection not in connections:
        valid = f"Valid values are: {', '.join(sorted(connections))}, or empty for any."
        yield Problem(shown, row.line, "connection", f"there is no connection {connection!r}.", valid)
    if marketplace and find_marketplace(marketplace) is None:
        valid = f"Valid values are: {', '.join(BY_NAME)}, Amazon's ids of these, or empty for any."
        yield Problem(shown, row.line, "marketplace", f"there is no marketplace {marketplace!r}.", valid)
    for column in ("program", "service_level"):
        if not (word := row.cells.get(column, "")).isprintable():
            message = f"{word!r} has an unprintable character, and no order has such a value."
            yield Problem(shown, row.line, column, message, "Enter the value again.")
    units = row.cells.get("units", "")
    if units and not _units(units):
        message = f"expected a whole number from 1 to {MAXIMUM_UNITS}, got {units!r}."
        whole = re.fullmatch(r"([0-9]+)[.,]0+", units)
        remedy = f"A spreadsheet wrote a fraction: enter {whole[1]}." if whole else ""
        if re.fullmatch(r"[0-9]{1,3}([.,][0-9]{3})+", units):  # 1,000 may be one or a thousand
            remedy = "Enter the number without a separator."
        yield Problem(shown, row.line, "units", message, remedy)


def _units(text: str) -> int:
    """The number of units, or 0 if the text is not such a number."""
    number = int(text) if re.fullmatch(r"[0-9]{1,9}", text) else 0
    return number if number <= MAXIMUM_UNITS else 0


def _repeated(shown: str, table: Table, rows: Sequence[Row]) -> list[Problem]:
    key = (*table.match, *filter(None, [table.rows_of_one_match]))
    first_lines: dict[tuple[str, ...], int] = {}
    problems = []
    for row in rows:
        if any(not row.cells[column] for column in table.required if column in key):
            continue
        first = first_lines.setdefault(tuple(row.cells[column] for column in key), row.line)
        if first == row.line:
            continue
        if table.rows_of_one_match:
            message = f"appears twice in one kit, on lines {first} and {row.line}."
            remedy = "Write one row per component, with its units."
        else:
            message = f"lines {first} and {row.line} are identical in {', '.join(table.match)}."
            remedy = "Remove one of the two."
        problems.append(Problem(shown, row.line, table.rows_of_one_match, message, remedy))
    return problems


def _frame(table: Table, rows: Sequence[Row]) -> pd.DataFrame:
    frame = pd.DataFrame({column: [row.cells[column] for row in rows] for column in table.columns}, dtype="object")
    frame["line"] = pd.Series([row.line for row in rows], dtype="int64")
    if "units" in frame:
        frame["units"] = frame["units"].map(_units).astype("int64")
    return frame
