"""The table of the matrix, and the file that keeps its figures."""

from __future__ import annotations

import json
import os
import platform
import re
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console

    from tests.faults.matrix.trials import Trial

ROOT = Path(__file__).parents[3]
RESULTS = ROOT / "docs" / "faults.json"
README = ROOT / "README.md"
SURVIVED = re.compile(r"[\d,]+ times on \d{4}-\d\d-\d\d(?: \(at most \d+ points of each cell\))?")
TABLE = re.compile(r"^\| fault \|.*\n(?:\|.*\n)+", re.MULTILINE)
KINDS = ("lost", "doubled", "wrong")
DESCRIBED = 20


def counted(trials: Iterable[Trial]) -> list[dict[str, Any]]:
    """How often each flow met each fault on each database, and in how many trials something was lost, ….

    Args:
        trials: Every trial.

    Returns:
        `flow`, `fault`, `database`, `times`, `lost`, `doubled`, `wrong` of each cell; a fault that never struck has
        been met 0 times.
    """
    cells: dict[tuple[str, str, str], dict[str, int]] = defaultdict(lambda: dict.fromkeys(("times", *KINDS), 0))
    for trial in trials:
        cell = cells[trial.flow, trial.fault, trial.database]
        cell["times"] += trial.has_struck
        for kind in KINDS:
            cell[kind] += any(deviation.kind == kind for deviation in trial.deviations)
    return [
        {"flow": flow, "fault": fault, "database": database, **cells[flow, fault, database]}
        for flow, fault, database in sorted(cells)
    ]


def total(cells: Iterable[dict[str, Any]]) -> dict[str, int]:
    """The sums over all cells.

    Args:
        cells: As `counted` returns them.
    """
    sums = dict.fromkeys(("times", *KINDS), 0)
    for cell in cells:
        sums = {name: value + cell[name] for name, value in sums.items()}
    return sums


def is_faultless(cells: Sequence[dict[str, Any]]) -> bool:
    """Whether every fault has struck, and nothing was lost, doubled or wrong.

    Args:
        cells: As `counted` returns them.
    """
    have_struck = bool(cells) and all(cell["times"] for cell in cells)
    return have_struck and not any(cell[kind] for cell in cells for kind in KINDS)


def by_fault(cells: Sequence[dict[str, Any]], flows: Sequence[str]) -> list[str]:
    """The figures as rows of a Markdown table: a line a fault, how often each flow met it, and what was lost, ….

    Args:
        cells: As `counted` returns them.
        flows: The flows, in the order of the columns.
    """
    faults = list(dict.fromkeys(cell["fault"] for cell in cells))
    rows = [
        ["fault", *flows, *KINDS],
        ["---", *["---:"] * (len(flows) + len(KINDS))],
        *([fault, *_row([cell for cell in cells if cell["fault"] == fault], flows)] for fault in sorted(faults)),
        ["all", *_row(cells, flows)],
    ]
    return [f"| {' | '.join(row)} |" for row in rows]


def _row(cells: Sequence[dict[str, Any]], flows: Sequence[str]) -> list[str]:
    times = [sum(cell["times"] for cell in cells if cell["flow"] == flow) for flow in flows]
    sums = total(cells)
    return [*(f"{count:,}" if count else "" for count in times), *(f"{sums[kind]:,}" for kind in KINDS)]


def print_table(cells: Sequence[dict[str, Any]], trials: Iterable[Trial], console: Console) -> None:
    """Print the cells, their sums, and what was found first.

    Args:
        cells: As `counted` returns them.
        trials: Every trial.
        console: Where to.
    """
    table = Table(title="Faults", title_justify="left", show_footer=True)
    sums = total(cells)
    for column in ("flow", "fault", "database"):
        table.add_column(column, footer="total" if column == "flow" else "")
    for column in ("times", *KINDS):
        style = "bold red" if column != "times" and sums[column] else ""
        table.add_column(column, footer=f"{sums[column]:,}", justify="right", footer_style=style)
    for cell in cells:
        table.add_row(
            *(cell[name] for name in ("flow", "fault", "database")), *(f"{cell[name]:,}" for name in ("times", *KINDS))
        )
    console.print(table)
    for trial in [trial for trial in trials if trial.deviations][:DESCRIBED]:
        console.print(described(trial), markup=False, end="")


def described(trial: Trial) -> str:
    """A trial that was not survived, in words, a line for each deviation.

    Args:
        trial: The trial.
    """
    deviations = "".join(f"  {deviation.kind}: {deviation.what}\n" for deviation in trial.deviations)
    return f"{trial.flow}, {trial.fault}, {trial.database}, {trial.point}\n{deviations}"


def write(
    cells: Sequence[dict[str, Any]], flows: Sequence[str], *, seeds: int, most: int | None, seconds: float
) -> None:
    """Write the figures with the day and the machine into docs/faults.json, and into the README.

    Args:
        cells: As `counted` returns them.
        flows: The flows, in the order of the README's columns.
        seeds: How many random moments there were of each.
        most: At how many points of each cell at most; None: at all of them.
        seconds: How long it took.
    """
    document = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "processors": os.cpu_count(),
            "system": platform.platform(),
            "python": platform.python_version(),
        },
        "seconds": round(seconds),
        "seeds": seeds,
        "most": most,
        "total": total(cells),
        "cells": list(cells),
    }
    RESULTS.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    text = README.read_text(encoding="utf-8")
    text = SURVIVED.sub(survived(document), text)
    table = "\n".join(by_fault(cells, flows)) + "\n"
    README.write_text(TABLE.sub(lambda _: table, text), encoding="utf-8")


def survived(document: dict[str, Any]) -> str:
    """How often the flows were broken off and when, as the README says it.

    Args:
        document: What stands in docs/faults.json.
    """
    part = f" (at most {document['most']} points of each cell)" if document["most"] else ""
    return f"{document['total']['times']:,} times on {document['at'][:10]}{part}"
