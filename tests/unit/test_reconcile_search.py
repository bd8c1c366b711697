"""Which period a reconciliation searches, and how answers about single orders are kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from mfn.amazon.order_pages import SETTLED_AFTER
from mfn.errors import RetriableError
from mfn.steps.reconciling.search import Asked
from mfn.steps.reconciling.search import _batched as batched
from mfn.steps.reconciling.search import _new_window as new_window

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
