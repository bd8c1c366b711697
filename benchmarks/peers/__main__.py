"""The same orders from the same local Amazon through this project and through others: `python -m benchmarks.peers`.

First with nothing in the way, a few orders and many, since a program's start is not what an order costs; then one
order in a thousand has a quantity that is no number, and one reply in fifty fails. Each way is run as a schedule would
run it: again where it failed, three times at most. `--write` puts what was measured into the documents.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING

from benchmarks.goals import ROOT, Goal, console
from benchmarks.peers.airbyte import Airbyte, AirbyteFailedError, build, versions
from benchmarks.peers.amazon import peers_amazon
from benchmarks.peers.judging import judge
from benchmarks.peers.tables import print_rows
from benchmarks.peers.ways import Floor, Ours, Script
from benchmarks.results import options_given, write_result

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.peers.amazon import PeersAmazon
    from benchmarks.peers.runs import Peer, Run
    from benchmarks.results import Row

ORDERS = 25_000
"""So many, that each kind of failure comes about once on the way through the pages."""

AIRBYTE_ORDERS = 5_000
"""Fewer: it asks for the items of each order, and takes as long for these as others for all."""

FEW = 25
"""The few orders are the many by this."""

ONE_BAD_IN = 1_000
ENOUGH = 10_000
"""With fewer orders a program's start is most of its time, and what one more costs is lost in it."""

MOST_RUNS = 3
MOST_SAID = 60
"""So much of a program's last words is shown."""


def main() -> None:
    """Measure, print, and write the results down."""
    parser = argparse.ArgumentParser(description="The same orders through this project and through others.")
    parser.add_argument("--orders", type=int, default=ORDERS, help="how many orders Amazon has")
    parser.add_argument("--airbyte-orders", type=int, default=AIRBYTE_ORDERS, help="how many for airbyte's source")
    parser.add_argument("--write", action="store_true", help="publish it, and put it into the documents")
    arguments = parser.parse_args()
    load = os.getloadavg()[0]
    many: list[Peer] = [Floor(), Script(), Ours()]
    few, missing = find_airbyte()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="mfn-peers-") as folder:
        for table in ("few", "clean", "faults"):
            for peers, orders in ((many, arguments.orders), (few, arguments.airbyte_orders)):
                rows += measure(table, peers, orders // FEW if table == "few" else orders, Path(folder))
    rows = with_slopes(rows)
    for table in ("clean", "faults"):
        rows += [{"table": table, "way": Airbyte.name, "does": Airbyte.does, "why": why} for why in missing]
    print_rows(rows)
    options = {name: value for name, value in options_given(parser, arguments).items() if name != "write"}
    path = write_result("peers", rows, list(find_goals(rows)), load=load, options=options, versions=versions())
    if arguments.write:
        subprocess.run([sys.executable, "-m", "benchmarks.write_results", str(path)], cwd=ROOT, check=True)


def find_airbyte() -> tuple[list[Peer], list[str]]:
    """Airbyte's source, ready to run; or why it is not."""
    console.print("airbyte's source, in an environment of its own …")
    try:
        build()
    except AirbyteFailedError as error:
        console.print(f"airbyte's source cannot be built here: {error}.", style="bold")
        return [], [str(error)]
    return [Airbyte()], []


def measure(table: str, peers: Sequence[Peer], orders: int, folder: Path) -> Iterator[Row]:
    """One row for each way.

    Args:
        table: `few`, `clean`, or `faults`.
        peers: The ways.
        orders: How many orders Amazon has.
        folder: For all that they write.
    """
    if not peers:
        return
    bad = orders // ONE_BAD_IN if table == "faults" else 0
    with peers_amazon(orders, bad) as amazon:
        warm(amazon, folder / f"{table}-{orders}")
        for number, peer in enumerate(peers):
            console.print(f"{table}, {orders:,} orders: {peer.name} …")
            home = folder / f"{table}-{orders}-{number}"
            home.mkdir()
            peer.prepare(home, amazon.endpoint)
            amazon.begin(faults=table == "faults")
            yield row(table, peer, amazon, run_until_done(peer))


def warm(amazon: PeersAmazon, folder: Path) -> None:
    """Let the local Amazon render its pages once, so that every way fetches the same bytes at the same speed."""
    folder.mkdir()
    first = Floor()
    first.prepare(folder, amazon.endpoint)
    first.run()


def run_until_done(peer: Peer) -> list[Run]:
    """Run a way until it ends well, three times at most."""
    runs = [peer.run()]
    while runs[-1].status and len(runs) < MOST_RUNS:
        runs.append(peer.run())
    return runs


def row(table: str, peer: Peer, amazon: PeersAmazon, runs: Sequence[Run]) -> Row:
    """What was measured of one way, flat."""
    seconds = sum(run.seconds for run in runs)
    orders = len(amazon.truth.items)
    return {
        "table": table,
        "way": peer.name,
        "does": peer.does,
        "why": None,
        "orders": orders,
        "bad": len(amazon.truth.bad),
        "runs": len(runs),
        "status": runs[-1].status,
        "said": shorten(runs[-1].said, MOST_SAID, placeholder=" …") if runs[-1].status else None,
        "seconds": seconds,
        "cpu_seconds": sum(run.cpu for run in runs),
        "waited_seconds": sum(run.waited for run in runs),
        "orders_per_second": orders / seconds,
        "calls": sum(count for operation, count in amazon.calls().items() if operation != "loginWithAmazon"),
        "peak_mib": max(run.peak_mib for run in runs),
        **asdict(judge(amazon.truth, peer.arrived())),
    }


def with_slopes(rows: Sequence[Row]) -> list[Row]:
    """The rows, and in those of `clean` what one more order costs, between the few and the many.

    It is told in time of the processor, which other programs on the machine disturb least.

    Args:
        rows: Of `few`, `clean` and `faults`.
    """
    few = {row["way"]: row for row in rows if row["table"] == "few"}
    return [row | {"cpu_us_of_one_more": _slope(few[row["way"]], row)} for row in rows]


def _slope(few: Row, many: Row) -> float | None:
    if many["table"] != "clean":
        return None
    seconds = _count(many, "cpu_seconds") - _count(few, "cpu_seconds")
    return seconds / (_count(many, "orders") - _count(few, "orders")) * 1e6


def find_goals(rows: Sequence[Row]) -> Iterator[Goal]:
    """What is promised of this project."""
    faulty = next(row for row in rows if row["way"] == Ours.name and row["table"] == "faults")
    yield Goal("orders missing although replies fail", 0, _count(faulty, "missing"), "orders")
    yield Goal("orders doubled although replies fail", 0, _count(faulty, "doubled"), "orders")
    yield Goal("broken orders accepted as good", 0, _count(faulty, "bad_taken"), "orders")
    yield Goal(
        "broken orders reported, with the reason",
        _count(faulty, "bad"),
        _count(faulty, "bad_told"),
        "orders",
        is_most=False,
    )
    clean = {row["way"]: row for row in rows if row["table"] == "clean"}
    if _count(clean[Ours.name], "orders") < ENOUGH:
        return
    ours, script = (_count(clean[way], "cpu_us_of_one_more") for way in (Ours.name, Script.name))
    yield Goal("time of the processor for one more order, beside the script's", 1, ours / script, "times")


def _count(row: Row, column: str) -> float:
    return float(row[column] or 0)


if __name__ == "__main__":
    main()
