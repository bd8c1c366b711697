"""An answer of Amazon's as it comes over the wire."""

from __future__ import annotations

import httpx


def answer(content: bytes, status: int = 200, **headers: str) -> httpx.Response:
    """An answer.

    Args:
        content: Its body.
        status: Its HTTP status.
        headers: Its headers.
    """
    return httpx.Response(status, content=content, headers=headers)
