"""What a stock run costs over many SKUs of which few changed: `python -m benchmarks.sync_inventory --skus 100000`.

A local Amazon in a process of its own, with a listing for each SKU; a home in which every level was pushed once. Then
the floor, a run in which 1 % changed, one in which nothing did, and the floor again, each in a process of its own; then
the same without the floor, ledger and warehouse in PostgreSQL.
"""

from __future__ import annotations

import argparse
import math
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from rich.table import Table

from benchmarks.from_memory import in_schema, postgres
from benchmarks.goals import Goal, console
from benchmarks.local_amazon import local_amazon
from benchmarks.measuring import measured
from benchmarks.results import options_given, write_result
from mfn.amazon.listings import PAGE_SIZE
from mfn.amazon.quantities import MOST_MESSAGES
from mfn.ledger.budget import PLANS
from mfn.rules.sending_choice import PATCH, sending_ways
from mfn.steps.stock.push import READ_BACK

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from benchmarks.results import Row

SKUS = 100_000
ORDERS = 1_000
CHANGED_EVERY = 100
MOST_SECONDS = 2.0
MOST_MB = 400
STEPS = ("read", "compare", "push", "verify", "report")
FEED_CALLS = ("createFeedDocument", "createFeed", "getFeed", "getFeedDocument")


def main() -> None:
    """Measure, print, and write the results down; a goal that is missed is told, and is no failure."""
    parser = argparse.ArgumentParser(description="What a stock run costs over many SKUs of which few changed.")
    parser.add_argument("--skus", type=int, default=SKUS, help="how many SKUs are listed, and lie in the warehouse")
    arguments = parser.parse_args()
    skus = arguments.skus
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="mfn-bench-") as folder:
        sqlite = measure_runs(skus, Path(folder) / "sqlite")
        with postgres() as server:
            urls = {name: in_schema(server, name) for name in ("warehouse", "ledger")}
            postgresql = measure_runs(skus, Path(folder) / "postgresql", **urls)
    changed, first = sqlite["changed"], sqlite["first"]
    print_runs(sqlite, postgresql)
    summary = changed["summary"]
    least = least_calls(summary["pushed"], summary["sold_out"], min(summary["pushed"], READ_BACK))
    print_calls(summary["api_calls"], least)
    console.print(
        f"the first push of all: {first['times']['first_push']['wall']:.0f} s,"
        f" {sum(first['summary']['api_calls'].values()):,} calls"
    )
    rows = [
        *run_rows("sqlite", sqlite),
        *run_rows("postgresql", postgresql),
        *call_rows(summary["api_calls"], least),
    ]
    goals = list(find_goals(skus, changed, least))
    write_result("sync_inventory", rows, goals, load=load, options=options_given(parser, arguments))


def measure_runs(skus: int, home: Path, *, warehouse: str = "", ledger: str = "") -> dict[str, Any]:
    """The first push of all, a run in which 1 % changed, and one in which nothing did.

    Args:
        skus: How many SKUs there are.
        home: A directory that is not there yet.
        warehouse: URL of the warehouse's database; empty: a SQLite file in the home, and the floor is measured, too.
        ledger: The same of the ledger's.

    Returns:
        `first`, `changed`, `still`: what `benchmarks.stock_home` and `benchmarks.stock_run` measured; `floor`: the
        better one of before and after.
    """
    files = {"warehouse": str(home / "warehouse.db"), "ledger": str(home / ".mfn" / "ledger.db")}
    with local_amazon(ORDERS, skus) as amazon:
        console.print(f"{skus:,} SKUs: the first push of all …")
        found = {
            "first": measured(
                "stock_home", endpoint=amazon.endpoint, home=str(home), skus=skus, warehouse=warehouse, ledger=ledger
            )
        }
        floors = [] if warehouse else [measured("stock_floor", **files)]
        for name, changed in (("changed", skus // CHANGED_EVERY), ("still", 0)):
            console.print(f"a run in which {changed:,} changed …")
            found[name] = measured("stock_run", home=str(home), skus=skus, changed=changed, ledger=ledger)
        floors += [] if warehouse else [measured("stock_floor", **files)]
    return found | ({"floor": min(floors, key=lambda one: float(one["times"]["floor"]["cpu"]))} if floors else {})


def run_rows(databases: str, measured_runs: dict[str, Any]) -> Iterator[Row]:
    """What each run took, step by step, and what it took in all."""
    for name in ("changed", "still"):
        run = measured_runs[name]
        for step in STEPS:
            took = run["times"][step]
            yield {
                "table": "steps", "databases": databases, "run": name, "step": step,
                "seconds": took["wall"], "cpu_seconds": took["cpu"],
            }  # fmt: skip
        yield {
            "table": "runs", "databases": databases, "run": name, "seconds": run["summary"]["seconds"],
            "calling_cpu_seconds": run["calling_seconds"], "decided_cpu_seconds": run["decided_seconds"],
            "loading_cpu_seconds": run["loading_seconds"], "peak_mb": run["peak_mb"],
        }  # fmt: skip
    if "floor" in measured_runs:
        took = measured_runs["floor"]["times"]["floor"]
        yield {
            "table": "steps", "databases": databases, "run": "floor", "step": "floor",
            "seconds": took["wall"], "cpu_seconds": took["cpu"],
        }  # fmt: skip


def call_rows(calls: Mapping[str, int], least: Mapping[str, tuple[int, str]]) -> Iterator[Row]:
    """Each operation's calls beside the least that there can be."""
    for operation in sorted({*calls, *least}):
        count = least.get(operation, (0, ""))[0]
        yield {"table": "calls", "operation": operation, "calls": calls.get(operation, 0), "least": count}


def print_runs(sqlite: dict[str, Any], postgresql: dict[str, Any]) -> None:
    """What each run took, step by step, in seconds of CPU of its process."""
    runs = {
        "SQLite, 1 % changed": sqlite["changed"],
        "nothing": sqlite["still"],
        "PostgreSQL, 1 % changed": postgresql["changed"],
        "nothing ": postgresql["still"],
    }
    table = Table(title="One run over all SKUs, seconds of CPU", title_justify="left")
    for column in ("", *runs):
        table.add_column(column, justify="right" if column else "left")
    for step in STEPS:
        table.add_row(step, *(f"{run['times'][step]['cpu']:.2f}" for run in runs.values()))
    table.add_row("of it Amazon's calls", *(f"{run['calling_seconds']:.2f}" for run in runs.values()))
    table.add_row(
        "from the warehouse's rows to the calls to make",
        *(f"{seconds:.2f}" if (seconds := run["decided_seconds"]) is not None else "" for run in runs.values()),
    )
    table.add_row("the floor", f"{sqlite['floor']['times']['floor']['cpu']:.2f}")
    table.add_row(
        "Great Expectations loaded, not in the above", *(f"{run['loading_seconds']:.2f}" for run in runs.values())
    )
    table.add_row("the whole run on the wall", *(f"{run['summary']['seconds']:.1f}" for run in runs.values()))
    table.add_row("peak memory, MB", *(f"{run['peak_mb']:.0f}" for run in runs.values()))
    console.print(table)


def least_calls(pushed: int, sold_out: int, verified: int) -> dict[str, tuple[int, str]]:
    """The calls that a run takes at the least, by operation, and what for.

    Args:
        pushed: How many levels are told.
        sold_out: How many of them fall to 0.
        verified: How many of those that were told are read back at the end.
    """
    rates = {operation: plan.rate for operation, plan in PLANS.items()}
    levels = pd.DataFrame({"marketplace_id": "US", "level": [0] * sold_out + [1] * (pushed - sold_out)})
    patches = int((sending_ways(levels, rates) == PATCH).sum())
    feeds = math.ceil((pushed - patches) / MOST_MESSAGES)
    ahead = min(patches, sold_out)
    reads = {
        "before the levels that fall to 0": ahead, "before the others": pushed - ahead,
        "to see what Amazon shows then": verified, "of those read longest ago": READ_BACK,
    }  # fmt: skip
    searches = {what: math.ceil(count / PAGE_SIZE) for what, count in reads.items()}
    figures = ", ".join(f"{count} {what}" for what, count in searches.items())
    return {
        "patchListingsItem": (patches, "those that fall to 0, ahead of the feed" if feeds else "one each"),
        **dict.fromkeys(FEED_CALLS, (feeds, f"{pushed - patches:,} levels in one feed, done when first looked at")),
        "searchListingsItems": (sum(searches.values()), f"{PAGE_SIZE} a call: {figures}"),
    }


def print_calls(calls: Mapping[str, int], least: Mapping[str, tuple[int, str]]) -> None:
    """Each operation's calls beside the least that there can be."""
    table = Table(title="Calls to Amazon of the run in which 1 % changed", title_justify="left")
    for column in ("operation", "calls", "least", "what for"):
        table.add_column(column, justify="right" if column in {"calls", "least"} else "left")
    for operation in sorted({*calls, *least}):
        count, what = least.get(operation, (0, ""))
        table.add_row(operation, f"{calls.get(operation, 0):,}", f"{count:,}", what if count else "")
    console.print(table)


def find_goals(skus: int, changed: dict[str, Any], least: Mapping[str, tuple[int, str]]) -> Iterator[Goal]:
    """Every goal, measured."""
    summary = changed["summary"]
    name = f"{skus:,} SKUs, {summary['pushed']:,} changed: CPU from the warehouse's rows to the calls to make"
    yield Goal(name, MOST_SECONDS, changed["decided_seconds"], "s")
    yield Goal("peak memory of this run", MOST_MB, changed["peak_mb"], "MB")
    yield Goal("levels pushed", skus // CHANGED_EVERY, summary["pushed"], "levels", is_most=False)
    calls = sum(summary["api_calls"].values())
    yield Goal("calls to Amazon", sum(count for count, _ in least.values()), calls, "calls")


if __name__ == "__main__":
    main()
