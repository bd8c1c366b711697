"""The whole matrix: `python -m tests.faults.matrix`."""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import TYPE_CHECKING

from rich.console import Console

from tests.faults.matrix.flows import FLOWS
from tests.faults.matrix.parts import DATABASES, SHARES, Part, run_part
from tests.faults.matrix.results import counted, is_faultless, print_table, write

if TYPE_CHECKING:
    from tests.faults.matrix.trials import Trial


def main() -> int:
    """Run it, print the table, write the figures; 1 where anything is lost, doubled or wrong."""
    arguments = _arguments()
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 160)
    begun = time.monotonic()
    shares = SHARES if arguments.most == sys.maxsize else 1
    parts = [
        Part(flow, database, share, shares, tuple(arguments.only), arguments.seeds, arguments.most)
        for database in DATABASES
        for flow in FLOWS
        for share in range(shares)
    ]
    done: list[Trial] = []
    broken: list[str] = []
    with ProcessPoolExecutor(
        arguments.processes, mp_context=multiprocessing.get_context("forkserver"), max_tasks_per_child=1
    ) as pool:
        running = {pool.submit(run_part, part): part for part in parts}
        for future in as_completed(running):
            part = running[future]
            name = f"{part.flow} on {part.database}, part {part.share + 1} of {shares}"
            try:
                trials = future.result()
            except Exception as error:  # noqa: BLE001 - the other parts go on, and this one is told at the end
                broken.append(name)
                said = f"{type(error).__name__}: {error}"
            else:
                done += trials
                said = f"{len(trials)} trials"
            sys.stderr.write(f"{time.monotonic() - begun:6.0f} s  {name}: {said}\n")
    cells = counted(done)
    print_table(cells, done, console)
    if arguments.write and not broken:
        most = None if arguments.most == sys.maxsize else arguments.most
        write(cells, tuple(FLOWS), seeds=arguments.seeds, most=most, seconds=time.monotonic() - begun)
    for name in broken:
        console.print(f"broke, so that its trials are missing: {name}", style="bold red")
    return 0 if is_faultless(cells) and not broken else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.matrix", description=__doc__)
    parser.add_argument(
        "--only", action="append", default=[], help="only cells whose name has this word: a flow, a fault, a database"
    )
    parser.add_argument("--seeds", type=int, default=6, help="how many random moments for each flow and database")
    parser.add_argument("--most", type=int, default=sys.maxsize, help="at most so many points of each cell")
    parser.add_argument("--processes", type=int, default=2, help="how many parts at the same time")
    parser.add_argument("--write", action="store_true", help="write the figures into docs/faults.json and the README")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
