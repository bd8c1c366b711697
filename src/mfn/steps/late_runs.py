"""Scheduled runs that have nothing to do, because another run has done their work or is doing it now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from mfn.connections import find_connection
from mfn.ledger.batch_listing import list_batches
from mfn.ledger.opening import open_ledger
from mfn.ledger.watermarks import get_watermark
from mfn.rules.search_pages import SETTLING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy import Row

    from mfn.models import BatchKind
    from mfn.settings import Settings

MOMENT_AGO = timedelta(seconds=179)
"""A scheduled run skips a window that another one fetched within the time in which searchOrders refills by one
call (0.0056 a second, orders_2026-01-01.json, 2026-07-29)."""

DOES_MORE = frozenset({"full", "force"})
"""With these parameters a run does everything that it does without them, and more."""

DOES_LESS = frozenset({"named", "gap"})
"""With these parameters an import does not look for what is new."""

LOOKED_AT = 50
"""How many of the newest batches are checked; some of them are dry runs, or runs for a single order."""


@dataclass(frozen=True)
class Needless:
    """Why a run has nothing to do.

    Attributes:
        batch_id: The run that has done its work, or is doing it.
        why: The reason in words.
    """

    batch_id: str
    why: str


def why_needless(
    settings: Settings, connection: str, kind: BatchKind, parameters: Mapping[str, Any], *, due_at: datetime
) -> Needless | None:
    """Why a run that the schedule started has nothing to do; never asked for one that a person started.

    After a weekend without a worker, all the runs that were due start at once. The first one does the work of all. If
    it fails, the others do not run into the same fault; the next run that is on time resumes it.

    Args:
        settings: The settings in force.
        connection: The connection's name.
        kind: The kind of run.
        parameters: What the run was requested to do.
        due_at: When the schedule wanted it to start; aware.

    Returns:
        The reason; None if there is something to do.
    """
    find_connection(settings, connection)
    rows = list_batches(open_ledger(settings), connection=connection, kind=kind, limit=LOOKED_AT)
    later = run_since(rows, parameters, due_at)
    if later is not None:
        why = (
            f"It was due at {due_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC, and {later.batch_id} has started since then:"
            " it covers all runs that were due before it."
        )
        return Needless(later.batch_id, why)
    if kind == "import" and was_just_fetched(settings, connection):
        watermark = get_watermark(open_ledger(settings), connection)
        fetched = next((row for row in rows if row.window_before == watermark), rows[0])
        return Needless(fetched.batch_id, f"Another run has just fetched this window: {fetched.batch_id}.")
    return None


def run_since(rows: Iterable[Row[Any]], parameters: Mapping[str, Any], due_at: datetime) -> Row[Any] | None:
    """A run that began after another was due and covers its work, or None.

    Args:
        rows: Batches of its connection and kind.
        parameters: What the run that was due was requested to do.
        due_at: When it was due; aware.
    """
    return next(
        (
            row
            for row in rows
            # A closed window was run again by a person: it goes up to a moment of the past.
            if row.is_window_open
            and row.taken_up_at
            and row.taken_up_at > due_at
            and _covers(row.parameters, parameters)
        ),
        None,
    )


def _covers(done: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    return not DOES_LESS & done.keys() and all(
        done.get(name) == value or (name in DOES_MORE and bool(done.get(name))) for name, value in wanted.items()
    )


def was_just_fetched(settings: Settings, connection: str) -> bool:
    """Whether a scheduled import has nothing to do, since another one fetched its window a moment ago."""
    ledger = open_ledger(settings)
    watermark = get_watermark(ledger, connection)
    newest = next(iter(list_batches(ledger, connection=connection, kind="import", limit=1)), None)
    if watermark is None or newest is None or newest.status == "failed":
        return False
    return datetime.now(UTC) - SETTLING - watermark < MOMENT_AGO


def just_ended(settings: Settings, connection: str) -> str | None:
    """The import of a connection that ended last, if that was a moment ago; else None."""
    rows = list_batches(open_ledger(settings), connection=connection, kind="import", limit=LOOKED_AT)
    ended = max((row for row in rows if row.finished_at is not None), key=lambda row: row.finished_at, default=None)
    return ended.batch_id if ended is not None and datetime.now(UTC) - ended.finished_at < MOMENT_AGO else None
