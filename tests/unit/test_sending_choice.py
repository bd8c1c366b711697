"""Patches or a feed, by the rate budget that each takes, and what is told first."""

from __future__ import annotations

import pandas as pd
import pytest

from mfn.amazon.quantities import MOST_MESSAGES
from mfn.rules.sending_choice import (
    seconds_of_feed,
    seconds_of_patches,
    sending_order,
    sending_ways,
)
from tests.stock_frames import CA, US

RATES = {
    "patchListingsItem": 5,
    "createFeedDocument": 0.5,
    "createFeed": 0.0083,
    "getFeed": 2,
    "getFeedDocument": 0.0222,
}
"""Amazon's usual plans: a feed costs as much as 847 patches."""


def ways(levels: list[tuple[str, int]], rates: dict[str, float] = RATES) -> pd.Series[str]:
    frame = pd.DataFrame(levels, columns=["marketplace_id", "level"], index=[f"row {n}" for n in range(len(levels))])
    return sending_ways(frame, rates)


def test_what_each_way_costs() -> None:
    assert seconds_of_patches(100, RATES) == 20
    assert seconds_of_feed(1, RATES) == pytest.approx(169.5, abs=0.1)
    assert seconds_of_feed(MOST_MESSAGES, RATES) == seconds_of_feed(1, RATES)
    assert seconds_of_feed(MOST_MESSAGES + 1, RATES) == 2 * seconds_of_feed(1, RATES)


def test_few_levels_are_patched_and_many_go_by_feed() -> None:
    assert set(ways([(US, 5)] * 847)) == {"patch"}
    assert set(ways([(US, 5)] * 848)) == {"feed"}
    assert set(ways([(US, 5)] * 100, RATES | {"patchListingsItem": 0.5})) == {"feed"}
    assert ways([]).empty
    cheap = dict.fromkeys(RATES, 1.0)
    assert set(ways([(US, 5)] * 7, cheap)) == {"patch"}, "of equal cost, which is in force sooner"
    assert set(ways([(US, 5)] * 8, cheap)) == {"feed"}


def test_each_marketplace_is_weighed_by_itself() -> None:
    found = ways([(US, 5)] * 600 + [(CA, 5)] * 900)
    assert found.index[0] == "row 0"
    assert set(found.iloc[:600]) == {"patch"}
    assert set(found.iloc[600:]) == {"feed"}


def test_levels_that_fall_to_zero_do_not_wait_for_a_feed_where_patching_them_is_cheap() -> None:
    found = ways([(US, 0)] * 100 + [(US, 5)] * 2000)
    assert set(found.iloc[:100]) == {"patch"}
    assert set(found.iloc[100:]) == {"feed"}
    assert set(ways([(US, 0)] * 2000 + [(US, 5)] * 2000)) == {"feed"}


def test_what_is_left_beside_the_zeros_goes_the_way_that_is_cheaper_for_it() -> None:
    assert set(ways([(US, 0)] * 800 + [(US, 5)] * 100)) == {"patch"}


def test_zeros_go_first_then_what_falls_then_what_rises_by_sku() -> None:
    frame = pd.DataFrame(
        [
            ("F", 5, 9.0),
            ("B", 0, 3.0),
            ("R", 9, 5.0),
            ("A", 0, 7.0),
            ("N", 3, float("nan")),
            ("E", 5, 6.0),
            ("D", 5, 5.0),
        ],
        columns=["seller_sku", "level", "shown"],
        index=list("abcdefg"),
    )
    assert sending_order(frame)["seller_sku"].tolist() == ["A", "B", "E", "F", "D", "N", "R"]
    assert sending_order(frame).index.tolist() == list("dbfagec")
    assert sending_order(frame.iloc[:0]).empty
