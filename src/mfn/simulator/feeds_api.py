"""createFeedDocument, createFeed, getFeed, getFeeds and getFeedDocument, version 2021-06-30.

Rules: Amazon's model feeds_2021-06-30.json of 2026-04-01.
"""

import base64
import binascii
from datetime import timedelta
from typing import Annotated, Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from mfn.simulator.clock import amazon_time, parse_time
from mfn.simulator.documents_api import address, describe
from mfn.simulator.feeds import Feed
from mfn.simulator.operations import local_amazon, operations
from mfn.simulator.queries import values
from mfn.simulator.replies import invalid_input, json_reply, not_found

FILTERS = ("feedTypes", "createdSince", "pageSize")
MOST_PER_PAGE = 100
USUAL_PAGE = 10
KEPT = timedelta(days=90)

router = operations()


class DocumentSpecification(msgspec.Struct, rename="camel"):
    """What createFeedDocument is sent."""

    content_type: Annotated[str, msgspec.Meta(min_length=1)]


class FeedSpecification(msgspec.Struct, rename="camel"):
    """What createFeed is sent."""

    feed_type: str
    marketplace_ids: Annotated[list[str], msgspec.Meta(min_length=1, max_length=25)]
    input_feed_document_id: str


@router.post("/feeds/2021-06-30/documents", operation_id="createFeedDocument")
async def create_feed_document(request: Request) -> Response:
    """An id, and an address to upload to within five minutes."""
    try:
        msgspec.json.decode(await request.body(), type=DocumentSpecification)
    except msgspec.DecodeError as error:
        raise invalid_input("The request body is not valid.", str(error)) from None
    amazon = local_amazon(request)
    document = amazon.documents.open(amazon.clock.now())
    return json_reply({"feedDocumentId": document.document_id, "url": address(request, document)}, 201)


@router.post("/feeds/2021-06-30/feeds", operation_id="createFeed")
async def create_feed(request: Request) -> Response:
    """Hand in what was uploaded."""
    amazon = local_amazon(request)
    try:
        asked = msgspec.json.decode(await request.body(), type=FeedSpecification)
    except msgspec.DecodeError as error:
        raise invalid_input("The request body is not valid.", str(error)) from None
    document = amazon.documents.find(asked.input_feed_document_id)
    if document is None or document.content is None:
        raise invalid_input("inputFeedDocumentId names no document that was uploaded.")
    feed = amazon.feeds.submit(asked.feed_type, asked.marketplace_ids, document.document_id, amazon.clock.now())
    return json_reply({"feedId": feed.feed_id}, 202)


@router.get("/feeds/2021-06-30/feeds/{feed_id}", operation_id="getFeed")
async def get_feed(request: Request) -> Response:
    """How far a feed is."""
    feed = local_amazon(request).feeds.feeds.get(request.path_params["feed_id"])
    if feed is None:
        raise not_found(f"Feed {request.path_params['feed_id']}")
    return json_reply(_shown(feed))


@router.get("/feeds/2021-06-30/feeds", operation_id="getFeeds")
async def get_feeds(request: Request) -> Response:
    """The feeds of some types, the latest first, page by page."""
    amazon, query = local_amazon(request), request.query_params
    if "nextToken" in query:
        if len(query) > 1:
            raise invalid_input("nextToken must be the only parameter.")
        asked, start = _asked(query["nextToken"])
    else:
        asked, start = {name: ",".join(values(query, name)) for name in FILTERS if name in query}, 0
    types, size = asked.get("feedTypes", "").split(","), asked.get("pageSize", str(USUAL_PAGE))
    if types == [""]:
        raise invalid_input("Either feedTypes or nextToken is required.")
    if not size.isdigit() or not 1 <= int(size) <= MOST_PER_PAGE:
        raise invalid_input(f"pageSize must be between 1 and {MOST_PER_PAGE}, not {size}.")
    try:
        since = parse_time(asked["createdSince"]) if "createdSince" in asked else amazon.clock.now() - KEPT
    except ValueError:
        raise invalid_input("createdSince is no date and time in ISO 8601.") from None
    found = [feed for feed in amazon.feeds.feeds.values() if feed.feed_type in types and feed.created >= since][::-1]
    end = start + int(size)
    body: dict[str, Any] = {"feeds": [_shown(feed) for feed in found[start:end]]}
    if end < len(found):
        token = msgspec.json.encode([asked, end])
        body["nextToken"] = base64.urlsafe_b64encode(token).decode()
    return json_reply(body)


@router.get("/feeds/2021-06-30/documents/{document_id}", operation_id="getFeedDocument")
async def get_feed_document(request: Request) -> Response:
    """An address to download a report from within five minutes."""
    return json_reply(describe(request, request.path_params["document_id"], id_name="feedDocumentId"))


def _shown(feed: Feed) -> dict[str, Any]:
    body = {
        "feedId": feed.feed_id,
        "feedType": feed.feed_type,
        "marketplaceIds": feed.marketplace_ids,
        "createdTime": amazon_time(feed.created),
        "processingStatus": feed.status,
        "processingStartTime": amazon_time(feed.started) if feed.started else None,
        "processingEndTime": amazon_time(feed.ended) if feed.ended else None,
        "resultFeedDocumentId": feed.result_document_id,
    }
    return {name: value for name, value in body.items() if value is not None}


def _asked(token: str) -> tuple[dict[str, str], int]:
    """What a page token means: the parameters of the first page, and where it continues."""
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(token), type=tuple[dict[str, str], int])
    except (binascii.Error, msgspec.DecodeError, ValueError):
        raise invalid_input("nextToken is not valid.") from None
