"""What is asked of Amazon, what of its answers is handed on, and that the library decides none of it."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from mfn.amazon.client import AmazonOrders
from mfn.amazon.credentials import Credentials
from mfn.amazon.failures import AmazonUnavailableError, BudgetExhaustedError, CallRefusedError
from mfn.amazon.order_pages import SearchWindow
from mfn.amazon.session import open_session
from mfn.amazon.transport import LOGIN_ENDPOINT, library_of
from mfn.connection import Connection
from mfn.database.engines import engine_for
from mfn.ledger.budget import Budget
from tests.faults.adapter import SECRETS, WINDOW, Clock, adapter
from tests.faults.scripted_amazon import ScriptedAmazon, answer, errors

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SEARCH = "/orders/2026-01-01/orders"
TWO_ORDERS = (
    '{"orders": [ {"orderId":"1", "price":1.10,"new":"€"} ,{"broken": 1} ], "pagination": {"nextToken": "t/2="}}'
)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def amazon() -> Iterator[ScriptedAmazon]:
    with ScriptedAmazon() as server:
        server.api = [answer(200, {"orders": []})]
        yield server


@pytest.fixture
def orders(amazon: ScriptedAmazon, tmp_path: Path, clock: Clock) -> Iterator[AmazonOrders]:
    with adapter(amazon.endpoint, tmp_path, clock) as made:
        yield made


def test_one_search_asks_for_all_marketplaces_and_exactly_what_an_import_needs(
    amazon: ScriptedAmazon, orders: AmazonOrders
) -> None:
    orders.search_page(WINDOW)
    (request,) = amazon.arrived(SEARCH)
    assert request.query == {
        "lastUpdatedAfter": "2026-11-01T00:00:00Z",
        "lastUpdatedBefore": "2026-11-01T00:15:00Z",
        "fulfillmentStatuses": "PENDING,UNSHIPPED,PARTIALLY_SHIPPED,CANCELLED",
        "fulfilledBy": "MERCHANT",
        "marketplaceIds": "ATVPDKIKX0DER,A2EUQ1WTGCTBG2",
        "includedData": "BUYER,RECIPIENT,CANCELLATION,FULFILLMENT,PACKAGES",
        "maxResultsPerPage": "100",
    }


def test_the_next_page_repeats_every_parameter_and_adds_the_token(amazon: ScriptedAmazon, orders: AmazonOrders) -> None:
    orders.search_page(WINDOW)
    orders.search_page(WINDOW, page_token="a/b=")
    first, second = amazon.arrived(SEARCH)
    assert second.query == first.query | {"paginationToken": "a/b="}


def test_a_page_hands_on_every_order_as_the_text_that_amazon_sent(amazon: ScriptedAmazon, orders: AmazonOrders) -> None:
    amazon.api = [answer(200, TWO_ORDERS)]
    page = orders.search_page(WINDOW)
    assert page.orders == ['{"orderId":"1", "price":1.10,"new":"€"}'.encode(), b'{"broken": 1}']
    assert page.next_token == "t/2="


@pytest.mark.parametrize(
    "pagination", [{}, {"pagination": None}, {"pagination": {}}, {"pagination": {"nextToken": ""}}]
)
def test_the_last_page_has_no_next_token(
    amazon: ScriptedAmazon, orders: AmazonOrders, pagination: dict[str, dict[str, str]]
) -> None:
    amazon.api = [answer(200, {"orders": [], **pagination})]
    assert orders.search_page(WINDOW).next_token is None


def test_the_end_bound_is_the_one_that_amazon_echoes(amazon: ScriptedAmazon, orders: AmazonOrders) -> None:
    amazon.api = [answer(200, {"orders": [], "lastUpdatedBefore": "2026-11-01T01:14:59.5+01:00"})]
    assert orders.search_page(WINDOW).before == datetime(2026, 11, 1, 0, 14, 59, 500_000, tzinfo=UTC)


def test_where_amazon_echoes_no_end_bound_it_is_the_one_that_was_asked_for(orders: AmazonOrders) -> None:
    elsewhere = WINDOW.before.astimezone(timezone(timedelta(hours=9)))
    assert orders.search_page(SearchWindow(WINDOW.after, elsewhere)).before == WINDOW.before


@pytest.mark.parametrize("bound", ["2999-01-01T00:00:00Z", "9999-12-31T23:59:59-12:00", "", "1.569521782042E9", 5, {}])
def test_an_end_bound_far_in_the_future_or_unreadable_is_replaced_by_the_requested_one(
    amazon: ScriptedAmazon, orders: AmazonOrders, bound: object
) -> None:
    amazon.api = [answer(200, {"orders": [{"orderId": "111-1"}], "lastUpdatedBefore": bound})]
    page = orders.search_page(WINDOW)
    assert (len(page.orders), page.before) == (1, WINDOW.before)


def test_an_end_bound_without_seconds_counts(amazon: ScriptedAmazon, orders: AmazonOrders) -> None:
    amazon.api = [answer(200, {"orders": [], "lastUpdatedBefore": "2026-11-01T00:14Z"})]
    assert orders.search_page(WINDOW).before == datetime(2026, 11, 1, 0, 14, tzinfo=UTC)


def test_a_single_order_is_asked_for_with_the_same_data(amazon: ScriptedAmazon, orders: AmazonOrders) -> None:
    amazon.api = [answer(200, b'{"order": {"orderId" : "111-1"}}')]
    assert orders.get_order("111-1") == b'{"orderId" : "111-1"}'
    (request,) = amazon.arrived(f"{SEARCH}/111-1")
    assert request.query == {"includedData": "BUYER,RECIPIENT,CANCELLATION,FULFILLMENT,PACKAGES"}


def test_an_order_that_amazon_does_not_know_is_none(amazon: ScriptedAmazon, orders: AmazonOrders) -> None:
    amazon.api = [answer(404)]
    assert orders.get_order("111-1") is None


@pytest.mark.parametrize("status", [400, 404])
@pytest.mark.parametrize(("kind", "page"), [("text/html", b"<h1>Gone</h1>"), ("application/json", b'{"message": ""}')])
def test_an_order_is_not_unknown_because_something_in_between_says_so(
    amazon: ScriptedAmazon, orders: AmazonOrders, status: int, kind: str, page: bytes
) -> None:
    amazon.api = [answer(status, page, content_type=kind)]
    with pytest.raises(CallRefusedError, match="a body that is not Amazon's"):
        orders.get_order("111-1")


def test_a_400_says_that_amazon_knows_no_such_order_only_of_what_looks_like_no_order_id(
    amazon: ScriptedAmazon, orders: AmazonOrders
) -> None:
    amazon.api = [errors(400, "InvalidInput", "The input you have submitted is not valid.")]
    assert orders.get_order("111-1") is None
    with pytest.raises(CallRefusedError, match="InvalidInput"):  # includedData may be what Amazon does not take
        orders.get_order("111-1234567-1234567")


@pytest.mark.parametrize(
    "other", [b'{"orderId": "111-2"}', b'{"orderId": "111-11"}', b'{"order": "111-1"}', b'"111-1"']
)
def test_an_answer_about_another_order_is_none_about_the_one_that_was_asked_for(
    amazon: ScriptedAmazon, orders: AmazonOrders, other: bytes
) -> None:
    amazon.api = [answer(200, b'{"order": ' + other + b"}")]
    with pytest.raises(AmazonUnavailableError, match="it is not the requested order"):
        orders.get_order("111-1")


def test_requests_name_the_host_they_go_to_and_carry_the_token(amazon: ScriptedAmazon, orders: AmazonOrders) -> None:
    orders.search_page(WINDOW)
    login, search = amazon.requests
    assert login.form == {
        "grant_type": "refresh_token",
        "client_id": SECRETS.lwa_app_id,
        "client_secret": SECRETS.lwa_client_secret,
        "refresh_token": SECRETS.refresh_token,
    }
    assert (login.headers["host"], search.headers["host"]) == (amazon.host, amazon.host)
    assert search.headers["x-amz-access-token"] == "Atza|token-1"


def test_one_client_and_one_token_serve_every_call_of_an_account(
    amazon: ScriptedAmazon, orders: AmazonOrders, clock: Clock
) -> None:
    again = AmazonOrders(
        open_session(orders._session.connection, SECRETS, orders._session.budget, wait=clock.wait, timeout_seconds=20)
    )
    orders.search_page(WINDOW)
    again.search_page(WINDOW)
    assert amazon.connections == 1
    assert len(amazon.arrived("/auth/o2/token")) == 1
    assert (orders.calls, again.calls) == ({"searchOrders": 1}, {"searchOrders": 1})


def test_two_applications_with_the_same_refresh_token_have_tokens_of_their_own(
    amazon: ScriptedAmazon, orders: AmazonOrders, tmp_path: Path, clock: Clock
) -> None:
    orders.search_page(WINDOW)
    other = Credentials(SECRETS.refresh_token, "another application", "secret")
    with adapter(amazon.endpoint, tmp_path, clock, credentials=other) as others:
        others.search_page(WINDOW)
    assert [request.form["client_id"] for request in amazon.arrived("/auth/o2/token")] == [
        SECRETS.lwa_app_id,
        "another application",
    ]


def test_a_token_that_is_about_to_expire_is_renewed(amazon: ScriptedAmazon, orders: AmazonOrders) -> None:
    amazon.login = [answer(200, {"access_token": "Atza|short", "expires_in": 0})]
    orders.search_page(WINDOW)
    before = len(amazon.arrived("/auth/o2/token"))
    orders.search_page(WINDOW)
    assert len(amazon.arrived("/auth/o2/token")) > before


def test_calls_that_wait_one_after_the_other_are_logged_once(
    amazon: ScriptedAmazon, orders: AmazonOrders, caplog: pytest.LogCaptureFixture
) -> None:
    amazon.api = [answer(200, {"order": {"orderId": "111-1"}})]
    caplog.set_level("INFO", "mfn.amazon.calling")
    for _ in range(34):
        orders.get_order("111-1")
    assert [record.getMessage() for record in caplog.records] == [
        "getOrder 111-1 for the connection us: waiting 2 s for Amazon's rate limit"
    ]


def test_calls_wait_for_their_turn_and_follow_the_rate_that_amazon_states(
    amazon: ScriptedAmazon, orders: AmazonOrders, clock: Clock
) -> None:
    amazon.api = [answer(200, {"orders": []}, x_amzn_RateLimit_Limit="0.5")]
    for _ in range(22):
        orders.search_page(WINDOW)
    assert clock.waits == [pytest.approx(2.002, abs=0.002)] * 2
    assert orders.calls == {"searchOrders": 22}


def test_a_rate_that_is_not_a_number_changes_nothing(
    amazon: ScriptedAmazon, orders: AmazonOrders, clock: Clock
) -> None:
    amazon.api = [answer(200, {"orders": []}, x_amzn_RateLimit_Limit="soon")]
    for _ in range(21):
        orders.search_page(WINDOW)
    assert clock.waits == [pytest.approx(180.18, abs=0.01)]


def test_a_call_without_a_turn_in_time_is_not_sent(amazon: ScriptedAmazon, orders: AmazonOrders, clock: Clock) -> None:
    amazon.api = [answer(200, {"order": {"orderId": "111-1"}})]
    for _ in range(30):
        orders.get_order("111-1", max_wait_seconds=0)
    with pytest.raises(BudgetExhaustedError, match="getOrder 111-1 for the connection us: Amazon's rate limit"):
        orders.get_order("111-1", max_wait_seconds=1.9)
    assert (len(amazon.arrived(f"{SEARCH}/111-1")), clock.waits) == (30, [])
    orders.get_order("111-1", max_wait_seconds=2.1)
    assert clock.waits == [pytest.approx(2.002, abs=0.002)]


def test_its_errors_survive_the_way_through_a_task_runner() -> None:
    error = BudgetExhaustedError("too late", remedy="Wait.")
    restored = pickle.loads(pickle.dumps(error))
    assert (type(restored), restored.message, restored.remedy) == (BudgetExhaustedError, "too late", "Wait.")


@pytest.mark.parametrize(("marketplace", "region"), [("US", "na"), ("DE", "eu"), ("JP", "fe")])
def test_without_an_endpoint_of_its_own_a_connection_calls_its_regions(
    tmp_path: Path, marketplace: str, region: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SP_API_DEFAULT_MARKETPLACE", "AU")
    connection = Connection.model_validate({"name": "x", "seller_id": "A2TESTSELLER", "marketplaces": [marketplace]})
    budget = Budget(engine_for(f"sqlite:///{tmp_path / 'l.db'}"), connection.account)
    library = open_session(connection, SECRETS, budget).library
    assert library.endpoint == f"https://sellingpartnerapi-{region}.amazon.com"
    assert library.login._endpoint == LOGIN_ENDPOINT
    library.close()
    library_of.cache_clear()


def test_the_librarys_own_environment_variables_neither_stop_nor_steer_it() -> None:
    meant_for_others = {
        "AWS_ENV": "staging",
        "SP_API_DEFAULT_MARKETPLACE": "nowhere",
        "SP_API_AUTH_CACHE_SIZE": "many",
        "SP_API_AUTH_CACHE_TTL": "long",
    }
    script = f"import os, mfn.amazon.client; print(*(os.environ[name] for name in {list(meant_for_others)}))"
    environ = os.environ | meant_for_others
    done = subprocess.run([sys.executable, "-c", script], env=environ, capture_output=True, text=True, check=False)
    assert (done.stdout.split(), done.stderr) == (list(meant_for_others.values()), "")
