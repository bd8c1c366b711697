"""A long period to be searched in the background: recorded, and worked off with the calls that imports can spare."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from mfn.amazon.order_pages import SETTLED_AFTER
from mfn.connections import find_connection
from mfn.errors import ConfigurationError
from mfn.ledger.opening import open_ledger
from mfn.ledger.schema import Batch
from mfn.ledger.search_gaps import note_gap, search_gaps
from mfn.ledger.watermarks import get_watermark
from mfn.moments import iso
from mfn.steps.oldest_orders import oldest_orders

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Row

    from mfn.ledger.opening import Ledger
    from mfn.settings import Settings


SAME_MOMENT = timedelta(seconds=1)


def backfill(
    settings: Settings, connection: str, *, since: datetime | None = None, before: datetime | None = None
) -> dict[str, Any]:
    """Record a period to be searched page by page, whenever no more urgent search needs the call.

    Parts of it that are recorded already are not recorded again.

    Args:
        settings: The settings in force.
        connection: The connection's name.
        since: Its beginning, aware; None to record nothing.
        before: Its end, aware; None for the point that the imports have reached, or for now before the first import.

    Returns:
        What `mfn backfill --json` prints: `connection`, `after`, `before` (null where nothing was requested), `noted`,
        the periods of it that were not noted yet (`after`, `before`), and `gaps`, what is left: `gap_id`, `kind`,
        `after`, `before`, `noted_at`; times in UTC.

    Raises:
        ConfigurationError: There is no such connection, or the period has no length, is in the future, or begins
            before Amazon has orders.
        RetriableError: The ledger cannot be reached.
    """
    marketplace_ids = find_connection(settings, connection).marketplace_ids
    if since is None and before is not None:
        raise ConfigurationError(
            "--before sets the end of a period, but its start is missing.", remedy="Give --since as well."
        )
    ledger = open_ledger(settings)
    after, noted = None, list[tuple[datetime, datetime]]()
    if since is not None:
        now, is_open = datetime.now(UTC), before is None
        settled = now - SETTLED_AFTER
        after = since.replace(microsecond=0)
        before = min(before or get_watermark(ledger, connection) or settled, settled).replace(microsecond=0)
        _refuse_impossible(after, before, oldest_orders(marketplace_ids, now))
        noted = _not_noted(ledger, connection, after, before, is_open=is_open)
        with ledger.writing() as database:
            for begin, end in noted:
                for day in _days(begin, end):
                    note_gap(database, connection, "backfill", *day)
    return {
        "connection": connection,
        "after": iso(after),
        "before": iso(before),
        "noted": [{"after": iso(begin), "before": iso(end)} for begin, end in noted],
        "gaps": [_shown(gap) for gap in search_gaps(ledger, connection)],
    }


def _refuse_impossible(after: datetime, before: datetime, oldest: datetime) -> None:
    """Refuse a period without a length, and one that begins before Amazon has orders."""
    if after >= before:
        raise ConfigurationError(
            f"the period from {after:%Y-%m-%d %H:%M:%S} to {before:%Y-%m-%d %H:%M:%S} UTC is empty.",
            remedy="Give a --since earlier than --before and earlier than what imports have already fetched.",
        )
    if after < oldest:
        raise ConfigurationError(
            f"Amazon no longer has orders from {after.date()}: the oldest are from {oldest.date()}.",
            remedy=f"Give --since {oldest.date()}, or later.",
        )


def _not_noted(
    ledger: Ledger, connection: str, after: datetime, before: datetime, *, is_open: bool
) -> list[tuple[datetime, datetime]]:
    """The parts of a period that no waiting backfill covers, in order.

    Args:
        ledger: The open ledger.
        connection: The connection's name.
        after: The beginning of the period.
        before: Its end.
        is_open: Whether nobody named its end: then what imports have fetched since the last backfill is left out.
    """
    parts = []
    waiting = [gap for gap in search_gaps(ledger, connection) if gap.kind == "backfill"]
    for gap in sorted(waiting, key=lambda one: one.after):
        if after < gap.after < before:
            parts.append((after, gap.after))
        after = max(after, gap.before)
    last = max((gap.before for gap in waiting), default=None)
    if after < before and not (is_open and after == last and _ended_where_imports_were(ledger, connection, waiting)):
        parts.append((after, before))
    return parts


def _ended_where_imports_were(ledger: Ledger, connection: str, waiting: Sequence[Row[Any]]) -> bool:
    """Whether the last backfill was to reach up to where the imports were then: they have gone on from there."""
    last = max(waiting, key=lambda gap: gap.before)
    if timedelta() <= last.noted_at - SETTLED_AFTER - last.before < SAME_MOMENT:  # before the first import
        return True
    is_import = (Batch.connection == connection) & (Batch.kind == "import") & (Batch.started_at <= last.noted_at)
    ends_there = Batch.window_before.between(last.before, last.before + SAME_MOMENT)
    with ledger.reading() as database:
        return database.execute(select(Batch.batch_id).where(is_import, ends_there).limit(1)).first() is not None


def _days(after: datetime, before: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The days of a period: a search interrupted for longer than its page token lives loses only one of them."""
    while after < before:
        end = min(after + timedelta(days=1), before)
        yield after, end
        after = end


def _shown(gap: Row[Any]) -> dict[str, Any]:
    return {
        "gap_id": gap.gap_id,
        "kind": gap.kind,
        "after": iso(gap.after),
        "before": iso(gap.before),
        "noted_at": iso(gap.noted_at),
    }
