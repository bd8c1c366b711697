"""Feeds: documents that are submitted, processed after a while, and reported on.

Stages and report: Amazon's model feeds_2021-06-30.json of 2026-04-01, its listings feed schemas of 2026-01-22.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from mfn.simulator.listings import apply_patches, patch_faults

if TYPE_CHECKING:
    from datetime import datetime

    from mfn.simulator.clock import Agenda
    from mfn.simulator.documents import Documents
    from mfn.simulator.faults import Faults
    from mfn.simulator.listings import Listings

LISTINGS_FEED = "JSON_LISTINGS_FEED"
FEED_VERSION = "2.0"
MOST_MESSAGES = 25_000
QUEUED_FOR = timedelta(seconds=30)
WORKED_FOR = timedelta(seconds=60)
"""How long a feed waits and is worked off at the speed of 1."""


@dataclass
class Feed:
    """One feed.

    Attributes:
        feed_id: Amazon's id.
        feed_type: Which kind.
        marketplace_ids: Where it holds.
        document_id: What was handed in.
        created: When.
        status: IN_QUEUE, IN_PROGRESS, DONE, CANCELLED or FATAL.
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
    """Every feed of the seller.

    Args:
        listings: What listings feeds change.
        documents: Where they and their reports are.
        faults: What is to go wrong.
        seller_id: Whose feeds these are.
        agenda: Where the work is entered.
        speed: What its pace is multiplied with.
    """

    def __init__(
        self, listings: Listings, documents: Documents, faults: Faults, *, seller_id: str, agenda: Agenda, speed: float
    ) -> None:
        self._listings = listings
        self._documents = documents
        self._faults = faults
        self._seller_id = seller_id
        self._agenda = agenda
        self._speed = speed
        self._last_number = 50_000_000_000
        self.feeds: dict[str, Feed] = {}

    def submit(self, feed_type: str, marketplace_ids: list[str], document_id: str, now: datetime) -> Feed:
        """Take in a feed; it waits, is worked off, and is then done.

        Args:
            feed_type: Which kind; all but JSON_LISTINGS_FEED end as FATAL.
            marketplace_ids: Where it holds.
            document_id: What was uploaded.
            now: The present moment.
        """
        self._last_number += 1
        feed = Feed(str(self._last_number), feed_type, marketplace_ids, document_id, now)
        self.feeds[feed.feed_id] = feed
        begins = now + QUEUED_FOR / self._speed
        self._agenda.at(begins, partial(_begin, feed))
        self._agenda.at(begins + WORKED_FOR / self._speed, partial(self._finish, feed))
        return feed

    def _finish(self, feed: Feed, now: datetime) -> None:
        messages = self._messages(feed)
        status = "FATAL" if messages is None else "DONE"
        if self._faults.feed_endings:
            status = self._faults.feed_endings.popleft()
        feed.status = status
        feed.ended = None if status == "IN_PROGRESS" else now
        if messages is None or status != "DONE":
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
        text = msgspec.json.encode(report)
        feed.result_document_id = self._documents.make(now, text, "application/json").document_id

    def _messages(self, feed: Feed) -> list[dict[str, Any]] | None:
        """What is in a listings feed; None where it is none, or nothing that Amazon can read."""
        if feed.feed_type != LISTINGS_FEED:
            return None
        try:
            uploaded = self._documents.find(feed.document_id)
            document = msgspec.json.decode((uploaded and uploaded.content) or b"")
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
            faults = ["This local Amazon processes PATCH messages only."]
        else:
            faults = patch_faults(patches) + self._faults.refusals(sku, is_listed=bool(listings))
        if not faults:
            for listing in listings:
                apply_patches(listing, patches, now)
        return [
            {"messageId": message["messageId"], "sku": sku, "code": "4000001", "severity": "ERROR", "message": fault}
            for fault in faults
        ]


def _begin(feed: Feed, now: datetime) -> None:
    feed.started, feed.status = now, "IN_PROGRESS"
