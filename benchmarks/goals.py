"""Goals of a benchmark: told as met or not, and written down with the figures and the machine."""

from __future__ import annotations

import json
import os
import platform
import sys
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).parent.parent
RESULTS = Path(__file__).parent / "results"
BUSY_LOAD = 0.5
"""Load of the machine before the start from which the figures are not to be trusted."""

WHOLE_FROM = 1_000
"""From here on a figure is shown without decimals."""

console = Console(highlight=False, width=None if sys.stdout.isatty() else 140)


@dataclass(frozen=True)
class Goal:
    """One thing that was promised.

    Attributes:
        name: In words.
        limit: The goal.
        measured: What was measured.
        unit: Of both.
        is_most: Whether the limit is the most it may be; else the least.
    """

    name: str
    limit: float
    measured: float
    unit: str
    is_most: bool = True

    @property
    def is_met(self) -> bool:
        """Whether the goal is reached."""
        return self.measured <= self.limit if self.is_most else self.measured >= self.limit


def tell(benchmark: str, figures: Mapping[str, Any], goals: Sequence[Goal], load: float) -> None:
    """Print goal, measured, met or not, and write all of it as JSON under results/.

    Args:
        benchmark: Its name, with which the file's begins.
        figures: What was measured.
        goals: What was promised.
        load: Load of the machine before the start.
    """
    _print_goals(goals)
    if load > BUSY_LOAD:
        console.print(
            f"The machine was busy before the start (load {load:.1f}): measure again when it is idle.", style="bold"
        )
    _write(benchmark, figures, goals, load)


def _print_goals(goals: Sequence[Goal]) -> None:
    table = Table(title="Goals", title_justify="left")
    for column in ("goal", "limit", "measured", ""):
        table.add_column(column, justify="right" if column in {"limit", "measured"} else "left")
    for goal in goals:
        verdict = "[green]met[/]" if goal.is_met else "[bold red]NOT MET[/]"
        limit = f"{'at most' if goal.is_most else 'at least'} {goal.limit:,} {goal.unit}"
        measured = f"{goal.measured:,.0f}" if goal.measured >= WHOLE_FROM else f"{goal.measured:.4g}"
        table.add_row(goal.name, limit, f"{measured} {goal.unit}", verdict)
    console.print(table)
    missed = sum(not goal.is_met for goal in goals)
    console.print(
        f"{missed} OF {len(goals)} GOALS NOT MET" if missed else f"all {len(goals)} goals met",
        style="bold red" if missed else "bold green",
    )


def _write(benchmark: str, figures: Mapping[str, Any], goals: Sequence[Goal], load: float) -> None:
    RESULTS.mkdir(exist_ok=True)
    now = datetime.now(UTC)
    machine = {
        "processors": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "load": load,
    }
    document = {
        "at": now.isoformat(),
        "machine": machine,
        **figures,
        "goals": [asdict(goal) | {"is_met": goal.is_met} for goal in goals],
    }
    path = RESULTS / f"{benchmark}-{now:%Y%m%d-%H%M%S}.json"
    path.write_text(json.dumps(document, indent=2), encoding="utf-8")
    console.print(f"written to {path.relative_to(ROOT)}")
