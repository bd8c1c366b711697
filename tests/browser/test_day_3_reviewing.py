"""Who reviews: the report site finds runs and orders, says why an order is held, and fits a phone and a printer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.browser.prefect_ui import picture

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from tests.browser.operation import Operation

PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
PAGES = ("", "orders?status=held", "orders/{order}", "expectations", "runs/{batch}")


@pytest.fixture(scope="module")
def held(operation: Operation) -> dict[str, Any]:
    """An order that is held for a SKU that the warehouse does not know."""
    orders = operation.mfn("orders", "--status", "held", "--connection", "us")["orders"]
    return next(order for order in orders if [reason["code"] for reason in order["reasons"]] == ["sku_unknown"])


@pytest.fixture(scope="module")
def first_import(operation: Operation) -> str:
    """The batch of the first import of us."""
    imports = [batch for batch in operation.batches() if (batch["connection"], batch["kind"]) == ("us", "import")]
    return str(imports[-1]["batch_id"])


def test_runs_are_found_by_connection_kind_and_date(page: Page, operation: Operation, first_import: str) -> None:
    page.goto(operation.reports)
    picture(page, "report-site")
    page.get_by_label("Connection").select_option("us")
    page.get_by_label("Kind").select_option("import")
    page.get_by_role("button", name="Show").click()
    expect(page).to_have_url(re.compile(r"connection=us"))
    page.wait_for_load_state()  # or the last run of a page that is half there is another one
    runs = page.get_by_role("table").last
    expect(runs.get_by_role("cell", name="confirm", exact=True)).to_have_count(0)
    runs.get_by_role("link").last.click()
    expect(page).to_have_url(f"{operation.reports}/runs/{first_import}")
    expect(page.get_by_role("heading", level=1)).to_contain_text("us")

    page.goto(operation.reports)
    page.get_by_label("To", exact=True).fill("2020-01-01")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("No run matches")).to_be_visible()


def test_an_order_is_found_by_its_id_and_says_why_it_is_held_and_what_to_do(
    page: Page, operation: Operation, held: dict[str, Any], first_import: str
) -> None:
    page.goto(operation.reports)
    page.get_by_role("link", name="Orders", exact=True).click()
    page.get_by_label("Order id").fill(held["order_id"])
    page.get_by_role("button", name="Show").click()
    expect(page).to_have_url(re.compile(rf"order={held['order_id']}"))
    page.get_by_role("link", name=held["order_id"]).click()
    expect(page).to_have_url(f"{operation.reports}/orders/{held['order_id']}")
    story = page.get_by_role("main")
    expect(story.get_by_text("sku_unknown").first).to_be_visible()
    expect(story).to_contain_text(held["reasons"][0]["detail"])
    expect(story.get_by_text(f"mfn import us --order {held['order_id']}")).to_be_visible()
    picture(page, "order")
    story.get_by_role("link", name=first_import).first.click()
    expect(page).to_have_url(f"{operation.reports}/runs/{first_import}")
    page.get_by_role("link", name=held["order_id"]).first.click()
    expect(page).to_have_url(f"{operation.reports}/orders/{held['order_id']}")


def test_the_findings_of_an_expectation_are_shown_with_figures_for_each_run(
    page: Page, operation: Operation, first_import: str
) -> None:
    page.goto(operation.reports)
    page.get_by_role("link", name="Expectations", exact=True).click()
    page.get_by_role("link", name="Every SKU to ship is an active item in the warehouse").first.click()
    expect(page).to_have_url(re.compile(r"/expectations/"))
    expect(page.get_by_text("sku_unknown").first).to_be_visible()
    line = page.get_by_role("row").filter(has=page.locator(f'a[href$="{first_import}"]'))
    expect(line).to_contain_text("%")
    picture(page, "expectation")


@pytest.mark.parametrize("page", [PHONE], indirect=True, ids=["phone"])
def test_no_page_scrolls_sideways_on_a_phone(
    page: Page, operation: Operation, held: dict[str, Any], first_import: str
) -> None:
    wide = []
    for path in PAGES:
        page.goto(f"{operation.reports}/{path.format(order=held['order_id'], batch=first_import)}")
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            wide.append(path)
    assert wide == []


def test_pages_print_on_white_without_controls_that_only_work_on_screen(
    page: Page, operation: Operation, held: dict[str, Any], first_import: str
) -> None:
    page.emulate_media(media="print", color_scheme="dark")
    for path in PAGES:
        page.goto(f"{operation.reports}/{path.format(order=held['order_id'], batch=first_import)}")
        expect(page.get_by_role("button", name="Show")).to_have_count(0)
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert background in {"rgb(255, 255, 255)", "rgba(0, 0, 0, 0)"}, path
        assert page.pdf().startswith(b"%PDF")


def test_every_page_can_be_read_without_scripts(
    chromium: Browser, operation: Operation, held: dict[str, Any], first_import: str
) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    for path in PAGES:
        answer = page.goto(f"{operation.reports}/{path.format(order=held['order_id'], batch=first_import)}")
        assert answer is not None
        assert answer.status == 200, path
        expect(page.get_by_role("heading", level=1)).to_be_visible()
    context.close()
