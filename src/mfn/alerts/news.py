"""What is news: people are notified of the same thing again only when it has got worse, or a day later."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime

REMINDED_AFTER = timedelta(hours=24)
SECRET_REMINDED_AFTER = timedelta(days=7)
WORSE = 2
"""Held orders are news again when there are this many times as many as in the last alert."""


@dataclass(frozen=True)
class WaitingOrder:
    """An order that should be in the warehouse and is not, or that should have shipped.

    Attributes:
        order_id: Amazon's order id.
        codes: The codes of the reasons it is held for; none if it is merely not loaded yet, or late.
        ship_by: By when Amazon wants it shipped; None if unknown.
    """

    order_id: str
    codes: tuple[str, ...]
    ship_by: datetime | None


@dataclass(frozen=True)
class LastAlert:
    """The last alert.

    Attributes:
        orders: The number of orders.
        at: When; aware.
    """

    orders: int
    at: datetime


def is_past_threshold(held: int, threshold: int) -> bool:
    """Whether so many held orders are worth an alert; a threshold of 0 means any.

    Args:
        held: How many orders of a connection are held.
        threshold: Its `alerts.held_orders`.
    """
    return held >= max(threshold, 1)


def is_news(held: int, notified: LastAlert | None, now: datetime) -> bool:
    """Whether held orders past the threshold are news.

    Args:
        held: How many there are.
        notified: The last alert since the threshold was passed, or None.
        now: The present moment.
    """
    return notified is None or held >= WORSE * notified.orders or now - notified.at >= REMINDED_AFTER


def not_notified(orders: Iterable[WaitingOrder], notified: Collection[str]) -> list[WaitingOrder]:
    """The orders that no alert has named yet.

    Args:
        orders: Orders that have to ship soon, or should have shipped.
        notified: The ids of those that an alert has named.
    """
    return [order for order in orders if order.order_id not in notified]
