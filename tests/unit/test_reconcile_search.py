"""Which period a reconciliation searches, and how answers about single orders are kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from mfn.amazon.order_pages import SETTLED_AFTER
from mfn.errors import RetriableError
from mfn.models import OrderStatus
from mfn.steps.reconciling.search import Asked
from mfn.steps.reconciling.search import _batched as batched
from mfn.steps.reconciling.search import _new_window as new_window
from mfn.steps.reconciling.search import _to_ask_for as to_ask_for

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = datetime(2026, 11, 24, 12, 0, 0, 500_000, tzinfo=UTC)
END = NOW.replace(microsecond=0) - SETTLED_AFTER


@pytest.mark.parametrize(
    ("since", "begin"),
    [
        (None, END - timedelta(days=3)),
        (END - timedelta(days=30), END - timedelta(days=30)),
        (END - timedelta(seconds=1), END - timedelta(seconds=1)),
        (NOW, END),
    ],
)
def test_what_is_searched_ends_where_amazon_has_settled_and_begins_three_days_before_or_as_asked(
    since: datetime | None, begin: datetime
) -> None:
    window = new_window(since, NOW)
    assert (window.after, window.before) == (begin, END)


def answers(count: int, *, fails: bool) -> Iterator[Asked]:
    for number in range(count):
        yield Asked(f"O{number}", NOW, None)
    if fails:
        raise RetriableError("gone.", remedy="Wait.")


@pytest.mark.parametrize(
    ("count", "parts"), [(0, []), (1, [1]), (19, [19]), (20, [20]), (21, [20, 1]), (45, [20, 20, 5])]
)
def test_answers_are_kept_by_twenty_also_those_before_a_failure(count: int, parts: list[int]) -> None:
    kept = list(batched(answers(count, fails=False)))
    assert [len(part) for part in kept] == parts
    assert [one.order_id for part in kept for one in part] == [f"O{number}" for number in range(count)]
    before_failure: list[list[Asked]] = []
    with pytest.raises(RetriableError, match="gone"):
        before_failure.extend(batched(answers(count, fails=True)))
    assert before_failure == kept


LATE, SOON = datetime.now(UTC) - timedelta(minutes=1), datetime.now(UTC) + timedelta(days=1)


@pytest.mark.parametrize(
    ("status", "ship_by", "is_old", "is_asked"),
    [
        (OrderStatus.HELD, SOON, True, True),
        (OrderStatus.PENDING, SOON, True, True),
        (OrderStatus.READY, SOON, True, True),
        (OrderStatus.LOADED, SOON, True, False),
        (OrderStatus.PARTIALLY_SHIPPED, SOON, True, False),
        (OrderStatus.LOADED, SOON, False, True),  # of the period, or the warehouse has lost it
        (OrderStatus.LOADED, LATE, True, True),
        (OrderStatus.LOADED, None, True, True),
    ],
)
def test_of_old_orders_that_the_warehouse_has_and_need_not_ship_yet_nothing_is_asked(
    status: OrderStatus, ship_by: datetime | None, *, is_old: bool, is_asked: bool
) -> None:
    order: Any = SimpleNamespace(order_id="O", status=status, ship_by=ship_by)
    assert to_ask_for([order], set(), {"O"} if is_old else set(), batch_id="B") == (["O"] if is_asked else [])


def test_orders_of_the_period_are_asked_for_first_and_in_each_run_others_of_them() -> None:
    old, recent = [f"OLD-{number}" for number in range(9)], [f"NEW-{number}" for number in range(9)]
    nameless = ["", "unreadable-1"]  # ids that were made up, or that the warehouse wrote
    waiting: Any = [SimpleNamespace(order_id=each, status="held", ship_by=None) for each in (*old, *nameless)]
    first, second = (to_ask_for(waiting, {*recent, *nameless}, old, batch_id=batch) for batch in ("B1", "B2"))
    assert [sorted(first[:9]), sorted(first[9:])] == [recent, old]
    assert (sorted(first), first[:9] != second[:9], first[9:] != second[9:]) == (sorted(second), True, True)
    assert first[:9] not in (recent, second[:9])
    assert to_ask_for(waiting, {*recent, *nameless}, old, batch_id="B1") == first
