"""Mapping files that flood a reader, and rows to paste that a spreadsheet would carry out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mfn.mappings import MOST_PROBLEMS, csv_file, read_mappings
from mfn.mappings.csv_file import BEWARE, csv_row, read_csv_file, warning_of
from mfn.mappings.tables import SKU_ALIASES
from mfn.reports.grouping import read_instructions

if TYPE_CHECKING:
    from pathlib import Path

HEADER = "connection,marketplace,seller_sku,warehouse_sku,units,note\n"
METHODS = "connection,program,service_level,marketplace,warehouse_code,note\n"


def _problems(folder: Path, text: str | bytes) -> list[str]:
    (folder / "shipping_methods.csv").write_text(METHODS, encoding="utf-8")
    (folder / SKU_ALIASES.file).write_bytes(text if isinstance(text, bytes) else text.encode())
    return [str(problem) for problem in read_mappings(folder, connections=["us"])[1]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{HEADER},,{'A' * 200_000},B,1,\n", "field larger than field limit"),
        (HEADER + '"' * 1_000_000, "field larger than field limit"),
        (HEADER + ',,"A,B,1,\n' * 10_000, 'Inside quotation marks, write " as "".'),
        (HEADER + "," * 1_000_000 + "x\n", "has 1000001 cells"),
        (f"{HEADER},,A,B,{'9' * 100_000},\n", "expected a whole number from 1 to 1000000"),
        (f"{HEADER},,A\x00,B,1,\n", "byte 4 of this line is 0x00"),
        (b"\xff\xfe" + HEADER.encode("utf-16-le"), "is UTF-16"),
        (HEADER.encode() + b",,\xfc,B,1,\n", "byte 3 of this line is 0xFC"),
    ],
)
def test_a_file_that_would_flood_a_reader_is_reported_in_one_short_line(
    tmp_path: Path, text: str | bytes, expected: str
) -> None:
    (problem,) = _problems(tmp_path, text)
    assert expected in problem
    assert problem.isprintable()
    assert len(problem) < 1_200


def test_of_a_file_full_of_problems_the_first_are_reported(tmp_path: Path) -> None:
    problems = _problems(tmp_path, HEADER + ",,A,,1,\n" * 3_000)
    assert len(problems) == MOST_PROBLEMS + 1
    assert f"and {3_000 - MOST_PROBLEMS} more problems" in problems[-1]


def test_a_file_has_only_so_many_bytes_and_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = "".join(f",,A{number},B,1,\n" for number in range(4))
    assert _problems(tmp_path, HEADER + rows) == []
    monkeypatch.setattr(csv_file, "MOST_ROWS", 3)
    assert "has more than 3 rows" in _problems(tmp_path, HEADER + rows)[0]
    monkeypatch.setattr(csv_file, "MOST_BYTES", len(HEADER))
    assert "is larger than" in _problems(tmp_path, HEADER + rows)[0]


@pytest.mark.parametrize("cell", ["=1+1", "=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", '=HYPERLINK("https://x","y")'])
def test_a_cell_that_a_spreadsheet_would_execute_stays_exact_and_is_reported(tmp_path: Path, cell: str) -> None:
    row = csv_row(["", "US", cell, "MUG", "1", ""])
    (tmp_path / SKU_ALIASES.file).write_text(HEADER + row + "\n", encoding="utf-8")
    (read,), problems = read_csv_file(tmp_path / SKU_ALIASES.file, "sku_aliases.csv", SKU_ALIASES.columns)
    assert (read.cells["seller_sku"], problems) == (cell, [])
    assert warning_of([row]) == BEWARE
    (instruction,) = read_instructions([f"Add this row to mappings/sku_aliases.csv:\n{row}"])
    assert instruction.pastes == (row,)
    assert instruction.text.startswith(BEWARE)


def test_ordinary_rows_have_no_warning() -> None:
    rows = [csv_row(["us", "US", "MUG-BLUE", "A,=B", "1", "a = b"]), csv_row(["", "", "00123", "x@y", "1", ""])]
    assert warning_of(rows[1:]) == ""
    (instruction,) = read_instructions([f"Add this row:\n{rows[1]}"])
    assert instruction.text == "Add this row:"


def test_a_row_to_paste_stays_one_row_whatever_a_sku_holds() -> None:
    row = csv_row(["", "", 'A"\n,,EVIL,MUG,1,\r\n\x1b[2J\u2028', "MUG", "1", ""])
    assert row == r',,"A""\n,,EVIL,MUG,1,\r\n\x1b[2J\u2028",MUG,1,'
    (instruction,) = read_instructions([f"Add this row:\n{row}"])
    assert instruction.pastes == (row,)
