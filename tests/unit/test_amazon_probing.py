"""Whether a host of Amazon's answers, and by how much its clock differs from ours."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest

from mfn.amazon.failures import AmazonUnavailableError
from mfn.amazon.probing import reach

if TYPE_CHECKING:
    from collections.abc import Iterator


class Clock(BaseHTTPRequestHandler):
    """A host that denies everything, and whose clock is not ours."""

    date = ""
    promised = 0

    def do_GET(self) -> None:
        """Deny."""
        self.send_response_only(403)
        if self.date:
            self.send_header("Date", self.date)
        self.send_header("Content-Length", str(self.promised))
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture
def host() -> Iterator[str]:
    """Its base URL."""
    with HTTPServer(("127.0.0.1", 0), Clock) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def clock_in_tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This machine is nine hours from UTC."""
    with monkeypatch.context() as there:
        there.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize("minutes", [-5, 5])
def test_the_difference_between_the_clocks_is_reported(
    host: str, minutes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    date = datetime.now(UTC) - timedelta(minutes=minutes)
    monkeypatch.setattr(Clock, "date", format_datetime(date, usegmt=True))
    answered = reach(host)
    assert answered.ahead is not None
    assert abs(answered.ahead - timedelta(minutes=minutes)) < timedelta(minutes=1)


@pytest.mark.usefixtures("clock_in_tokyo")
def test_a_host_that_does_not_say_in_which_zone_its_clock_is_means_utc(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Clock, "date", format_datetime(datetime.now(UTC).replace(tzinfo=None)))
    assert Clock.date.endswith("-0000")
    answered = reach(host)
    assert answered.ahead is not None
    assert abs(answered.ahead) < timedelta(minutes=1)


def test_what_a_host_says_is_not_waited_for(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Clock, "date", format_datetime(datetime.now(UTC), usegmt=True))
    monkeypatch.setattr(Clock, "promised", 1_000_000)  # and nothing of it is ever sent
    assert reach(host).ahead is not None


@pytest.mark.parametrize("date", ["", "tomorrow, perhaps", "Fri, 31 Dec 9999 23:59:59 -1400"])
def test_a_host_that_does_not_state_its_time_has_still_answered(
    host: str, date: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Clock, "date", date)
    assert reach(host).ahead is None


def test_a_host_that_is_not_there_is_an_error_of_ours() -> None:
    with HTTPServer(("127.0.0.1", 0), Clock) as server:
        port = server.server_port
    with pytest.raises(AmazonUnavailableError, match=str(port)):
        reach(f"http://127.0.0.1:{port}")
