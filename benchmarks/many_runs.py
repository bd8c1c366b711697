"""Imports of many connections by several processes, without Prefect; each process takes the next that waits.

`python -m benchmarks.many_runs` is one of the processes: a line of its standard input is a connection, a line of its
standard output what became of it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from benchmarks.answering import answering
from mfn.settings import load_settings
from mfn.steps.runs import run_import

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from benchmarks.answering import AnsweringProcess

LOOK_BACK = timedelta(days=3)
"""A day of orders, as a local Amazon begins with, is within it."""

LOAD = "import hashlib\nwhile True: hashlib.sha256(bytes(100_000)).digest()"
"""Computes, and does nothing else."""

AS_BUSY_AS_AN_IMPORT = 3
"""Processes that a large import keeps busy: itself, its session of PostgreSQL, and here its local Amazon as well."""


@dataclass(frozen=True)
class Done:
    """One import.

    Attributes:
        connection: Whose.
        began: Seconds after all were asked for.
        ended: The same.
        cpu: Seconds that its process worked.
        loaded: How many orders.
    """

    connection: str
    began: float
    ended: float
    cpu: float
    loaded: int


class Importer:
    """A process that carries out imports, one after the other.

    Args:
        process: As `importers` starts it.
    """

    def __init__(self, process: AnsweringProcess) -> None:
        self._process = process

    def carry_out(self, connection: str) -> dict[str, Any]:
        """Import one connection, and wait for it."""
        found: dict[str, Any] = json.loads(self._process.ask(connection))
        return found


@contextmanager
def importers(environ: Mapping[str, str], number: int, *, warm_up: Sequence[str]) -> Iterator[list[Importer]]:
    """Processes that import, everything loaded, until the block ends.

    Args:
        environ: As `benchmarks.many_homes.make_home` returns it.
        number: How many processes.
        warm_up: As many connections; each process imports one of them at first.
    """
    with ExitStack() as running:
        started = []
        for place in range(number):
            own = {**environ, "PGAPPNAME": f"{warm_up[place]} and others"}
            started.append(Importer(running.enter_context(answering("benchmarks.many_runs", environ=own))))
        threads = [
            threading.Thread(target=one.carry_out, args=(connection,))
            for one, connection in zip(started, warm_up, strict=True)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        yield started


def import_all(started: Sequence[Importer], connections: Sequence[str]) -> list[Done]:
    """Import connections, all asked for at once; each process takes the next that waits."""
    waiting: SimpleQueue[str] = SimpleQueue()
    for connection in connections:
        waiting.put(connection)
    done: list[Done] = []
    zero = time.monotonic()

    def work(importer: Importer) -> None:
        while True:
            try:
                connection = waiting.get_nowait()
            except Empty:
                return
            began = time.monotonic() - zero
            found = importer.carry_out(connection)
            done.append(Done(connection, began, time.monotonic() - zero, found["cpu"], found["loaded"]))

    threads = [threading.Thread(target=work, args=(importer,)) for importer in started]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return done


@contextmanager
def importing_on_and_on(environ: Mapping[str, str], connection: str) -> Iterator[list[int]]:
    """A connection that imports all of its orders again and again, until the block ends.

    Yields:
        How many orders each of its imports had.
    """
    stop, imported = threading.Event(), list[int]()
    with importers(environ, 1, warm_up=[connection]) as (importer,):

        def go_on() -> None:
            while not stop.is_set():
                imported.append(importer.carry_out(connection)["fetched"])

        thread = threading.Thread(target=go_on)
        thread.start()
        try:
            yield imported
        finally:
            stop.set()
            thread.join()


@contextmanager
def computing() -> Iterator[None]:
    """As many processes as a large import keeps busy, which only compute, until the block ends."""
    with ExitStack() as running:
        for _ in range(AS_BUSY_AS_AN_IMPORT):
            process = running.enter_context(subprocess.Popen([sys.executable, "-c", LOAD]))
            running.callback(process.terminate)
        yield


def main() -> None:
    """Import what is asked for."""
    settings = load_settings()
    for line in sys.stdin:
        began = time.process_time()
        done = run_import(settings, line.strip(), since=datetime.now(UTC) - LOOK_BACK)
        figures = {"cpu": time.process_time() - began, "loaded": done["loaded"], "fetched": done["fetched"]}
        print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    main()
