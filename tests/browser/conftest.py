"""Debian's chromium, and one operation for all who look at it; nothing that is opened may leave this machine."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.browser.operation import Operation, running_operation
from tests.browser.prefect_ui import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request

PROGRAM = os.environ.get("CHROMIUM") or shutil.which("chromium")
HERE = "127.0.0.1"
NOWHERE_ELSE = f"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE {HERE}"
"""The browser finds no other name or address; where Playwright holds up each request instead, it keeps no script."""

NOT_OURS = {"sr-client-cfg.amplitude.com"}
"""What the Prefect UI asks for whatever its settings are; it gets no answer here, and needs none."""

UNSEEN = (
    *("WebUIOmniboxPopup", "WebUIOmniboxAimPopup"),
    # Named here, they take the place of those that Playwright names; of these the following may concern a test.
    *("AimEnabled", "DestroyProfileOnBrowserClose", "HttpsFirstBalancedModeAutoEnable", "HttpsUpgrades", "MediaRouter"),
    *("NetworkTimeServiceQuerying", "OptimizationHints", "PaintHolding", "PreconnectToSearch"),
)
"""What chromium prepares in a process of its own for each window, and nobody sees: suggestions below the address."""

DRAWN_SELDOM = """
window.requestAnimationFrame = (draw) => setTimeout(() => draw(performance.now()), 250);
window.cancelAnimationFrame = clearTimeout;
"""
"""Prefect redraws a run that goes on with each frame, which takes the processor more than the run itself does."""

expect.set_options(timeout=PATIENCE)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the tests of this folder where there is no browser, and say what to install."""
    if PROGRAM is None:
        missing = pytest.mark.skip(reason="no chromium: apt-get install chromium, or set CHROMIUM to its path")
        for item in items:
            if Path(__file__).parent in item.path.parents:
                item.add_marker(missing)


@pytest.fixture(scope="package")
def operation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operation]:
    """What `mfn up` runs, for all tests of this folder."""
    with running_operation(tmp_path_factory.mktemp("operation")) as running:
        yield running


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """The browser."""
    quiet = ["--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=PROGRAM, args=[*quiet, *as_root, NOWHERE_ELSE, f"--disable-features={','.join(UNSEEN)}"]
        )
        yield browser
        browser.close()


class Visit:
    """What is noticed while somebody browses.

    Attributes:
        hosts: Hosts other than this machine that were asked for something, and never reached.
        complaints: What the pages of the report site complained about in the console.
    """

    def __init__(self, context: BrowserContext, reports: str) -> None:
        self.hosts: set[str] = set()
        self.complaints: list[str] = []
        self._reports = reports
        context.on("request", self._note)
        context.on("console", self._listen)
        context.on("weberror", lambda error: self.complaints.append(str(error.error)))

    def _note(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme.startswith(("http", "ws")) and parts.hostname != HERE:
            self.hosts.add(str(parts.hostname))

    def _listen(self, message: ConsoleMessage) -> None:
        page = message.page
        if message.type in {"error", "warning"} and page is not None and page.url.startswith(self._reports):
            self.complaints.append(message.text)


@pytest.fixture
def page(chromium: Browser, operation: Operation, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page of a browser that has not been here before; parametrized indirectly with what a device is like."""
    device = getattr(request, "param", {"viewport": {"width": 1280, "height": 1000}})
    context = chromium.new_context(**device)
    context.set_default_timeout(PATIENCE)
    context.add_init_script(DRAWN_SELDOM)
    visit = Visit(context, operation.reports)
    yield context.new_page()
    context.close()
    assert visit.hosts - NOT_OURS == set(), "a page asked for something outside of this machine"
    assert visit.complaints == [], "a page of the report site complained in the console"
