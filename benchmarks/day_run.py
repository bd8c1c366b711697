"""One simulated day in a process of its own: `python -m benchmarks.day_run ORDERS LANES` prints what it found as JSON.

LANES is `search`, or `names` for a day in which notifications name every order that changes.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import msgspec
import numpy as np

from benchmarks.day_ages import ages, largest, oldest_since
from benchmarks.day_bound import by_search
from benchmarks.day_clock import virtual_time
from benchmarks.day_lanes import Bound  # noqa: TC001 - msgspec reads it
from benchmarks.day_named import by_names
from benchmarks.day_orders import DAY_SECONDS, HOURS, Day, Moments, expected_due, make_day, moment, order_id
from benchmarks.day_unseen import unseen
from benchmarks.day_world import DayWorld
from benchmarks.homes import CONNECTION, enter_home
from mfn.ledger.batch_listing import list_batches
from mfn.ledger.named_orders import OrderName, note_named
from mfn.ledger.opening import open_ledger
from mfn.simulator.server import SimulatorServer, open_amazon
from mfn.steps.importing.following import follow
from mfn.steps.importing.lane_calls import read_queue

if TYPE_CHECKING:
    from mfn.simulator.local_amazon import LocalAmazon
    from mfn.steps.workplace import Workplace

Flags = np.ndarray[Any, np.dtype[np.bool_]]

SEED = "day"
EVERY_BATCH = 1_000_000


class Hour(msgspec.Struct, frozen=True):
    """One hour of a day.

    Attributes:
        orders: How many became due.
        oldest_seconds: The largest age of the oldest order in it.
        bound_seconds: What no plan keeps it below; where there are no names, all day long.
    """

    orders: int
    oldest_seconds: float
    bound_seconds: float


class DayFound(msgspec.Struct, frozen=True):
    """What a simulated day brought.

    Attributes:
        orders: How many orders became due.
        loaded: How many of them were in the warehouse, or cancelled, by the end.
        maximum_seconds: The largest age of the oldest order not yet in the warehouse.
        mean_seconds: Its mean over the day.
        foresight: The bound for whoever knows the whole day.
        unseen: The bound for whoever does not know what comes; None where notifications tell.
        calls: Answered calls by operation.
        refused: How many were refused for the rate.
        batches: How many runs there were.
        cpu_seconds: What this process and the local Amazon in it worked.
        hours: Hour by hour.
    """

    orders: int
    loaded: int
    maximum_seconds: float
    mean_seconds: float
    foresight: Bound
    unseen: Bound | None
    calls: dict[str, int]
    refused: int
    batches: int
    cpu_seconds: float
    hours: list[Hour]


def simulate(orders: int, *, with_names: bool, seconds: int = DAY_SECONDS) -> DayFound:
    """Let a day pass.

    Args:
        orders: How many are placed.
        with_names: Whether notifications name the orders that change.
        seconds: How long the day lasts.
    """
    day = make_day(orders, seed=SEED, seconds=seconds)
    with tempfile.TemporaryDirectory(prefix="mfn-bench-") as scratch, virtual_time() as clock:
        amazon = open_amazon(orders=0, seed=0, marketplaces=("US",), clock=clock)
        with SimulatorServer(amazon) as server:
            home = Path(scratch) / "home"
            settings = enter_home(home, endpoint=server.endpoint, marketplaces="US")
            world = DayWorld(day, amazon, clock, f"sqlite:///{home / 'warehouse.db'}")
            clock.on_move = world.catch_up
            begun = time.process_time()
            follow(
                settings,
                [CONNECTION],
                wait=clock.sleep,
                is_over=lambda: clock.passed() >= seconds,
                read_names=partial(_take_in, world) if with_names else read_queue,
            )
            world.ship(clock.passed())
            worked = time.process_time() - begun
            batches = len(list_batches(open_ledger(settings), connection=CONNECTION, limit=EVERY_BATCH))
    return _found(day, world.loaded_at, amazon, batches, worked, with_names=with_names, seconds=seconds)


def _take_in(world: DayWorld, place: Workplace) -> int:
    """Note the orders that notifications have named since the last time, as the reader of a queue does."""
    names = [OrderName(order_id(change.order), moment(change.at), change.status) for change in world.named()]
    if names:
        with place.ledger.writing() as database:
            note_named(database, CONNECTION, names)
    return len(names)


def _found(
    day: Day, loaded_at: Moments, amazon: LocalAmazon, batches: int, worked: float, *, with_names: bool, seconds: int
) -> DayFound:
    in_day = day.due_at < seconds
    due, gone = day.due_at[in_day], np.fmin(np.fmin(loaded_at, day.cancelled_at), np.inf)[in_day]
    rising = np.argsort(due, kind="stable")
    begins, since = oldest_since(due[rising], gone[rising])
    maximum, mean = ages(begins, since, until=seconds)
    foresight, blind, least_by_hour = _least(day, in_day & np.isnan(day.cancelled_at), seconds, with_names=with_names)
    hour = seconds / len(HOURS)
    return DayFound(
        orders=len(due),
        loaded=int((gone < seconds).sum()),
        maximum_seconds=maximum,
        mean_seconds=mean,
        foresight=foresight,
        unseen=blind,
        calls=dict(Counter(call.operation for call in amazon.calls)),
        refused=sum(call.status == httpx.codes.TOO_MANY_REQUESTS for call in amazon.calls),
        batches=batches,
        cpu_seconds=worked,
        hours=[
            Hour(
                orders=int(((due >= number * hour) & (due < (number + 1) * hour)).sum()),
                oldest_seconds=largest(begins, since, number * hour, (number + 1) * hour),
                bound_seconds=least,
            )
            for number, least in enumerate(least_by_hour)
        ],
    )


def _least(day: Day, counted: Flags, seconds: int, *, with_names: bool) -> tuple[Bound, Bound | None, list[float]]:
    """What no plan gets below: with foresight, without it, and hour by hour."""
    due = day.due_at[counted]
    if not with_names:
        foresight = by_search(np.sort(due), *_others(day), until=seconds)
        blind = unseen(expected_due(day.orders, seconds=seconds), until=seconds)
        return foresight, blind, [max(foresight.maximum, blind.maximum)] * len(HOURS)
    named_at = {change.order: change.named_at for change in day.changes if change.status == "UNSHIPPED"}
    in_day = np.flatnonzero(day.due_at < seconds)
    rising = in_day[np.argsort(day.due_at[in_day], kind="stable")]
    named = np.array([named_at[number] for number in rising.tolist()])
    cancelled = np.fmin(day.cancelled_at[rising], np.inf)
    bound, least = by_names(day.due_at[rising], named, cancelled, until=seconds)
    return bound, None, [float(hour.max()) for hour in np.array_split(least, len(HOURS))]


def _others(day: Day) -> tuple[Moments, Moments]:
    """What a search shows beside the orders that count: when it changed, and for how long it stays so.

    A cancellation that comes too late, of an order that has been shipped, is none: it is left out.
    """
    changed_again: dict[int, float] = {}
    others = []
    for change in reversed(day.changes):
        is_due, is_cancelled = day.due_at[change.order] >= 0, day.cancelled_at[change.order] >= 0
        if {"PENDING": True, "UNSHIPPED": is_cancelled, "CANCELLED": not is_due}[change.status]:
            others.append((change.at, changed_again.get(change.order, np.inf) - change.at))
        changed_again[change.order] = change.at
    times, stay = np.array(others, dtype=float).reshape(-1, 2).T
    return times, stay


if __name__ == "__main__":
    found = simulate(int(sys.argv[1]), with_names=sys.argv[2] == "names")
    sys.stdout.buffer.write(msgspec.json.encode(found))
