"""The orders of a simulated day: when each is placed, paid, cancelled and named, the same for the same seed.

The hours are weighed as a shop's are that sells to one country: little at night, most in the evening, and one hour in
which a sale is on. Most orders are due at once; a few wait for their payment, some of those in vain, and some buyers
change their minds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from mfn.amazon.marketplaces import BY_NAME
from mfn.simulator import cases
from mfn.simulator.clock import amazon_time
from mfn.simulator.drafts import draft_order, seeded, seller_in, set_totals

Moments = np.ndarray[Any, np.dtype[np.float64]]
"""Seconds since the day began, one for each of something."""

DAY_SECONDS = 86_400
START = datetime(2026, 11, 27, tzinfo=UTC)
"""The day begins."""

HOURS = (
    *(0.35, 0.25, 0.2, 0.18, 0.2, 0.3, 0.5, 0.75, 0.95, 1.1, 1.2, 1.25),
    *(1.3, 1.25, 1.2, 1.2, 1.25, 1.35, 1.45, 1.6, 2.6, 1.7, 1.1, 0.65),
)
"""Orders in each hour of the day, in relation to each other: a sale is on from 20 to 21 o'clock."""

PENDING_SHARE = 0.03
UNPAID_SHARE = 0.005
CANCELLED_SHARE = 0.01
"""So many orders are pending for a while, are never paid, or are cancelled by their buyers once they are due."""

PENDING_MINUTES = (5.0, 30.0)
CANCELLED_MINUTES = (20.0, 180.0)
SHIPPED_HOURS = (1.0, 6.0)
"""From placed to paid; from due to cancelled; from loaded to shipped by the warehouse."""

NAMED_SECONDS = (1.0, 10.0)
"""How long a notification of a change takes to arrive."""

KINDS = (
    *(cases.plain,) * 60,
    *(cases.seller_fulfilled_prime,) * 14,
    *(cases.business,) * 7,
    *(cases.premium,) * 5,
    *(cases.gift,) * 5,
    *(cases.kit,) * 4,
    *(cases.alias,) * 4,
    cases.many_lines,
)
"""Orders that the warehouse can ship: a held one would be the oldest for ever, whatever the calls are spent on."""


@dataclass(frozen=True)
class Change:
    """Something that happens to an order at Amazon.

    Attributes:
        at: Seconds since the day began, whole.
        order: The order's number.
        status: Its fulfillmentStatus since.
        named_at: When a notification of it is there, in seconds since the day began.
    """

    at: int
    order: int
    status: str
    named_at: float


@dataclass(frozen=True)
class Day:
    """A day's orders, by number.

    Attributes:
        seed: What they are drawn from.
        placed_at: When each is placed, in seconds since the day began, rising.
        due_at: When each becomes UNSHIPPED, likewise; NaN: never.
        cancelled_at: When each is cancelled; NaN: never.
        changes: Everything that happens, whatever is imported when, oldest first.
    """

    seed: str
    placed_at: Moments
    due_at: Moments
    cancelled_at: Moments
    changes: list[Change] = field(repr=False)

    @property
    def orders(self) -> int:
        """How many orders there are."""
        return len(self.placed_at)

    def document(self, number: int, status: str, at: float) -> dict[str, Any]:
        """An order as Amazon has it since a change.

        Args:
            number: Which order.
            status: Its fulfillmentStatus.
            at: When that changed, in seconds since the day began.
        """
        chance, seller = seeded(self.seed, number), seller_in(BY_NAME["US"])
        order = draft_order(chance, seller, moment(self.placed_at[number]))
        chance.choice(KINDS)(chance, order, seller)
        set_totals(order, seller)
        if status == "PENDING":
            cases.as_pending(order)
        elif status == "CANCELLED":
            cases.cancelled(chance, order, seller)
        elif status == "SHIPPED":
            order["fulfillment"]["fulfillmentStatus"] = status
            for item in order["orderItems"]:
                item["fulfillment"] |= {"quantityFulfilled": item["quantityOrdered"], "quantityUnfulfilled": 0}
        return order | {"orderId": order_id(number), "lastUpdatedTime": amazon_time(moment(at))}


def make_day(orders: int, *, seed: str, seconds: int = DAY_SECONDS) -> Day:
    """The orders of a day.

    Args:
        orders: How many are placed.
        seed: Which day.
        seconds: How long it lasts: its hours are as much shorter.
    """
    chance = np.random.default_rng([ord(letter) for letter in seed])
    hours = chance.choice(len(HOURS), size=orders, p=np.array(HOURS) / sum(HOURS))
    placed = np.sort(np.floor((hours + chance.random(orders)) * seconds / len(HOURS)))
    fate = chance.random(orders)
    is_pending, is_unpaid = fate < PENDING_SHARE + UNPAID_SHARE, fate < UNPAID_SHARE
    is_cancelled = fate > 1 - CANCELLED_SHARE
    paid = placed + np.floor(60 * chance.uniform(*PENDING_MINUTES, orders))
    due = np.where(is_unpaid, np.nan, np.where(is_pending, paid, placed))
    late = due + np.floor(60 * chance.uniform(*CANCELLED_MINUTES, orders))
    cancelled = np.where(is_unpaid, paid, np.where(is_cancelled, late, np.nan))
    changes = [
        Change(int(at), number, status, at + chance.uniform(*NAMED_SECONDS))
        for status, times in (
            ("PENDING", np.where(is_pending, placed, np.nan)),
            ("UNSHIPPED", due),
            ("CANCELLED", cancelled),
        )
        for number, at in enumerate(times)
        if at < seconds
    ]
    return Day(seed, placed, due, cancelled, sorted(changes, key=lambda change: (change.at, change.order)))


def expected_due(orders: int, *, seconds: int = DAY_SECONDS) -> Moments:
    """How many orders are to be expected to become due, and not to be cancelled, in each second of a day."""
    hours = np.repeat(np.array(HOURS) / sum(HOURS), seconds // len(HOURS)) / (seconds // len(HOURS))
    later = np.roll(hours, round(60 * sum(PENDING_MINUTES) / 2))
    paid_late = PENDING_SHARE
    return orders * ((1 - UNPAID_SHARE - CANCELLED_SHARE - paid_late) * hours + paid_late * later)


def moment(seconds: float) -> datetime:
    """Seconds since the day began, as a moment in UTC."""
    return START + timedelta(seconds=float(seconds))


def order_id(number: int) -> str:
    """Amazon's id of an order of the day."""
    return f"111-{number:07d}-{number:07d}"


def number_of(name: str) -> int:
    """The number of an order, from its id."""
    return int(name[-7:])
