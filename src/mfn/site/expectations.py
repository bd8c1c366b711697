"""The expectations on orders, parcels and stock, and what each found over time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse  # noqa: TC002 - FastAPI reads the types when it runs

from mfn.ledger.known_connections import known_connections
from mfn.ledger.run_listing import quality_history
from mfn.quality.model import QualityReport
from mfn.reports.html import CONSEQUENCES
from mfn.reports.model import SHOWN_RUNS
from mfn.site.filters import read_choice
from mfn.site.histories import HEIGHT, STEP, draw, histories, top_of
from mfn.site.opening import NotFoundError, ledger_of
from mfn.site.pages import page

if TYPE_CHECKING:
    from mfn.ledger.opening import Ledger
    from mfn.models import BatchKind
    from mfn.site.histories import History

LOOKED_BACK = 200
LEAST_DRAWN = 50
"""How many runs are read, and how many the chart of one expectation has room for at least."""

KINDS: tuple[BatchKind, ...] = ("import", "confirm", "inventory")
"""The kinds of run that check expectations."""

router = APIRouter()


@router.get("/expectations")
def expectations(request: Request) -> HTMLResponse:
    """Every expectation with its newest finding and those of the last runs."""
    ledger = ledger_of(request)
    connections = known_connections(ledger)
    connection = read_choice(request.query_params, "connection", connections)
    kind = read_choice(request.query_params, "kind", KINDS)
    found = [
        (name, one, _histories(ledger, name, one, limit=SHOWN_RUNS))
        for name in connections
        if connection in {None, name}
        for one in KINDS
        if kind in {None, one}
    ]
    return page(
        "expectations",
        root="./",
        groups=[
            (name, one, [(history, draw(history.entries, runs=SHOWN_RUNS)) for history in sorted(shown, key=_is_kept)])
            for name, one, shown in found
            if shown
        ],
        connections=connections,
        connection=connection,
        kinds=KINDS,
        kind=kind,
        consequences=CONSEQUENCES,
        size=(SHOWN_RUNS * STEP, HEIGHT),
    )


@router.get("/expectations/{kind}/{key}")
def expectation(request: Request, kind: str, key: str) -> HTMLResponse:
    """What one expectation found in each of the last runs of a connection."""
    ledger = ledger_of(request)
    connections = known_connections(ledger)
    asked = read_choice(request.query_params, "connection", connections)
    found = [
        history
        for one in KINDS
        if one == kind
        for name in connections
        if asked in {None, name}
        for history in _histories(ledger, name, one, limit=LOOKED_BACK)
        if history.key == key
    ]
    if not found:
        raise NotFoundError(
            f"None of the last {LOOKED_BACK} {kind!r} runs had the expectation {key!r}.",
            remedy="The page Expectations lists all of them.",
            root="../../",
        )
    return page(
        "expectation",
        root="../../",
        finding=found[0].last.finding,
        histories=[
            (history, draw(history.entries, runs=max(len(history.entries), LEAST_DRAWN)), top_of(history.entries))
            for history in found
        ],
        consequences=CONSEQUENCES,
        step=STEP,
        least=LEAST_DRAWN * STEP,
        height=HEIGHT,
    )


def _is_kept(history: History) -> bool:
    """Whether nothing broke an expectation in its newest run: those that were broken come first."""
    return not history.last.finding.problem and not history.last.finding.unexpected


def _histories(ledger: Ledger, connection: str, kind: BatchKind, *, limit: int) -> tuple[History, ...]:
    rows = quality_history(ledger, connection, kind, limit=limit)
    runs = ((row.batch_id, row.started_at, QualityReport.from_dict(row.quality or {})) for row in rows)
    return histories(connection, kind, runs)
