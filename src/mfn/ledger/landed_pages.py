"""Landed pages: the texts of orders, encrypted together, and the place of each order's newest text."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from mfn.ledger.compression import compressed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mfn.ledger.opening import Ledger

_PAGES = msgspec.msgpack.Encoder()


class Place(NamedTuple):
    """Where the newest text of an order is.

    Attributes:
        page: The landed page.
        position: On the page, from 0.
        order_id: The order.
    """

    page: int
    position: int
    order_id: str


def seal_page(ledger: Ledger, connection: str, page: int, texts: Sequence[bytes]) -> bytes:
    """The payload of a page: its texts, empty where one was deleted, encrypted as one and bound to the page."""
    return ledger.cipher.encrypt(compressed(_PAGES.encode(texts)), context=page_context(connection, page))


def page_context(connection: str, page: int) -> str:
    """The encryption context of a page's payload, which cannot be decrypted with any other."""
    return f"{connection} page {page}"
