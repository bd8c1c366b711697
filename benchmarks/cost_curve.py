"""What an import costs from a thousand orders to a million: `python -m benchmarks.cost_curve --sizes 1000 1000000`.

For each size the orders are made once and written into a file. Then, each in a process of its own: the floor, and
imports with HTTP (a local Amazon serves the file) and without, ledger and warehouse in SQLite and in PostgreSQL.
"""

from __future__ import annotations

import argparse
import math
import os
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table

from benchmarks.from_memory import asked, in_schema, postgres
from benchmarks.goals import Goal, console
from benchmarks.local_amazon import local_amazon
from benchmarks.measuring import watched
from benchmarks.results import options_given, write_result
from benchmarks.stored_orders import store_orders

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from benchmarks.clock import Seconds
    from benchmarks.results import Row

SIZES = (1_000, 10_000, 100_000, 1_000_000)
HTTP, MEMORY = "HTTP", "memory"
DATABASES = ("SQLite", "PostgreSQL")
FLOOR = "the floor"
FLAT_FROM = 30_000
"""From so many orders on, three chunks, everything that a run has in memory at a time is there."""

TWICE_UP_TO = 100_000
"""Up to so many orders the floor is measured twice."""

PAGE = 100
OUTCOMES = ("loaded", "held", "unchanged", "cancelled", "ignored")


def main() -> None:
    """Measure, print, and write the results down; a goal that is missed is told, and is no failure."""
    parser = argparse.ArgumentParser(description="What an import costs from a thousand orders to a million.")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, metavar="ORDERS", help="how many orders")
    parser.add_argument(
        "--sources", nargs="+", default=[HTTP, MEMORY], choices=[HTTP, MEMORY], help="with HTTP, or not"
    )
    parser.add_argument("--databases", nargs="+", default=DATABASES, choices=DATABASES, help="where to")
    arguments = parser.parse_args()
    load = os.getloadavg()[0]
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="mfn-bench-") as folder:
        for size in sorted(set(arguments.sizes)):
            rows += measure_size(size, Path(folder), arguments.sources, arguments.databases)
    print_curve(rows)
    goals = list(find_goals([row for row in rows if row["table"] == "imports"]))
    with postgres() as server:
        versions = {"postgresql": asked(server, "SHOW server_version")}
    write_result("cost_curve", rows, goals, load=load, options=options_given(parser, arguments), versions=versions)


def measure_size(size: int, folder: Path, sources: Sequence[str], databases: Sequence[str]) -> Iterator[Row]:
    """The floor and one import in every way; what they made is removed at once.

    Args:
        size: How many orders Amazon has.
        folder: Where there is room.
        sources: `HTTP`, `memory`.
        databases: `SQLite`, `PostgreSQL`.
    """
    stored = folder / f"{size}.jsonl"
    console.print(f"{size:,} orders are made …")
    store_orders(stored, size)
    for source in sources:
        with ExitStack() as running:
            amazon = running.enter_context(local_amazon(stored)) if source == HTTP else None
            endpoint = amazon.endpoint if amazon else ""
            if amazon:
                console.print("  the floor …")
                yield measure_floor(size, endpoint)
            for name in databases:
                console.print(f"  {source}, {name} …")
                yield from measure_import(size, stored, endpoint, name)
    stored.unlink()


def measure_floor(size: int, endpoint: str) -> Row:
    """Nothing but httpx, json and executemany into SQLite; of small sizes the better one of two."""
    with tempfile.TemporaryDirectory(prefix="mfn-bench-") as folder:
        tries = [
            watched("floor", endpoint=endpoint, database=str(Path(folder) / f"floor-{number}.db"))
            for number in range(2 if size <= TWICE_UP_TO else 1)
        ]
    found, peak = min(tries, key=lambda one: float(one[0]["seconds"]))
    times = {"wall": found["seconds"], "cpu": found["cpu"]}
    return curve_row(size, HTTP, FLOOR, orders=found["orders"], times=times, peak_mib=peak, disk_mib=None)


def measure_import(size: int, stored: Path, endpoint: str, database: str) -> Iterator[Row]:
    """One import, and what each of its steps took."""
    source = HTTP if endpoint else MEMORY
    with tempfile.TemporaryDirectory(prefix="mfn-bench-") as folder, ExitStack() as running:
        home = Path(folder) / "home"
        server = running.enter_context(postgres()) if database == "PostgreSQL" else ""
        urls = {
            run: {what: in_schema(server, f"{what}_{run}") for what in ("warehouse", "ledger")} if server else {}
            for run in ("first", "measured")
        }
        found, peak = watched("curve_run", orders=str(stored), home=str(home), endpoint=endpoint, urls=urls)
        size_on_disk = "SELECT pg_database_size(current_database())"
        disk = asked(server, size_on_disk) if server else file_bytes(home / "measured")
    times, summary = found["times"], found["summary"]
    orders = sum(summary[name] for name in OUTCOMES)
    whole = times.pop("end_to_end")
    worked = {"wall": whole["wall"], "cpu": whole["cpu"] + found["children_cpu"]}
    row = curve_row(size, source, database, orders=orders, times=worked, peak_mib=peak, disk_mib=disk / 2**20)
    yield row | {"cold_start_seconds": found["cold_start_seconds"], "calls": sum(summary["api_calls"].values())}
    for step, took in times.items():
        yield {
            "table": "steps", "orders": size, "source": source, "database": database, "step": step,
            "seconds": took["wall"], "cpu_seconds": took["cpu"], "cpu_us_per_order": took["cpu"] / orders * 1e6,
        }  # fmt: skip


def curve_row(
    size: int, source: str, database: str, *, orders: int, times: Seconds, peak_mib: float, disk_mib: float | None
) -> Row:
    """One point of the curve."""
    return {
        "table": "imports", "orders": size, "source": source, "database": database, "returned": orders,
        "seconds": times["wall"], "cpu_seconds": times["cpu"], "orders_per_second": orders / times["wall"],
        "cpu_us_per_order": times["cpu"] / orders * 1e6, "peak_mib": peak_mib, "disk_mib": disk_mib,
    }  # fmt: skip


def file_bytes(home: Path) -> int:
    """Bytes of every SQLite file of a home."""
    return sum(path.stat().st_size for path in home.rglob("*.db*"))


def ways(rows: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], dict[int, Mapping[str, Any]]]:
    """The points of each curve by size, by (source, database)."""
    found: dict[tuple[str, str], dict[int, Mapping[str, Any]]] = {}
    for row in rows:
        found.setdefault((row["source"], row["database"]), {})[row["orders"]] = row
    return found


def marginal(points: Mapping[int, Mapping[str, Any]], column: str) -> float:
    """What one more order costs, between the two largest sizes."""
    small, large = (points[size] for size in sorted(points)[-2:])
    return float((large[column] - small[column]) / (large["returned"] - small["returned"]))


def find_goals(rows: Sequence[Mapping[str, Any]]) -> Iterator[Goal]:
    """Every goal that the sizes measured can say something of."""
    curves = ways(rows)
    floor = curves.pop((HTTP, FLOOR), None)
    for (source, database), points in curves.items():
        how = f"{'with' if source == HTTP else 'without'} HTTP, {database}"
        sizes = sorted(points)
        largest = points[sizes[-1]]
        yield Goal(f"peak memory at {sizes[-1]:,} orders, {how}", 600, largest["peak_mib"], "MiB")
        if len(sizes) > 1 and sizes[-2] >= FLAT_FROM:
            before = points[min(size for size in sizes if size >= FLAT_FROM)]
            name = f"it stays flat: the same in times of that at {before['orders']:,}, {how}"
            yield Goal(name, 1.15, largest["peak_mib"] / before["peak_mib"], "times")
            name = f"time grows linearly: CPU an order in times of that at {before['orders']:,}, {how}"
            yield Goal(name, 1.15, largest["cpu_us_per_order"] / before["cpu_us_per_order"], "times")
        if (source, database) == (MEMORY, "PostgreSQL"):
            yield Goal(f"{how}, {sizes[-1]:,} orders", 20_000, largest["orders_per_second"], "orders/s", is_most=False)
        if source == HTTP:
            least = math.ceil(largest["returned"] / PAGE)
            yield Goal(f"API calls for {largest['returned']:,} orders, {how}", least, largest["calls"], "calls")
        if floor and source == HTTP and len(sizes) > 1:
            times = marginal(points, "seconds") / marginal(floor, "seconds")
            yield Goal(f"marginal cost of an order, {how}, in times of the floor's", 2, times, "times")


def print_curve(rows: Sequence[Mapping[str, Any]]) -> None:
    """Each curve: orders a second, CPU an order, memory and disk."""
    table = Table(title="Imports, the report not counted", title_justify="left")
    for column in ("orders", "from", "into", "s", "orders/s", "µs of CPU an order", "peak MiB", "disk MiB"):
        table.add_column(column, justify="left" if column in {"from", "into"} else "right")
    for row in rows:
        if row["table"] == "imports":
            disk = "" if row["disk_mib"] is None else f"{row['disk_mib']:,.0f}"
            table.add_row(
                f"{row['orders']:,}", row["source"], row["database"], f"{row['seconds']:,.1f}",
                f"{row['orders_per_second']:,.0f}", f"{row['cpu_us_per_order']:,.0f}", f"{row['peak_mib']:,.0f}", disk,
            )  # fmt: skip
    console.print(table)


if __name__ == "__main__":
    main()
