"""What is news: somebody who was told of something is told again only when it got worse, or a day later."""

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
"""Twice as many held orders as somebody was told of are news."""


@dataclass(frozen=True)
class WaitingOrder:
    """An order that is not in the warehouse and ought to be, or that should have left it.

    Attributes:
        order_id: Amazon's order id.
        codes: The codes of the reasons for which it is held; none where it only was not loaded yet, or is late.
        ship_by: By when Amazon wants it shipped; None: unknown.
    """

    order_id: str
    codes: tuple[str, ...]
    ship_by: datetime | None


@dataclass(frozen=True)
class Told:
    """What somebody was told last.

    Attributes:
        orders: Of how many orders.
        at: When; aware.
    """

    orders: int
    at: datetime


def is_past_threshold(held: int, threshold: int) -> bool:
    """Whether so many held orders are told of; a threshold of 0 means any.

    Args:
        held: How many orders of a connection are held.
        threshold: Its `alerts.held_orders`.
    """
    return held >= max(threshold, 1)


def is_news(held: int, told: Told | None, now: datetime) -> bool:
    """Whether held orders past the threshold are news.

    Args:
        held: How many there are.
        told: What somebody was told last, since the threshold was passed; None: nothing.
        now: The present moment.
    """
    return told is None or held >= WORSE * told.orders or now - told.at >= REMINDED_AFTER


def not_told(orders: Iterable[WaitingOrder], told: Collection[str]) -> list[WaitingOrder]:
    """Those that nobody was told of.

    Args:
        orders: Orders that have to leave soon, or should have left.
        told: The ids of those that somebody was told of.
    """
    return [order for order in orders if order.order_id not in told]
