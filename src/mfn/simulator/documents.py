"""Documents of feeds and reports, each behind an address that opens for five minutes.

Addresses and compression: Amazon's models feeds_2021-06-30.json and reports_2021-06-30.json of 2026-04-01.
"""

from __future__ import annotations

import gzip
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

ADDRESS_LIFE = timedelta(minutes=5)


@dataclass
class Document:
    """A document behind an address of its own.

    Attributes:
        document_id: Amazon's id.
        content: What it holds; None until it is uploaded.
        address_expires: Until when its address is good.
        is_compressed: Whether the content is gzipped.
        content_type: What is said of it to whoever fetches it.
    """

    document_id: str
    content: bytes | None
    address_expires: datetime
    is_compressed: bool = False
    content_type: str = "application/octet-stream"


class Documents:
    """Every document of the seller."""

    def __init__(self) -> None:
        self._documents: dict[str, Document] = {}

    def open(self, now: datetime) -> Document:
        """A document that waits for what it shall hold.

        Args:
            now: The present moment.
        """
        return self._keep(Document(_new_id(), None, now + ADDRESS_LIFE))

    def make(self, now: datetime, content: bytes, content_type: str) -> Document:
        """A document that Amazon has made, compressed.

        Args:
            now: The present moment.
            content: What it holds.
            content_type: What is said of it.
        """
        packed = gzip.compress(content)
        return self._keep(
            Document(_new_id(), packed, now + ADDRESS_LIFE, is_compressed=True, content_type=content_type)
        )

    def find(self, document_id: str) -> Document | None:
        """The document of an id; None where there is none."""
        return self._documents.get(document_id)

    def _keep(self, document: Document) -> Document:
        self._documents[document.document_id] = document
        return document


def _new_id() -> str:
    return f"amzn1.tortuga.4.na.{secrets.token_hex(16)}"
