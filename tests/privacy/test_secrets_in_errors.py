"""What goes wrong with a secret in hand is told without it, in messages, tracebacks and logs of any level."""

from __future__ import annotations

import json
import logging
import socket
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from mfn.amazon.credentials import NAMES
from mfn.cli.application import run
from mfn.cli.prefect_answers import ask
from mfn.errors import RetriableError
from mfn.prefect_api import prefect_client, shown_url
from tests.privacy.searching import Search

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.world import World

    Printed = Callable[..., str]

PLANTED = "Zq7Xv-planted"
SEARCH = Search([PLANTED])


@pytest.fixture
def printed(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> Printed:
    """Run a command that fails; everything that it prints and logs, in which no secret is."""

    def call(*words: str, ends: int) -> str:
        caplog.clear()
        logging.getLogger("sqlalchemy").setLevel(logging.DEBUG)
        with caplog.at_level(logging.DEBUG):
            assert run([*words, "--debug"]) == ends
        logging.getLogger("sqlalchemy").setLevel(logging.WARNING)
        shown = capfd.readouterr()
        everything = f"{shown.out}\n{shown.err}\n{caplog.text}"
        assert list(SEARCH.in_bytes(everything.encode(), "said")) == []
        return everything

    return call


def a_port_that_is_closed() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


DATABASES = {
    "not there": "postgresql://mfn:{secret}@127.0.0.1:{port}/mfn",
    "with an option that is none": "postgresql://mfn:{secret}@127.0.0.1:{port}/mfn?nonsense={secret}",
    "with a password among the options": "postgresql://mfn@127.0.0.1:{port}/mfn?password={secret}",
    "with a name that is none": "postgresql://mfn:{secret}@no-such-host.invalid/mfn",
}


@pytest.mark.parametrize("url", DATABASES.values(), ids=DATABASES.keys())
def test_an_unreachable_database_is_reported_without_its_password(
    world: World, printed: Printed, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    filled = url.format(secret=PLANTED, port=a_port_that_is_closed())
    monkeypatch.setenv("MFN_LEDGER_URL", filled)
    assert "the ledger" in printed("import", "us", ends=1)
    assert "MFN_LEDGER_URL" in printed("settings", ends=0)
    printed("settings", "--json", ends=0)
    monkeypatch.delenv("MFN_LEDGER_URL")
    path = world.home / "connections.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace(world.warehouse_url, filled), encoding="utf-8")
    assert "the warehouse of us" in printed("check", "us", ends=1)
    assert "the warehouse of us" in printed("import", "us", ends=1)


def test_a_refused_login_is_reported_without_the_credentials(
    world: World, printed: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in NAMES:
        monkeypatch.setenv(name, PLANTED)
    for error in ("invalid_grant", "invalid_client", "something new"):
        world.amazon.faults.refuse_login(error)
        assert "Login with Amazon" in printed("import", "us", ends=1)
    world.amazon.faults.drop("searchOrders", times=9)
    monkeypatch.setattr("mfn.amazon.calling._grow", lambda _state: 0.0)
    printed("import", "us", ends=1)


def test_an_unexpected_error_shows_no_secret_among_the_variables_of_its_traceback(
    world: World, printed: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in NAMES:
        monkeypatch.setenv(name, PLANTED)

    def broken(_connection: Any, credentials: Any, *_: Any, **__: Any) -> Any:
        raise KeyError("something")

    monkeypatch.setattr("mfn.amazon.session.open_session", broken)
    assert "Traceback" in printed("import", "us", ends=1)


def test_a_prefect_api_is_named_without_the_password_in_its_url() -> None:
    url = f"http://user:{PLANTED}@127.0.0.1:{a_port_that_is_closed()}/api"
    with prefect_client(url, {}) as client, pytest.raises(RetriableError) as caught:
        ask(client, "GET", "/health")
    assert "http://127.0.0.1" in caught.value.message
    assert PLANTED not in caught.value.message + json.dumps(shown_url(httpx.URL(url)))
