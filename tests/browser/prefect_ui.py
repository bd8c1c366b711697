"""The Prefect UI as a person uses it: where its buttons are, by what they say."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from playwright.sync_api import Locator, Page, Response

PICTURES = Path(__file__).parents[2] / "docs" / "images"
PATIENCE = 90_000
"""Milliseconds; a busy machine with two cores starts a flow in half a minute."""

BUSY = 503
"""What Prefect answers while its database is locked: the form stays, and a person presses the button again."""

ATTEMPTS = 10


def open_deployment(page: Page, ui: str, name: str) -> None:
    """Go to a deployment by the list of all of them.

    Args:
        page: The browser's page.
        ui: Where the Prefect UI is.
        name: The deployment as `flow/name`.
    """
    flow, deployment = name.split("/")
    page.goto(ui)
    page.get_by_role("link", name="Deployments", exact=True).click()
    page.get_by_placeholder("Search deployments").fill(flow)  # the list shows ten at a time
    page.wait_for_url(re.compile("flowOrDeploymentName="), timeout=PATIENCE)  # a click before it is undone by it
    row = page.get_by_role("row", name=f"{deployment} {flow}")
    row.get_by_role("link", name=deployment, exact=True).click()
    # The address changes at once, and twice, with the list still shown; that has links of the same names.
    page.wait_for_url(re.compile(r"/deployment/.*tab="), timeout=PATIENCE)
    expect(page.get_by_role("button", name="Run", exact=True)).to_be_visible()
    expect(row).to_have_count(0)


def fill_in_run(page: Page, switches: Mapping[str, bool] | None = None) -> None:
    """Open the form of a run of the deployment that is shown, and set its switches."""
    page.get_by_role("button", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Custom run").click()
    expect(page.get_by_role("heading", name="Parameters")).to_be_visible()
    for name, wanted in (switches or {}).items():
        page.get_by_role("switch", name=re.compile(name)).set_checked(wanted)
    for name, wanted in (switches or {}).items():
        expect(page.get_by_role("switch", name=re.compile(name))).to_be_checked(checked=wanted)


def start_run(page: Page, ui: str) -> str:
    """Hand in the form, and go to the run that it makes.

    Returns:
        The run's id.
    """
    answer = handed_in(page, page.get_by_role("button", name="Submit").click, "POST", r"/create_flow_run$")
    flow_run = str(answer.json()["id"])
    open_run(page, ui, flow_run)
    return flow_run


def handed_in(page: Page, hand_in: Callable[[], None], method: str, path: str) -> Response:
    """Hand something in until Prefect takes it.

    A short message tells of it as well, and is gone again before a busy machine has looked for it.

    Args:
        page: The browser's page.
        hand_in: Does it, to the last button; again where Prefect was busy.
        method: The HTTP method by which it goes.
        path: Where it goes, as a regular expression.

    Returns:
        The answer, a good one.
    """
    for _ in range(ATTEMPTS):
        with page.expect_response(
            lambda answer: answer.request.method == method and re.search(path, answer.url) is not None,
            timeout=PATIENCE,
        ) as answered:
            hand_in()
        if answered.value.status != BUSY:
            break
    assert answered.value.ok, answered.value.text()
    return answered.value


def open_run(page: Page, ui: str, flow_run: str) -> None:
    """Go to a run by its id, in the UI that Prefect shows unless somebody chose the older one."""
    page.goto(f"{ui}/v2/runs/flow-run/{flow_run}")
    expect(page.get_by_role("tab", name="Artifacts")).to_be_visible()


def expect_state(page: Page, state: str) -> None:
    """Watch the run that is shown until it is in a state."""
    expect(page.get_by_role("main").get_by_text(state, exact=True).first).to_be_visible(timeout=2 * PATIENCE)


def open_tab(page: Page, name: str) -> Locator:
    """A tab of the run that is shown."""
    page.get_by_role("tab", name=name).click()
    expect(page.get_by_role("tab", name=name)).to_have_attribute("aria-selected", "true")
    return page.get_by_role("tabpanel", name=name)


def retry_run(page: Page) -> None:
    """Retry the run that is shown."""
    dialog = page.get_by_role("alertdialog")

    def ask() -> None:
        if not dialog.is_visible():  # Prefect may leave it open where it was busy
            page.get_by_role("main").get_by_role("button", name="Open menu").first.click()
            page.get_by_role("menuitem", name="Retry").click()
        dialog.get_by_role("button", name="Retry").click()

    handed_in(page, ask, "POST", r"/set_state$")


def picture(page: Page, name: str) -> None:
    """Keep what is shown as a picture for the documents, where pictures are wanted (MFN_WRITE_SCREENSHOTS=1)."""
    if os.environ.get("MFN_WRITE_SCREENSHOTS") == "1":
        page.mouse.move(0, 0)
        page.screenshot(path=PICTURES / f"{name}.png", animations="disabled")
