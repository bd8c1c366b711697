"""Where the time of an import goes, by step and function: `python -m benchmarks.profile_import --orders 30000`.

Without HTTP: pages from a file are landed, checked, transformed and loaded. Every five hundredth of a second of the
processor's it is looked where this process is, and what it has worked since the last look is put down to that function.
Unlike a profiler that listens to every call this makes nothing slower than it is.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from contextlib import ExitStack
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table

from benchmarks.from_memory import STEPS, asked, import_pages, in_schema, landing, postgres
from benchmarks.goals import ROOT, console
from benchmarks.homes import CONNECTION, enter_home
from benchmarks.results import options_given, write_result
from benchmarks.sampling import sampled
from benchmarks.stored_orders import store_orders, stored_pages
from mfn.steps.report import report
from mfn.steps.runs import import_parameters, new_run
from mfn.steps.stages import perform

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from benchmarks.results import Row
    from benchmarks.sampling import Place
    from mfn.settings import Settings

ORDERS = 30_000
DATABASES = ("SQLite", "PostgreSQL")
SHOWN = 40
"""So many functions are written down, the dearest; the others are one row."""


def main() -> None:
    """Measure, print, and write the results down."""
    parser = argparse.ArgumentParser(description="Where the time of an import goes, by step and function.")
    parser.add_argument("--orders", type=int, default=ORDERS, help="how many orders Amazon has")
    parser.add_argument("--database", default="PostgreSQL", choices=DATABASES, help="of the ledger and the warehouse")
    arguments = parser.parse_args()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="mfn-bench-") as folder, ExitStack() as running:
        stored = Path(folder) / "orders.jsonl"
        console.print(f"{arguments.orders:,} orders are made …")
        orders = store_orders(stored, arguments.orders)
        server = running.enter_context(postgres()) if arguments.database == "PostgreSQL" else ""
        versions = {"postgresql": asked(server, "SHOW server_version")} if server else {}

        def enter(name: str) -> Settings:
            urls = {what: in_schema(server, f"{what}_{name}") for what in ("warehouse", "ledger")} if server else {}
            return enter_home(Path(folder) / name, endpoint="http://127.0.0.1:9", **urls)

        import_pages(enter("first"), islice(stored_pages(stored), 1))
        console.print(f"{orders:,} orders are imported …")
        found = profile(enter("measured"), stored)
        os.chdir(ROOT)
    rows = [*step_rows(found, orders), *function_rows(found, orders)]
    print_rows(rows)
    options = options_given(parser, arguments)
    write_result("profile_import", rows, [], load=load, options=options, versions=versions)


def profile(settings: Settings, stored: Path) -> dict[str, dict[Place, float]]:
    """Seconds of CPU by step and place.

    Args:
        settings: The settings of a home.
        stored: The file with the orders.
    """
    found: dict[str, dict[Place, float]] = {}
    with new_run(settings, CONNECTION, "import", import_parameters()) as batch:
        for step in (landing(stored_pages(stored)), *STEPS):
            with sampled(found.setdefault(step.__name__, {})):
                batch = perform(step, batch, settings)  # noqa: PLW2901 - as mfn.steps.runs does it
        with sampled(found.setdefault("report", {})):
            report(batch, settings)
    return found


def step_rows(found: Mapping[str, Mapping[Place, float]], orders: int) -> Iterator[Row]:
    """What each step spends in which package."""
    for step, places in found.items():
        packages: dict[str, float] = {}
        for (package, _, _), seconds in places.items():
            packages[package] = packages.get(package, 0.0) + seconds
        for package, seconds in sorted(packages.items(), key=itemgetter(1), reverse=True):
            yield {"table": "packages", "step": step, "package": package, "cpu_us_per_order": seconds / orders * 1e6}


def function_rows(found: Mapping[str, Mapping[Place, float]], orders: int) -> Iterator[Row]:
    """This project's dearest functions, with what libraries and C code work for them; the others are one row."""
    costs: dict[tuple[str, str], dict[str, float]] = {}
    for step, places in found.items():
        for (_, at_work, own), seconds in places.items():
            of = costs.setdefault((step, own or at_work), {})
            of[at_work] = of.get(at_work, 0.0) + seconds / orders * 1e6
    dearest = sorted(costs, key=lambda place: -sum(costs[place].values()))
    for step, function in dearest[:SHOWN]:
        below = dict(costs[step, function])
        whole, itself = sum(below.values()), below.pop(function, 0.0)
        mostly = max(below, key=lambda name: below[name], default="")
        yield {
            "table": "functions", "step": step, "function": function, "cpu_us_per_order": whole,
            "itself_us_per_order": itself, "library": mostly, "library_us_per_order": below.get(mostly),
        }  # fmt: skip
    others = sum(sum(costs[place].values()) for place in dearest[SHOWN:])
    yield {
        "table": "functions", "step": "", "function": f"{len(dearest[SHOWN:])} others", "cpu_us_per_order": others,
        "itself_us_per_order": None, "library": "", "library_us_per_order": None,
    }  # fmt: skip


def print_rows(rows: Sequence[Row]) -> None:
    """What each step takes, and the dearest functions."""
    total: dict[str, float] = {}
    for row in rows:
        if row["table"] == "packages":
            total[str(row["step"])] = total.get(str(row["step"]), 0.0) + float(row["cpu_us_per_order"] or 0)
    table = Table(title="µs of CPU an order", title_justify="left")
    for column in ("step", "µs"):
        table.add_column(column, justify="right" if column == "µs" else "left")
    for step, cost in (*total.items(), ("all", sum(total.values()))):
        table.add_row(step, f"{cost:,.1f}")
    console.print(table)
    table = Table(title="By function, with what works for it", title_justify="left")
    for column in ("step", "function", "µs", "itself", "most of the rest", "it"):
        table.add_column(column, justify="right" if column in {"µs", "itself", "it"} else "left", overflow="fold")
    for row in rows:
        if row["table"] == "functions":
            costs = [row[f"{column}us_per_order"] for column in ("cpu_", "itself_", "library_")]
            whole, itself, library = ("" if cost is None else f"{cost:,.1f}" for cost in costs)
            table.add_row(str(row["step"]), str(row["function"]), whole, itself, str(row["library"]), library)
    console.print(table)


if __name__ == "__main__":
    main()
