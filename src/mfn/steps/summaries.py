"""What a run did, as its command prints it with --json."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mfn.ledger.batches import get_batch
from mfn.ledger.opening import open_ledger
from mfn.models import BESIDE, SUMMED

if TYPE_CHECKING:
    from sqlalchemy import Row

    from mfn.models import BatchRef
    from mfn.settings import Settings


def summary_of(settings: Settings, batch_id: str) -> dict[str, Any]:
    """What a run did, as its command prints it with --json.

    Args:
        settings: The settings in force.
        batch_id: A batch.
    """
    row = get_batch(open_ledger(settings), batch_id)
    return {
        "batch_id": batch_id,
        "connection": row.connection,
        "status": row.status,
        **(_window(row) if row.kind == "import" else {}),
        **{name: row.counts.get(name, 0) for name in (*SUMMED[row.kind], *BESIDE[row.kind])},
        **({"ignored_reasons": row.findings.get("ignored", {})} if row.kind == "import" else {}),
        "api_calls": row.api_calls,
        "report": row.report,
        "seconds": round(((row.finished_at or datetime.now(UTC)) - row.started_at).total_seconds(), 3),
    }


def window_of(settings: Settings, batch: BatchRef) -> str:
    """The window of an import as people read it: `2026-11-24 10:00 to 10:15 UTC`, or its order."""
    row = get_batch(open_ledger(settings), batch.batch_id)
    if row.parameters.get("order_id"):
        return f"order {row.parameters['order_id']}"
    if row.window_after is None or row.window_before is None:
        return "no window"
    same_day = row.window_after.date() == row.window_before.date()
    end = f"{row.window_before:%H:%M}" if same_day else f"{row.window_before:%Y-%m-%d %H:%M}"
    return f"{row.window_after:%Y-%m-%d %H:%M} to {end} UTC"


def _window(row: Row[Any]) -> dict[str, Any]:
    return {"window": {"after": _iso(row.window_after), "before": _iso(row.window_before)}}


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
