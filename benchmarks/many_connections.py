"""Many connections on one ledger: `python -m benchmarks.many_connections`, a quarter of an hour.

A ledger on PostgreSQL that has a million orders of many connections behind it, and one warehouse that serves all of
them. The imports of 199 small connections are asked for at once: alone, beside programs that only compute, and beside a
seller with many orders who imports without end. First by processes, without Prefect, while it is watched who
waits for whose locks; then as flow runs on two workers.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from benchmarks.filled_ledger import fill_ledger
from benchmarks.from_memory import in_schema, postgres
from benchmarks.goals import Goal, console
from benchmarks.local_amazon import local_amazon
from benchmarks.lock_watch import lock_watch
from benchmarks.many_amazons import many_amazons
from benchmarks.many_flows import prefect
from benchmarks.many_homes import make_home, stock_warehouse, work_with
from benchmarks.many_runs import computing, import_all, importers, importing_on_and_on
from benchmarks.many_tables import most_at_once, print_tables, share, start_rows
from benchmarks.results import options_given, write_result
from mfn.ledger.encryption import new_key
from mfn.ledger.opening import open_ledger

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from benchmarks.many_amazons import Sellers
    from benchmarks.results import Row
    from mfn.ledger.opening import Ledger

SMALL = 199
ORDERS = 10
HUGE_ORDERS = 20_000
FILLED = 1_000_000
PROCESSES = 8
FLOW_RUNS = 32
EMPTY_RUNS = 8
WORKERS, LIMIT = 2, 2
HUGE = "huge"
ALONE, BESIDE_LOAD, BESIDE_HUGE = "alone", "beside_load", "beside_huge"
ROUNDS = (ALONE, BESIDE_LOAD, BESIDE_HUGE)
FLOWS = "flows"

BIG = 100_000
"""A table with more rows is not to be read from end to end by an import of ten orders; smaller ones PostgreSQL may find
cheaper to read so."""


def main() -> None:
    """Measure, print, and write the results down; a goal that is missed is told, and is no failure."""
    parser = argparse.ArgumentParser(description="What many connections on one ledger cost each other.")
    parser.add_argument("--connections", type=int, default=SMALL, help="small connections, beside the huge one")
    parser.add_argument("--filled", type=int, default=FILLED, help="orders that the ledger has behind it")
    parser.add_argument("--flow-runs", type=int, default=FLOW_RUNS, help="of them as flow runs; 0: none")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    os.environ["MFN_PII_KEYS"] = new_key()
    with ExitStack() as running:
        folder = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="mfn-bench-")))
        server = running.enter_context(postgres())
        huge = running.enter_context(local_amazon(HUGE_ORDERS)).endpoint
        sellers = running.enter_context(many_amazons(options.connections + PROCESSES, ORDERS))
        urls = {name: in_schema(server, name) for name in ("warehouse", "ledger")}
        stock_warehouse(urls["warehouse"])
        homes = {name: make_home(folder / name, _endpoints(name, sellers, huge), **urls) for name in (*ROUNDS, FLOWS)}
        settings = work_with(homes[ALONE])
        console.print(f"a ledger with {options.filled:,} orders …")
        fill_ledger(
            settings, [*(name for kind in ROUNDS for name in _names(kind, sellers)), HUGE], orders=options.filled
        )
        ledger = open_ledger(settings)
        with ledger.engine.connect() as database:
            versions = {"postgresql": str(database.execute(text("SHOW server_version")).scalar())}
        rows = list(measure_processes(server, ledger, homes, sellers))
        if options.flow_runs:
            rows += measure_flows(homes[FLOWS], sellers, options.flow_runs)
    rows += most_at_once(options.connections + 1)
    print_tables(rows)
    given = options_given(parser, options)
    write_result("many_connections", rows, list(goals_of(rows)), load=load, options=given, versions=versions)


def _names(kind: str, sellers: Sellers) -> list[str]:
    return [f"{kind}_{number:03}" for number in range(len(sellers.endpoints))]


def _endpoints(kind: str, sellers: Sellers, huge: str) -> dict[str, str]:
    return {**dict(zip(_names(kind, sellers), sellers.endpoints, strict=True)), HUGE: huge}


def measure_processes(
    server: str, ledger: Ledger, homes: Mapping[str, Mapping[str, str]], sellers: Sellers
) -> Iterator[Row]:
    """The imports of all small connections, without Prefect, three times, each time of connections of their own.

    Yields:
        Rows of the tables `processes` and `read_tables`.
    """
    for number, kind in enumerate(ROUNDS):
        sellers.sell(number)
        connections = _names(kind, sellers)
        beside: Any = {BESIDE_LOAD: computing, BESIDE_HUGE: lambda: importing_on_and_on(homes[BESIDE_HUGE], HUGE)}
        console.print(f"{len(connections) - PROCESSES} imports by {PROCESSES} processes, {kind.replace('_', ' ')} …")
        with (
            importers(homes[kind], PROCESSES, warm_up=connections[-PROCESSES:]) as started,
            beside.get(kind, nullcontext)() as imported,
        ):
            before = _read(ledger)
            with lock_watch(server) as locks:
                done = import_all(started, connections[:-PROCESSES])
            after = _read(ledger)
        yield {
            "table": "processes",
            "round": kind,
            "imports": len(done),
            "orders": sum(one.loaded for one in done),
            "huge_orders": sum(imported or ()),
            **share("done", [one.ended for one in done]),
            **share("import", [one.ended - one.began for one in done]),
            "import_cpu_seconds": sum(one.cpu for one in done) / len(done),
            "waiting_for_others_percent": locks.foreign_percent,
            "waiting_for_itself_percent": 100 * locks.own / max(1, locks.active),
            "waiting_for_whom": ", ".join(f"{event}: {what}" for event, what in locks.foreign)[:300],
            "looks": locks.looks,
        }
        if kind == ALONE:
            for name, (size, read) in before.items():
                if size:
                    sequential = after[name][1] - read
                    yield {"table": "read_tables", "name": name, "rows": size, "sequential_rows": sequential}


def _read(ledger: Ledger) -> dict[str, tuple[int, int]]:
    """Of each table of the ledger how many rows it has, and how many were read so far by going through it."""
    with ledger.engine.connect() as database:
        database.execute(text("SELECT pg_stat_clear_snapshot()"))
        found = database.execute(
            text(
                "SELECT relname, n_live_tup, seq_tup_read FROM pg_stat_user_tables WHERE schemaname = current_schema()"
            )
        )
        return {row.relname: (row.n_live_tup, row.seq_tup_read) for row in found}


def measure_flows(home: Mapping[str, str], sellers: Sellers, runs: int) -> Iterator[Row]:
    """The imports of small connections as flow runs: alone, then beside the huge one, then with nothing to import.

    Args:
        home: The environment of their home.
        sellers: The local Amazons.
        runs: How many at once.

    Yields:
        Rows of the tables `flow_runs` and `start`.
    """
    sellers.sell(len(ROUNDS))
    work_with(home)
    connections = _names(FLOWS, sellers)
    alone, beside = connections[:runs], connections[runs : 2 * runs] or connections[:runs]
    console.print(f"a Prefect server, {WORKERS} workers, {LIMIT} runs at a time each …")
    with prefect(workers=WORKERS, limit=LIMIT) as server:
        server.deploy([*dict.fromkeys([*alone, *beside]), HUGE])
        rounds: dict[str, Sequence[str]] = {ALONE: alone, BESIDE_HUGE: beside, "empty": alone[:EMPTY_RUNS]}
        for kind, names in rounds.items():
            console.print(f"{len(names)} flow runs, {kind.replace('_', ' ')} …")
            with server.importing_on_and_on(HUGE) if kind == BESIDE_HUGE else nullcontext():
                found = server.import_all(names)
            yield {
                "table": "flow_runs",
                "round": kind,
                "runs": len(names),
                "done": sum(run.is_done for run in found.runs),
                **share("done", [run.waited + run.took for run in found.runs]),
                **share("run", [run.took for run in found.runs]),
                # Beside the huge one they are its own as well.
                "run_cpu_seconds": None if kind == BESIDE_HUGE else found.runs_cpu / len(names),
                "server_cpu_seconds": None if kind == BESIDE_HUGE else found.server_cpu / len(names),
            }
    yield from start_rows(alone[0])


def goals_of(rows: Sequence[Mapping[str, Any]]) -> Iterator[Goal]:
    """What is promised of many connections."""

    def of(table: str, kind: str) -> Mapping[str, Any]:
        return next((row for row in rows if (row["table"], row.get("round")) == (table, kind)), {})

    load, huge = of("processes", BESIDE_LOAD), of("processes", BESIDE_HUGE)
    yield Goal(
        "start to end of a small import (p95) beside a huge seller, against beside programs that only compute",
        1.25, huge["import_p95_seconds"] / load["import_p95_seconds"], "times",
    )  # fmt: skip
    most = max(row["waiting_for_others_percent"] for row in rows if row["table"] == "processes")
    yield Goal("time in which an import waits for locks of other connections", 1, most, "%")
    big = [row for row in rows if row["table"] == "read_tables" and row["rows"] > BIG]
    yield Goal(
        f"rows read by going through a table with more than {BIG:,}",
        0,
        sum(row["sequential_rows"] for row in big),
        "rows",
    )
    if alone := of("flow_runs", ALONE):
        ratio = of("flow_runs", BESIDE_HUGE)["done_p95_seconds"] / alone["done_p95_seconds"]
        yield Goal(
            f"request to end (p95) of flow runs beside a huge seller, who takes one of {WORKERS * LIMIT} places,"
            " against without", 1.5, ratio, "times",
        )  # fmt: skip
    together = max(row["in_a_second"] for row in rows if row["table"] == "schedules")
    yield Goal("runs of one kind that the schedules of all connections start in one second", 10, together, "runs")


if __name__ == "__main__":
    main()
