"""Who may ask how often, and what goes wrong on demand."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import httpx
import pytest

from mfn.errors import ConfigurationError, FatalError
from mfn.simulator.plans import PLANS
from mfn.simulator.server import SimulatorServer, open_amazon, serve
from tests.simulator.conftest import LOG_IN, SEARCH

if TYPE_CHECKING:
    from mfn.simulator.local_amazon import LocalAmazon

ASKED = {"lastUpdatedAfter": "2026-11-01T00:00:00Z"}


@pytest.mark.parametrize("token", ["", "Atza|made-up"])
def test_a_request_without_a_known_token_is_denied(caller: httpx.Client, token: str) -> None:
    answer = caller.get(SEARCH, params=ASKED, headers={"x-amz-access-token": token})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (403, "Unauthorized")


def test_an_expired_token_is_denied(caller: httpx.Client, amazon: LocalAmazon) -> None:
    amazon.access.expire()
    answer = caller.get(SEARCH, params=ASKED)
    assert answer.status_code == 403
    assert "expired" in answer.json()["errors"][0]["details"]


@pytest.mark.parametrize(
    ("changed", "status", "error"),
    [
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"client_secret": ""}, 401, "invalid_client"),
        ({"refresh_token": ""}, 400, "invalid_request"),
    ],
)
def test_an_incomplete_login_is_refused(caller: httpx.Client, changed: dict[str, str], status: int, error: str) -> None:
    answer = caller.post("/auth/o2/token", data=LOG_IN | changed)
    assert (answer.status_code, answer.json()["error"]) == (status, error)


def test_a_burst_is_served_and_then_the_rate_limit_applies(caller: httpx.Client, amazon: LocalAmazon) -> None:
    answers = [caller.get(SEARCH, params=ASKED) for _ in range(PLANS["searchOrders"].burst + 1)]
    assert [answer.status_code for answer in answers] == [200] * 20 + [429]
    assert answers[0].headers["x-amzn-RateLimit-Limit"] == "0.0056"
    assert "x-amzn-RateLimit-Limit" not in answers[-1].headers
    assert answers[-1].json()["errors"][0]["code"] == "QuotaExceeded"
    amazon.clock.move(seconds=179)
    assert [caller.get(SEARCH, params=ASKED).status_code for _ in range(2)] == [200, 429]


def test_speed_multiplies_the_rate_and_not_the_burst() -> None:
    amazon = open_amazon(orders=1, seed=1, speed=100)
    assert amazon.plans.rate("searchOrders") == pytest.approx(0.56)
    assert PLANS["searchOrders"].burst == 20


def test_each_operation_has_its_own_plan(caller: httpx.Client) -> None:
    for _ in range(21):
        caller.get(SEARCH, params=ASKED)
    assert caller.get("/sellers/v1/marketplaceParticipations").status_code == 200


@pytest.mark.parametrize(("status", "body"), [(503, b""), (500, b"<html>sorry</html>"), (429, b"")])
def test_a_planted_answer_is_given_once(caller: httpx.Client, amazon: LocalAmazon, status: int, body: bytes) -> None:
    amazon.faults.let_pass("searchOrders")
    amazon.faults.answer("searchOrders", status, body, media_type="text/html")
    answers = [caller.get(SEARCH, params=ASKED) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, status, 200]
    assert answers[1].content == body


def test_a_dropped_connection_returns_no_byte(caller: httpx.Client, amazon: LocalAmazon) -> None:
    amazon.faults.drop("searchOrders")
    with pytest.raises(httpx.TransportError):
        caller.get(SEARCH, params=ASKED)
    assert caller.get(SEARCH, params=ASKED).status_code == 200
    assert [call.status for call in amazon.calls if call.operation == "searchOrders"] == [0, 200]


def test_a_truncated_body_ends_before_its_length(caller: httpx.Client, amazon: LocalAmazon) -> None:
    amazon.faults.truncate("searchOrders")
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
        caller.get(SEARCH, params=ASKED)
    assert caller.get(SEARCH, params=ASKED).status_code == 200


def test_a_hanging_request_ends_when_its_caller_gives_up(caller: httpx.Client, amazon: LocalAmazon) -> None:
    amazon.faults.hang("searchOrders")
    with pytest.raises(httpx.ReadTimeout):
        caller.get(SEARCH, params=ASKED, timeout=0.05)
    assert caller.get(SEARCH, params=ASKED).status_code == 200


def test_a_login_can_be_refused(caller: httpx.Client, amazon: LocalAmazon) -> None:
    amazon.faults.refuse_login("invalid_client")
    answer = caller.post("/auth/o2/token", data=LOG_IN)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert caller.post("/auth/o2/token", data=LOG_IN).status_code == 200


def test_an_occupied_port_is_a_usage_error() -> None:
    with SimulatorServer(open_amazon(orders=1, seed=1)) as server:
        port = int(server.endpoint.rpartition(":")[2])
        with pytest.raises(ConfigurationError, match="port"):
            serve(port=port, orders=1, seed=1, speed=1, on_ready=lambda _: None)


def test_a_server_that_ends_before_it_answers_says_why_instead_of_letting_its_caller_wait() -> None:
    server = SimulatorServer(open_amazon(orders=1, seed=1))
    server._listener.close()
    with pytest.raises(FatalError, match=f"{server.endpoint} stopped before it answered: OSError") as raised, server:
        pass
    assert isinstance(raised.value.__cause__, OSError)


def test_serving_prints_its_address_once_it_answers_and_ends_when_interrupted() -> None:
    script = (
        "from mfn.simulator.server import serve\n"
        "serve(port=0, orders=1, seed=1, speed=1, on_ready=lambda endpoint: print(endpoint, flush=True))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        endpoint = process.stdout.readline().strip()
        assert httpx.post(f"{endpoint}/auth/o2/token", data=LOG_IN).status_code == 200
        process.send_signal(signal.SIGINT)
        rest = process.communicate(timeout=30)
    assert (process.returncode, rest) == (0, ("", ""))


def test_an_unknown_marketplace_is_a_usage_error() -> None:
    with pytest.raises(ConfigurationError, match="Atlantis"):
        open_amazon(orders=1, seed=1, marketplaces=["Atlantis"])
