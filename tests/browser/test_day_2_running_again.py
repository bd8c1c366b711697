"""Who re-runs: a run that broke says where and why, is fixed, and done by Retry or by its batch; nothing doubled."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from playwright.sync_api import expect

from tests.browser.prefect_ui import (
    expect_state,
    fill_in_run,
    open_deployment,
    open_run,
    open_tab,
    picture,
    retry_run,
    start_run,
)

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.operation import Operation


def batch_of(operation: Operation, flow_run: str) -> dict[str, Any]:
    """The batch that a flow run worked on."""
    (batch,) = [batch for batch in operation.batches() if batch["flow_run_id"] == flow_run]
    return batch


def started(page: Page, operation: Operation, name: str) -> str:
    """A run of a deployment as its form proposes it."""
    open_deployment(page, operation.ui, name)
    fill_in_run(page)
    return start_run(page, operation.ui)


def test_a_failed_run_says_where_and_why_and_a_retry_carries_on_its_batch(page: Page, operation: Operation) -> None:
    bought = operation.buy(4)
    operation.alter_warehouse("ALTER TABLE wms_item RENAME COLUMN is_active TO active")
    try:
        flow_run = started(page, operation, "import-orders/us")
        expect_state(page, "Failed")
        broken = batch_of(operation, flow_run)
        said = open_tab(page, "Details")
        expect(said).to_contain_text("failed at validate")
        expect(said).to_contain_text("missing wms_item.is_active")
        expect(said).to_contain_text(f"mfn rerun {broken['batch_id']}")
        picture(page, "failed-run")

        page.goto(f"{operation.reports}/runs/{broken['batch_id']}")
        expect(page.get_by_text("missing wms_item.is_active").first).to_be_visible()
        picture(page, "failed-report")
    finally:
        operation.alter_warehouse("ALTER TABLE wms_item RENAME COLUMN active TO is_active")

    open_run(page, operation.ui, flow_run)
    retry_run(page)
    expect_state(page, "Completed")
    repeated = batch_of(operation, flow_run)
    assert (repeated["batch_id"], repeated["status"]) == (broken["batch_id"], "done")
    assert operation.units(bought) == dict.fromkeys(bought, 1), "each once"


def test_a_batch_that_held_too_many_orders_is_run_again_by_its_id_from_the_form(
    page: Page, operation: Operation
) -> None:
    bought = operation.buy(25)
    rows = operation.shipping_methods.read_text(encoding="utf-8")
    saved_badly = "".join(line for line in rows.splitlines(keepends=True) if not line.startswith(",,STANDARD,"))
    operation.shipping_methods.write_text(saved_badly, encoding="utf-8")
    try:
        flow_run = started(page, operation, "import-orders/us")
        expect_state(page, "Failed")
        expect(open_tab(page, "Details")).to_contain_text("held")
        alarmed = batch_of(operation, flow_run)
        assert alarmed["status"] == "failed"
        assert operation.units(bought) == {}
    finally:
        operation.shipping_methods.write_text(rows, encoding="utf-8")

    open_deployment(page, operation.ui, "rerun-batches/default")
    fill_in_run(page)
    form = page.get_by_role("main")
    form.get_by_role("button", name=re.compile("Add item")).click()
    form.get_by_role("textbox").nth(1).fill(alarmed["batch_id"])
    picture(page, "rerun-form")
    start_run(page, operation.ui)
    expect_state(page, "Completed")
    (done,) = [batch for batch in operation.batches() if batch["batch_id"] == alarmed["batch_id"]]
    assert done["status"] == "done"
    assert operation.units(bought) == dict.fromkeys(bought, 1), "each once"
