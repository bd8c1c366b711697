"""What the ledger encrypts is small, and what earlier versions wrote is still read."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfn.ledger.compression import compressed, decompressed


@given(st.binary())
def test_content_comes_back_as_it_was(content: bytes) -> None:
    assert decompressed(compressed(content)) == content


@pytest.mark.parametrize("length", [0, 1, 15, 16, 100, 70_000])
def test_an_array_that_an_earlier_version_wrote_is_read_as_it_is(length: int) -> None:
    written = msgspec.msgpack.encode([b"(" for _ in range(length)])
    assert decompressed(written) == written


def test_a_page_of_orders_takes_a_fraction_of_the_room() -> None:
    order = b'{"orderId": "701-0000000-0000001", "orderItems": [{"quantityOrdered": 1}]}'
    content = msgspec.msgpack.encode([order] * 100)
    assert len(compressed(content)) * 5 < len(content)
