"""What rests of a connection that is followed once it has failed, and for how long."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mfn.amazon.failures import ThrottledError
from mfn.errors import RetriableError
from mfn.rules.lanes import Flow, Lane
from mfn.rules.next_call import Fetch, Search, State, WorkGap
from mfn.steps.importing.followed import LONG_AGO, Followed
from mfn.steps.importing.following import _assert_answered as assert_answered
from mfn.steps.importing.following import _read as read

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def test_what_fails_again_and_again_rests_twice_as_long_each_time_up_to_a_quarter_of_an_hour() -> None:
    rest = Followed("us").everything
    assert [rest.begin() for _ in range(7)] == [30, 60, 120, 240, 480, 900, 900]
    rest.failures = 2_000
    before = datetime.now(UTC)
    assert rest.begin() == 900
    assert before <= rest.until - timedelta(seconds=900) <= datetime.now(UTC)
    assert rest.failures == 2_001


def test_a_failure_lets_rest_only_what_failed() -> None:
    one = Followed("us")
    assert one.rest_after(Fetch()) is one.names
    assert one.rest_after(WorkGap()) is one.gaps
    assert one.rest_after(Search(None)) is one.everything
    one.let_rest(one.names, RetriableError("gone.", remedy="Wait."))
    assert [rest.failures for rest in (one.everything, one.names, one.gaps, one.queue)] == [0, 1, 0, 0]
    assert one.names.until > datetime.now(UTC) >= one.everything.until


def test_what_is_paused_is_reported_with_what_to_do(caplog: pytest.LogCaptureFixture) -> None:
    one = Followed("us")
    with caplog.at_level(logging.WARNING):
        for rest in (one.everything, one.names, one.gaps, one.queue):
            one.let_rest(rest, RetriableError("gone.", remedy="Wait."))
    assert [line.partition(" paused for 30 s: ") for line in caplog.messages] == [
        (f"us: {what}", " paused for 30 s: ", "gone. Wait.")
        for what in ("everything", "named orders", "left-out periods", "notification queue")
    ]


PLACE: Any = None
"""Nothing is read in it here."""


@pytest.mark.parametrize(
    ("silent_for", "named_before", "is_begun_again"),
    [(timedelta(hours=1), None, True), (timedelta(hours=2), NOON, True), (timedelta(minutes=59), NOON, False)],
)
def test_notifications_count_from_the_first_one_after_an_hour_of_silence(
    silent_for: timedelta, named_before: datetime | None, *, is_begun_again: bool
) -> None:
    before = datetime.now(UTC)
    one = Followed("us", notified_at=before - silent_for, notified_since=named_before)
    assert read(PLACE, one, lambda _place: 3) == 3
    assert before <= one.notified_at <= datetime.now(UTC)
    assert one.notified_since == (one.notified_at if is_begun_again else named_before)


@pytest.mark.parametrize("found", [0, None])
def test_an_empty_queue_says_nothing_and_one_that_can_be_read_is_no_longer_paused(found: int | None) -> None:
    one = Followed("us")
    one.queue.failures = 3
    assert read(PLACE, one, lambda _place: found) == found
    assert (one.notified_at, one.notified_since, one.queue.failures) == (LONG_AGO, None, 0)


def test_a_queue_that_cannot_be_read_is_not_read_again_before_it_has_rested() -> None:
    one, tries = Followed("us"), []

    def fail(_place: Any) -> int:
        tries.append(1)
        raise RetriableError("gone.", remedy="Wait.")

    assert [read(PLACE, one, fail), read(PLACE, one, fail)] == [None, None]
    assert (len(tries), one.queue.failures, one.everything.failures) == (1, 1, 0)
    one.queue.until = datetime.now(UTC)
    assert read(PLACE, one, fail) is None
    assert (len(tries), one.queue.failures) == (2, 2)


@pytest.mark.parametrize(
    ("before", "after", "calls_left", "is_refused"),
    [(3, 3, 0, True), (3, 4, 0.9, True), (3, 2, 0, False), (3, 3, 1, False)],
)
def test_a_run_that_fetched_nothing_was_refused_if_as_much_is_named_and_no_call_is_left(
    before: int, after: int, calls_left: float, *, is_refused: bool
) -> None:
    first, then = (
        State(NOON, None, Flow(), Lane(5, 1, 5), Lane(tokens, 1, 30), names=names)
        for names, tokens in ((before, 30), (after, calls_left))
    )
    if is_refused:
        with pytest.raises(ThrottledError, match="getOrder"):
            assert_answered(first, then)
    else:
        assert_answered(first, then)
