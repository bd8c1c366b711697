"""What is in the ledger, processed again: `python -m benchmarks.reprocess`, some six minutes.

Orders are imported once, without HTTP, into a ledger and a warehouse on PostgreSQL. Then all of them are processed
again: where nothing has changed, so that they are only checked; and where a mapping has changed, so that each is
written into the warehouse again. First by `mfn reprocess`, without Prefect; then by the flow, its parts on one worker
that carries out one run at a time, and on two such workers. Times are from the start of the program to its end.
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table

from benchmarks.from_memory import asked, import_pages, in_schema, postgres
from benchmarks.goals import ROOT, Goal, console
from benchmarks.homes import CONNECTION
from benchmarks.many_flows import prefect
from benchmarks.many_homes import make_home, stock_warehouse, work_with
from benchmarks.results import options_given, write_result
from benchmarks.stored_orders import store_orders, stored_pages
from mfn.ledger.batch_listing import list_batches
from mfn.ledger.opening import open_ledger

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from benchmarks.results import Row
    from mfn.settings import Settings

ORDERS = 134_000
"""Of which a search returns some 119,000, four parts: two workers have two rounds, and one has four."""
WORKERS = (0, 1, 2)
CHECKED, CHANGED = "checked again", "mapping changed"
LEAST_SPEED_UP = 1.5
"""Two workers share two cores with PostgreSQL and the Prefect server."""

WITHOUT_PREFECT = ["-c", "from mfn.cli import main; main()", "reprocess", CONNECTION]
FLOW = """
import asyncio, sys
from flows.reprocess_orders import reprocess_orders
state = asyncio.run(reprocess_orders(sys.argv[1:], return_state=True))
sys.exit(not state.is_completed())
"""
BY_THE_FLOW = ["-c", FLOW, CONNECTION]


def main() -> None:
    """Measure, print, and write the results down; a goal that is missed is told, and is no failure."""
    parser = argparse.ArgumentParser(description="What is in the ledger, processed again.")
    parser.add_argument("--orders", type=int, default=ORDERS, help="how many orders Amazon has")
    arguments = parser.parse_args()
    load = os.getloadavg()[0]
    with ExitStack() as running:
        folder = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="mfn-bench-")))
        server = running.enter_context(postgres())
        urls = {name: in_schema(server, name) for name in ("warehouse", "ledger")}
        stock_warehouse(urls["warehouse"])
        environ = make_home(folder / "home", {CONNECTION: "http://127.0.0.1:9"}, **urls)
        settings = work_with(environ)
        console.print(f"an import of {arguments.orders:,} orders …")
        store_orders(folder / "orders.jsonl", arguments.orders)
        import_pages(settings, stored_pages(folder / "orders.jsonl"))
        versions = {"postgresql": str(asked(server, "SHOW server_version"))}
        rows = [row for workers in WORKERS for row in measure(environ, folder, workers)]
    print_rows(rows)
    given = options_given(parser, arguments)
    write_result("reprocess", rows, list(find_goals(rows)), load=load, options=given, versions=versions)


def measure(environ: Mapping[str, str], folder: Path, workers: int) -> Iterator[Row]:
    """Process all orders again, twice: unchanged, and with another mapping.

    Args:
        environ: The environment of the home.
        folder: Where its home is, and where Prefect may have one.
        workers: How many workers; 0: without Prefect.

    Yields:
        A row of the table `runs` each.
    """
    settings = work_with({**environ, "MFN_HOME": str(folder / f"with-{workers}")})
    with ExitStack() as running:
        words, more = WITHOUT_PREFECT, {}
        if workers:
            server = running.enter_context(prefect(workers=workers, limit=1))
            server.deploy_parts()
            words, more = BY_THE_FLOW, {"PREFECT_API_URL": server.api}
        for what in (CHECKED, CHANGED):
            if what == CHANGED:
                change_mapping(folder / "home" / "mappings" / "shipping_methods.csv")
            console.print(f"{what}, {workers or 'without'} workers …")
            before = {row.batch_id for row in list_batches(open_ledger(settings))}
            began = time.perf_counter()
            subprocess.run([sys.executable, *words], cwd=ROOT, env={**os.environ, **more}, check=True)
            yield _row(settings, what, workers, time.perf_counter() - began, before)


def _row(settings: Settings, what: str, workers: int, seconds: float, before: set[str]) -> Row:
    done = [row for row in list_batches(open_ledger(settings)) if row.batch_id not in before]
    orders = sum(row.counts["fetched"] for row in done)
    return {
        "table": "runs",
        "what": what,
        "workers": workers,
        "orders": orders,
        "parts": len(done),
        "loaded": sum(row.counts["loaded"] for row in done),
        "by_flow_runs": sum(row.flow_run_id is not None for row in done),
        "part_seconds": round(sum((row.finished_at - row.taken_up_at).total_seconds() for row in done) / len(done), 2),
        "seconds": round(seconds, 2),
        "orders_per_second": round(orders / seconds),
    }


def change_mapping(path: Path) -> None:
    """Let every shipping method become another one of the warehouse's.

    Args:
        path: The mapping file; its codes change places.
    """
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("# ")))
    codes = list(dict.fromkeys(row["warehouse_code"] for row in rows))
    following = dict(zip(codes, [*codes[1:], codes[0]], strict=True))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows({**row, "warehouse_code": following[row["warehouse_code"]]} for row in rows)


def find_goals(rows: Sequence[Mapping[str, Any]]) -> Iterator[Goal]:
    """Every goal, measured."""
    rates = {(row["what"], row["workers"]): row["orders_per_second"] for row in rows}
    for what in (CHECKED, CHANGED):
        yield Goal(
            f"{what}: two workers beside one",
            LEAST_SPEED_UP,
            rates[what, 2] / rates[what, 1],
            "times as fast",
            is_most=False,
        )


def print_rows(rows: Sequence[Row]) -> None:
    """What each run did."""
    table = Table(title="Processed again", title_justify="left")
    for column in ("", "workers", "orders", "parts", "by flow runs", "loaded", "s a part", "s", "orders/s"):
        table.add_column(column, justify="right" if column else "left")
    for row in rows:
        counted = (f"{row[name]:,}" for name in ("orders", "parts", "by_flow_runs", "loaded"))
        workers = str(row["workers"] or "without Prefect")
        times = (f"{row[name]:.1f}" for name in ("part_seconds", "seconds"))
        table.add_row(str(row["what"]), workers, *counted, *times, f"{row['orders_per_second']:,}")
    console.print(table)


if __name__ == "__main__":
    main()
