"""JSON that a strict reader refuses, repaired: one bad text does not cost a page of orders."""

from __future__ import annotations

import json

import msgspec
import pytest

from mfn.amazon.answers import UNREADABLE
from mfn.amazon.failures import AmazonUnavailableError, decoded
from mfn.amazon.order_pages import SearchPage
from mfn.amazon.repaired_json import MOST_BYTES, MOST_DEPTH, repaired
from tests.unit.answered import answer


def _read(content: bytes) -> object:
    return msgspec.json.decode(repaired(content))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (rb'"half \ud83d"', "half �"),
        (rb'"half \ud83d\ud83d\ude00"', "half �😀"),
        (rb'"half \ude00\ud83d"', "half ��"),
        (rb'"whole \ud83d\ude00 \u00e9"', "whole 😀 é"),
        (rb'"no escape \\ud83d \\\\ud83d"', r"no escape \ud83d \\ud83d"),
        (b'"bare \x00\x1b\n"', "bare \x00\x1b\n"),
        (b'\xef\xbb\xbf"marked"', "marked"),
        (rb'"[{\"[{"', '[{"[{'),
    ],
)
def test_a_bad_text_becomes_one_that_can_be_read(text: bytes, expected: str) -> None:
    assert _read(text) == expected
    assert _read(b'{"a": [' + text.removeprefix(b"\xef\xbb\xbf") + b', {"b": 1}]}') == {"a": [expected, {"b": 1}]}


def test_what_is_no_number_becomes_null_and_its_neighbours_stay() -> None:
    read = _read(b'{"a": NaN, "NaN": [-Infinity,Infinity, 1], "said": "NaN, -Infinity \\"NaN\\""}')
    assert read == {"a": None, "NaN": [None, None, 1], "said": 'NaN, -Infinity "NaN"'}


@pytest.mark.parametrize(("opens", "closes"), [(b"[", b"]"), (b'{"a":', b"}"), (b'[{"a":[', b"]}]")])
def test_what_lies_too_deep_becomes_null_and_its_neighbours_stay(opens: bytes, closes: bytes) -> None:
    deep = opens * 100_000 + b"1" + closes * 100_000
    with pytest.raises(UNREADABLE):
        msgspec.json.decode(deep)
    read = _read(b'{"before": 1, "deep": ' + deep + b', "after": [2]}')
    assert isinstance(read, dict)
    assert (read["before"], read["after"]) == (1, [2])
    assert "null" in json.dumps(read["deep"])


def test_what_amazon_nests_stays_as_it_is() -> None:
    nested = b"[" * (MOST_DEPTH - 1) + b"1" + b"]" * (MOST_DEPTH - 1)
    assert repaired(b'{"a": ' + nested + b"}") == b'{"a": ' + nested + b"}"


@pytest.mark.parametrize("content", [b"", b'{"orders": [', b'"' + b"\\" * 100_001, b"]" * 100_000, b'"' + b"a" * 10**6])
def test_what_is_broken_otherwise_stays_so_and_takes_no_time(content: bytes) -> None:
    with pytest.raises(UNREADABLE):
        msgspec.json.decode(repaired(content))


def test_what_would_take_minutes_is_left_alone() -> None:
    content = b'"\\ud83d' + b"a" * MOST_BYTES
    assert repaired(content) is content


def test_a_page_is_read_in_spite_of_one_order() -> None:
    bad = (rb'{"title": "half \ud83d"}', b'{"deep": ' + b"[" * 5000 + b"]" * 5000 + b"}", b'{"title": "\x01"}')
    page = b'{"orders": [{"orderId": "1"}, ' + b", ".join(bad) + b', {"orderId": "2"}]}'
    orders = decoded("searchOrders", answer(page), SearchPage).orders
    assert [bytes(order) for order in (orders[0], orders[-1])] == [b'{"orderId": "1"}', b'{"orderId": "2"}']
    assert len(orders) == len(bad) + 2


def test_a_page_that_is_not_one_is_reported_in_one_short_line() -> None:
    class Status(msgspec.Struct):
        status: int

    with pytest.raises(AmazonUnavailableError) as caught:
        decoded("getFeed", answer(b'{"status": "' + b"\\u001b[31m" * 10_000 + b'"}'), Status)
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 500
