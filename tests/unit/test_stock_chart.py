"""The charts of the stock's history: steps inside their frame, in the order of time."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfn.reports.stock import StockHistory
from mfn.reports.stock_chart import HEIGHT, WIDTH, draw_histories
from tests.sample_inventory_reports import PUSHED, SINCE


def history(first: int | None, *changes: tuple[timedelta, int]) -> StockHistory:
    return StockHistory("MUG-BLU", "US", first, tuple((SINCE + after, level) for after, level in changes))


def test_a_level_lasts_until_the_next_and_a_stretch_without_any_is_marked() -> None:
    half, three_quarters = timedelta(days=3.5), timedelta(days=5.25)
    (chart,) = draw_histories([history(8, (half, 0), (three_quarters, 4))], SINCE, PUSHED)
    assert chart.line == "M0 0H140V64H210V32H280"
    assert chart.area == "M0 0H140V64H210V32H280V64H0Z"
    assert chart.empty == ((140, 70),)
    assert (chart.lowest, chart.highest, chart.now, chart.times_sold_out) == (0, 8, 4, 1)


def test_of_changes_too_close_to_distinguish_the_lowest_the_highest_and_the_last_are_drawn() -> None:
    minute = timedelta(minutes=1)
    (chart,) = draw_histories(
        [history(4, *((minute * n, level) for n, level in enumerate((2, 8, 0, 4))))], SINCE, PUSHED
    )
    assert chart.line == "M0 64V0V32H280"
    assert chart.times_sold_out == 1


def test_a_listing_without_a_change_in_the_span_has_no_chart() -> None:
    before, after = history(3, (timedelta(hours=-1), 2)), history(3, (timedelta(days=8), 2))
    first = history(None, (timedelta(days=1), 2))
    assert draw_histories([before, after, history(3), first], SINCE, PUSHED) == ()


@given(
    st.one_of(st.none(), st.integers(0, 10**6)),
    st.lists(st.tuples(st.integers(0, 7 * 24 * 3600), st.integers(0, 10**6)), min_size=1, max_size=60),
)
def test_no_line_leaves_its_frame_or_goes_back_in_time(first: int | None, changes: list[tuple[int, int]]) -> None:
    levels = [(timedelta(seconds=seconds), level) for seconds, level in sorted(changes)]
    charts = draw_histories([history(first, *levels)], SINCE, PUSHED)
    if first is None and len(levels) == 1:
        assert charts == ()
        return
    (chart,) = charts
    widths = [int(x) for x in re.findall(r"[MH](\d+)", chart.line)]
    heights = [float(y) for y in re.findall(r"(?:M\d+ |V)([\d.]+)", chart.line)]
    assert widths == sorted(widths)
    assert widths[-1] == WIDTH
    assert all(0 <= y <= HEIGHT for y in heights)
    last = chart.now / max(chart.highest, 1)
    assert heights[-1] == pytest.approx(HEIGHT - last * HEIGHT, abs=0.06)
    assert all(0 <= x <= WIDTH and width >= 1 for x, width in chart.empty)
