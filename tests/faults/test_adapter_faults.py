"""Every way in which Amazon can fail is one of our errors, by its class retriable or not, and never "no orders"."""

from __future__ import annotations

import gzip
import json
import logging
import socket
from typing import TYPE_CHECKING

import pytest

from mfn.amazon.calling import ATTEMPTS
from mfn.amazon.failures import AmazonUnavailableError, BudgetExhaustedError, PageTokenRefusedError, ThrottledError
from mfn.errors import FatalError, MfnError, RetriableError
from tests.faults.adapter import SECRETS, WINDOW, Clock, adapter
from tests.faults.scripted_amazon import DROPPED, SILENT, Answer, ScriptedAmazon, answer, errors

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mfn.amazon.client import AmazonOrders

ORDER = {"orderId": "111-1111111-1111111", "recipient": {"deliveryAddress": {"name": "Test Buyer"}}}
PAGE = {"orders": [ORDER], "lastUpdatedBefore": "2026-11-01T00:15:00Z"}
GOOD = answer(200, PAGE)
HTML = "<html><body>503 Service Temporarily Unavailable, Test Buyer</body></html>"
QUOTA = errors(429, "QuotaExceeded", "You exceeded your quota for the requested resource.")
DENIED = errors(403, "Unauthorized", "Access to requested resource is denied.", "The access token is revoked.")

PASSING: dict[str, tuple[Answer, str]] = {
    "an empty 503": (answer(503), "HTTP 503, an empty body (request id request-1)"),
    "a 503 with an HTML page": (answer(503, HTML), "a body that is not Amazon's (text/html, 73 bytes)"),
    "a 500 that Amazon explains": (
        errors(500, "InternalFailure", "We encountered an internal error."),
        "HTTP 500, InternalFailure: We encountered an internal error (request id request-1)",
    ),
    "a 500 of another form": (answer(500, {"message": "Test Buyer"}), "HTTP 500, a body that is not Amazon's"),
    "a 502": (answer(502, HTML), "HTTP 502"),
    "a 504": (answer(504), "HTTP 504"),
    "a 408": (answer(408), "HTTP 408"),
    "a 429 without a body": (answer(429), "HTTP 429, an empty body"),
    "a 429 that Amazon explains": (QUOTA, "HTTP 429, QuotaExceeded: You exceeded your quota"),
    "a dropped connection": (DROPPED, "no complete answer (RemoteProtocolError"),
    "a truncated body": (GOOD[:-10], "no complete answer (RemoteProtocolError"),
    "the rest of an earlier answer in place of a status": (
        b'"deliveryAddress": {"name": "Test Buyer"}}HTTP/1.1 200 OK\r\n\r\n',
        "no complete answer (RemoteProtocolError: illegal status line).",
    ),
    "a header that is none": (
        b"HTTP/1.1 200 OK\r\nTest Buyer\r\n\r\n",
        "no complete answer (RemoteProtocolError: illegal header line).",
    ),
    "a chunk that does not end": (
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}Test Buyer\r\n",
        "no complete answer (RemoteProtocolError: malformed chunk footer",
    ),
    "a body cut short without a length": (
        b"HTTP/1.1 200 OK\r\n\r\n" + json.dumps(PAGE).encode()[:-10],
        "HTTP 200, but the body cannot be read: Input data was truncated",
    ),
    "a damaged compression": (answer(200, b"no gzip", content_encoding="gzip"), "no complete answer (DecodingError"),
    "a compression cut short": (answer(200, gzip.compress(b"{}")[:-12], content_encoding="gzip"), "no complete answer"),
    "an HTML page with status 200": (answer(200, HTML), "HTTP 200, but the body cannot be read: JSON is malformed"),
    "an empty body with status 200": (answer(200), "HTTP 200, but the body cannot be read: Input data was truncated"),
    "no orders in the page": (answer(200, {}), "missing required field `orders`"),
    "the page of another version": (answer(200, {"payload": {"Orders": []}}), "missing required field `orders`"),
    "orders that are no list": (answer(200, {"orders": None}), "Expected `array`, got `null` - at `$.orders`"),
    "a page of bytes that are no text": (
        answer(200, b'{"orders": [], "pagination": {"nextToken": "\xff"}}'),
        "HTTP 200",
    ),
}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def amazon() -> Iterator[ScriptedAmazon]:
    with ScriptedAmazon() as server:
        yield server


@pytest.fixture
def orders(amazon: ScriptedAmazon, tmp_path: Path, clock: Clock) -> Iterator[AmazonOrders]:
    with adapter(amazon.endpoint, tmp_path, clock) as made:
        yield made


def without_secrets(error: MfnError) -> str:
    text = f"{error.message} {error.remedy}"
    for secret in ("Test Buyer", "Atza|", SECRETS.refresh_token, SECRETS.lwa_client_secret):
        assert secret not in text
    assert error.remedy
    return text


@pytest.mark.parametrize(("fault", "said"), PASSING.values(), ids=PASSING)
def test_a_persistent_fault_ends_as_a_retriable_error_and_never_as_no_orders(
    amazon: ScriptedAmazon, orders: AmazonOrders, fault: Answer, said: str
) -> None:
    amazon.api = [fault]
    with pytest.raises(RetriableError) as caught:
        orders.search_page(WINDOW)
    assert said in without_secrets(caught.value)
    assert caught.value.message.startswith("searchOrders for the connection us: ")
    assert ("Another application" in caught.value.remedy) == isinstance(caught.value, ThrottledError) == ("429" in said)
    assert orders.calls == {"searchOrders": ATTEMPTS}


@pytest.mark.parametrize("fault", [fault for fault, _ in PASSING.values()], ids=PASSING)
def test_a_transient_fault_costs_a_retry_and_no_order(
    amazon: ScriptedAmazon, orders: AmazonOrders, fault: Answer
) -> None:
    amazon.api = [fault, GOOD]
    assert [json.loads(order) for order in orders.search_page(WINDOW).orders] == [ORDER]
    assert orders.calls == {"searchOrders": 2}


@pytest.mark.parametrize("fault", [fault for fault, _ in PASSING.values()], ids=PASSING)
def test_a_single_order_meets_the_same_faults_with_the_same_errors(
    amazon: ScriptedAmazon, orders: AmazonOrders, fault: Answer
) -> None:
    amazon.api = [fault]
    with pytest.raises(AmazonUnavailableError) as caught:
        orders.get_order("111-1111111-1111111")
    assert "getOrder 111-1111111-1111111 for the connection us: " in without_secrets(caught.value)
    assert orders.calls == {"getOrder": ATTEMPTS}


@pytest.mark.parametrize(("silent", "what"), [("api", "searchOrders"), ("login", "Login with Amazon")])
def test_an_answer_that_never_comes_is_given_up(
    amazon: ScriptedAmazon, tmp_path: Path, clock: Clock, silent: str, what: str
) -> None:
    setattr(amazon, silent, [SILENT])
    with (
        adapter(amazon.endpoint, tmp_path, clock, timeout_seconds=0.05) as orders,
        pytest.raises(AmazonUnavailableError, match=f"^{what} for the connection us: .*ReadTimeout"),
    ):
        orders.search_page(WINDOW)


def test_an_endpoint_where_nothing_listens_is_retriable(tmp_path: Path, clock: Clock) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        endpoint = f"http://127.0.0.1:{closed.getsockname()[1]}"
    with adapter(endpoint, tmp_path, clock) as orders, pytest.raises(AmazonUnavailableError, match="ConnectError"):
        orders.search_page(WINDOW)


def test_pauses_between_retries_grow_and_are_bounded(
    amazon: ScriptedAmazon, orders: AmazonOrders, clock: Clock
) -> None:
    amazon.api = [answer(503)]
    with pytest.raises(RetriableError):
        orders.search_page(WINDOW)
    assert len(clock.waits) == ATTEMPTS - 1
    assert clock.waits == sorted(clock.waits)
    assert 1 <= clock.waits[0] <= 2
    assert 8 <= clock.waits[-1] <= 9


def test_a_rate_limit_refusal_empties_the_bucket_and_waits_until_it_holds_a_call_again(
    amazon: ScriptedAmazon, orders: AmazonOrders, clock: Clock
) -> None:
    amazon.api = [answer(429), GOOD]
    orders.search_page(WINDOW)
    assert [seconds for seconds in clock.waits if seconds] == [pytest.approx(180.18, abs=0.01)]


def test_a_call_that_would_wait_too_long_for_its_turn_is_distinguished_and_not_sent(
    amazon: ScriptedAmazon, orders: AmazonOrders, clock: Clock
) -> None:
    amazon.api = [answer(429)]
    with pytest.raises(BudgetExhaustedError, match="only in 2 s"):
        orders.get_order("111-1111111-1111111", max_wait_seconds=1)
    assert orders.calls == {"getOrder": 1}
    assert sum(clock.waits) == 0


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (errors(400, "InvalidInput", "lastUpdatedBefore is too late."), "InvalidInput: lastUpdatedBefore is too late"),
        (errors(404, "NotFound", "No such path."), "HTTP 404, NotFound"),
        (errors(413, "TooLarge", "Too large."), "HTTP 413, TooLarge"),
        (errors(415, "Unsupported", "No such type."), "HTTP 415, Unsupported"),
        (answer(400, {"errors": []}), "HTTP 400, an empty list of errors"),
        (answer(302, HTML, location="https://login.example.com/"), "HTTP 302, a body that is not Amazon's"),
        (answer(204), "HTTP 204, an empty body"),
    ],
)
def test_a_refused_request_is_fatal_in_amazons_words_and_not_retried(
    amazon: ScriptedAmazon, orders: AmazonOrders, fault: Answer, said: str
) -> None:
    amazon.api = [fault]
    with pytest.raises(FatalError) as caught:
        orders.search_page(WINDOW)
    text = without_secrets(caught.value)
    assert said in text
    assert "request id request-1" in text
    assert orders.calls == {"searchOrders": 1}


@pytest.mark.parametrize("status", [403, 404, 407])
def test_a_web_page_is_reported_as_an_intermediary_and_not_as_a_refusal_by_amazon(
    amazon: ScriptedAmazon, orders: AmazonOrders, status: int
) -> None:
    amazon.api = [answer(status, HTML)]
    with pytest.raises(FatalError, match="not an answer from Amazon's API") as caught:
        orders.search_page(WINDOW)
    text = without_secrets(caught.value)
    assert "firewall" in text
    assert "role" not in text


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_token_is_renewed_once_and_then_the_missing_role_is_named(
    amazon: ScriptedAmazon, orders: AmazonOrders, status: int
) -> None:
    amazon.api = [errors(status, "Unauthorized", "Access to requested resource is denied.", "No access.")]
    with pytest.raises(FatalError) as caught:
        orders.search_page(WINDOW)
    text = without_secrets(caught.value)
    assert f"HTTP {status}, Unauthorized: Access to requested resource is denied: No access" in caught.value.message
    assert "Direct-to-Consumer Delivery (Restricted)" in caught.value.message
    assert "Tax Invoicing" in text
    assert "authorize the application again" in text
    assert orders.calls == {"searchOrders": 2}
    assert len(amazon.arrived("/auth/o2/token")) == 2


def test_a_token_revoked_in_the_meantime_is_renewed_and_the_page_arrives(
    amazon: ScriptedAmazon, orders: AmazonOrders
) -> None:
    amazon.login = [answer(200, {"access_token": f"Atza|token-{number}", "expires_in": 3600}) for number in (1, 2)]
    amazon.api = [DENIED, GOOD]
    assert len(orders.search_page(WINDOW).orders) == 1
    used = [request.headers["x-amz-access-token"] for request in amazon.arrived("/orders/2026-01-01/orders")]
    assert used == ["Atza|token-1", "Atza|token-2"]


@pytest.mark.parametrize("lifetime", ["3600", 3600.0, None])
def test_a_lifetime_of_a_token_in_another_form_is_understood(
    amazon: ScriptedAmazon, orders: AmazonOrders, lifetime: object
) -> None:
    amazon.login = [answer(200, {"access_token": "Atza|token-1", "expires_in": lifetime})]
    amazon.api = [GOOD]
    orders.search_page(WINDOW)
    orders.search_page(WINDOW)
    assert len(amazon.arrived("/auth/o2/token")) == 1


def test_an_expired_client_secret_is_distinguished_from_a_missing_role(
    amazon: ScriptedAmazon, orders: AmazonOrders
) -> None:
    amazon.api = [errors(403, "Unauthorized", "Denied.", "The LWA secret token you provided has expired.")]
    with pytest.raises(FatalError) as caught:
        orders.search_page(WINDOW)
    assert caught.value.remedy.startswith("Replace LWA_CLIENT_SECRET")


def test_a_refused_page_token_is_distinguished(amazon: ScriptedAmazon, orders: AmazonOrders) -> None:
    amazon.api = [errors(400, "InvalidInput", "The paginationToken you have submitted is not valid.")]
    with pytest.raises(PageTokenRefusedError, match="paginationToken"):
        orders.search_page(WINDOW, page_token="yesterday")
    assert orders.calls == {"searchOrders": 1}


@pytest.mark.parametrize("status", [404, 413, 415])
def test_other_refusals_of_a_page_request_do_not_restart_the_search(
    amazon: ScriptedAmazon, orders: AmazonOrders, status: int
) -> None:
    amazon.api = [errors(status, "Refused", "Not like this.")]
    with pytest.raises(FatalError, match=f"HTTP {status}, Refused"):
        orders.search_page(WINDOW, page_token="next")


@pytest.mark.parametrize(
    ("status", "code", "secret"),
    [
        (400, "invalid_grant", "SP_API_REFRESH_TOKEN"),
        (401, "invalid_client", "LWA_CLIENT_SECRET"),
        (400, "unauthorized_client", "LWA_APP_ID"),
    ],
)
def test_a_refused_login_is_fatal_and_names_the_secret_concerned(
    amazon: ScriptedAmazon, orders: AmazonOrders, status: int, code: str, secret: str
) -> None:
    amazon.login = [answer(status, {"error": code, "error_description": "Something about it"})]
    with pytest.raises(FatalError, match=f"{code}: Something about it. It refuses {secret}") as caught:
        orders.search_page(WINDOW)
    assert f"Replace {secret} of the connection us" in without_secrets(caught.value)
    assert not orders.calls


@pytest.mark.parametrize("fault", [answer(400, {"error": "invalid_scope"}), answer(404, HTML), answer(403)])
def test_a_login_refused_in_any_other_way_is_fatal_too(
    amazon: ScriptedAmazon, orders: AmazonOrders, fault: Answer
) -> None:
    amazon.login = [fault]
    with pytest.raises(FatalError, match=r"^Login with Amazon for the connection us: HTTP 40") as caught:
        orders.search_page(WINDOW)
    without_secrets(caught.value)


@pytest.mark.parametrize(
    "fault",
    [
        answer(503),
        answer(500, {"error": "server_error"}),
        answer(429),
        answer(408),
        answer(200, HTML),
        answer(200, {"token": "x"}),
        answer(200, {"access_token": "Atza|two\nlines"}),
        DROPPED,
    ],
)
def test_a_failed_login_is_retried_and_costs_no_call_of_the_budget(
    amazon: ScriptedAmazon, orders: AmazonOrders, clock: Clock, fault: Answer
) -> None:
    amazon.login = [fault]
    with pytest.raises(AmazonUnavailableError, match=r"^Login with Amazon for the connection us: ") as caught:
        orders.search_page(WINDOW)
    without_secrets(caught.value)
    assert len(amazon.arrived("/auth/o2/token")) == ATTEMPTS
    assert not orders.calls
    assert [orders._session.budget.take("searchOrders") for _ in range(20)] == [0.0] * 20


def test_neither_tokens_nor_buyer_data_are_logged_even_at_debug_level(
    amazon: ScriptedAmazon, tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("sp_api", "sp_api.base.client", "httpx", "httpcore"):
        caplog.set_level(logging.DEBUG, name)
    amazon.api = [answer(503, HTML), DENIED, GOOD]
    with adapter(amazon.endpoint, tmp_path, clock) as orders:
        orders.search_page(WINDOW)
    assert "HTTP 503" in caplog.text
    for secret in ("Atza|", SECRETS.refresh_token, SECRETS.lwa_client_secret, "Test Buyer", "lastUpdatedAfter"):
        assert secret not in caplog.text
