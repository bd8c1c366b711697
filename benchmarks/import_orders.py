"""How fast an import is, beside a floor measured in the same run: `python -m benchmarks.import_orders --sizes 1000`.

For each size: a local Amazon in a process of its own; the floor before and after; one import, in a process of its own.
At the size nearest to 10,000 also what costs no HTTP, the checks and the report. Every measurement is a module beside
this one, started with one JSON document as its argument, answering with one.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table

from benchmarks.goals import ROOT, Goal, console
from benchmarks.local_amazon import local_amazon
from benchmarks.results import options_given, write_result

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.clock import Seconds
    from benchmarks.results import Row, Value

SIZES = (1_000, 10_000, 100_000)
PARTS_SIZE = 10_000
PAGE = 100
STEPS = ("extract", "validate", "transform", "load", "report")
MEASURE_SECONDS = 900
DATABASES = {
    "sqlite": ("sqlite", "sqlite"),
    "postgresql": ("postgresql", "sqlite"),
    "both": ("postgresql", "postgresql"),
}
"""The warehouse's and the ledger's."""


def main() -> None:
    """Measure, print, and write the results down; a goal that is missed is told, and is no failure."""
    parser = argparse.ArgumentParser(description="How fast an import is, beside a floor measured in the same run.")
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=SIZES, metavar="ORDERS", help="how many orders Amazon has"
    )
    arguments = parser.parse_args()
    sizes = sorted(set(arguments.sizes))
    load = os.getloadavg()[0]
    parts_at = min(sizes, key=lambda size: abs(size - PARTS_SIZE))
    runs: dict[int, dict[str, Any]] = {}
    alone: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="mfn-bench-") as folder:
        for size in sizes:
            with local_amazon(size) as amazon:
                runs[size] = measure_size(size, amazon.endpoint, Path(folder) / str(size))
                if size == parts_at:
                    alone = measure_parts(size, amazon.endpoint, Path(folder) / "parts")
    print_runs(runs)
    print_parts(parts_at, alone)
    rows = [*run_rows(runs), *memory_rows(alone), *part_rows(alone["parts"])]
    write_result(
        "import_orders", rows, list(find_goals(runs, alone)), load=load, options=options_given(parser, arguments)
    )


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
    found = {
        name: measured("from_memory", endpoint=endpoint, home=str(home / name), warehouse=warehouse, ledger=ledger)
        for name, (warehouse, ledger) in DATABASES.items()
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


def run_rows(runs: dict[int, dict[str, Any]]) -> Iterator[Row]:
    """One row for each size and step, the floor among them."""
    for size, measured_at in runs.items():
        run, floor = measured_at["run"], measured_at["floor"]
        summary = run["summary"]
        yield {
            "table": "sizes", "orders": size, "fetched": summary["fetched"], "peak_mib": run["peak_mib"],
            "calls": sum(summary["api_calls"].values()), "least_calls": math.ceil(summary["fetched"] / PAGE),
            "cold_start_seconds": run["cold_start_seconds"],
        }  # fmt: skip
        times = {"floor": {"wall": floor["seconds"], "cpu": floor["cpu"]}, **run["times"]}
        yield from (step_row("steps", times[step], orders=size, step=step) for step in ("floor", "end_to_end", *STEPS))


def memory_rows(alone: dict[str, Any]) -> Iterator[Row]:
    """One row for each pair of databases and step, without HTTP."""
    for name in DATABASES:
        for step, took in alone[name]["times"].items():
            yield step_row("from_memory", took, databases=name, orders=alone[name]["orders"], step=step)


def part_rows(parts: dict[str, Any]) -> Iterator[Row]:
    """One row for each part that was measured alone."""
    for name, took in parts["times"].items():
        orders = parts["checked_orders" if name in {"judge", "decode"} else "reported_orders"]
        yield step_row("parts", took, orders=orders, step=name)


def step_row(table: str, took: Seconds, **columns: Value) -> Row:
    """What a step took, as a row of a table."""
    return {"table": table, **columns, "seconds": took["wall"], "cpu_seconds": took["cpu"]}


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


if __name__ == "__main__":
    main()
