"""How far back Amazon shows orders."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from mfn.amazon.marketplaces import BY_NAME

if TYPE_CHECKING:
    from collections.abc import Collection

KEPT_FOR = timedelta(days=2 * 365 + 1)
KEPT_SINCE = datetime(2016, 1, 1, tzinfo=UTC)
LONG_KEPT = {BY_NAME[name].marketplace_id for name in ("JP", "AU", "SG")}
"""Amazon shows no orders older than two years; in these marketplaces none from before 2016
(orders_2026-01-01.json, 2026-07-29)."""


def oldest_orders(marketplace_ids: Collection[str], now: datetime) -> datetime:
    """The first day, in UTC, of which Amazon may have orders of some marketplaces, by their ids."""
    if LONG_KEPT.isdisjoint(marketplace_ids):
        return now.replace(hour=0, minute=0, second=0, microsecond=0) - KEPT_FOR
    return KEPT_SINCE
