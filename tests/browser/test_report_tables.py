"""The tables of a report in a real browser: what stands in a cell stays in it, however wide the page is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import pytest

from mfn.reports.html import render_page
from tests.sample_confirm_reports import confirm_day
from tests.sample_reports import ordinary_day

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Browser

    from mfn.reports.model import RunReport

PAGES: tuple[tuple[int, Literal["screen", "print"]], ...] = (
    *((1280, "screen"), (1040, "screen"), (768, "screen"), (660, "screen")),
    (718, "print"),
)
"""How wide they are, in pixels; the last is a sheet of A4."""

BESIDE_THEIR_CELLS = """() => [...document.querySelectorAll('th, td')].filter(cell => {
    const content = document.createRange();
    content.selectNodeContents(cell);
    return content.getBoundingClientRect().right > cell.getBoundingClientRect().right + 0.5;
}).map(cell => cell.innerText)"""


def day_of_a_long_service_level() -> RunReport:
    day = ordinary_day()
    return replace(day, held=tuple(replace(order, service_level="SCHEDULED_DELIVERY_" * 9) for order in day.held))


@pytest.mark.parametrize("sample", [ordinary_day, confirm_day, day_of_a_long_service_level])
def test_cell_contents_stay_in_their_cell_on_wide_and_narrow_pages_and_on_paper(
    chromium: Browser, tmp_path: Path, sample: Callable[[], RunReport]
) -> None:
    path = tmp_path / "report.html"
    path.write_text(render_page(sample(), site="http://127.0.0.1:8400"), encoding="utf-8")
    with chromium.new_context() as context:
        page = context.new_page()
        page.goto(path.as_uri())
        for width, media in PAGES:
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(media=media)
            assert page.evaluate(BESIDE_THEIR_CELLS) == [], f"{width} pixels wide, {media}"
