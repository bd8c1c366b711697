"""Proxies and certificates that the environment names and no client can use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mfn.amazon.credentials import Credentials
from mfn.amazon.probing import reach
from mfn.amazon.transport import _certificates, library_of
from mfn.errors import ConfigurationError
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
        ("ftp://u:hunter2@127.0.0.1:1", "that is no address of one"),
        ("http://u:hunter2@127.0.0.1:port", "that is no address of one"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_named_without_its_password(
    monkeypatch: pytest.MonkeyPatch, proxy: str, why: str
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("ALL_PROXY", proxy)
    remedy = "Name an HTTP proxy, such as http://proxy.example.com:3128, or take the variable out."
    assert refusals() == [f"the environment: ALL_PROXY: names a proxy that cannot be used ({why}). {remedy}"] * 3


def test_a_file_of_certificates_that_cannot_be_used_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "gone.pem"))
    assert all("SSL_CERT_FILE: names a file that cannot be used (No such file" in said for said in refusals())
    (tmp_path / "gone.pem").write_text("-----BEGIN CERTIFICATE-----\nnone\n", encoding="utf-8")
    nothing = "SSL_CERT_FILE: names a file that cannot be used (it is no file of certificates)"
    assert all(nothing in said for said in refusals())
