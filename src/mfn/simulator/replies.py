"""Amazon's answers: JSON from bytes, and its errors.

Error body, codes and messages: Selling Partner API models of August 2026 (`ErrorList`), and what sellers report.
"""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.responses import Response


class AmazonError(Exception):
    """An answer that is an error.

    Args:
        status: The HTTP status.
        code: Amazon's word for it.
        message: What is wrong.
        details: More, where there is more.
    """

    def __init__(self, status: int, code: str, message: str, details: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.details = details

    def reply(self) -> Response:
        """The answer to send."""
        return json_reply(
            {"errors": [{"code": self.code, "message": self.message, "details": self.details}]}, self.status
        )


def invalid_input(message: str, details: str = "") -> AmazonError:
    """The error for a request that breaks a rule."""
    return AmazonError(400, "InvalidInput", message, details)


def not_found(what: str) -> AmazonError:
    """The error for something that is not there."""
    return AmazonError(404, "NotFound", f"{what} was not found.")


def json_reply(body: Any, status: int = 200) -> Response:
    """An answer in JSON.

    Args:
        body: What to encode, or the encoded bytes.
        status: The HTTP status.
    """
    content = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return Response(content, status_code=status, media_type="application/json")
