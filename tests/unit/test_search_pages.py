"""Where the next search may begin after a full page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from mfn.rules.search_pages import page_end

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)


def moments(*seconds: float) -> list[datetime | None]:
    return [NOON + timedelta(seconds=number) for number in seconds]


def test_a_full_page_ends_with_its_last_change_if_it_is_in_order() -> None:
    assert page_end(moments(0, 5, 5, 9.5), NOON, LATER) == NOON + timedelta(seconds=9)
    assert page_end(moments(0, 3_600), NOON, LATER) == LATER


@pytest.mark.parametrize(
    "times",
    [
        [],
        moments(9, 5),
        moments(0, 9, 5, 12),
        moments(-3, 5),
        moments(0, 0),
        moments(0, 3_601),
        [*moments(0), None, *moments(5)],
    ],
    ids=[
        "empty",
        "out of order",
        "one out of order",
        "earlier than asked for",
        "no further",
        "later than Amazon looked",
        "unreadable",
    ],
)
def test_a_page_whose_order_cannot_be_seen_has_no_end_of_its_own(times: list[datetime | None]) -> None:
    assert page_end(times, NOON, LATER) is None
