"""What the documents show of results, as Markdown tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks.goals import WHOLE_FROM
from benchmarks.many_tables import SHOWN as CONNECTION_TABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from benchmarks.results import MeasuredGoal, Result, Value

TWO_DECIMALS_BELOW = 10
STEPS = ("extract", "validate", "transform", "load", "report")


@dataclass(frozen=True)
class Shown:
    """Rows of a result as a table.

    Attributes:
        columns: Which columns, and what their headings say; none: all, by their names.
        table: Only the rows of this one; empty: all.
        where: Only the rows that have these values.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    table: str = ""
    where: Mapping[str, Value] = field(default_factory=dict)

    def __call__(self, result: Result) -> str:
        """The table of a result."""
        rows = [
            row
            for row in (result.table(self.table) if self.table else result.rows)
            if all(row.get(column) == value for column, value in self.where.items())
        ]
        every = dict.fromkeys(column for row in rows for column in row if column != "table")
        columns = self.columns or {column: column.replace("_", " ") for column in every}
        cells = [[shown(column, row.get(column)) for column in columns] for row in rows]
        numeric = [any(is_number(row.get(column)) for row in rows) for column in columns]
        return markdown(list(columns.values()), cells, numeric)


def listed(table: str, columns: Iterable[str]) -> Shown:
    """Rows of a table whose headings are what the columns are called.

    Args:
        table: Which rows.
        columns: Which columns.
    """
    return Shown({column: column.replace("_", " ") for column in columns}, table)


def about(result: Result) -> str:
    """When, where and with what it was measured."""
    machine = result.machine
    extra = {name: text for name, text in result.versions.items() if name in {"python", "sqlite", "postgresql"}}
    named = {"python": "Python", "sqlite": "SQLite", "postgresql": "PostgreSQL"}
    options = " ".join(f"--{name.replace('_', '-')} {_words(value)}" for name, value in result.options.items())
    command = f"python -m benchmarks.{result.name} {options}".strip()
    figures = [
        f"{result.at:%Y-%m-%d}", f"{machine.processors} cores ({machine.processor or 'unnamed'})",
        f"{machine.memory_gib:g} GiB", *(f"{named[name]} {text}" for name, text in extra.items()),
        f"load {machine.load:g} before the start", *([f"commit {result.commit}"] if result.commit else []),
    ]  # fmt: skip
    return f"{', '.join(figures)}; `{command}`."


def _words(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def goals(results: Sequence[Result]) -> str:
    """Every goal of some benchmarks."""
    cells = [
        [
            f"`{result.name}`",
            goal.name,
            limit(goal),
            figure(goal.measured, goal.unit),
            "met" if goal.is_met else "**not met**",
        ]
        for result in results
        for goal in result.goals
    ]
    return markdown(["measured by", "goal", "limit", "measured", ""], cells, [False] * 5)


def limit(goal: MeasuredGoal) -> str:
    """What was promised."""
    return f"at {'most' if goal.is_most else 'least'} {figure(goal.limit, goal.unit)}"


def figure(number: float, unit: str) -> str:
    """A number with its unit, in as many digits as mean something."""
    return f"{number:,.0f} {unit}" if abs(number) >= WHOLE_FROM else f"{number:.3g} {unit}"


def curve_steps(result: Result) -> str:
    """What each step costs at the largest size, by where the orders come from and go to."""
    rows = result.table("steps")
    largest = max(int(row["orders"] or 0) for row in rows)
    costs: dict[tuple[Value, Value], dict[Value, float]] = {}
    for row in rows:
        if row["orders"] == largest:
            # Without HTTP it lands what was fetched before.
            costs.setdefault((row["source"], row["database"]), {})[row["step"]] = float(row["cpu_us_per_order"] or 0)
    cells = [
        [
            f"{'with' if source == 'HTTP' else 'without'} HTTP, {database}",
            *(f"{steps[step]:.1f}" for step in _steps(steps)),
        ]
        for (source, database), steps in costs.items()
    ]
    return markdown(["", *STEPS], cells, [False, *[True] * len(STEPS)])


def _steps(costs: Mapping[Value, float]) -> list[str]:
    return ["land" if step == "extract" and "land" in costs else step for step in STEPS]


PARTS: dict[str, dict[str, Callable[[Result], str]]] = {
    "cost_curve": {
        "imports": Shown(
            {
                "orders": "orders", "source": "from", "database": "into", "seconds": "s",
                "orders_per_second": "orders/s", "cpu_us_per_order": "µs of CPU an order", "peak_mib": "peak, MiB",
                "disk_mib": "disk, MiB",
            },
            "imports",
        ),
        "steps": curve_steps,
    },
    "import_parts": {
        "parts": Shown({"part": "", "orders": "orders", "seconds": "s", "cpu_seconds": "s of CPU"}),
    },
    "many_connections": {table: listed(table, columns) for table, (_, columns) in CONNECTION_TABLES.items()},
    "profile_import": {
        "functions": Shown(
            {
                "step": "step", "function": "function", "cpu_us_per_order": "µs an order",
                "itself_us_per_order": "itself", "library": "most of the rest", "library_us_per_order": "it",
            },
            "functions",
        ),
    },
    "reprocess": {"runs": Shown()},
    "simulated_day": {
        "days": Shown(
            {
                "scenario": "orders a day", "orders": "due", "loaded": "in the warehouse",
                "oldest_seconds": "oldest, s", "bound_seconds": "no plan below",
                "mean_oldest_seconds": "on average, s",
                "mean_bound_seconds": "no plan below ", "search_calls": "searchOrders", "get_calls": "getOrder",
                "refused_calls": "refused",
            },
            "days",
        ),
    },
    "confirm_shipments": {
        "steps": Shown({"step": "", "parcels": "parcels", "seconds": "s", "cpu_seconds": "s of CPU"}),
    },
    "sync_inventory": {
        "steps": Shown(
            {"run": "run", "step": "step", "seconds": "s", "cpu_seconds": "s of CPU"},
            "steps",
            {"databases": "sqlite"},
        ),
        "runs": Shown(
            {
                "databases": "databases", "run": "run", "seconds": "s",
                "decided_cpu_seconds": "s of CPU to the last call",
                "calling_cpu_seconds": "s of CPU for the calls", "peak_mb": "peak, MB",
            },
            "runs",
        ),
        "calls": Shown({"operation": "operation", "calls": "calls", "least": "the least"}, "calls"),
    },
}  # fmt: skip
"""By benchmark, what the documents show of it beside `about` and `goals`."""


def shown(column: str, value: Value) -> str:
    """A value as a cell; what a number's column is called says how it is written."""
    if value is None or isinstance(value, bool):
        return {None: "", True: "yes", False: "no"}[value]
    if isinstance(value, str):
        return f"`{value}`" if column in {"function", "library", "operation"} and value else value.replace("|", "\\|")
    if isinstance(value, int) or column.endswith(("_mib", "_mb", "per_second")):
        return f"{value:,.0f}"
    decimals = 1 if column.endswith("us_per_order") or abs(value) >= TWO_DECIMALS_BELOW else 2
    return f"{value:,.{decimals}f}"


def is_number(value: Value) -> bool:
    """Whether a value stands to the right of its cell."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def markdown(headings: Sequence[str], cells: Sequence[Sequence[str]], numeric: Sequence[bool]) -> str:
    """A table."""
    rule = ["---:" if right else "---" for right in numeric]
    return "\n".join(f"| {' | '.join(row)} |" for row in (headings, rule, *cells))
