"""One import of many orders: `python -m benchmarks.curve_run '{"orders": …, "home": …, "endpoint": …, "urls": {…}}'`.

From a local Amazon, or without HTTP from the file that it serves. A first import in a home of its own takes all that a
new process has to load; then the clock runs, step by step.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from itertools import islice
from pathlib import Path
from typing import Any

STARTED = time.perf_counter()

from benchmarks.from_memory import import_pages, timed_import  # noqa: E402
from benchmarks.homes import CONNECTION, enter_home  # noqa: E402
from benchmarks.stored_orders import first_stored, stored_pages  # noqa: E402
from mfn.steps.runs import run_import  # noqa: E402
from mfn.steps.stages import IMPORT_STEPS  # noqa: E402
from mfn.steps.summaries import summary_of  # noqa: E402

NOWHERE = "http://127.0.0.1:9"
"""Where nothing is asked."""


def measure(orders: str, home: str, endpoint: str, urls: dict[str, dict[str, str]]) -> dict[str, Any]:
    """Import every order of a file.

    Args:
        orders: What `store_orders` wrote.
        home: A directory that is not there yet.
        endpoint: Base URL of the local Amazon that serves the file; empty: without HTTP.
        urls: Of `first` and of `measured`, the URLs of `warehouse` and `ledger`; empty: SQLite files in the home.

    Returns:
        `cold_start_seconds`, from the start of the program to the end of that first import; `times` of each step, of
        all of them as `end_to_end`, and of the `report` after; `children_cpu`, the seconds that processes worked which
        the import had started; `summary`.
    """
    path = Path(orders)
    first = enter_home(Path(home) / "first", endpoint=endpoint or NOWHERE, **urls["first"])
    if endpoint:
        run_import(first, CONNECTION, order_id=first_stored(path))
    else:
        import_pages(first, islice(stored_pages(path), 1))
    cold_start = time.perf_counter() - STARTED
    settings = enter_home(Path(home) / "measured", endpoint=endpoint or NOWHERE, **urls["measured"])
    children = _children_cpu()
    batch, times = (
        timed_import(settings, {step.__name__: step for step in IMPORT_STEPS})
        if endpoint
        else import_pages(settings, stored_pages(path))
    )
    return {
        "cold_start_seconds": cold_start,
        "times": times,
        "children_cpu": _children_cpu() - children,
        "summary": summary_of(settings, batch.batch_id),
    }


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    print(json.dumps(measure(**json.loads(sys.argv[1]))))
