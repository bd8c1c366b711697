"""Proxies and certificates that the environment names and no client can use."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING
from urllib.request import getproxies, proxy_bypass

import httpx
import pytest

from mfn.amazon.bounded import BoundedClient
from mfn.amazon.credentials import Credentials
from mfn.amazon.probing import reach
from mfn.amazon.transport import _certificates, library_of
from mfn.errors import ConfigurationError
from mfn.http_environment import directly_here
from mfn.prefect_api import prefect_client

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HERE = "http://127.0.0.1:1"


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    """A process reads certificates once."""
    for kept in (_certificates, library_of):
        kept.cache_clear()
    yield
    for kept in (_certificates, library_of):
        kept.cache_clear()


@pytest.fixture
def unproxied(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment that names no proxy yet."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return monkeypatch


@pytest.fixture
def served_here() -> Iterator[int]:
    """The port of a server on this machine that answers whatever it is asked."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def refusals() -> list[str]:
    """What is said where Amazon is called, where Prefect is, and where `mfn check` looks whether Amazon answers."""
    said = []
    for make in (
        lambda: library_of("us", HERE, HERE, Credentials("token", "app", "secret"), 1.0),
        lambda: prefect_client(f"{HERE}/api", {}),
        lambda: reach(HERE),
    ):
        with pytest.raises(ConfigurationError) as refused:
            make()
        assert refused.value.exit_code == 2
        said.append(refused.value.message)
    return said


@pytest.mark.parametrize(
    ("proxy", "why"),
    [
        ("socks5://u:hunter2@127.0.0.1:1", "SOCKS is not supported"),
        ("ftp://u:hunter2@127.0.0.1:1", "not the address of a proxy"),
        ("http://u:hunter2@127.0.0.1:port", "not the address of a proxy"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_named_without_its_password(
    unproxied: pytest.MonkeyPatch, proxy: str, why: str
) -> None:
    unproxied.setenv("ALL_PROXY", proxy)
    remedy = "Set it to an HTTP proxy such as http://proxy.example.com:3128, or remove the variable."
    assert refusals() == [f"the environment: ALL_PROXY: names a proxy that cannot be used ({why}). {remedy}"] * 3


def test_a_file_of_certificates_that_cannot_be_used_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "gone.pem"))
    assert all("SSL_CERT_FILE: names a file that cannot be used (No such file" in said for said in refusals())
    (tmp_path / "gone.pem").write_text("-----BEGIN CERTIFICATE-----\nnone\n", encoding="utf-8")
    nothing = "SSL_CERT_FILE: names a file that cannot be used (it is not a certificate file)"
    assert all(nothing in said for said in refusals())


@pytest.mark.parametrize("exceptions", [None, "intranet.example.com"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_what_this_machine_serves_is_asked_without_the_proxy(
    unproxied: pytest.MonkeyPatch, served_here: int, host: str, exceptions: str | None
) -> None:
    for name in ("http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        unproxied.setenv(name, HERE)  # nobody answers there
    if exceptions:
        unproxied.setenv("NO_PROXY", exceptions)
    address = f"http://{host}:{served_here}"
    assert reach(address).host == address
    with prefect_client(f"{address}/api", {}) as client:
        assert client.get("/health").json() == {}
    amazon = BoundedClient(most=10, timeout_seconds=5, connect_seconds=5, certificates=_certificates())
    with amazon:
        assert amazon.get(address).json() == {}
        with pytest.raises(httpx.ConnectError, match="refused"):
            amazon.get("http://elsewhere.invalid")


@pytest.mark.parametrize("exceptions", [{}, {"NO_PROXY": "intranet.example.com"}, {"no_proxy": "intranet.example.com"}])
def test_programs_that_are_started_ask_this_machine_without_the_proxy(
    unproxied: pytest.MonkeyPatch, exceptions: dict[str, str]
) -> None:
    for name, value in directly_here({"HTTP_PROXY": HERE} | exceptions).items():
        unproxied.setenv(name, value)
    assert getproxies()["http"] == HERE, "elsewhere it is used"
    assert all(proxy_bypass(host) for host in ("127.0.0.1", "localhost", "::1", *exceptions.values()))
    assert not proxy_bypass("api.amazon.com")
