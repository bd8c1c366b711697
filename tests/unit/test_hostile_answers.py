"""Answers that do not end, unpack to gigabytes or are packed in ways that nobody asked for."""

from __future__ import annotations

import gzip
import itertools
import tracemalloc
import zlib
from typing import TYPE_CHECKING

import httpx
import pytest

from mfn.amazon.bounded import BoundedClient, TooLargeError, unpacked, within
from mfn.amazon.documents import Described, Documents
from mfn.amazon.failures import AmazonUnavailableError
from mfn.amazon.transport import _certificates, library_of
from mfn.errors import FatalError
from tests.faults.adapter import SECRETS, Clock, adapter
from tests.faults.scripted_amazon import ScriptedAmazon, answer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MEGABYTE = 1024 * 1024
BOMB = gzip.compress(b"\0" * 50 * MEGABYTE)


@pytest.fixture
def amazon() -> Iterator[ScriptedAmazon]:
    with ScriptedAmazon() as server:
        yield server


def get(amazon: ScriptedAmazon, reply: bytes, *, most: int = MEGABYTE, timeout_seconds: float = 20) -> httpx.Response:
    """What a client says that takes so many bytes."""
    amazon.api = [reply]
    client = BoundedClient(most=most, timeout_seconds=timeout_seconds, connect_seconds=5, certificates=_certificates())
    with client:
        return client.get(f"{amazon.endpoint}/orders")


def test_an_answer_is_read_packed_or_not(amazon: ScriptedAmazon) -> None:
    assert get(amazon, answer(200, b'{"a": 1}')).json() == {"a": 1}
    packed = get(amazon, answer(200, gzip.compress(b'{"a": 1}'), content_encoding="gzip"))
    assert (packed.json(), packed.headers["content-type"]) == ({"a": 1}, "text/html")
    assert get(amazon, answer(200, b"x" * MEGABYTE)).content == b"x" * MEGABYTE


@pytest.mark.parametrize(
    "reply",
    [answer(200, b"x" * (MEGABYTE + 1)), answer(200, BOMB, content_encoding="gzip")],
    ids=["too long", "a bomb"],
)
def test_an_answer_that_is_too_large_is_read_no_further(amazon: ScriptedAmazon, reply: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(TooLargeError) as caught:
            get(amazon, reply)
        assert tracemalloc.get_traced_memory()[1] < 8 * MEGABYTE
    finally:
        tracemalloc.stop()
    assert "is larger than 1 MB" in caught.value.message
    assert "connections.yaml" in caught.value.remedy


@pytest.mark.parametrize("encoding", ["deflate", "br", "zstd", "gzip, gzip", "x" * 1000])
def test_an_answer_that_is_packed_in_another_way_is_not_unpacked(amazon: ScriptedAmazon, encoding: str) -> None:
    with pytest.raises(httpx.DecodingError) as caught:
        get(amazon, answer(200, zlib.compress(b"{}"), content_encoding=encoding))
    assert len(str(caught.value)) < 100


def test_an_answer_that_trickles_ends(amazon: ScriptedAmazon, monkeypatch: pytest.MonkeyPatch) -> None:
    hours = itertools.count(step=3600)
    monkeypatch.setattr("mfn.amazon.bounded.time.monotonic", lambda: next(hours))
    with pytest.raises(httpx.ReadTimeout):
        get(amazon, answer(200, b"{}"))


@pytest.mark.parametrize("chunk", [1, 7, MEGABYTE])
@pytest.mark.parametrize("members", [1, 3])
def test_whatever_the_chunks_what_was_packed_comes_out(chunk: int, members: int) -> None:
    content = bytes(range(256)) * 50
    packed = gzip.compress(content) * members + b"\0" * 20
    chunks = [packed[start : start + chunk] for start in range(0, len(packed), chunk)]
    assert b"".join(unpacked(chunks)) == content * members
    with pytest.raises(EOFError):
        list(unpacked([packed[: -20 - 9]]))
    with pytest.raises(zlib.error):
        list(unpacked([packed, b"no gzip"]))
    assert list(unpacked([])) == []


def test_a_bomb_is_unpacked_in_small_parts() -> None:
    parts = unpacked([BOMB])
    assert all(len(part) <= MEGABYTE for part in itertools.islice(parts, 10))
    with pytest.raises(TooLargeError, match="the report is larger than 2 MB"):
        list(within(parts, 2 * MEGABYTE, what="the report"))


def test_a_document_that_is_a_bomb_is_refused(amazon: ScriptedAmazon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mfn.amazon.documents.DOCUMENT_BYTES", 2 * MEGABYTE)
    library = library_of("us", amazon.endpoint, amazon.endpoint, SECRETS, 20)
    documents = Documents(library, lambda _: None)
    try:
        amazon.api = [answer(200, BOMB)]
        with pytest.raises(FatalError, match="the report, unpacked, is larger than 2 MB"):
            documents.fetch("the report", lambda: Described(f"{amazon.endpoint}/document", "GZIP"))
        amazon.api = [answer(200, b"no gzip")] * 5
        with pytest.raises(AmazonUnavailableError, match="cannot be read"):
            documents.fetch("the report", lambda: Described(f"{amazon.endpoint}/document", "GZIP"))
        with pytest.raises(AmazonUnavailableError) as caught:
            documents.fetch("the report", lambda: Described(f"{amazon.endpoint}/document", "\x1b[31m" * 10_000))
        assert caught.value.message.isprintable()
        assert len(caught.value.message) < 600
    finally:
        library.close()
        library_of.cache_clear()


@pytest.mark.parametrize("rate", ["1e-300", "0", "-1", "nan", "inf", "1e999", "", "x", "0.0001"])
def test_a_rate_that_would_stop_a_run_is_passed_over(amazon: ScriptedAmazon, tmp_path: Path, rate: str) -> None:
    amazon.api = [answer(404, {"errors": []}, x_amzn_RateLimit_Limit=rate)]
    with adapter(amazon.endpoint, tmp_path, Clock()) as orders:
        before = orders._session.budget.rate("getOrder")
        assert orders.get_order("111-0000001-0000001") is None
        assert orders._session.budget.rate("getOrder") == before


@pytest.mark.parametrize("token", ["", "a\n", "a b", "é", "x" * 10_001, "a\r\nhost: elsewhere"])
def test_a_token_that_no_header_can_carry_is_none(amazon: ScriptedAmazon, tmp_path: Path, token: str) -> None:
    amazon.login = [answer(200, {"access_token": token})]
    with adapter(amazon.endpoint, tmp_path, Clock()) as orders:
        with pytest.raises(AmazonUnavailableError, match="cannot be read"):
            orders.get_order("111-0000001-0000001")
        assert not amazon.arrived("/orders/2026-01-01/orders/111-0000001-0000001")
