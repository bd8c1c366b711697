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
"""So long after a change a search shows it (orders_2026-01-01.json, 2026-07-29)."""


def page_end(times: Sequence[datetime | None], after: datetime, before: datetime) -> datetime | None:
    """Where the next search may begin after a full page, the oldest changes on it.

    That is how Amazon sends them, and it does not promise to: what was passed is searched to its end another time. A
    page that does not look so, that goes no further than the second in which it began, or further than Amazon looked,
    has no such end: its token leads on.

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
