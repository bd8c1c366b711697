"""What rests of a connection that is followed once it has failed, and for how long."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from mfn.errors import RetriableError
from mfn.rules.next_call import Fetch, Search, WorkGap
from mfn.steps.importing.followed import Followed

if TYPE_CHECKING:
    import pytest

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


def test_what_rests_is_told_with_what_to_do(caplog: pytest.LogCaptureFixture) -> None:
    one = Followed("us")
    with caplog.at_level(logging.WARNING):
        for rest in (one.everything, one.names, one.gaps, one.queue):
            one.let_rest(rest, RetriableError("gone.", remedy="Wait."))
    assert [line.partition(" rests for 30 s: ") for line in caplog.messages] == [
        (f"us: {what}", " rests for 30 s: ", "gone. Wait.")
        for what in ("everything", "what was named", "what was left out", "its queue")
    ]
