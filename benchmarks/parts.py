"""The checks and the report on their own: `python -m benchmarks.parts '{"endpoint": …, "home": …}'`."""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from datetime import timedelta
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import insert

from benchmarks.clock import Seconds, timed
from benchmarks.floor import pages
from benchmarks.from_memory import import_pages
from benchmarks.homes import CONNECTION, enter_home
from mfn.amazon.order_pages import SearchPage
from mfn.amazon.orders import decode_order
from mfn.database.engines import writing
from mfn.errors import DataError
from mfn.ledger.batches import get_batch
from mfn.ledger.landing import CHUNK_ORDERS, WINDOW, read_arrival
from mfn.ledger.opening import open_ledger
from mfn.ledger.schema import Batch, BatchOrder
from mfn.steps.judging import judge
from mfn.steps.order_frames import Bench
from mfn.steps.report import report
from mfn.steps.workplace import open_workplace

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mfn.models import BatchRef
    from mfn.settings import Settings

TRIES = 3
PAST_RUNS = 1_000
PAST_RUN_ORDERS = 50
CHECKED_ORDERS = 10_000


def measure(endpoint: str, home: str) -> dict[str, Any]:
    """Time the checks and the report.

    Args:
        endpoint: Base URL of the local Amazon.
        home: A directory that is not there yet.

    Returns:
        `checked_orders`, `reported_orders`, and `times`: `judge` (decoding, frames, both suites, verdicts) and its part
        `decode`; `report_first`, the first one of this process, `report`, and `report_after_1000` past runs. All but
        the first report are the best of three tries.
    """
    bodies = [body for body, _ in pages(endpoint)]
    settings = enter_home(Path(home), endpoint=endpoint)
    batch, imported = import_pages(settings, bodies)
    texts = _texts(bodies)
    place = open_workplace(settings, CONNECTION)
    bench = Bench(place, place.warehouse.items(), place.warehouse.ship_methods())
    times = {
        "report_first": imported["report"],
        "judge": _best(lambda: _judge(bench, texts)),
        "decode": _best(lambda: _decode(texts)),
        "report": _best(lambda: report(batch, settings)),
    }
    add_past_runs(settings, batch)
    times["report_after_1000"] = _best(lambda: report(batch, settings))
    orders = get_batch(open_ledger(settings), batch.batch_id).counts["loaded"]
    return {"checked_orders": len(texts), "reported_orders": orders, "times": times}


def add_past_runs(settings: Settings, batch: BatchRef) -> None:
    """Make a thousand runs before this one, a quarter of an hour apart, each with orders, a page and its day's page.

    Args:
        settings: The settings in force.
        batch: The run that comes after them.
    """
    ledger = open_ledger(settings)
    row = dict(get_batch(ledger, batch.batch_id)._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
    days = settings.reports / "days"
    with writing(ledger.engine, what="the ledger") as database:
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
    print(json.dumps(measure(**json.loads(sys.argv[1]))))
