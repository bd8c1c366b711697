"""What a person asks for on a page of the report site, read from its address."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from mfn.errors import ConfigurationError
from mfn.ledger.order_listing import OPEN
from mfn.site.filters import OrderFilter, RunFilter, read_choice, read_order_filter, read_run_filter

CONNECTIONS = ("eu", "us")
EVERY_RUN = {"connection": None, "kind": None, "outcome": "telling", "first": None, "last": None, "page": 1}
OPEN_ORDERS = {"connection": None, "status": "open", "reason": None, "sfp": False, "text": None, "page": 1}


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ({}, {}),
        ({"connection": "", "kind": " ", "outcome": "", "from": "", "to": "", "page": "", "utm": "x"}, {}),
        ({"connection": " us ", "kind": "import"}, {"connection": "us", "kind": "import"}),
        *(({"outcome": name}, {"outcome": name}) for name in ("telling", "held", "failed", "running", "done", "all")),
        ({"from": "2026-11-24"}, {"first": date(2026, 11, 24)}),
        ({"to": "2026-11-25"}, {"last": date(2026, 11, 25)}),
        ({"page": "10000"}, {"page": 10_000}),
    ],
)
def test_what_is_asked_of_runs_is_read_and_what_is_left_out_is_whichever(
    given: dict[str, str], asked: dict[str, Any]
) -> None:
    assert read_run_filter(given, CONNECTIONS) == RunFilter(**EVERY_RUN | asked)


def test_days_are_whole_days_in_utc() -> None:
    asked = read_run_filter({"from": "2026-11-24", "to": "2026-11-25"}, CONNECTIONS)
    assert asked.since == datetime(2026, 11, 24, tzinfo=UTC)
    assert asked.until == datetime(2026, 11, 25, 23, 59, 59, 999999, tzinfo=UTC)
    everything = read_run_filter({}, CONNECTIONS)
    assert (everything.since, everything.until) == (None, None)


@pytest.mark.parametrize(
    ("given", "asked", "statuses"),
    [
        ({}, {}, OPEN),
        ({"order": " 111- "}, {"text": "111-", "status": "any"}, None),
        ({"order": "111-", "status": "open"}, {"text": "111-"}, OPEN),
        ({"status": "any"}, {"status": "any"}, None),
        ({"status": "held", "reason": "sku_unknown"}, {"status": "held", "reason": "sku_unknown"}, ("held",)),
        ({"sfp": "1", "connection": "eu", "page": "2"}, {"sfp": True, "connection": "eu", "page": 2}, OPEN),
    ],
)
def test_what_is_asked_of_orders_is_what_has_not_left_unless_an_id_is_looked_for(
    given: dict[str, str], asked: dict[str, Any], statuses: tuple[str, ...] | None
) -> None:
    found = read_order_filter(given, CONNECTIONS)
    assert found == OrderFilter(**OPEN_ORDERS | asked)
    assert found.statuses == statuses


@pytest.mark.parametrize("page", ["0", "10001", "-1", "1.5", "²", "one", "1" * 40])
def test_a_page_is_a_whole_number_that_there_may_be(page: str) -> None:
    with pytest.raises(ConfigurationError, match="whole numbers from 1 to 10000"):
        read_order_filter({"page": page}, CONNECTIONS)


def wrong(error: ConfigurationError) -> list[str | None]:
    return [problem.column for problem in error.problems]


def test_every_wrong_value_is_reported_at_once() -> None:
    given = {"connection": "uk", "kind": "x", "outcome": "x", "from": "24.11.", "to": "x", "page": "x", "status": "x"}
    with pytest.raises(ConfigurationError) as runs:
        read_run_filter(given, CONNECTIONS)
    assert wrong(runs.value) == ["connection", "kind", "outcome", "from", "to", "page"]
    given |= {"reason": "SKU unknown", "sfp": "yes", "order": "a\x1b"}
    with pytest.raises(ConfigurationError) as orders:
        read_order_filter(given, CONNECTIONS)
    assert wrong(orders.value) == ["order", "connection", "status", "reason", "sfp", "page"]


def test_a_single_choice_is_one_of_those_that_there_are_or_none() -> None:
    assert [read_choice(given, "kind", ("a", "b")) for given in ({"kind": "b"}, {"kind": " "}, {})] == ["b", None, None]
    with pytest.raises(ConfigurationError, match="Valid values are: none yet"):
        read_choice({"connection": "us"}, "connection", ())
