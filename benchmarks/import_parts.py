"""The checks and the report of an import on their own: `python -m benchmarks.import_parts --orders 10000`."""

from __future__ import annotations

import argparse
import os
import tempfile
from contextlib import suppress
from datetime import timedelta
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from rich.table import Table
from sqlalchemy import insert

from benchmarks.clock import Seconds, timed
from benchmarks.from_memory import import_pages
from benchmarks.goals import ROOT, Goal, console
from benchmarks.homes import CONNECTION, enter_home
from benchmarks.results import options_given, write_result
from benchmarks.stored_orders import store_orders, stored_pages
from mfn.amazon.order_pages import SearchPage
from mfn.amazon.orders import decode_order
from mfn.errors import DataError
from mfn.ledger.arrivals import read_arrival
from mfn.ledger.batches import get_batch
from mfn.ledger.buyers_data import CHUNK_ORDERS
from mfn.ledger.landing import WINDOW
from mfn.ledger.opening import open_ledger
from mfn.ledger.schema import Batch, BatchOrder
from mfn.steps.importing.judging import judge
from mfn.steps.importing.order_frames import Bench
from mfn.steps.report import report
from mfn.steps.stages import modules_at_rest
from mfn.steps.workplace import open_workplace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from benchmarks.results import Row
    from mfn.models import BatchRef
    from mfn.settings import Settings

ORDERS = 10_000
TRIES = 3
PAST_RUNS = 1_000
PAST_RUN_ORDERS = 50
CHECKED_ORDERS = 10_000


def main() -> None:
    """Measure, print, and write the results down; a goal that is missed is told, and is no failure."""
    parser = argparse.ArgumentParser(description="The checks and the report of an import on their own.")
    parser.add_argument("--orders", type=int, default=ORDERS, help="how many orders Amazon has")
    arguments = parser.parse_args()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="mfn-bench-") as folder:
        stored = Path(folder) / "orders.jsonl"
        store_orders(stored, arguments.orders)
        rows = measure(stored, Path(folder) / "home")
        os.chdir(ROOT)
    print_rows(rows)
    write_result("import_parts", rows, list(find_goals(rows)), load=load, options=options_given(parser, arguments))


def measure(stored: Path, home: Path) -> list[Row]:
    """Time the checks and the report.

    Args:
        stored: The file with the orders.
        home: A directory that is not there yet.

    Returns:
        Of `judge` (decoding, frames, both suites, verdicts) and its part `decode`, of the `report`, and of the same
        with 1,000 runs before it: the best of three tries each.
    """
    bodies = list(stored_pages(stored))
    settings = enter_home(home, endpoint="http://127.0.0.1:9")
    batch, _ = import_pages(settings, bodies)
    texts = _texts(bodies)
    place = open_workplace(settings, CONNECTION)
    bench = Bench(place, place.warehouse.items(), place.warehouse.ship_methods())
    loaded = get_batch(open_ledger(settings), batch.batch_id).counts["loaded"]
    with modules_at_rest():  # as the steps of a run are carried out
        rows = [
            _row("judge", len(texts), _best(lambda: _judge(bench, texts))),
            _row("decode", len(texts), _best(lambda: _decode(texts))),
        ]
    rows.append(_row("report", loaded, _best(lambda: report(batch, settings))))
    add_past_runs(settings, batch)
    return [*rows, _row("report after 1,000 runs", loaded, _best(lambda: report(batch, settings)))]


def _row(part: str, orders: int, took: Seconds) -> Row:
    return {"part": part, "orders": orders, "seconds": took["wall"], "cpu_seconds": took["cpu"]}


def find_goals(rows: Sequence[Mapping[str, Any]]) -> Iterator[Goal]:
    """Every goal, measured."""
    took = {row["part"]: row for row in rows}
    judged = took["judge"]["seconds"] / took["judge"]["orders"] * 10_000
    yield Goal("checks and verdicts of 10,000 orders, decoding included", 0.4, judged, "s")
    yield Goal("the report, no run before", 0.1, took["report"]["seconds"], "s")
    yield Goal("the report, 1,000 runs before", 0.1, took["report after 1,000 runs"]["seconds"], "s")


def print_rows(rows: Sequence[Row]) -> None:
    """What each part took."""
    table = Table(title="The best of three tries", title_justify="left")
    for column in ("", "orders", "s", "s of CPU"):
        table.add_column(column, justify="right" if column else "left")
    for row in rows:
        table.add_row(str(row["part"]), f"{row['orders']:,}", f"{row['seconds']:.3f}", f"{row['cpu_seconds']:.3f}")
    console.print(table)


def add_past_runs(settings: Settings, batch: BatchRef) -> None:
    """Make a thousand runs before this one, a quarter of an hour apart, each with orders, a page and its day's page.

    Args:
        settings: The settings in force.
        batch: The run that comes after them.
    """
    ledger = open_ledger(settings)
    row = dict(get_batch(ledger, batch.batch_id)._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
    days = settings.reports / "days"
    with ledger.writing() as database:
        for number in range(1, PAST_RUNS + 1):
            started = row["started_at"] - number * timedelta(minutes=15)
            name = f"{CONNECTION}-import-past-{number:04d}"
            past = row | {"batch_id": name, "started_at": started, "finished_at": started + timedelta(seconds=5)}
            database.execute(insert(Batch).values(past))
            orders = [
                {"batch_id": name, "order_id": f"past-{number}-{order}", "connection": CONNECTION, "origin": WINDOW,
                 "outcome": "loaded", "at": started} for order in range(PAST_RUN_ORDERS)
            ]  # fmt: skip
            database.execute(insert(BatchOrder), orders)
            (settings.reports / f"{name}.html").touch()
            (days / f"{started:%Y-%m-%d}.html").touch()


def _texts(bodies: Sequence[bytes]) -> list[tuple[str, bytes]]:
    arrivals = [
        read_arrival(bytes(raw)) for body in bodies for raw in msgspec.json.decode(body, type=SearchPage).orders
    ]
    return [(arrival.order_id, arrival.raw) for arrival in arrivals][:CHECKED_ORDERS]


def _judge(bench: Bench, texts: Sequence[tuple[str, bytes]]) -> None:
    for start in range(0, len(texts), CHUNK_ORDERS):
        judge(bench, texts[start : start + CHUNK_ORDERS], {})


def _decode(texts: Sequence[tuple[str, bytes]]) -> None:
    for _, text in texts:
        with suppress(DataError):
            decode_order(text)


def _best(measured: Callable[[], object]) -> Seconds:
    times: dict[str, Seconds] = {}
    for number in range(TRIES):
        with timed(times, str(number)):
            measured()
    return min(times.values(), key=itemgetter("wall"))


if __name__ == "__main__":
    main()
