"""What Amazon's answers have in common, and the text of its error answers, made fit to be shown.

Amazon answers a failure with `{"errors": [{"code", "message", "details"}]}` (its models, definition ErrorList), with an
empty body, or with a proxy's HTML page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from httpx import codes
from msgspec import Struct

if TYPE_CHECKING:
    import httpx

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What the decoder raises for a text that is not JSON, or of another form; the last if it is nested too deep."""

REQUEST_ID = "x-amzn-RequestId"
SHOWN_CHARACTERS = 300


class Words(Struct, frozen=True):
    """One error of an answer, word for word as Amazon put it; a field that is missing is None."""

    code: str | None = None
    message: str | None = None
    details: str | None = None

    def __str__(self) -> str:
        """All three on one printable line, whatever their length."""
        return ": ".join(_printable(part) for part in (self.code, self.message, self.details) if part)


class _Pagination(Struct, frozen=True, rename="camel"):
    next_token: str | None = None


class Paged(Struct, frozen=True, rename="camel", kw_only=True):
    """One page of several."""

    pagination: _Pagination | None = None

    @property
    def next_token(self) -> str | None:
        """The token of the next page; None on the last one."""
        return (self.pagination.next_token if self.pagination else None) or None


class _ErrorList(Struct):
    errors: list[Words]


def whole_number(text: str, *, most_digits: int) -> int | None:
    """The number in a text from Amazon; None if it is none, or has more digits than any of ours."""
    # One of thousands of digits Python would not even read.
    return int(text) if text.isascii() and text.isdigit() and len(text) <= most_digits else None


def fields_of(value: Any) -> dict[str, Any]:
    """The fields of a JSON object, whose values may be anything; none if the value is not an object."""
    return value if isinstance(value, dict) else {}


def objects_in(values: Any) -> list[dict[str, Any]]:
    """The objects in a JSON array, without anything else in it; none if the value is not an array."""
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []


def summary_of(response: httpx.Response) -> str:
    """Amazon's code and message, or what the body is instead."""
    if not response.content.strip():
        return "an empty body"
    errors = errors_of(response)
    if errors is None:
        kind = response.headers.get("content-type", "unknown type").partition(";")[0]
        return f"a body that is not Amazon's ({clipped(kind)}, {len(response.content)} bytes)"
    if not errors:
        return "an empty list of errors"
    # The details of a refused login say which token is wrong; those of a bad request may repeat what was sent.
    with_details = response.status_code in (codes.UNAUTHORIZED, codes.FORBIDDEN)
    parts = (errors[0].code, errors[0].message, errors[0].details if with_details else None)
    return clipped(": ".join(part.rstrip(".") for part in parts if part)) or "no words"


def errors_of(response: httpx.Response) -> tuple[Words, ...] | None:
    """Amazon's errors, none for an empty body; None if the body is not Amazon's."""
    if not response.content.strip():
        return ()
    try:
        return tuple(msgspec.json.decode(response.content, type=_ErrorList).errors)
    except UNREADABLE:
        return None


def request_id_of(response: httpx.Response) -> str:
    """The id by which Amazon's support finds the call."""
    return f"request id {clipped(response.headers.get(REQUEST_ID, 'not given'))}"


def clipped(text: str) -> str:
    """One printable line of limited length, from a text from outside."""
    return _printable(text)[:SHOWN_CHARACTERS].strip()


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)
