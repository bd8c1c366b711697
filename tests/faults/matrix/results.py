"""The table of the matrix, and the file that keeps its figures."""

from __future__ import annotations

import json
import os
import platform
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console

    from tests.faults.matrix.trials import Trial

RESULTS = Path(__file__).parents[3] / "docs" / "faults.json"
KINDS = ("lost", "doubled", "wrong")
TOLD = 20


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
    for trial in [trial for trial in trials if trial.deviations][:TOLD]:
        console.print(f"{trial.flow}, {trial.fault}, {trial.database}, {trial.point}", style="bold", markup=False)
        for deviation in trial.deviations[:5]:
            console.print(f"  {deviation.kind}: {deviation.what}", markup=False)


def write(cells: Sequence[dict[str, Any]], *, seeds: int, seconds: float, path: Path = RESULTS) -> None:
    """Write the figures with the day and the machine.

    Args:
        cells: As `counted` returns them.
        seeds: How many random moments there were of each.
        seconds: How long it took.
        path: The file.
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
        "total": total(cells),
        "cells": list(cells),
    }
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
