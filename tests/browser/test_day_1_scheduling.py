"""Who schedules: the Prefect UI shows when what runs, takes changes and keeps them, and starts runs from a form."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from playwright.sync_api import expect

from tests.browser.operation import ask
from tests.browser.prefect_ui import (
    expect_state,
    fill_in_run,
    handed_in,
    open_deployment,
    open_tab,
    picture,
    start_run,
)

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.operation import Operation

NEW = "import-orders/ca"
SCHEDULE = r"/deployments/[^/]+/schedules/[^/]+$"
"""Where a change to a schedule goes."""


def schedules(operation: Operation, name: str) -> dict[str, tuple[bool, str | float, Any]]:
    """Of every schedule of a deployment, by its slug: is it on, its cron line or interval, with what parameters."""
    return {
        one["slug"]: (one["active"], one["schedule"].get("cron") or one["schedule"]["interval"], one["parameters"])
        for one in operation.deployment(name)["schedules"]
    }


def test_a_new_connection_waits_for_its_check_and_edits_in_the_ui_are_kept(page: Page, operation: Operation) -> None:
    open_deployment(page, operation.ui, NEW)
    side = page.get_by_role("complementary")
    switch = side.get_by_role("switch", name="Every 15 minutes")
    expect(switch).not_to_be_checked()

    operation.mfn("check", "ca")
    try:
        page.reload()
        expect(switch).to_be_checked()
        picture(page, "schedule")

        # Once a day, half a day from now, so that no run comes in between.
        hour = (datetime.now(UTC) + timedelta(hours=12)).hour

        def edit() -> None:
            side.get_by_role("button", name="Open menu").click()
            page.get_by_role("menuitem", name="Edit").click()
            dialog = page.get_by_role("dialog")
            dialog.get_by_text("Cron", exact=True).click()
            dialog.get_by_role("textbox", name="Value").fill(f"30 {hour} * * *")
            dialog.get_by_role("button", name="Save").click()

        handed_in(page, edit, "PATCH", SCHEDULE)
        edited = schedules(operation, NEW)
        ((is_active, cron, parameters),) = edited.values()
        assert (is_active, cron) == (True, f"30 {hour} * * *")
        assert set(parameters.values()) <= {None}, "the editor writes what is left alone as None"

        open_deployment(page, operation.ui, "confirm-shipments/ca")
        handed_in(page, side.get_by_role("switch", name="Every 5 minutes").click, "PATCH", SCHEDULE)

        operation.mfn("deploy")
        assert schedules(operation, NEW) == edited
        assert schedules(operation, "confirm-shipments/ca") == {"every-5-minutes": (False, 300.0, {})}
    finally:
        operation.rest("ca")


def test_a_run_is_started_from_the_form_watched_and_followed_to_its_report(page: Page, operation: Operation) -> None:
    bought = operation.buy(3)
    open_deployment(page, operation.ui, "import-orders/us")
    fill_in_run(page, {"dry_run": True})
    expect(page.get_by_role("textbox", name="connection")).to_have_value("us")
    expect(page.get_by_text("Fetch only this order, by Amazon's order id")).to_be_visible()
    picture(page, "run-form")
    flow_run = start_run(page, operation.ui)
    expect_state(page, "Completed")
    asked = ask("GET", f"{operation.api}/flow_runs/{flow_run}")["parameters"]
    assert asked == {"connection": "us", "since": None, "order": None, "dry_run": True}

    artifacts = open_tab(page, "Artifacts")
    link = artifacts.get_by_role("link", name="import-page-us")
    expect(link).to_be_visible()
    picture(page, "run")
    link.click()
    expect(page).to_have_url(re.compile("tab=Artifact"))  # its page is redrawn until then, and a click is lost
    page.get_by_role("main").get_by_role("link", name=re.compile("The report of us-import-")).click()
    expect(page).to_have_url(re.compile(rf"^{re.escape(operation.reports)}/runs/us-import-"))
    expect(page.get_by_text("dry run").first).to_be_visible()
    (batch,) = [one for one in operation.batches() if page.url.endswith(str(one["batch_id"]))]
    assert batch["counts"]["fetched"] >= len(bought)
    assert operation.units(bought) == {}, "a dry run loads nothing"
