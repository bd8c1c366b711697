"""The two tables of the comparison, on the terminal and in the README."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

from benchmarks.goals import BUSY_LOAD, ROOT, console

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.results import Result, Row

README = ROOT / "README.md"
BEGIN, END = "<!-- peers: written by python -m benchmarks.write_results -->", "<!-- peers end -->"


def _number(column: str) -> Callable[[Row], str]:
    return lambda row: f"{float(row[column] or 0):,.0f}"


def _ended(row: Row) -> str:
    runs = f"{row['runs']} run{'s' if row['runs'] != 1 else ''}"
    return f"{runs}, the last: {row['said']}" if row["status"] else runs


def _seconds(row: Row) -> str:
    return f"{float(row['seconds'] or 0) + float(row['waited_seconds'] or 0):,.1f}"


COLUMNS: dict[str, dict[str, Callable[[Row], str]]] = {
    "clean": {
        "way": lambda row: str(row["way"]),
        "orders": _number("orders"),
        "seconds": _seconds,
        "orders/s": _number("orders_per_second"),
        "µs of CPU for one more": _number("cpu_us_of_one_more"),
        "calls": _number("calls"),
        "peak MiB": _number("peak_mib"),
        "arrived": _number("arrived"),
        "of these held, with the reason": _number("held"),
        "what it does with them": lambda row: str(row["does"]),
    },
    "faults": {
        "way": lambda row: str(row["way"]),
        "orders": _number("orders"),
        "ended": _ended,
        "seconds": _seconds,
        "calls": _number("calls"),
        "arrived": _number("arrived"),
        "missing": _number("missing"),
        "doubled": _number("doubled"),
        "broken": _number("bad"),
        "held, with the reason": _number("bad_told"),
        "accepted as good": _number("bad_taken"),
    },
}
TITLES = {
    "clean": "Nothing in the way",
    "faults": "One order in 1,000 broken, one reply in 50 failing",
}
SHOWN = ("python", "mfn", "python-amazon-sp-api", "pandas", "airbyte-source-amazon-seller-partner", "httpx")
"""Whose versions are told."""

TEXTS = {"way", "what it does with them", "ended"}


def print_rows(rows: Sequence[Row]) -> None:
    """Both tables, on the terminal."""
    for name, columns in COLUMNS.items():
        table = Table(title=TITLES[name], title_justify="left")
        for column in columns:
            table.add_column(column, justify="left" if column in TEXTS else "right")
        for line in cells(name, rows):
            table.add_row(*line)
        console.print(table)


def markdown(result: Result) -> str:
    """Both tables as Markdown, with the date, the machine and the versions.

    Args:
        result: What `benchmarks.peers` wrote down.
    """
    machine = result.machine
    versions = ", ".join(f"{name} {result.versions[name]}" for name in SHOWN if name in result.versions)
    busy = f" The machine was busy (load {machine.load:.1f})." if machine.load > BUSY_LOAD else ""
    lines = [
        f"Measured on {result.at:%Y-%m-%d}: {machine.processor}, {machine.processors} cores; {versions}.{busy}",
        "",
    ]
    for name, columns in COLUMNS.items():
        lines += [f"{TITLES[name]}:", "", f"| {' | '.join(columns)} |"]
        lines.append(f"| {' | '.join('---' if column in TEXTS else '---:' for column in columns)} |")
        lines += [f"| {' | '.join(cells)} |" for cells in cells(name, result.rows)]
        lines.append("")
    return "\n".join(lines)


def write_into_readme(result: Result) -> None:
    """Put both tables between their markers.

    Args:
        result: What `benchmarks.peers` wrote down.
    """
    README.write_text(within(README.read_text(encoding="utf-8"), markdown(result)), encoding="utf-8")


def within(text: str, tables: str) -> str:
    """A document with the tables between their markers, in place of those that were there."""
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before}{BEGIN}\n{tables}{END}{after}"


def cells(name: str, rows: Sequence[Row]) -> list[list[str]]:
    """What stands in a table, row by row.

    Args:
        name: `clean`, or `faults`.
        rows: Of both.
    """
    return [
        [str(row["way"]), f"did not run: {row['why']}", *[""] * (len(COLUMNS[name]) - 2)]
        if row["why"]
        else [show(row) for show in COLUMNS[name].values()]
        for row in rows
        if row["table"] == name
    ]
