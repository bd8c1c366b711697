"""The rate budget: a token bucket for each of Amazon's operations, kept in the ledger.

Every process that works for the same account takes from the same bucket, so that all of them together stay within what
Amazon allows. Rates and bursts are the defaults of Amazon's models (selling-partner-api-models as of 2026-08-05, usage
plans); the rate that an account really has comes with Amazon's answers in `x-amzn-RateLimit-Limit`.
"""

from __future__ import annotations

import math
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, select, update

from mfn.database.bulk import upsert
from mfn.database.engines import reading, writing
from mfn.errors import RetriableError
from mfn.ledger.booking import Booking, calls_ahead
from mfn.ledger.bucket import Bucket
from mfn.ledger.clock import LedgerTime, seconds_since_start
from mfn.ledger.schema import RateBudget

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection, Engine


@dataclass(frozen=True)
class Plan:
    """An operation's usage plan.

    Attributes:
        rate: Calls a second that come back to the bucket.
        burst: Calls that a full bucket holds.
    """

    rate: float
    burst: int


PLANS = {
    "searchOrders": Plan(0.0056, 20),
    "getOrder": Plan(0.5, 30),
    "confirmShipment": Plan(2, 10),
    "patchListingsItem": Plan(5, 5),
    "searchListingsItems": Plan(5, 5),
    "getListingsItem": Plan(5, 10),
    "createFeed": Plan(0.0083, 15),
    "createFeedDocument": Plan(0.5, 15),
    "getFeed": Plan(2, 15),
    "getFeeds": Plan(0.0222, 10),
    "getFeedDocument": Plan(0.0222, 10),
    "createReport": Plan(0.0167, 15),
    "getReport": Plan(2, 15),
    "getReports": Plan(0.0222, 10),
    "getReportDocument": Plan(0.0167, 15),
    "getMarketplaceParticipations": Plan(0.016, 15),
}

# Built once: these run for every call.
_BUCKET = (RateBudget.account == bindparam("of_account"), RateBudget.operation == bindparam("of_operation"))
_LOCK = (
    select(RateBudget.tokens, RateBudget.rate, RateBudget.counted_at, LedgerTime().label("now"))
    .where(*_BUCKET)
    .with_for_update()
)
_WRITE_BACK = update(RateBudget).where(*_BUCKET)


class Budget:
    """The buckets of one account, shared by every process through the ledger.

    Each call is a short transaction of its own and waits for other writers: never call it from within a transaction on
    the ledger. Threads may share one.

    Args:
        engine: The ledger.
        account: The account whose calls are counted, see `Connection.account`.
        clock: Returns the present time in seconds; None for the ledger's clock, see `mfn.ledger.clock`.
    """

    def __init__(self, engine: Engine, account: str, *, clock: Callable[[], float] | None = None) -> None:
        self._engine = engine
        self._account = account
        self._given_clock = clock
        self._ledger_ahead = 0.0
        self._rates: dict[str, float] = {}
        self._wanted: dict[str, int] = {}
        self._rooms: dict[str, int] = {}
        self._booked: dict[str, Booking] = {}
        self._one_thread = threading.Lock()

    def take(self, operation: str, *, leaving: int = 0) -> float:
        """Take one call of an operation, if there is one.

        Args:
            operation: Amazon's name of it, a key of `PLANS`.
            leaving: How many calls have to stay for others that are more urgent; fewer than the plan's burst.

        Returns:
            0.0 if the call may be made; else the seconds until it may, and nothing was taken.

        Raises:
            RetriableError: The ledger cannot be reached.
        """
        with self._one_thread:
            if operation in self._wanted:
                return self._take_ahead(operation)
            with self._locked(operation) as (bucket, now):
                return bucket.take(now, leaving)

    @contextmanager
    def in_bulk(self, operation: str, calls: int, *, at_once: int) -> Iterator[None]:
        """A context in which `take` books ahead: what comes back within a second, in one transaction.

        What was not used is returned at the end; if the process dies, it is lost.

        Args:
            operation: Amazon's name of it, a key of `PLANS`.
            calls: How many will be made; more may be.
            at_once: How many of them may be under way at the same time.
        """
        self._wanted[operation] = calls
        self._rooms[operation] = max(1, PLANS[operation].burst - at_once)
        try:
            yield
        finally:
            with self._one_thread, suppress(RetriableError):  # what is not returned is refilled within a second anyway
                del self._wanted[operation]
                if operation in self._booked:
                    with self._locked(operation):
                        pass

    def learn(self, operation: str, rate: float) -> None:
        """Adopt the rate that Amazon says this account has.

        Args:
            operation: Amazon's name of it.
            rate: Calls a second, from `x-amzn-RateLimit-Limit`; ignored if it is not a positive number.

        Raises:
            RetriableError: The ledger cannot be reached.
        """
        if not (math.isfinite(rate) and rate > 0) or self._rates.get(operation) == rate:
            return
        with self._one_thread, self._locked(operation) as (bucket, _):
            bucket.rate = rate

    def rate(self, operation: str) -> float:
        """Calls a second that come back to an operation's bucket: what Amazon said last, or else its plan's.

        Raises:
            RetriableError: The ledger cannot be reached.
        """
        with reading(self._engine, what="the ledger") as connection:
            which = {"of_account": self._account, "of_operation": operation}
            known = connection.execute(select(RateBudget.rate).where(*_BUCKET), which).scalar()
        return known if known is not None else PLANS[operation].rate

    def left(self, operation: str) -> float:
        """How many calls of an operation may be made at once now, as far as is known here; nothing is taken.

        Raises:
            RetriableError: The ledger cannot be reached.
        """
        with self._one_thread, self._locked(operation) as (bucket, _):
            return bucket.tokens

    def drain(self, operation: str) -> None:
        """Record that Amazon has just throttled a call: the bucket is empty, whatever was counted here.

        Raises:
            RetriableError: The ledger cannot be reached.
        """
        with self._one_thread, self._locked(operation) as (bucket, _):
            bucket.tokens = min(bucket.tokens, 0.0)

    def _take_ahead(self, operation: str) -> float:
        """A call from those that are booked; more are booked if none is left.

        A single call is not booked but taken once it is there: processes that each book one and are a moment late for
        it would queue behind each other forever.
        """
        booked = self._booked.get(operation)
        seconds = booked.take(self._clock()) if booked else None
        if seconds is None:
            with self._locked(operation) as (bucket, now):
                room, wanted = self._rooms[operation], self._wanted[operation]
                bucket.tokens = min(bucket.tokens, room)
                booked = Booking(bucket, room, now, wanted) if calls_ahead(bucket, wanted) > 1 else None
                seconds = bucket.take(now) if booked is None else None
            if booked is not None:
                self._booked[operation] = booked
                seconds = booked.take(now) or 0.0
        if not seconds:
            self._wanted[operation] -= 1
        return seconds or 0.0

    def _clock(self) -> float:
        """The time of the ledger's clock, as it was last read; this machine's clock does not matter."""
        if self._given_clock is not None:
            return self._given_clock()
        return seconds_since_start() + self._ledger_ahead

    @contextmanager
    def _locked(self, operation: str) -> Iterator[tuple[Bucket, float]]:
        """The bucket, refilled for the time at which it was locked, and that time; written back at the end.

        What this process has booked ahead is returned first.
        """
        plan, booked = PLANS[operation], self._booked.pop(operation, None)
        with writing(self._engine, what="the ledger") as connection:
            which = {"of_account": self._account, "of_operation": operation}
            row = connection.execute(_LOCK, which).one_or_none()
            if row is None:
                self._create(connection, operation, plan)
                row = connection.execute(_LOCK, which).one()
            bucket = Bucket(row.tokens, row.rate, row.counted_at)
            self._ledger_ahead = row.now - seconds_since_start()
            now = self._clock()
            bucket.refill(now, plan.burst)
            if booked:
                booked.put_back(bucket, now)
            yield bucket, now
            left = {"tokens": bucket.tokens, "rate": bucket.rate, "counted_at": bucket.counted_at}
            connection.execute(_WRITE_BACK, {**which, **left})
        self._rates[operation] = bucket.rate

    def _create(self, connection: Connection, operation: str, plan: Plan) -> None:
        """A full bucket, unless another process made one in between."""
        connection.execute(
            upsert(connection.dialect, RateBudget)
            .values(
                account=self._account,
                operation=operation,
                tokens=float(plan.burst),
                rate=plan.rate,
                counted_at=LedgerTime() if self._given_clock is None else self._given_clock(),
            )
            .on_conflict_do_nothing()
        )
