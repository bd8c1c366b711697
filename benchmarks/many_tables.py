"""What was measured of many connections, as rows and as tables."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING

from rich.table import Table
from ruamel.yaml import YAML

from benchmarks.goals import ROOT, console
from mfn.cli.deployments import render

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.results import Row

PERCENTILES = 100

COMMANDS = {
    "mfn --help": "from mfn.cli.application import run; run(['--help'])",
    "the flow's modules, with Prefect": "import flows.import_orders",
    "mfn import, nothing new": "from mfn.cli.application import run; run(['import', '{connection}'])",
    "Great Expectations, as a run loads it": (
        "import pandas; from mfn.quality.lines import LINES; from mfn.quality.runner import check;"
        " check([(LINES, pandas.DataFrame({{'order_id': ['111-0000000-0000000']}}))])"
    ),
}
"""What a run pays before it has done anything, each in a process of its own."""

SHOWN = {
    "processes": ("Imports by processes, without Prefect", (
        "round", "imports", "orders", "import_p50_seconds", "import_p95_seconds", "done_p95_seconds",
        "import_cpu_seconds", "waiting_for_others_percent", "waiting_for_itself_percent",
    )),
    "flow_runs": ("Imports as flow runs", (
        "round", "runs", "done", "run_p50_seconds", "run_p95_seconds", "done_p50_seconds", "done_p95_seconds",
        "run_cpu_seconds", "server_cpu_seconds",
    )),
    "start": ("What a start costs", ("what", "cpu_seconds")),
    "read_tables": ("Rows read by going through a table, by all imports", ("name", "rows", "sequential_rows")),
    "schedules": ("Runs that schedules start, at most", ("schedule", "runs", "in_a_second", "in_a_minute")),
}  # fmt: skip


def share(name: str, seconds: Sequence[float]) -> dict[str, float]:
    """The median and the 95th percentile of some durations, as columns."""
    cuts = statistics.quantiles(seconds, n=PERCENTILES, method="inclusive")
    return {f"{name}_p50_seconds": cuts[49], f"{name}_p95_seconds": cuts[94]}


def start_rows(connection: str) -> Iterator[Row]:
    """What starting costs, in seconds of CPU: the better of two.

    Args:
        connection: One that has imported before, of the home that this process works in.
    """
    for what, code in COMMANDS.items():
        words = [sys.executable, "-c", code.format(connection=connection)]
        yield {"table": "start", "what": what, "cpu_seconds": min(_cpu_of(words) for _ in range(2))}


def _cpu_of(words: Sequence[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(words, cwd=ROOT, env=os.environ, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def most_at_once(connections: int) -> Iterator[Row]:
    """How many runs of each schedule of prefect.yaml start in the same second, and in the same minute."""
    document = YAML(typ="safe").load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))
    begins: dict[str, list[str]] = {}
    for entry in render(document, [f"shop_{number:03}" for number in range(connections)])["deployments"]:
        if "connection" in entry.get("parameters", {}):
            for schedule in entry["schedules"]:
                kind = f"{entry['entrypoint'].partition(':')[2]} {schedule['slug']}"
                begins.setdefault(kind, []).append(schedule.get("anchor_date") or schedule["cron"])
    for kind, moments in begins.items():
        yield {
            "table": "schedules",
            "schedule": kind,
            "runs": len(moments),
            "in_a_second": max(Counter(moments).values()),
            "in_a_minute": max(Counter(moment[: len("2026-01-01T00:00")] for moment in moments).values()),
        }


def print_tables(rows: Sequence[Row]) -> None:
    """Print each table that there is."""
    for name, (title, columns) in SHOWN.items():
        of_table = [row for row in rows if row["table"] == name]
        if not of_table:
            continue
        table = Table(title=title, title_justify="left")
        for column in columns:
            table.add_column(column.replace("_", " "), justify="right" if column != columns[0] else "left")
        for row in of_table:
            table.add_row(*(_shown(row[column]) for column in columns))
        console.print(table)


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.2f}"
    return f"{value:,}" if isinstance(value, int) else str("" if value is None else value).replace("_", " ")
