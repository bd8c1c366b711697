"""Asking the report site as a browser does, in the tests' own process."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx

from mfn.ledger.batch_listing import list_batches
from mfn.settings import load_settings
from mfn.site.app import build_site
from tests.pages import Page

if TYPE_CHECKING:
    from tests.world import World

EVIL = '<script>alert("1")</script>&' + "X" * 80
LONG_ID = "S01-" + "7" * 60


class Browser:
    """Asks the site as it is now.

    Args:
        base_url: Under which name.
    """

    def __init__(self, base_url: str) -> None:
        self._transport = httpx.ASGITransport(build_site(load_settings()))
        self._base_url = base_url

    def get(self, path: str, **headers: str) -> httpx.Response:
        return asyncio.run(self._ask("GET", path, headers))

    def post(self, path: str) -> httpx.Response:
        return asyncio.run(self._ask("POST", path, {}))

    async def _ask(self, method: str, path: str, headers: dict[str, str]) -> httpx.Response:
        async with httpx.AsyncClient(transport=self._transport, base_url=self._base_url) as client:
            return await client.request(method, path, headers=headers)


def text_of(site: Browser, path: str, status: int = 200) -> str:
    answer = site.get(path)
    assert answer.status_code == status, answer.text
    return Page(answer.text).text


def newest(world: World) -> str:
    return str(list_batches(world.ledger, limit=1)[0].batch_id)
