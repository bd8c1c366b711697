"""How fast parcels are confirmed, beside what Amazon's plan allows: `python -m benchmarks.confirm_shipments`.

A local Amazon in a process of its own, at Amazon's plan for confirmShipment times a hundred; orders imported from
memory; the warehouse ships one of them, `mfn confirm` is run as a program; then it ships all others, one parcel an
order, and a run confirms them, step by step.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table
from sqlalchemy import insert, or_, select

from benchmarks.clock import Seconds, timed
from benchmarks.floor import pages
from benchmarks.from_memory import import_pages
from benchmarks.goals import ROOT, Goal, console
from benchmarks.homes import CONNECTION, enter_home
from benchmarks.local_amazon import local_amazon
from benchmarks.results import options_given, write_result
from mfn.database.engines import engine_for, writing
from mfn.ledger.budget import PLANS
from mfn.ledger.opening import open_ledger
from mfn.ledger.parcels import parcels_of
from mfn.rules.parcel_verdicts import SHIP_PLUS
from mfn.steps.report import report
from mfn.steps.runs import new_run
from mfn.steps.stages import CONFIRM_STEPS, perform
from mfn.steps.summaries import summary_of
from mfn.steps.workplace import open_workplace
from mfn.warehouse.tables import wms_order, wms_order_line, wms_shipment, wms_shipment_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.results import Row
    from mfn.settings import Settings

PARCELS = 10_000
SPEED = 100.0
ORDERS_FOR_A_PARCEL = 1.3
"""Orders of a day for each that reaches the warehouse and is shipped: others are held, pending or cancelled."""

MOST_TIMES = 1.05
OPERATION = "confirmShipment"
SPELLINGS = (
    ("U.P.S.", "Ground", "T{:010d}"),
    ("FEDEX", "HOME DELIVERY", "{:012d}"),
    ("OnTrac", None, "C{:014d}"),
    ("Northwind Couriers", "Van", "N{:08d}"),
)
"""Carrier and service as a warehouse writes them, and the form of its tracking numbers; nothing maps the last."""


def main() -> None:
    """Measure, print, and write the results down; a goal that is missed is told, and is no failure."""
    parser = argparse.ArgumentParser(description="How fast parcels are confirmed, beside what Amazon's plan allows.")
    parser.add_argument("--parcels", type=int, default=PARCELS, help="how many parcels the warehouse ships")
    arguments = parser.parse_args()
    wanted = arguments.parcels
    load = os.getloadavg()[0]
    with (
        tempfile.TemporaryDirectory(prefix="mfn-bench-") as folder,
        local_amazon(int((wanted + 1) * ORDERS_FOR_A_PARCEL) + 20) as amazon,
    ):
        settings = _shipping_home(Path(folder) / "home", amazon.endpoint)
        amazon.set_speed(SPEED)
        console.print("one parcel, by mfn confirm as a program …")
        single = confirm_one(settings)
        console.print(f"{wanted:,} parcels, step by step …")
        run = confirm_many(settings, wanted)
        os.chdir(ROOT)
    minimum = least_seconds(wanted)
    print_run(run, single, minimum)
    goals = list(find_goals(wanted, run, single))
    write_result(
        "confirm_shipments", list(rows_of(run, single)), goals, load=load, options=options_given(parser, arguments)
    )


def least_seconds(parcels: int) -> float:
    """What Amazon's plan takes at the least: all but the burst come at its rate."""
    plan = PLANS[OPERATION]
    return max(parcels - plan.burst, 0) / (plan.rate * SPEED)


def _shipping_home(home: Path, endpoint: str) -> Settings:
    """A home with the shipped carriers, every order of the local Amazon imported."""
    bodies = [body for body, _ in pages(endpoint)]
    settings = enter_home(home, endpoint=endpoint)
    for name in ("carriers.csv", "accepted_carriers.csv"):
        shutil.copy(ROOT / "mappings" / name, home / "mappings" / name)
    import_pages(settings, bodies)
    return settings


def ship(settings: Settings, name: str, parcels: int) -> datetime:
    """The warehouse ships orders that it has not shipped yet, each whole and in one parcel.

    Args:
        settings: The settings of the home.
        name: With what the parcels' ids begin.
        parcels: How many.

    Returns:
        The moment in which the parcels could be seen; aware.
    """
    engine = engine_for(open_workplace(settings, CONNECTION).connection.warehouse.url)
    with writing(engine, what="the warehouse") as database:
        orders: Sequence[str] = database.scalars(
            select(wms_order.c.order_number)
            .where(
                wms_order.c.status == "new",
                wms_order.c.cancel_requested_at.is_(None),
                or_(wms_order.c.programs.is_(None), wms_order.c.programs.not_like(f"%{SHIP_PLUS}%")),
                wms_order.c.order_number.not_in(select(wms_shipment.c.order_number)),
            )
            .order_by(wms_order.c.order_number)
            .limit(parcels)
        ).all()
        assert len(orders) == parcels, f"only {len(orders)} orders can be shipped"
        rows = []
        for number, order in enumerate(orders):
            carrier, service, form = SPELLINGS[number % len(SPELLINGS)]
            rows.append(
                {
                    "shipment_id": f"{name}-{number}", "order_number": order, "carrier": carrier, "service": service,
                    "tracking_number": form.format(number), "shipped_at": datetime.now(UTC), "is_amazon_label": False,
                    "status": "closed",
                }
            )  # fmt: skip
        database.execute(insert(wms_shipment), rows)
        packed = select(
            wms_shipment.c.shipment_id, wms_order_line.c.line_number, wms_order_line.c.order_item_id,
            wms_order_line.c.sku, wms_order_line.c.quantity,
        ).where(
            wms_order_line.c.order_number == wms_shipment.c.order_number,
            wms_shipment.c.shipment_id.like(f"{name}-%"),
        )  # fmt: skip
        columns = ["shipment_id", "line_number", "order_item_id", "sku", "quantity"]
        database.execute(insert(wms_shipment_line).from_select(columns, packed))
    return datetime.now(UTC)


def confirm_one(settings: Settings) -> dict[str, Any]:
    """One parcel, by the next run of `mfn confirm`.

    Args:
        settings: The settings of the home.

    Returns:
        `seconds` from the row in wms_shipment to Amazon's 204, the start of the program included; `summary` of the run.
    """
    shipped = ship(settings, "single", 1)
    program = Path(sys.executable).with_name("mfn")
    done = subprocess.run([program, "confirm", CONNECTION, "--json"], stdout=subprocess.PIPE, text=True, check=True)
    (parcel,) = parcels_of(open_ledger(settings), CONNECTION)
    assert parcel.sent_at is not None, parcel.reasons
    return {"seconds": (parcel.sent_at - shipped).total_seconds(), "summary": json.loads(done.stdout)}


def confirm_many(settings: Settings, parcels: int) -> dict[str, Any]:
    """Many parcels in one run, step by step.

    Args:
        settings: The settings of the home.
        parcels: How many.

    Returns:
        `times` of each step and of the report; `summary` as `mfn confirm` prints it.
    """
    ship(settings, "many", parcels)
    times: dict[str, Seconds] = {}
    with new_run(settings, CONNECTION, "confirm", {}) as batch:
        for step in CONFIRM_STEPS:
            with timed(times, step.__name__):
                batch = perform(step, batch, settings)  # noqa: PLW2901 - as mfn.steps.runs does it
        with timed(times, "report"):
            report(batch, settings)
    return {"times": times, "summary": summary_of(settings, batch.batch_id)}


def find_goals(parcels: int, run: dict[str, Any], single: dict[str, Any]) -> Iterator[Goal]:
    """Every goal, measured."""
    minimum, seconds = least_seconds(parcels), run["times"]["confirm"]["wall"]
    name = f"confirming {parcels:,} parcels, {seconds:.1f} s, in multiples of the plan's minimum, {minimum:.1f} s"
    yield Goal(name, MOST_TIMES, seconds / minimum, "times")
    yield Goal("parcels sent", parcels, run["summary"]["sent"], "parcels", is_most=False)
    yield Goal(f"API calls for {parcels:,} parcels", parcels, sum(run["summary"]["api_calls"].values()), "calls")
    yield Goal("API calls for a single parcel, sent by the next run", 1, _calls_of_one(single), "calls")


def _calls_of_one(single: dict[str, Any]) -> int:
    summary = single["summary"]
    assert summary["sent"] == 1, summary
    return sum(summary["api_calls"].values())


def rows_of(run: dict[str, Any], single: dict[str, Any]) -> Iterator[Row]:
    """One row a step, and one for the single parcel: from its row in wms_shipment to Amazon's 204."""
    parcels = run["summary"]["shipments"]
    for step, took in run["times"].items():
        yield {"step": step, "parcels": parcels, "seconds": took["wall"], "cpu_seconds": took["cpu"]}
    yield {
        "step": "the minimum of the plan",
        "parcels": parcels,
        "seconds": least_seconds(parcels),
        "cpu_seconds": None,
    }
    yield {"step": "a single parcel", "parcels": 1, "seconds": single["seconds"], "cpu_seconds": None}


def print_run(run: dict[str, Any], single: dict[str, Any], minimum: float) -> None:
    """What each step took, and the single parcel."""
    parcels = run["summary"]["shipments"]
    table = Table(title=f"{parcels:,} parcels, one an order, SQLite", title_justify="left")
    for column in ("", "s", "parcels/s", "µs of CPU a parcel"):
        table.add_column(column, justify="right" if column else "left")
    for step, took in run["times"].items():
        cells = (f"{took['wall']:,.2f}", f"{parcels / took['wall']:,.0f}", f"{took['cpu'] / parcels * 1e6:,.0f}")
        table.add_row(step, *cells)
    table.add_row("the minimum of the plan", f"{minimum:,.2f}", f"{parcels / minimum:,.0f}" if minimum else "")
    console.print(table)
    console.print(
        f"one parcel, from its row in wms_shipment to Amazon's 204: {single['seconds']:.1f} s with the start of the"
        f" program; its run took {single['summary']['seconds']:.1f} s"
    )


if __name__ == "__main__":
    main()
