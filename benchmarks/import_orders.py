"""How fast an import is, beside a floor measured in the same run: `make bench`, or with `--sizes 1000 10000`.

For each size: a local Amazon in a process of its own; the floor before and after; one import, in a process of its own.
At the size nearest to 10,000 also what costs no HTTP, the checks and the report. Every measurement is a module beside
this one, started with one JSON document as its argument, answering with one.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
RESULTS = Path(__file__).parent / "results"
SIZES = (1_000, 10_000, 100_000)
PARTS_SIZE = 10_000
PAGE = 100
STEPS = ("extract", "validate", "transform", "load", "report")
START_SECONDS = 300
MEASURE_SECONDS = 900
BUSY_LOAD = 0.5
"""Load of the machine before the start from which the figures are not to be trusted."""

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


def main() -> None:
    """Measure, print, and write the results down; a goal that is missed is told, and is no failure."""
    parser = argparse.ArgumentParser(description="How fast an import is, beside a floor measured in the same run.")
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=SIZES, metavar="ORDERS", help="how many orders Amazon has"
    )
    sizes = sorted(set(parser.parse_args().sizes))
    load = os.getloadavg()[0]
    parts_at = min(sizes, key=lambda size: abs(size - PARTS_SIZE))
    runs: dict[int, dict[str, Any]] = {}
    alone: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="mfn-bench-") as folder:
        for size in sizes:
            with local_amazon(size) as endpoint:
                runs[size] = measure_size(size, endpoint, Path(folder) / str(size))
                if size == parts_at:
                    alone = measure_parts(size, endpoint, Path(folder) / "parts")
    print_runs(runs)
    print_parts(parts_at, alone)
    goals = list(find_goals(runs, alone))
    print_goals(goals)
    if load > BUSY_LOAD:
        console.print(
            f"The machine was busy before the start (load {load:.1f}): measure again when it is idle.", style="bold"
        )
    write(runs, alone, goals, load)


@contextmanager
def local_amazon(orders: int) -> Iterator[str]:
    """A local Amazon with a day of orders, until the block ends; its base URL."""
    console.print(f"a local Amazon makes {orders:,} orders …")
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.local_amazon", str(orders)],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            assert process.stdout is not None
            endpoint = process.stdout.readline().strip()
            if not endpoint:
                sys.exit("The local Amazon did not start; what it said stands above.")
            yield endpoint
        finally:
            process.terminate()


def measured(module: str, **arguments: Any) -> dict[str, Any]:
    """What a module beside this one measures, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{module}", json.dumps(arguments)],
        cwd=ROOT, stdout=subprocess.PIPE, text=True, timeout=MEASURE_SECONDS, check=False,
    )  # fmt: skip
    if done.returncode:
        sys.exit(f"benchmarks.{module} failed; what it said stands above.")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def measure_size(size: int, endpoint: str, home: Path) -> dict[str, Any]:
    """The floor and one import."""
    home.mkdir()
    console.print(f"{size:,} orders: the floor, an import, the floor again …")
    warm = measured("floor", endpoint=endpoint, database=str(home / "warm.db"))  # the simulator renders its pages once
    floors = [measured("floor", endpoint=endpoint, database=str(home / "floor-1.db"))]
    run = measured("whole_run", endpoint=endpoint, home=str(home / "run"), first_order=warm["first_order"])
    floors.append(measured("floor", endpoint=endpoint, database=str(home / "floor-2.db")))
    return {"floor": min(floors, key=lambda one: float(one["seconds"])), "run": run}


def measure_parts(size: int, endpoint: str, home: Path) -> dict[str, Any]:
    """What costs no HTTP, the checks and the report."""
    console.print(f"{size:,} orders from memory, into SQLite and into PostgreSQL; the checks; the report …")
    databases = {
        "sqlite": ("sqlite", "sqlite"),
        "postgresql": ("postgresql", "sqlite"),
        "both": ("postgresql", "postgresql"),
    }
    found = {
        name: measured("from_memory", endpoint=endpoint, home=str(home / name), warehouse=warehouse, ledger=ledger)
        for name, (warehouse, ledger) in databases.items()
    }
    return {**found, "parts": measured("parts", endpoint=endpoint, home=str(home / "parts"))}


def find_goals(runs: dict[int, dict[str, Any]], alone: dict[str, Any]) -> Iterator[Goal]:
    """Every goal that the sizes measured can say something of."""
    if len(runs) > 1:
        slope, floor_slope = slopes(runs)
        name = f"marginal cost of an order, {slope * 1e6:.0f} µs, beside the floor's {floor_slope * 1e6:.0f} µs"
        yield Goal(name, 2.5, slope / floor_slope, "times")
    for name, told in (
        ("sqlite", "without HTTP, into SQLite"),
        ("postgresql", "without HTTP, into PostgreSQL"),
        ("both", "without HTTP, the ledger in PostgreSQL too"),
    ):
        rate = alone[name]["orders"] / alone[name]["times"]["end_to_end"]["wall"]
        yield Goal(told, 8_000, rate, "orders/s", is_most=False)
    parts = alone["parts"]
    judged = parts["times"]["judge"]["wall"] / parts["checked_orders"] * 10_000
    yield Goal("checks and verdicts of 10,000 orders, decoding included", 0.4, judged, "s")
    yield Goal("the report, no run before", 0.1, parts["times"]["report"]["wall"], "s")
    yield Goal("the report, 1,000 runs before", 0.1, parts["times"]["report_after_1000"]["wall"], "s")
    largest = max(runs)
    yield Goal(f"peak memory at {largest:,} orders", 600, runs[largest]["run"]["peak_mib"], "MiB")
    for size, run in runs.items():
        fetched = run["run"]["summary"]["fetched"]
        calls = sum(run["run"]["summary"]["api_calls"].values())
        yield Goal(f"API calls at {size:,} orders", math.ceil(fetched / PAGE), calls, "calls")


def slopes(runs: dict[int, dict[str, Any]]) -> tuple[float, float]:
    """Seconds that one more order costs, of the import and of the floor, between the two largest sizes."""
    small, large = (runs[size] for size in sorted(runs)[-2:])
    more = large["floor"]["orders"] - small["floor"]["orders"]
    import_seconds = large["run"]["times"]["end_to_end"]["wall"] - small["run"]["times"]["end_to_end"]["wall"]
    floor_seconds = large["floor"]["seconds"] - small["floor"]["seconds"]
    return import_seconds / more, floor_seconds / more


def print_runs(runs: dict[int, dict[str, Any]]) -> None:
    """What each size took, as orders a second."""
    table = Table(title="From the local Amazon into SQLite, orders a second", title_justify="left")
    for column in ("", *(f"{size:,}" for size in runs)):
        table.add_column(column, justify="right" if column else "left")
    fetched = {size: run["run"]["summary"]["fetched"] for size, run in runs.items()}
    table.add_row("orders that Amazon returned", *(f"{count:,}" for count in fetched.values()))
    table.add_row("the floor", *(f"{run['floor']['orders'] / run['floor']['seconds']:,.0f}" for run in runs.values()))
    for step in ("end_to_end", *STEPS):
        rates = [f"{fetched[size] / run['run']['times'][step]['wall']:,.0f}" for size, run in runs.items()]
        table.add_row(step.replace("_", " "), *rates)
    for name, worked in (
        ("the floor", [run["floor"]["cpu"] for run in runs.values()]),
        ("end to end", [run["run"]["times"]["end_to_end"]["cpu"] for run in runs.values()]),
    ):
        each = (f"{seconds / count * 1e6:,.0f}" for seconds, count in zip(worked, fetched.values(), strict=True))
        table.add_row(f"{name}, µs of CPU an order", *each)
    table.add_row("peak memory, MiB", *(f"{run['run']['peak_mib']:,.0f}" for run in runs.values()))
    calls = [
        f"{sum(run['run']['summary']['api_calls'].values())} / {math.ceil(fetched[size] / PAGE)}"
        for size, run in runs.items()
    ]
    table.add_row("API calls / the least there can be", *calls)
    table.add_row(
        "cold start, s, not in the above", *(f"{run['run']['cold_start_seconds']:.1f}" for run in runs.values())
    )
    console.print(table)


def print_parts(size: int, alone: dict[str, Any]) -> None:
    """What costs no HTTP, step by step, as orders a second."""
    table = Table(title=f"From memory, {size:,} orders, orders a second", title_justify="left")
    names = {"sqlite": "SQLite", "postgresql": "PostgreSQL", "both": "both in PostgreSQL"}
    for column in ("", *names.values()):
        table.add_column(column, justify="right" if column else "left")
    for step in ("end_to_end", "land", "validate", "transform", "load"):
        rates = [f"{alone[name]['orders'] / alone[name]['times'][step]['wall']:,.0f}" for name in names]
        table.add_row(step.replace("_", " "), *rates)
    console.print(table)


def print_goals(goals: list[Goal]) -> None:
    """Goal, measured, met or not."""
    table = Table(title="Goals", title_justify="left")
    for column in ("goal", "limit", "measured", ""):
        table.add_column(column, justify="right" if column in {"limit", "measured"} else "left")
    for goal in goals:
        verdict = "[green]met[/]" if goal.is_met else "[bold red]NOT MET[/]"
        limit = f"{'at most' if goal.is_most else 'at least'} {goal.limit:,g} {goal.unit}"
        table.add_row(goal.name, limit, f"{goal.measured:,.4g} {goal.unit}", verdict)
    console.print(table)
    missed = sum(not goal.is_met for goal in goals)
    console.print(
        f"{missed} OF {len(goals)} GOALS NOT MET" if missed else f"all {len(goals)} goals met",
        style="bold red" if missed else "bold green",
    )


def write(runs: dict[int, dict[str, Any]], alone: dict[str, Any], goals: list[Goal], load: float) -> None:
    """The same as JSON under results/."""
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
        "runs": runs,
        "parts": alone,
        "goals": [asdict(goal) | {"is_met": goal.is_met} for goal in goals],
    }
    path = RESULTS / f"import_orders-{now:%Y%m%d-%H%M%S}.json"
    path.write_text(json.dumps(document, indent=2), encoding="utf-8")
    console.print(f"written to {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
