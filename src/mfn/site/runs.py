"""The site's first page, with all runs, and the page of one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from mfn.ledger.known_connections import known_connections
from mfn.ledger.order_listing import count_overdue, count_troubles
from mfn.ledger.run_listing import find_run, find_runs, newest_runs, open_failures
from mfn.models import SUMMED
from mfn.reports.html import run_figures
from mfn.reports.model import PastRun
from mfn.reports.wording import counted
from mfn.site.filters import KINDS, read_run_filter
from mfn.site.opening import NotFoundError, ledger_of
from mfn.site.pages import one_page, page, run_page

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mfn.ledger.run_listing import Failure, Run
    from mfn.settings import Settings

LOOKED_BACK = timedelta(days=30)
OUTCOME_WORDS = {
    "telling": "with something to do",
    "held": "with something held",
    "failed": "failed",
    "running": "still running",
    "done": "done",
    "all": "all runs",
}

REPORTED_BY = {"parcel": "confirm", "SKU": "inventory"}
"""The kind of run whose reports say which of them are held, and why."""

router = APIRouter()


@router.get("/")
def index(request: Request) -> HTMLResponse:
    """Every run, newest first, below what is running, what failed and what is held."""
    ledger = ledger_of(request)
    connections = known_connections(ledger)
    asked = read_run_filter(request.query_params, connections)
    find = partial(
        find_runs,
        ledger,
        connection=asked.connection,
        kind=asked.kind,
        outcome=asked.outcome,
        since=asked.since,
        until=asked.until,
    )
    found, is_last = one_page(find, asked.page)
    now = datetime.now(UTC)
    failures, held = open_failures(ledger, now - LOOKED_BACK), count_troubles(ledger)
    overdue = count_overdue(ledger, connections, now)
    newest = newest_runs(ledger)
    return page(
        "runs",
        root="./",
        headline=_headline(failures, held, sum(overdue.values())),
        rows=[(run, *run_figures(PastRun.of(run))) for run in found],
        is_last=is_last,
        asked=asked,
        given={
            "connection": asked.connection,
            "kind": asked.kind,
            "outcome": asked.outcome,
            "from": asked.first,
            "to": asked.last,
        },
        connections=connections,
        kinds=KINDS,
        outcomes=OUTCOME_WORDS,
        failures=failures,
        held=held,
        overdue=overdue,
        reported_by=REPORTED_BY,
        newest=newest,
        shown_kinds=[kind for kind in KINDS if any(pair[1] == kind for pair in newest)],
    )


def _headline(failures: list[Failure], held: Mapping[str, Mapping[str, int]], overdue: int) -> str:
    """The state of things, in a sentence or two."""
    late = (
        f" {counted(overdue, 'order')} {'is' if overdue == 1 else 'are'} overdue in the warehouse." if overdue else ""
    )
    return f"{_waiting(failures, held)}{late}"


def _waiting(failures: list[Failure], held: Mapping[str, Mapping[str, int]]) -> str:
    """What needs attention."""
    nouns = ("order", "parcel", "SKU")
    sums = {noun: sum(counts.get(noun, 0) for counts in held.values()) for noun in nouns}
    waiting = [counted(count, noun).replace(" ", "\N{NO-BREAK SPACE}") for noun, count in sums.items() if count]
    runs = sum(failure.count for failure in failures)
    failed = f"{counted(runs, 'run')} failed and {'was' if runs == 1 else 'were'} not run again"
    if not waiting:
        return f"{failed}; nothing is held." if failures else "Nothing failed, nothing is held."
    together = " and ".join(filter(None, (", ".join(waiting[:-1]), waiting[-1])))
    waits = f"{together} {'needs' if sum(sums.values()) == 1 else 'need'} attention"
    return f"{failed}; {waits}." if failures else f"{waits}."


@router.get("/runs/index.html", response_model=None)
def index_of_reports() -> RedirectResponse:
    """Where the pages of runs lead to, as they lie beside their index in the reports' folder."""
    return RedirectResponse("../", status_code=307)


@router.get("/runs/{batch_id}")
def run(request: Request, batch_id: str) -> HTMLResponse:
    """The report of a run as it was written; of one that has none, what the ledger knows."""
    found = find_run(ledger_of(request), batch_id.removesuffix(".html"))
    if found is None:
        raise NotFoundError(f"There is no run {batch_id!r}.", remedy="The first page lists all runs.", root="../")
    written = _written_page(request.app.state.settings, found)
    if written is not None:
        return run_page(written)
    return page("run", root="../", run=found, figures=SUMMED.get(found.kind, ()))


def _written_page(settings: Settings, found: Run) -> str | None:
    """The text of a run's report; None while it is run again, or where there is none."""
    path = settings.reports / f"{found.batch_id}.html"
    if found.status == "running" or path.parent != settings.reports or not path.is_file():
        return None
    return path.read_text(encoding="utf-8")
