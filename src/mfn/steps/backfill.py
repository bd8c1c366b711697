"""A long period that is to be searched besides: noted, and worked off with calls that the imports leave."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from mfn.amazon.marketplaces import BY_NAME
from mfn.amazon.order_pages import SETTLED_AFTER
from mfn.connections import find_connection
from mfn.database.engines import writing
from mfn.errors import ConfigurationError
from mfn.ledger.landing import get_watermark
from mfn.ledger.opening import open_ledger
from mfn.ledger.search_gaps import note_gap, search_gaps

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from sqlalchemy import Row

    from mfn.settings import Settings


KEPT_FOR = timedelta(days=2 * 365 + 1)
KEPT_SINCE = datetime(2016, 1, 1, tzinfo=UTC)
LONG_KEPT = {BY_NAME[name].marketplace_id for name in ("JP", "AU", "SG")}
"""Amazon shows no order data of more than two years ago, in these marketplaces none from before 2016
(orders_2026-01-01.json, 2026-07-29)."""


def backfill(
    settings: Settings, connection: str, *, since: datetime | None = None, before: datetime | None = None
) -> dict[str, Any]:
    """Note a period that is to be searched page by page whenever no more urgent search needs the call.

    Args:
        settings: The settings in force.
        connection: The connection's name.
        since: Its beginning, aware; None: nothing is noted.
        before: Its end, aware; None: where the imports have got to, or the present before the first of them.

    Returns:
        What `mfn backfill --json` prints: `connection`, `after`, `before` (null where nothing was asked for) and
        `gaps`, what is left: `gap_id`, `kind`, `after`, `before`, `noted_at`; times in UTC.

    Raises:
        ConfigurationError: There is no such connection, or the period has no length, lies in the future, or begins
            before Amazon has orders.
        RetriableError: The ledger cannot be reached.
    """
    marketplace_ids = find_connection(settings, connection).marketplace_ids
    ledger = open_ledger(settings)
    after = None
    if since is not None:
        settled = datetime.now(UTC) - SETTLED_AFTER
        after = since.replace(microsecond=0)
        before = min(before or get_watermark(ledger, connection) or settled, settled).replace(microsecond=0)
        if after >= before:
            raise ConfigurationError(
                f"there is nothing between {after:%Y-%m-%d %H:%M:%S} and {before:%Y-%m-%d %H:%M:%S} UTC.",
                remedy="Give a --since that lies before --before, and before what the imports have fetched up to.",
            )
        oldest = oldest_orders(marketplace_ids, datetime.now(UTC))
        if after < oldest:
            raise ConfigurationError(
                f"Amazon has no orders of {after.date()} any more: the oldest are of {oldest.date()}.",
                remedy=f"Give --since {oldest.date()}, or later.",
            )
        with writing(ledger.engine, what="the ledger") as database:
            for begin, end in _days(after, before):
                note_gap(database, connection, "backfill", begin, end)
    elif before is not None:
        raise ConfigurationError("--before says where a period ends, and none begins.", remedy="Give --since as well.")
    return {
        "connection": connection,
        "after": after and after.isoformat(),
        "before": before and before.isoformat(),
        "gaps": [_shown(gap) for gap in search_gaps(ledger, connection)],
    }


def oldest_orders(marketplace_ids: Collection[str], now: datetime) -> datetime:
    """The day from which on Amazon may have orders of some marketplaces, in UTC.

    Args:
        marketplace_ids: Amazon's ids.
        now: The present moment, aware.
    """
    if LONG_KEPT.isdisjoint(marketplace_ids):
        return now.replace(hour=0, minute=0, second=0, microsecond=0) - KEPT_FOR
    return KEPT_SINCE


def _days(after: datetime, before: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The days of a period: a search that was broken off for longer than its page token lives loses one of them."""
    while after < before:
        end = min(after + timedelta(days=1), before)
        yield after, end
        after = end


def _shown(gap: Row[Any]) -> dict[str, Any]:
    return {
        "gap_id": gap.gap_id,
        "kind": gap.kind,
        "after": gap.after.isoformat(),
        "before": gap.before.isoformat(),
        "noted_at": gap.noted_at.isoformat(),
    }
