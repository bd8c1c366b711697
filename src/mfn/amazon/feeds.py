"""Feeds of quantities: submitted, followed, and read back from their processing report.

Operations: Amazon's model feeds_2021-06-30.json of 2026-04-01.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx
from msgspec import Struct

from mfn.amazon.answers import UNREADABLE
from mfn.amazon.documents import UNDER_WAY, Created, Described
from mfn.amazon.failures import RUN_AGAIN, AmazonUnavailableError, ThrottledError
from mfn.amazon.feed_reports import report_of
from mfn.amazon.quantities import feed_of
from mfn.moments import LONG_AGO, iso_seconds, moment_in

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from mfn.amazon.feed_reports import FeedReport
    from mfn.amazon.session import Session

PATH = "/feeds/2021-06-30"
FEED_TYPE = "JSON_LISTINGS_FEED"
CONTENT_TYPE = "application/json; charset=UTF-8"
PAGE_SIZE = 100


@dataclass(frozen=True)
class FeedState:
    """How far a feed is.

    Attributes:
        feed_id: Amazon's id.
        status: `IN_QUEUE`, `IN_PROGRESS`, `DONE`, `CANCELLED` or `FATAL`.
        created_at: When it was submitted, in UTC; `LONG_AGO` if Amazon gives no time.
        marketplace_ids: Where it holds.
        document_id: Its processing report, or None if there is none (yet).
    """

    feed_id: str
    status: str
    created_at: datetime
    marketplace_ids: tuple[str, ...]
    document_id: str | None

    @property
    def is_under_way(self) -> bool:
        """Whether Amazon is still processing it."""
        return self.status in UNDER_WAY


class _Feed(Struct, rename="camel"):
    feed_id: str
    processing_status: str
    created_time: Any = None  # only needed to tell which of several feeds is the lost one
    marketplace_ids: list[str] | None = None
    result_feed_document_id: str | None = None


class _Feeds(Struct, rename="camel"):
    feeds: list[_Feed]
    next_token: str | None = None


class _CreatedFeed(Struct, rename="camel"):
    feed_id: str


class AmazonFeeds:
    """Submits the quantities of one connection as feeds and follows them; its calls count as its session's."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._name = session.connection.name

    def upload(self, levels: Sequence[tuple[str, int]]) -> str:
        """Upload the document of a feed; nothing happens until a feed is created from it.

        Args:
            levels: Seller SKUs, each once, and their units on offer, at most `MOST_MESSAGES`; the message ids of the
                report count them from 1.

        Returns:
            Amazon's id of the document.

        Raises:
            RetriableError: Amazon did not take it.
            FatalError: A role is missing, or the credentials or the request are refused.
        """
        name = "createFeedDocument"
        what = f"{name} for the connection {self._name}"

        def create() -> Created:
            return self._session.ask(
                name,
                what,
                lambda: self._session.library.post(f"{PATH}/documents", contentType=CONTENT_TYPE),
                Created,
                status=httpx.codes.CREATED,
            )

        content = feed_of(self._session.connection.seller_id, levels)
        what_document = f"the upload of {len(levels)} quantities for the connection {self._name}"
        return self._session.documents.hand_in(what_document, create, content, CONTENT_TYPE)

    def create_feed(self, marketplace_id: str, document_id: str) -> str:
        """Have a document processed, once: a call whose reply was lost is not repeated.

        Returns:
            Amazon's id of the feed.

        Raises:
            BudgetExhaustedError: Nothing was submitted.
            RetriableError: Amazon did not say that it took it, although it may have: `feeds_since` tells.
            FatalError: A role is missing, or the credentials or the request are refused.
        """
        name = "createFeed"
        what = f"{name} of {document_id} in {marketplace_id} for the connection {self._name}"
        body: dict[str, Any] = {
            "feedType": FEED_TYPE,
            "marketplaceIds": [marketplace_id],
            "inputFeedDocumentId": document_id,
        }
        created = self._session.ask(
            name,
            what,
            lambda: self._session.library.post(f"{PATH}/feeds", **body),
            _CreatedFeed,
            status=httpx.codes.ACCEPTED,
            again=ThrottledError,
        )
        return created.feed_id

    def feed(self, feed_id: str) -> FeedState:
        """The state of a feed.

        Raises:
            RetriableError: Amazon did not answer.
            FatalError: A role is missing, the credentials are refused, or there is no such feed.
        """
        name = "getFeed"
        what = f"{name} {feed_id} for the connection {self._name}"
        path = f"{PATH}/feeds/{quote(feed_id, safe='')}"
        return _state(self._session.ask(name, what, lambda: self._session.library.get(path), _Feed))

    def feeds_since(self, moment: datetime) -> list[FeedState]:
        """The feeds of quantities and of other listings data that anybody submitted for this account.

        Args:
            moment: Created then or later; aware.

        Raises:
            RetriableError: Amazon did not answer with all of them.
            FatalError: A role is missing, or the credentials or the request are refused.
        """
        page = self._page(feedTypes=FEED_TYPE, createdSince=iso_seconds(moment), pageSize=PAGE_SIZE)
        feeds, tokens = list(page.feeds), set()
        while token := page.next_token:
            if token in tokens:
                raise AmazonUnavailableError(
                    f"getFeeds for the connection {self._name}: Amazon's pages repeat after {len(feeds)}.",
                    remedy=RUN_AGAIN,
                )
            tokens.add(token)
            page = self._page(nextToken=token)
            feeds += page.feeds
        return [_state(feed) for feed in feeds]

    def report(self, document_id: str) -> FeedReport:
        """What became of a feed's messages.

        Args:
            document_id: The feed's processing report, see `FeedState`.

        Raises:
            RetriableError: Amazon did not answer with a whole report.
            FatalError: A role is missing, the credentials are refused, or there is no such document.
        """
        name = "getFeedDocument"
        what = f"{name} {document_id} for the connection {self._name}"

        path = f"{PATH}/documents/{quote(document_id, safe='')}"
        document = self._session.documents.fetch(
            what, lambda: self._session.ask(name, what, lambda: self._session.library.get(path), Described)
        )
        try:
            return report_of(document.content)
        except UNREADABLE as error:
            raise AmazonUnavailableError(f"{what}: the report cannot be read: {error}.", remedy=RUN_AGAIN) from None

    def _page(self, **query: Any) -> _Feeds:
        what = f"getFeeds for the connection {self._name}"
        return self._session.ask(
            "getFeeds",
            what,
            lambda: self._session.library.get(f"{PATH}/feeds", **query),
            _Feeds,
            page_token="nextToken" in query,
        )


def _state(feed: _Feed) -> FeedState:
    return FeedState(
        feed.feed_id,
        feed.processing_status,
        moment_in(feed.created_time) or LONG_AGO,
        tuple(feed.marketplace_ids or ()),
        feed.result_feed_document_id,
    )
