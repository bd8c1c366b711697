"""The addresses of documents: whoever has one may use it for five minutes; no token, no usage plan."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from mfn.simulator.documents import ADDRESS_LIFE, Document
from mfn.simulator.operations import local_amazon, operations
from mfn.simulator.replies import AmazonError, not_found

router = operations()


def address(request: Request, document: Document) -> str:
    """Where a document is."""
    host, port = request.scope["server"]  # not the Host header: python-amazon-sp-api cuts it short for http://
    return f"http://{host}:{port}/documents/{document.document_id}"


def describe(request: Request, document_id: str, *, id_name: str) -> dict[str, Any]:
    """A finished document as Amazon describes it, with an address that is good for another five minutes.

    Args:
        request: The request.
        document_id: Which document.
        id_name: What the API calls the id.

    Raises:
        AmazonError: 404, there is none, or it holds nothing.
    """
    amazon = local_amazon(request)
    document = amazon.documents.find(document_id)
    if document is None or document.content is None:
        raise not_found(f"Document {document_id}")
    document.address_expires = amazon.clock.now() + ADDRESS_LIFE
    described = {id_name: document.document_id, "url": address(request, document)}
    return described | ({"compressionAlgorithm": "GZIP"} if document.is_compressed else {})


@router.put("/documents/{document_id}", operation_id="uploadDocument")
async def upload_document(request: Request) -> Response:
    """Take in a document."""
    document = _behind_address(request)
    document.content = await request.body()
    return Response(status_code=200)


@router.get("/documents/{document_id}", operation_id="downloadDocument")
async def download_document(request: Request) -> Response:
    """Give out a document."""
    document = _behind_address(request)
    if document.content is None:
        raise not_found("The document")
    return Response(document.content, headers={"content-type": document.content_type})


def _behind_address(request: Request) -> Document:
    amazon = local_amazon(request)
    document = amazon.documents.find(request.path_params["document_id"])
    if document is None or document.address_expires < amazon.clock.now():
        raise AmazonError(403, "AccessDenied", "Request has expired.")
    return document
