"""The site's first page, with all runs, and the page of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from mfn.ledger.run_listing import find_run, find_runs
from mfn.reports.html import run_figures
from mfn.reports.wording import WORDS
from mfn.site.opening import NotFoundError, ledger_of
from mfn.site.pages import page, run_page

if TYPE_CHECKING:
    from mfn.ledger.run_listing import Run
    from mfn.settings import Settings

PAGE_SIZE = 50

router = APIRouter()


@router.get("/")
def index(request: Request) -> HTMLResponse:
    """Every run, newest first."""
    found = find_runs(ledger_of(request), limit=PAGE_SIZE)
    return page("runs", root="./", rows=[(run, *run_figures(run.as_past_run)) for run in found])


@router.get("/runs/index.html")
def index_of_reports() -> RedirectResponse:
    """Where the pages of runs lead to, as they lie beside their index in the reports' folder."""
    return RedirectResponse("../", status_code=307)


@router.get("/runs/{batch_id}")
def run(request: Request, batch_id: str) -> HTMLResponse:
    """The report of a run as it was written; of one that has none, what the ledger knows."""
    batch_id = batch_id.removesuffix(".html")
    found = find_run(ledger_of(request), batch_id)
    if found is None:
        raise NotFoundError(f"There is no run {batch_id!r}.", remedy="All runs stand on the first page.", root="../")
    written = _written_page(request.app.state.settings, found)
    if written is not None:
        return run_page(written)
    return page("run", root="../", run=found, words=WORDS.get(found.kind))


def _written_page(settings: Settings, found: Run) -> str | None:
    """The text of a run's report; None while it is run again, or where there is none."""
    if found.status == "running":
        return None
    path = settings.reports / f"{found.batch_id}.html"
    if path.parent != settings.reports or not path.is_file():
        return None
    return path.read_text(encoding="utf-8")
