"""What runs did: for the `--json` output of commands, for Prefect, and for links."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from mfn.errors import MfnError
from mfn.ledger.batch_failures import failed_at
from mfn.ledger.batches import get_batch
from mfn.ledger.opening import open_ledger
from mfn.ledger.orders import batch_orders, read_reasons
from mfn.models import BESIDE, PASSED, SUMMED, Parameters
from mfn.moments import iso
from mfn.reports.words import WORDS
from mfn.steps.reconciling.found_differences import found_in

if TYPE_CHECKING:
    from sqlalchemy import Row

    from mfn.models import BatchRef
    from mfn.settings import Settings

WRITTEN_AGAIN = "its rows in the warehouse were written again"
"""About an order that Amazon did not change and that the warehouse has not started."""


def summary_of(settings: Settings, batch_id: str) -> dict[str, Any]:
    """What a run did, as its command prints it with --json."""
    row = get_batch(open_ledger(settings), batch_id)
    return {
        "batch_id": batch_id,
        "connection": row.connection,
        "status": row.status,
        **(_window(row) if row.kind in {"import", "reconcile"} else {}),
        **{name: row.counts.get(name, 0) for name in (*SUMMED[row.kind], *BESIDE[row.kind])},
        **(_undecided_and_ignored(row) if row.kind == "import" else {}),
        **({"differences": found_in(row)} if row.kind == "reconcile" else {}),
        "api_calls": row.api_calls,
        **_order(settings, row),
        **_rehearsed(settings, row),
        "report": row.report,
        "seconds": round(((row.finished_at or datetime.now(UTC)) - row.started_at).total_seconds(), 3),
    }


def _undecided_and_ignored(row: Row[Any]) -> dict[str, Any]:
    """How many landed orders have no outcome yet and wait for the failed batch to be rerun; why others are ignored."""
    given, *outcomes = (row.counts.get(name, 0) for name in SUMMED["import"])
    return {"not_decided": max(given - sum(outcomes), 0), "ignored_reasons": row.findings.get("ignored", {})}


def _order(settings: Settings, row: Row[Any]) -> dict[str, Any]:
    """The outcome of the order, for a run over a single one, and any conflict with the warehouse."""
    asked = Parameters.of(row.parameters).order_id
    found = batch_orders(open_ledger(settings), row.batch_id) if asked else ()
    order = next((one for one in found if one.order_id == asked and one.outcome is not None), None)
    if order is None:
        return {}
    reasons = [asdict(reason) for reason in read_reasons(order.reasons)]
    document: dict[str, Any] = {"order_id": asked, "outcome": order.outcome, "reasons": reasons}
    if row.findings.get("written_again"):
        document["is_written_again"] = True
    if conflicts := row.findings.get("conflicts"):
        document["conflicts"] = conflicts
    return {"order": document}


def _rehearsed(settings: Settings, row: Row[Any]) -> dict[str, Any]:
    """The ids of the orders that a dry run would have loaded: they are recorded nowhere else."""
    if row.kind != "import" or not Parameters.of(row.parameters).dry_run:
        return {}
    found = batch_orders(open_ledger(settings), row.batch_id, outcomes=PASSED)
    return {"would_load": [one.order_id for one in found]}


def outcome_of(settings: Settings, batch_id: str) -> str:
    """What a run did in one line: `us-import-…: fetched 5, loaded 4, held 1, …`; for a single order also why.

    Of a dry run, whose figures are those of what would have been done, it says so.

    Args:
        settings: The settings in force.
        batch_id: A batch that is done.
    """
    row = get_batch(open_ledger(settings), batch_id)
    figures = ", ".join(f"{name} {row.counts.get(name, 0)}" for name in SUMMED[row.kind])
    order = _order(settings, row).get("order", {"reasons": ()})
    details = [f"dry run: {WORDS[row.kind].rehearsed}"] if Parameters.of(row.parameters).dry_run else []
    details += [WRITTEN_AGAIN] if order.get("is_written_again") else []
    details += [f"{why['code']}: {why['detail']}" for why in order["reasons"]]
    details += [f"{conflict['what']} (warehouse: {conflict['status']})" for conflict in order.get("conflicts", ())]
    return "; ".join([f"{batch_id}: {figures}", *details])


def failure_of(settings: Settings, batch_id: str, error: MfnError) -> str:
    """How a run failed: at which stage, why, and what happens next; for people.

    Args:
        settings: The settings in force.
        batch_id: Its batch.
        error: What the run ended with; used where the ledger has no error, or cannot be reached.
    """
    try:
        row = get_batch(open_ledger(settings), batch_id)
    except MfnError:
        return f"{batch_id}: {error.message}\n{error.remedy}"
    stage = failed_at(row)
    if stage is None:
        return f"{row.kind} of {row.connection}: {error.message}\n{error.remedy}\nBatch {batch_id} is {row.status}."
    return (
        f"{row.kind} of {row.connection} failed at {stage}: {row.error or error.message}\n"
        f"{row.remedy or error.remedy}\n"
        f"Batch {batch_id}. To run it again: Retry, or mfn rerun {batch_id}. All failed batches: mfn batches --failed."
    )


def report_url(settings: Settings, batch_id: str) -> str | None:
    """The URL of a run's report, on the report site or as a file; None if it has none."""
    page = get_batch(open_ledger(settings), batch_id).report
    if settings.reports_url is not None:
        return f"{settings.reports_url.rstrip('/')}/runs/{quote(batch_id)}"
    return None if page is None else Path(page).as_uri()


def window_of(settings: Settings, batch: BatchRef) -> str:
    """The window of an import as people read it: `2026-11-24 10:00 to 10:15 UTC`, or its order."""
    row = get_batch(open_ledger(settings), batch.batch_id)
    asked = Parameters.of(row.parameters)
    if asked.order_id:
        return f"order {asked.order_id}"
    if row.window_after is None or row.window_before is None:
        return "no window"
    same_day = row.window_after.date() == row.window_before.date()
    end = f"{row.window_before:%H:%M}" if same_day else f"{row.window_before:%Y-%m-%d %H:%M}"
    return f"{row.window_after:%Y-%m-%d %H:%M} to {end} UTC"


def _window(row: Row[Any]) -> dict[str, Any]:
    return {"window": {"after": iso(row.window_after), "before": iso(row.window_before)}}
