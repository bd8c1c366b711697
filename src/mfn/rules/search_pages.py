"""Pages of searchOrders: what Amazon puts on one, and where a full one ends."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

PAGE_ORDERS = 100
"""Orders on a full page of searchOrders."""

SETTLING = timedelta(minutes=2)
"""How long after a change a search shows it (orders_2026-01-01.json, 2026-07-29)."""


def page_end(times: Sequence[datetime | None], after: datetime, before: datetime) -> datetime | None:
    """Where the next search may begin after a full page, the oldest changes on it.

    Amazon sends them in that order but does not promise to, so what was passed is searched completely some other time.
    A page that is not in this order, that does not get past the second in which it began, or that goes beyond what
    Amazon searched, has no such end: continue with its token.

    Args:
        times: Of each order on the page, in its order, when it changed last; None where that cannot be read.
        after: Where the search began.
        before: Up to when Amazon says that it looked.
    """
    known = [moment for moment in times if moment is not None]
    if len(known) < len(times) or not known or any(one > next_ for one, next_ in pairwise(known)):
        return None
    end = known[-1].replace(microsecond=0)
    return end if known[0] >= after.replace(microsecond=0) and after < end <= before else None
