"""Where a connection's three secrets come from, and what is said when they do not."""

from __future__ import annotations

import base64
import json
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mfn.amazon.credentials import Credentials, load_credentials
from mfn.connection import Connection
from mfn.errors import ConfigurationError
from tests.faults.scripted_amazon import DROPPED, Answer, ScriptedAmazon, answer

if TYPE_CHECKING:
    from collections.abc import Iterator

BLOCK = "/api/block_types/slug/secret/block_documents/name/amazon-us"
GENERAL = {"SP_API_REFRESH_TOKEN": "token", "LWA_APP_ID": "app", "LWA_CLIENT_SECRET": "secret"}


def connection(credentials: str) -> Connection:
    return Connection.model_validate(
        {"name": "us_east", "seller_id": "A2TESTSELLER", "marketplaces": ["US"], "credentials": credentials}
    )


@pytest.fixture
def prefect() -> Iterator[ScriptedAmazon]:
    with ScriptedAmazon() as server:
        yield server


def load_block(prefect: ScriptedAmazon, **environ: str) -> Credentials:
    return load_credentials(
        connection("prefect:amazon-us"), {"PREFECT_API_URL": f"{prefect.endpoint}/api/", **environ}, Path()
    )


def test_a_variable_with_the_connections_name_beats_the_general_one() -> None:
    environ = GENERAL | {"SP_API_REFRESH_TOKEN_US_EAST": " token of us_east\n", "LWA_APP_ID_US_EAST": ""}
    assert load_credentials(connection("env"), environ, Path()) == Credentials("token of us_east", "app", "secret")


def test_every_missing_variable_is_named_at_once() -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_credentials(connection("env"), {"LWA_APP_ID": "app", "LWA_CLIENT_SECRET": "  "}, Path())
    assert [problem.column for problem in caught.value.problems] == [
        "SP_API_REFRESH_TOKEN_US_EAST (or SP_API_REFRESH_TOKEN)",
        "LWA_CLIENT_SECRET_US_EAST (or LWA_CLIENT_SECRET)",
    ]
    assert "us_east" in caught.value.message
    assert "Develop Apps" in caught.value.remedy
    assert caught.value.exit_code == 2


def test_secrets_are_never_part_of_what_is_printed() -> None:
    assert repr(Credentials("token", "app", "secret")) == "Credentials()"


@pytest.mark.parametrize(
    "value",
    [
        GENERAL,
        json.dumps(GENERAL),
        {"refresh_token": "token", "lwa_app_id": "app", "lwa_client_secret": "secret"},
        {"sp_api_refresh_token": "token", "Lwa_App_Id": "app", "SP_API_LWA_CLIENT_SECRET": "secret\n"},
    ],
)
def test_a_prefect_block_holds_the_three_names_as_json_in_either_case(prefect: ScriptedAmazon, value: Any) -> None:
    prefect.api = [answer(200, {"data": {"value": value}})]
    assert load_block(prefect) == Credentials("token", "app", "secret")
    assert prefect.requests[0].path == BLOCK
    assert prefect.requests[0].query == {"include_secrets": "true"}


def test_prefect_is_shown_the_key_or_else_the_user_and_password(prefect: ScriptedAmazon) -> None:
    prefect.api = [answer(200, {"data": {"value": GENERAL}})]
    load_block(prefect)
    load_block(prefect, PREFECT_API_KEY="pnu_test")
    load_block(prefect, PREFECT_API_AUTH_STRING="admin:a:b", PREFECT_API_KEY="pnu_test")
    shown = [request.headers.get("authorization") for request in prefect.requests]
    assert shown == [None, "Bearer pnu_test", "Basic " + base64.b64encode(b"admin:a:b").decode()]


@pytest.mark.parametrize(
    ("reply", "said", "remedy"),
    [
        (answer(404, {"detail": "Block document not found"}), "does not exist", "Create a Secret block"),
        (answer(404, {"detail": "Not Found"}), "PREFECT_API_URL is not a Prefect API", "ends in /api"),
        (answer(404, "<html>"), "PREFECT_API_URL is not a Prefect API", "ends in /api"),
        (answer(401), "may not be read (HTTP 401", "PREFECT_API_KEY"),
        (answer(403), "may not be read (HTTP 403", "PREFECT_API_AUTH_STRING"),
        (answer(500), "cannot be read (HTTP 500", "PREFECT_API_URL"),
        (DROPPED, "does not answer (RemoteProtocolError", "PREFECT_API_URL"),
        (answer(200, "<html>"), "does not contain a JSON object", "SP_API_REFRESH_TOKEN"),
        (answer(200, {"data": {"value": "just a text"}}), "does not contain a JSON object", "LWA_APP_ID"),
        (answer(200, {"data": {"value": ["token", "secret"]}}), "does not contain a JSON object", "LWA_APP_ID"),
        (answer(200, {"data": {}}), "does not contain a JSON object", "LWA_CLIENT_SECRET"),
    ],
)
def test_a_block_that_cannot_be_used_is_wrong_set_up_and_says_what_to_do(
    prefect: ScriptedAmazon, reply: Answer, said: str, remedy: str
) -> None:
    prefect.api = [reply]
    with pytest.raises(ConfigurationError) as caught:
        load_block(prefect)
    assert said in caught.value.message
    assert "connection us_east: the Prefect secret block amazon-us" in caught.value.message
    assert remedy in caught.value.remedy


def test_a_name_that_the_block_lacks_is_named(prefect: ScriptedAmazon) -> None:
    prefect.api = [answer(200, {"data": {"value": GENERAL | {"LWA_APP_ID": 7}}})]
    with pytest.raises(ConfigurationError, match="the Prefect secret block amazon-us: LWA_APP_ID: is missing"):
        load_block(prefect)


@pytest.mark.parametrize("url", ["", "not a url", "http://127.0.0.1:no-port/api"])
def test_a_block_needs_a_prefect_server_that_is_named(url: str) -> None:
    with pytest.raises(ConfigurationError, match="PREFECT_API_URL") as caught:
        load_credentials(connection("prefect:amazon-us"), {"PREFECT_API_URL": url}, Path())
    assert "credentials: env" in caught.value.remedy


def test_a_prefect_server_that_is_not_there_is_wrong_set_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/api"
    with pytest.raises(ConfigurationError, match="does not answer"):
        load_credentials(connection("prefect:amazon-us"), {"PREFECT_API_URL": url}, Path())
