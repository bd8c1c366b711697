"""One import from a local Amazon into SQLite: `python -m benchmarks.whole_run '{"endpoint": …, "home": …, …}'`.

A first import of a single order, in a home of its own, takes all that a new process has to load and is told apart as
its cold start; then the clock runs, step by step.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

STARTED = time.perf_counter()

from benchmarks.clock import Seconds, timed  # noqa: E402 - what is imported is part of the cold start
from benchmarks.homes import CONNECTION, enter_home  # noqa: E402
from mfn.steps.report import report  # noqa: E402
from mfn.steps.runs import import_run, run_import  # noqa: E402
from mfn.steps.stages import IMPORT_STEPS, perform  # noqa: E402
from mfn.steps.summaries import summary_of  # noqa: E402

KIB_IN_MIB = 1024


def measure(endpoint: str, home: str, first_order: str) -> dict[str, Any]:
    """Import everything that the local Amazon has.

    Args:
        endpoint: Base URL of the local Amazon.
        home: A directory that is not there yet.
        first_order: An order to import first.

    Returns:
        `cold_start_seconds`; `times` of each step and of the whole, `end_to_end`; `summary` as `mfn import` prints it;
        `peak_mib` of this process.
    """
    run_import(enter_home(Path(home) / "first", endpoint=endpoint), CONNECTION, order_id=first_order)
    cold_start = time.perf_counter() - STARTED
    settings = enter_home(Path(home) / "measured", endpoint=endpoint)
    times: dict[str, Seconds] = {}
    with timed(times, "end_to_end"), import_run(settings, CONNECTION) as batch:
        for step in IMPORT_STEPS:
            with timed(times, step.__name__):
                batch = perform(step, batch, settings)  # noqa: PLW2901 - as mfn.steps.runs does it
        with timed(times, "report"):
            report(batch, settings)
    return {
        "cold_start_seconds": cold_start,
        "times": times,
        "summary": summary_of(settings, batch.batch_id),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIB_IN_MIB,
    }


if __name__ == "__main__":
    print(json.dumps(measure(**json.loads(sys.argv[1]))))
