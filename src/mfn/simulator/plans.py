"""Usage plans: one token bucket for each operation, with Amazon's own rates and bursts.

Rates: Selling Partner API models, orders_2026-01-01 of 2026-07-29, ordersV0 of 2026-05-27, feeds and reports of
2026-04-01, listingsItems of 2026-07-30, sellers of 2025-02-26.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mfn.simulator.replies import AmazonError

if TYPE_CHECKING:
    from mfn.simulator.clock import Clock


@dataclass(frozen=True)
class Plan:
    """What an operation may be asked.

    Attributes:
        rate: Requests a second that are refilled.
        burst: Requests that a full bucket holds.
    """

    rate: float
    burst: int


PLANS = {
    "searchOrders": Plan(0.0056, 20),
    "getOrder": Plan(0.5, 30),
    "confirmShipment": Plan(2, 10),
    "getListingsItem": Plan(5, 10),
    "searchListingsItems": Plan(5, 5),
    "patchListingsItem": Plan(5, 5),
    "createFeedDocument": Plan(0.5, 15),
    "createFeed": Plan(0.0083, 15),
    "getFeed": Plan(2, 15),
    "getFeeds": Plan(0.0222, 10),
    "getFeedDocument": Plan(0.0222, 10),
    "createReport": Plan(0.0167, 15),
    "getReport": Plan(2, 15),
    "getReports": Plan(0.0222, 10),
    "getReportDocument": Plan(0.0167, 15),
    "getMarketplaceParticipations": Plan(0.016, 15),
}


class UsagePlans:
    """The buckets of one seller account.

    Args:
        clock: Where time comes from.
        speed: What the rates, not the bursts, are multiplied with.
    """

    def __init__(self, clock: Clock, speed: float) -> None:
        self._clock = clock
        self._speed = speed
        self._levels = {name: (float(plan.burst), clock.seconds()) for name, plan in PLANS.items()}

    def rate(self, operation: str) -> float:
        """Requests a second that the plan refills, as in the header `x-amzn-RateLimit-Limit`."""
        return PLANS[operation].rate * self._speed

    def charge(self, operation: str) -> None:
        """Take one request out of the bucket.

        Raises:
            AmazonError: 429, it is empty.
        """
        level, since = self._levels[operation]
        now = self._clock.seconds()
        level = min(float(PLANS[operation].burst), level + (now - since) * self.rate(operation))
        if level < 1:
            self._levels[operation] = (level, now)
            raise AmazonError(429, "QuotaExceeded", "You exceeded your quota for the requested resource.")
        self._levels[operation] = (level - 1, now)
