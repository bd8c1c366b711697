"""Feeds: documents that are handed in, worked off after a while, and reported on.

Stages and report: Amazon's model feeds_2021-06-30.json of 2026-04-01, its listings feed schemas of 2026-01-22.
"""

from __future__ import annotations

import gzip
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any

import msgspec

from mfn.simulator.listings import apply_patches, patch_faults

if TYPE_CHECKING:
    from mfn.simulator.clock import Agenda
    from mfn.simulator.listings import Listings

LISTINGS_FEED = "JSON_LISTINGS_FEED"
FEED_VERSION = "2.0"
MOST_MESSAGES = 25_000
URL_LIFE = timedelta(minutes=5)
QUEUED_FOR = timedelta(seconds=30)
WORKED_FOR = timedelta(seconds=60)
"""How long a feed waits and is worked off at the speed of 1."""


@dataclass
class Document:
    """A document behind an address of its own.

    Attributes:
        document_id: Amazon's id.
        content: What it holds; None until it is uploaded.
        address_expires: Until when its address is good.
        is_compressed: Whether the content is gzipped.
    """

    document_id: str
    content: bytes | None
    address_expires: datetime
    is_compressed: bool = False


@dataclass
class Feed:
    """One feed.

    Attributes:
        feed_id: Amazon's id.
        feed_type: Which kind.
        marketplace_ids: Where it holds.
        document_id: What was handed in.
        created: When.
        status: IN_QUEUE, IN_PROGRESS, DONE or FATAL.
        started: When it was begun.
        ended: When it was done.
        result_document_id: The report.
    """

    feed_id: str
    feed_type: str
    marketplace_ids: list[str]
    document_id: str
    created: datetime
    status: str = "IN_QUEUE"
    started: datetime | None = None
    ended: datetime | None = None
    result_document_id: str | None = None


class Feeds:
    """Every feed and document of the seller.

    Args:
        listings: What listings feeds change.
        seller_id: Whose feeds these are.
        agenda: Where the work is entered.
        speed: What its pace is multiplied with.
    """

    def __init__(self, listings: Listings, seller_id: str, agenda: Agenda, speed: float) -> None:
        self._listings = listings
        self._seller_id = seller_id
        self._agenda = agenda
        self._speed = speed
        self._numbers = count(50_000_000_001)
        self.documents: dict[str, Document] = {}
        self.feeds: dict[str, Feed] = {}

    def new_document(self, now: datetime, content: bytes | None = None) -> Document:
        """A document; with content it is a report, and compressed.

        Args:
            now: The present moment.
            content: What it holds.
        """
        document = Document(
            document_id=f"amzn1.tortuga.4.na.{secrets.token_hex(16)}",
            content=None if content is None else gzip.compress(content),
            address_expires=now + URL_LIFE,
            is_compressed=content is not None,
        )
        self.documents[document.document_id] = document
        return document

    def renew_address(self, document: Document, now: datetime) -> None:
        """Let a document's address be good for another five minutes."""
        document.address_expires = now + URL_LIFE

    def submit(self, feed_type: str, marketplace_ids: list[str], document_id: str, now: datetime) -> Feed:
        """Take in a feed; it waits, is worked off, and is then done.

        Args:
            feed_type: Which kind; all but JSON_LISTINGS_FEED end as FATAL.
            marketplace_ids: Where it holds.
            document_id: What was uploaded.
            now: The present moment.
        """
        feed = Feed(str(next(self._numbers)), feed_type, marketplace_ids, document_id, now)
        self.feeds[feed.feed_id] = feed
        begins = now + QUEUED_FOR / self._speed
        self._agenda.at(begins, partial(_begin, feed))
        self._agenda.at(begins + WORKED_FOR / self._speed, partial(self._finish, feed))
        return feed

    def _finish(self, feed: Feed, now: datetime) -> None:
        messages = self._messages(feed)
        feed.ended, feed.status = now, "FATAL" if messages is None else "DONE"
        if messages is None:
            return
        issues = [issue for message in messages for issue in self._work_off(feed, message, now)]
        invalid = len({issue["messageId"] for issue in issues})
        report = {
            "header": {"sellerId": self._seller_id, "version": FEED_VERSION, "feedId": feed.feed_id},
            "issues": issues,
            "summary": {
                "errors": len(issues),
                "warnings": 0,
                "messagesProcessed": len(messages),
                "messagesAccepted": len(messages) - invalid,
                "messagesInvalid": invalid,
            },
        }
        feed.result_document_id = self.new_document(now, msgspec.json.encode(report)).document_id

    def _messages(self, feed: Feed) -> list[dict[str, Any]] | None:
        """What is in a listings feed; None where it is none, or nothing that Amazon can read."""
        if feed.feed_type != LISTINGS_FEED:
            return None
        try:
            document = msgspec.json.decode(self.documents[feed.document_id].content or b"")
            header, messages = document["header"], document["messages"]
            numbers = {message["messageId"] for message in messages}
        except (msgspec.DecodeError, KeyError, TypeError):
            return None
        known = header.get("sellerId") == self._seller_id and header.get("version") == FEED_VERSION
        return messages if known and len(numbers) == len(messages) <= MOST_MESSAGES else None

    def _work_off(self, feed: Feed, message: dict[str, Any], now: datetime) -> list[dict[str, Any]]:
        sku, patches = message.get("sku", ""), message.get("patches", [])
        found = [self._listings.find(marketplace_id, sku) for marketplace_id in feed.marketplace_ids]
        listings = [listing for listing in found if listing is not None]
        if message.get("operationType") != "PATCH":
            faults = ["This local Amazon works off PATCH messages only."]
        else:
            faults = patch_faults(patches) if listings else [f"There is no listing for SKU {sku}."]
        if not faults:
            for listing in listings:
                apply_patches(listing, patches, now)
        return [
            {"messageId": message["messageId"], "sku": sku, "code": "4000001", "severity": "ERROR", "message": fault}
            for fault in faults
        ]


def _begin(feed: Feed, now: datetime) -> None:
    feed.started, feed.status = now, "IN_PROGRESS"
