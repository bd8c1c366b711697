"""One stock run of which a part changed: `python -m benchmarks.stock_run '{"home": …, "skus": …, "changed": …}'`.

Great Expectations is loaded first and told apart. Then the clock runs, step by step; what Amazon's calls cost is
taken off, so that what remains leads from the warehouse's rows to the calls to make.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Generator
from contextlib import closing, contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from benchmarks.clock import Seconds, timed
from benchmarks.homes import CONNECTION, work_in
from benchmarks.stock_home import change_stock
from mfn.amazon.feeds import AmazonFeeds
from mfn.amazon.listings import AmazonListings
from mfn.quality.runner import check
from mfn.quality.stock import ITEMS
from mfn.steps.report import report
from mfn.steps.runs import inventory_parameters, new_run
from mfn.steps.stages import INVENTORY_STEPS, perform
from mfn.steps.summaries import summary_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BYTES_IN_KIB = 1_024
END = object()
ASKING = ((AmazonListings, "listings"), (AmazonListings, "listings_of"), (AmazonFeeds, "feed"), (AmazonFeeds, "report"))
SENDING = ((AmazonFeeds, "upload"), (AmazonFeeds, "create_feed"), (AmazonListings, "patch_quantities"))


class Watch:
    """CPU seconds of this process up to the last level that is sent, without those that Amazon's calls take.

    Attributes:
        decided: These seconds; None as long as nothing was sent. What is written down of earlier answers is in them.
        calling: What was taken off.
    """

    def __init__(self) -> None:
        self.decided: float | None = None
        self.calling = 0.0
        self._began = time.process_time()

    def watch(self, call: Callable[..., Any], *, is_sending: bool) -> Callable[..., Any]:
        """A call of the adapter whose seconds do not count."""

        @wraps(call)
        def watched_call(*arguments: Any, **named: Any) -> Any:
            if is_sending:
                self.decided = time.process_time() - self._began - self.calling
            with self._aside():
                answer = call(*arguments, **named)
            return self._watch_answers(answer) if isinstance(answer, Generator) else answer

        return watched_call

    def _watch_answers(self, answers: Generator[Any, None, None]) -> Iterator[Any]:
        with closing(answers):
            while True:
                with self._aside():
                    answer = next(answers, END)
                if answer is END:
                    return
                yield answer

    @contextmanager
    def _aside(self) -> Iterator[None]:
        began = time.process_time()
        try:
            yield
        finally:
            self.calling += time.process_time() - began


@contextmanager
def watched() -> Iterator[Watch]:
    """Have the adapter's calls watched from now on, until the block ends."""
    before = [(kind, name, getattr(kind, name)) for kind, name in (*ASKING, *SENDING)]
    watch = Watch()
    for kind, name, call in before:
        setattr(kind, name, watch.watch(call, is_sending=(kind, name) in SENDING))
    try:
        yield watch
    finally:
        for kind, name, call in before:
            setattr(kind, name, call)


def measure(home: str, skus: int, changed: int, ledger: str) -> dict[str, Any]:
    """Change some of the stock, and run.

    Args:
        home: What `benchmarks.stock_home` made.
        skus: How many SKUs it has.
        changed: How many of them change.
        ledger: URL of the ledger's database, as for `benchmarks.stock_home`.

    Returns:
        `loading_seconds` of CPU until Great Expectations has checked a single row; `decided_seconds` of CPU from the
        warehouse's rows to the last of the calls to make (None: there was none); `calling_seconds` of CPU that all
        calls took; `times` of each step and of the report; `summary` as `mfn inventory` prints it; `peak_mb` of this
        process.
    """
    began = time.process_time()
    check([(ITEMS, pd.DataFrame({"has_stock": [True]}))])
    loading = time.process_time() - began
    settings = work_in(Path(home), ledger=ledger)
    if changed:
        change_stock(settings, skus, changed)
    times: dict[str, Seconds] = {}
    with new_run(settings, CONNECTION, "inventory", inventory_parameters()) as batch, watched() as watch:
        for step in INVENTORY_STEPS:
            with timed(times, step.__name__):
                batch = perform(step, batch, settings)  # noqa: PLW2901 - as mfn.steps.runs does it
        with timed(times, "report"):
            report(batch, settings)
    return {
        "loading_seconds": loading,
        "decided_seconds": watch.decided,
        "calling_seconds": watch.calling,
        "times": times,
        "summary": summary_of(settings, batch.batch_id),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * BYTES_IN_KIB / 1_000_000,
    }


if __name__ == "__main__":
    print(json.dumps(measure(**json.loads(sys.argv[1]))))
