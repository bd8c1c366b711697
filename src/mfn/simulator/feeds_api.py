"""createFeedDocument, createFeed, getFeed and getFeedDocument, version 2021-06-30, and the addresses of the documents.

Rules: Amazon's model feeds_2021-06-30.json of 2026-04-01.
"""

from typing import Annotated

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from mfn.simulator.clock import amazon_time
from mfn.simulator.feeds import Document
from mfn.simulator.operations import local_amazon, operations
from mfn.simulator.replies import AmazonError, invalid_input, json_reply, not_found

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
    document = amazon.feeds.new_document(amazon.clock.now())
    return json_reply({"feedDocumentId": document.document_id, "url": _address(request, document)}, 201)


@router.post("/feeds/2021-06-30/feeds", operation_id="createFeed")
async def create_feed(request: Request) -> Response:
    """Hand in what was uploaded."""
    amazon = local_amazon(request)
    try:
        asked = msgspec.json.decode(await request.body(), type=FeedSpecification)
    except msgspec.DecodeError as error:
        raise invalid_input("The request body is not valid.", str(error)) from None
    document = amazon.feeds.documents.get(asked.input_feed_document_id)
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
    return json_reply({name: value for name, value in body.items() if value is not None})


@router.get("/feeds/2021-06-30/documents/{document_id}", operation_id="getFeedDocument")
async def get_feed_document(request: Request) -> Response:
    """An address to download a report from within five minutes."""
    amazon = local_amazon(request)
    document = amazon.feeds.documents.get(request.path_params["document_id"])
    if document is None or document.content is None:
        raise not_found(f"Feed document {request.path_params['document_id']}")
    amazon.feeds.renew_address(document, amazon.clock.now())
    body = {"feedDocumentId": document.document_id, "url": _address(request, document)}
    return json_reply(body | ({"compressionAlgorithm": "GZIP"} if document.is_compressed else {}))


@router.put("/documents/{document_id}", operation_id="uploadDocument")
async def upload_document(request: Request) -> Response:
    """Take in a document; whoever has the address may."""
    document = _behind_address(request)
    document.content = await request.body()
    return Response(status_code=200)


@router.get("/documents/{document_id}", operation_id="downloadDocument")
async def download_document(request: Request) -> Response:
    """Give out a document; whoever has the address may have it."""
    document = _behind_address(request)
    if document.content is None:
        raise not_found("The document")
    return Response(document.content, media_type="application/octet-stream")


def _address(request: Request, document: Document) -> str:
    host, port = request.scope["server"]  # not the Host header: python-amazon-sp-api cuts it short for http://
    return f"http://{host}:{port}/documents/{document.document_id}"


def _behind_address(request: Request) -> Document:
    amazon = local_amazon(request)
    document = amazon.feeds.documents.get(request.path_params["document_id"])
    if document is None or document.address_expires < amazon.clock.now():
        raise AmazonError(403, "AccessDenied", "Request has expired.")
    return document
