"""How old the oldest order gets that the warehouse does not have, on a whole day with Amazon's own rates.

`python -m benchmarks.simulated_day [--scenario 1k 10k 30k 70k]` lets days pass in a time of their own: the real
import, with its real ledger, warehouse and reports, follows a local Amazon over HTTP which refuses every call beyond
its plans; only waiting takes no time. Beside what came out stands what no plan could have got below (`day_bound.py`,
`day_unseen.py`). Two days pass at once, each in a process of its own.

An order's age counts from the moment it became due, so Amazon's two minutes are in it. What a run computes takes no
time here: `benchmarks.import_orders` measures that.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import msgspec
from rich.table import Table

from benchmarks.day_run import DayFound
from benchmarks.goals import ROOT, Goal, console
from benchmarks.results import options_given, write_result

if TYPE_CHECKING:
    from benchmarks.results import Row

NAME = "simulated_day"
SCENARIOS = {"1k": (1_000, False), "10k": (10_000, False), "30k": (30_000, False), "70k": (70_000, True)}
"""Orders a day, and whether notifications name those that change."""

AT_ONCE = 2
BESIDE = "beside what no plan gets below"
WITHIN = 1.1
"""How far above what no plan gets below the oldest order's age may be."""


def main() -> None:
    """Let the days pass, print what came out beside the bounds, and write it down."""
    load = os.getloadavg()[0]
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{NAME}", description=__doc__)
    parser.add_argument("--scenario", nargs="+", choices=SCENARIOS, default=list(SCENARIOS), help="orders a day")
    arguments = parser.parse_args()
    longest_first = sorted(arguments.scenario, key=lambda name: -SCENARIOS[name][0])
    console.print(f"{len(longest_first)} days pass, {AT_ONCE} at once …")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = dict(zip(longest_first, pool.map(_pass, longest_first), strict=True))
    days = {name: found[name] for name in SCENARIOS if name in found}
    _print(days)
    rows = [_row(name, day) for name, day in days.items()]
    rows += [
        {"table": "hours", "scenario": name, "hour": number, **msgspec.to_builtins(hour)}
        for name, day in days.items()
        for number, hour in enumerate(day.hours)
    ]
    goals = [goal for name, day in days.items() for goal in _goals(name, day)]
    write_result(NAME, rows, goals, load=load, options=options_given(parser, arguments))


def _pass(name: str) -> DayFound:
    orders, with_names = SCENARIOS[name]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.day_run", str(orders), "names" if with_names else "search"],
        cwd=ROOT, stdout=subprocess.PIPE, check=False,
    )  # fmt: skip
    if done.returncode:
        sys.exit(f"The day of {name} orders broke off; why stands above.")
    return msgspec.json.decode(done.stdout, type=DayFound)


def _least(day: DayFound) -> tuple[float, float]:
    """What no plan gets below: the higher of both bounds, for the largest age and for the mean."""
    bounds = [day.foresight, *([day.unseen] if day.unseen else [])]
    return max(bound.maximum for bound in bounds), max(bound.mean for bound in bounds)


def _row(name: str, day: DayFound) -> Row:
    maximum, mean = _least(day)
    return {
        "table": "days",
        "scenario": name,
        "orders": day.orders,
        "loaded": day.loaded,
        "oldest_seconds": round(day.maximum_seconds, 1),
        "bound_seconds": round(maximum, 1),
        "mean_oldest_seconds": round(day.mean_seconds, 1),
        "mean_bound_seconds": round(mean, 1),
        "foresight_bound_seconds": round(day.foresight.maximum, 1),
        "foresight_mean_bound_seconds": round(day.foresight.mean, 1),
        "search_calls": day.calls.get("searchOrders", 0),
        "get_calls": day.calls.get("getOrder", 0),
        "refused_calls": day.refused,
        "runs": day.batches,
        "cpu_seconds": round(day.cpu_seconds, 1),
    }


def _goals(name: str, day: DayFound) -> list[Goal]:
    maximum, mean = _least(day)
    return [
        Goal(f"{name}: oldest order, {BESIDE}", WITHIN, day.maximum_seconds / maximum, "times"),
        Goal(f"{name}: oldest order on average, {BESIDE}", WITHIN, day.mean_seconds / mean, "times"),
        Goal(f"{name}: calls refused for the rate", 0, day.refused, "calls"),
    ]


def _print(days: dict[str, DayFound]) -> None:
    table = Table(title="The oldest order that the warehouse does not have, in seconds", title_justify="left")
    heads = ("orders due", "in the warehouse", "at most", "bound", "mean", "bound", "searches", "getOrder", "refused")
    for head in heads:
        table.add_column(head, justify="right")
    for day in days.values():
        maximum, mean = _least(day)
        ages = (day.maximum_seconds, maximum, day.mean_seconds, mean)
        calls = (day.calls.get("searchOrders", 0), day.calls.get("getOrder", 0), day.refused)
        table.add_row(
            f"{day.orders:,}", f"{day.loaded:,}", *(f"{age:,.0f}" for age in ages), *(f"{number:,}" for number in calls)
        )
    console.print(table)


if __name__ == "__main__":
    main()
