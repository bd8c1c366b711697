"""A mapping file as rows with their line numbers; faults that prevent reading come with their line."""

from __future__ import annotations

import codecs
import csv
import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from mfn.errors import Problem
from mfn.file_faults import reading_fault, see_that_it_is_a_file
from mfn.mappings.csv_header import header_problems, separator_fault
from mfn.plain_text import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

COMMENT = "# "
MOST_BYTES = 32 * 1024 * 1024
MOST_ROWS = 200_000
"""The most rows of a file: a run reads them all, and each takes two kilobytes of memory."""
BROKEN_BY_A_SPREADSHEET = (
    (
        re.compile(r"[+-]?\d+(?:[.,]\d+)?E[+-]\d+", re.IGNORECASE),
        "is how a spreadsheet writes a long number; its digits are lost",
        "Format the column as text, then enter the value again.",
    ),
    (
        re.compile(r"#(?:N/A|REF!|VALUE!|NAME\?|DIV/0!|NUM!|NULL!)", re.IGNORECASE),
        "is a spreadsheet's error, not a value",
        "Fix the formula, or enter the value as text.",
    ),
)


@dataclass(frozen=True)
class Row:
    """One row of a CSV file.

    Attributes:
        line: The physical line on which it begins, from 1.
        cells: Texts by column name, without surrounding blanks except in columns that are kept exactly.
    """

    line: int
    cells: dict[str, str]


def read_csv_file(
    path: Path, shown: str, columns: Sequence[str], *, kept_to_the_letter: Sequence[str] = ()
) -> tuple[list[Row], list[Problem]]:
    """Every row of a UTF-8 CSV file (RFC 4180, with or without a byte order mark), comments and empty rows left out.

    Args:
        path: The file; it exists.
        shown: The file's name in messages.
        columns: The columns of its header, in any order.
        kept_to_the_letter: Columns in which a blank at either end counts.

    Returns:
        The rows that could be read, and what is wrong with the others or with the file.
    """
    try:
        see_that_it_is_a_file(path)
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
        text = _decoded(raw, shown)
    except OSError as error:
        return [], [Problem(shown, None, None, *reading_fault(path, error))]
    if isinstance(text, Problem):
        return [], [text]
    problems: list[Problem] = []
    records = _records(text, shown, problems)
    header = next(records, None)
    if header is None:
        remedy = f"Start it with the row {','.join(columns)}"
        return [], problems or [Problem(shown, 1, None, "has no header.", remedy)]
    line, names = header
    names = [name.strip() for name in names]
    problems += header_problems(shown, line, names, columns)
    if problems:
        return [], problems
    rows: list[Row] = []
    for line, values in records:
        if len(rows) == MOST_ROWS:
            message = f"has more than {MOST_ROWS} rows."
            return [], [Problem(shown, line, None, message, "Remove the rows that are not needed.")]
        surplus = [value for name, value in zip(names, values, strict=False) if not name] + values[len(names) :]
        if any(value.strip() for value in surplus):
            expected = sum(map(bool, names))
            message = f"has {len(values)} cells, but the header has {expected} columns."
            problems.append(Problem(shown, line, None, message, "Put a cell that contains a comma in quotation marks."))
            continue
        cells = dict.fromkeys(columns, "") | {name: value for name, value in zip(names, values, strict=False) if name}
        stripped = {name: value.strip() for name, value in cells.items()}
        kept = {name: cells[name] for name in kept_to_the_letter if stripped[name]}
        rows.append(Row(line, stripped | kept))
    return rows, problems


def broken_by_a_spreadsheet(value: str) -> tuple[str, str] | None:
    """What a spreadsheet did to a value, as the end of a sentence, and what to do; None if nothing.

    Args:
        value: A cell, or a value for one.
    """
    written = value.strip()
    return next(
        ((what, remedy) for pattern, what, remedy in BROKEN_BY_A_SPREADSHEET if pattern.fullmatch(written)), None
    )


def spreadsheet_problems(shown: str, row: Row) -> list[Problem]:
    """The cells of a row that a spreadsheet has damaged."""
    return [
        Problem(shown, row.line, column, f"{value!r} {broken[0]}.", broken[1])
        for column, value in row.cells.items()
        if column not in {"note", "source"}
        if (broken := broken_by_a_spreadsheet(value))
    ]


def _decoded(raw: bytes, shown: str) -> str | Problem:
    remedy = "Save it as CSV UTF-8."
    if len(raw) > MOST_BYTES:
        message = f"is larger than {MOST_BYTES // 1024 // 1024} MB."
        return Problem(shown, None, None, message, "Remove the rows that are not needed.")
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return Problem(shown, 1, None, "is UTF-16, expected UTF-8.", remedy)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line, position = _place(raw, error.start)
        message = f"is not UTF-8: byte {position} of this line is 0x{raw[error.start]:02X}."
        return Problem(shown, line, None, message, remedy)
    if "\x00" in text:
        line, position = _place(raw, raw.index(b"\x00"))
        return Problem(shown, line, None, f"is not a text file: byte {position} of this line is 0x00.", remedy)
    return text.removeprefix("\ufeff")


def _place(raw: bytes, offset: int) -> tuple[int, int]:
    """The line of a byte and its position in that line, both from 1."""
    return raw.count(b"\n", 0, offset) + 1, offset - raw.rfind(b"\n", 0, offset)


def _records(text: str, shown: str, problems: list[Problem]) -> Iterator[tuple[int, list[str]]]:
    """The line on which each record begins and its cells; a fault ends the file and goes to `problems`."""
    begins_at: int | None = None
    first_line = ""
    is_header_read = False

    def lines() -> Iterator[str]:
        # The reader takes one line at a time, so that a comment can be told apart from a line inside a quoted cell.
        nonlocal begins_at, first_line
        for number, line in enumerate(io.StringIO(text, newline=""), start=1):
            if begins_at is None:
                if line.startswith(COMMENT):
                    continue
                begins_at, first_line = number, line
            yield line

    reader = csv.reader(lines(), strict=True, skipinitialspace=True)
    try:
        for values in reader:
            line, begins_at = begins_at or 1, None
            is_filled = any(value.strip() for value in values)
            if is_filled and not _is_comment(values, is_header_read=is_header_read):
                is_header_read = True
                yield line, values
    except csv.Error as error:
        unclosed = "end of data" in str(error)
        message = "a quotation mark opened here is never closed." if unclosed else f"is not valid CSV: {error}."
        fault = message, 'Inside quotation marks, write " as "".'
        if not is_header_read:
            fault = separator_fault(first_line) or fault
        problems.append(Problem(shown, begins_at, None, *fault))


def _is_comment(values: Sequence[str], *, is_header_read: bool) -> bool:
    """Whether a row was a comment before a spreadsheet put quotation marks around it and added empty cells.

    After the header, a row with other cells is not a comment: a SKU may begin like that too.
    """
    return values[0].startswith(COMMENT) and not (is_header_read and any(value.strip() for value in values[1:]))


def csv_row(cells: Sequence[str]) -> str:
    """One line of a mapping file, without a line end, that reads back as exactly these cells.

    Characters that nobody can see or paste are escaped, so that it stays one line; such a row matches nothing.
    """
    cells = [shown(cell) for cell in cells]
    written = io.StringIO()
    quoting: Literal[0, 1] = csv.QUOTE_ALL if any(cell != cell.strip() for cell in cells) else csv.QUOTE_MINIMAL
    csv.writer(written, quoting=quoting, lineterminator="\r\n").writerow(cells)
    return written.getvalue().removesuffix("\r\n")


FORMULA = re.compile(r"""(?:^|,)"?[=+@\t-]""")
BEWARE = (
    "A cell in these rows begins like a formula, which a spreadsheet would execute: paste the rows with a text editor,"
    " or import every column as text."
)


def warning_of(rows: Iterable[str]) -> str:
    """The warning to show with rows to paste if a spreadsheet would take a cell for a formula; "" if not.

    The cell itself stays as it is, since it must match exactly.

    Args:
        rows: As `csv_row` writes them.
    """
    return BEWARE if any(FORMULA.search(row) for row in rows) else ""
