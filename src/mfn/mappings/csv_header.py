"""Faults of the header of a mapping file, reported once if they have one cause: another file, another language."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mfn.errors import Problem
from mfn.plain_text import shortened

if TYPE_CHECKING:
    from collections.abc import Sequence

SEPARATORS = {";": "semicolons", "\t": "tabs"}
MOST_REPORTED_ALONE = 2
"""A misspelt column counts as one missing and one unknown column."""
MOST_OF_A_HEADER = 200
"""How many characters of it a message shows."""


def header_problems(shown: str, line: int, names: Sequence[str], columns: Sequence[str]) -> list[Problem]:
    """Faults of a header: single columns by name, or a single fault for a header that hardly matches at all.

    Args:
        shown: The file's name in messages.
        line: The line of the header.
        names: Its cells, without blanks around them.
        columns: The columns of the file.
    """
    if fault := separator_fault(",".join(names), columns):
        return [Problem(shown, line, None, *fault)]
    unknown = [name for name in dict.fromkeys(names) if name and name not in columns]
    missing = [name for name in columns if name not in names]
    if _corrected(names, columns) or len(unknown) + len(missing) > MOST_REPORTED_ALONE:
        return [_as_a_whole(shown, line, names, columns)]
    valid = f"valid columns are: {', '.join(columns)}."
    return [
        *(Problem(shown, line, name, f"unknown column; {valid}") for name in unknown),
        *(Problem(shown, line, name, f"column is missing; {valid}") for name in missing),
        *(Problem(shown, line, name, "appears twice in the header.") for name in columns if names.count(name) > 1),
    ]


def separator_fault(text: str, columns: Sequence[str] = ()) -> tuple[str, str] | None:
    """Message and remedy for a header with another separator than a comma, or None.

    Args:
        text: The header.
        columns: The columns of the file; none where a fault of its quotation marks says that it is not by commas.
    """
    for separator, word in SEPARATORS.items():
        if separator in text and _known(text.split(separator), columns) >= _known(text.split(","), columns):
            return f"is separated by {word}, expected commas.", "Save it as CSV UTF-8 with commas."
    return None


def _as_a_whole(shown: str, line: int, names: Sequence[str], columns: Sequence[str]) -> Problem:
    came, expected = shortened(",".join(filter(None, names)), MOST_OF_A_HEADER), ",".join(columns)
    if corrected := _corrected(names, columns):
        remedy = f"Column names must match exactly. Change this row to {','.join(corrected)}"
        return Problem(shown, line, None, f"expected the columns {expected}, got {came}.", remedy)
    if _known(names, columns):
        remedy = f"Change this row to {expected} (in any order), and make the rows below match it."
        return Problem(shown, line, None, f"expected the columns {expected}, got {came}.", remedy)
    remedy = f"Start the file with the row {expected}. If this is the wrong file, replace it with the right one."
    return Problem(shown, line, None, f"expected a header with the columns {expected}, got {came}.", remedy)


def _corrected(names: Sequence[str], columns: Sequence[str]) -> list[str]:
    """The corrected header, if it is wrong only in capitals, blanks or dashes; otherwise empty."""
    written = [re.sub(r"[\W_]+", "_", name.casefold()) for name in names]
    return written if sorted(written) == sorted(columns) and list(names) != written else []


def _known(cells: Sequence[str], columns: Sequence[str]) -> int:
    return sum(cell.strip(' "') in columns for cell in cells)
