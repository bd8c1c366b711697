"""Goals of a benchmark, told as met or not."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parent.parent
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


def print_goals(goals: Sequence[Goal]) -> None:
    """Print goal, limit, measured, met or not; nothing where nothing was promised."""
    if not goals:
        return
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
