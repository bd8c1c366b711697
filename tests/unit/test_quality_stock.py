"""What the checks find of stock rows: exactly what the faults hold, and what is odd beside it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mfn.quality.runner import check
from mfn.quality.stock import ITEMS, STOCK, checked_items, checked_stock
from mfn.rules.stock_faults import REMEDIES, stock_faults

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
GOOD: dict[str, Any] = {
    "sku": "MUG-BLU",
    "location": "MAIN",
    "on_hand": 12.0,
    "allocated": 2.0,
    "is_sellable": True,
    "counted_at": NOW - timedelta(hours=3),
    "unreadable": "",
    "is_counted_at_unreadable": False,
}
NO_NUMBER: dict[str, Any] = {"on_hand": np.nan, "unreadable": "on_hand is 'n/a', not a number"}
BAD: dict[str, list[dict[str, Any]]] = {
    "item_unknown": [{"sku": "MUG-BLUE"}],
    "item_unknown, no SKU": [{"sku": ""}],
    "stock_unreadable": [NO_NUMBER],
    "stock_negative": [{"on_hand": -1.0, "allocated": 0.0}],
    "stock_negative, allocated": [{"allocated": -1.0}],
    "stock_fractional": [{"on_hand": 2.5}],
    "stock_fractional, allocated": [{"allocated": 0.5}],
    "stock_duplicate": [{"location": "BACK"}, {"location": "BACK", "on_hand": 3.0}],
    "stock_too_old": [{"counted_at": NOW - timedelta(hours=25)}],
    "stock_too_old, no time": [{"counted_at": pd.NaT, "is_counted_at_unreadable": True}],
}
"""Rows for which the faults hold a SKU."""
LEFT_ALONE = [{"is_sellable": False}, {"sku": "RETIRED"}]
"""Rows that count for nothing, whatever stands in them."""


def stock(*changes: dict[str, Any]) -> pd.DataFrame:
    rows = [GOOD | {"location": f"BIN-{number}"} | change for number, change in enumerate(changes)]
    frame = pd.DataFrame(rows, index=range(100, 100 + 3 * len(rows), 3))
    return frame.assign(counted_at=pd.to_datetime(frame["counted_at"], utc=True))


def items(**active: bool) -> pd.DataFrame:
    known = {"MUG-BLU": True, "TEE-XL": True, "RETIRED": False, **active}
    return pd.DataFrame({"sku": pd.Series(list(known), dtype="object"), "is_active": list(known.values())})


def hits_of(frame: pd.DataFrame, *, maximum_age_hours: float | None = 24) -> set[tuple[int, str, str]]:
    facts = checked_stock(frame, items(), now=NOW, maximum_age_hours=maximum_age_hours)
    report, hits = check([(STOCK, facts)])
    assert [finding for finding in report.findings if finding.problem] == []
    return set(zip(hits["row"], hits["code"], hits["severity"], strict=True))


def held_by(frame: pd.DataFrame, *, maximum_age_hours: float | None = 24) -> set[tuple[int, str, str]]:
    faults = stock_faults(frame, items(), now=NOW, maximum_age_hours=maximum_age_hours)
    return {(row, code, "critical") for row, code in zip(faults["row"], faults["code"], strict=True)}


def test_good_rows_are_hit_by_nothing() -> None:
    assert hits_of(stock({}, {"on_hand": 0.0, "allocated": 0.0}, {"counted_at": pd.NaT})) == set()


@pytest.mark.parametrize("fault", sorted(BAD))
def test_every_fault_that_holds_is_found_by_the_checks_and_hits_nothing_else(fault: str) -> None:
    frame = stock({}, *BAD[fault], {"sku": "TEE-XL"})
    code = fault.split(",", maxsplit=1)[0]
    found = hits_of(frame)
    assert {found_code for _, found_code, _ in found} == {code}
    assert {row for row, _, _ in found} == set(frame.index[1:-1])
    assert found == held_by(frame)


@pytest.mark.parametrize("left_alone", LEFT_ALONE, ids=["not sellable", "inactive"])
@pytest.mark.parametrize("fault", sorted(set(BAD) - {"item_unknown", "item_unknown, no SKU"}))
def test_rows_that_count_for_nothing_are_not_looked_at(fault: str, left_alone: dict[str, Any]) -> None:
    assert hits_of(stock({}, *(row | left_alone for row in BAD[fault]))) == set()


def test_counts_may_have_any_age_where_none_is_set_and_the_check_says_that_it_looked_at_nothing() -> None:
    frame = stock(*BAD["stock_too_old"], *BAD["stock_too_old, no time"])
    assert hits_of(frame, maximum_age_hours=None) == set()
    report, _ = check([(STOCK, checked_stock(frame, items(), now=NOW, maximum_age_hours=None))])
    assert {finding.code: finding.checked for finding in report.findings}["stock_too_old"] == 0


def test_more_allocated_than_on_hand_is_worth_a_look_and_holds_nothing() -> None:
    frame = stock({"on_hand": 2.0, "allocated": 3.0}, {"on_hand": 2.0, "allocated": 2.0})
    assert hits_of(frame) == {(100, "allocated_above_on_hand", "warning")}
    assert held_by(frame) == set()


def test_an_active_item_without_a_row_that_counts_is_worth_a_look() -> None:
    frame = stock({}, {"sku": "TEE-XL", "is_sellable": False})
    report, hits = check([(ITEMS, checked_items(frame, items(MUG_RED=True)))])
    assert hits["severity"].unique().tolist() == ["warning"]
    assert hits["code"].unique().tolist() == ["stock_missing"]
    assert items(MUG_RED=True).loc[hits["row"], "sku"].tolist() == ["TEE-XL", "MUG_RED"]
    assert report.findings[-1].checked == 3  # the retired item is not


def test_every_rule_that_holds_is_a_fault_and_the_other_way_round() -> None:
    assert {rule.code for rule in STOCK.rules if rule.facts and rule.severity == "critical"} == set(REMEDIES)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "sku": st.sampled_from(["MUG-BLU", "TEE-XL", "RETIRED", "MUG-BLUE", ""]),
                "location": st.sampled_from(["MAIN", "BACK"]),
                "is_sellable": st.booleans(),
                "counted_at": st.sampled_from([NOW, NOW - timedelta(hours=24), NOW - timedelta(hours=25), pd.NaT]),
                "is_counted_at_unreadable": st.booleans(),
            },
            optional={
                "on_hand": st.sampled_from([-0.5, -1.0, 0.0, 0.25, 1e9, np.nan]),
                "allocated": st.sampled_from([-0.5, -3.0, 0.0, 7.0, np.nan]),
                "unreadable": st.sampled_from(["", "on_hand is empty"]),
            },
        ),
        min_size=1,
        max_size=8,
    ),
    st.sampled_from([None, 24.0]),
)
def test_the_checks_hit_exactly_the_rows_and_codes_that_the_faults_hold(
    rows: list[dict[str, Any]], maximum_age_hours: float | None
) -> None:
    frame = stock(*rows)
    found = hits_of(frame, maximum_age_hours=maximum_age_hours)
    critical = {hit for hit in found if hit[2] == "critical"}
    assert critical == held_by(frame, maximum_age_hours=maximum_age_hours)


def test_a_missing_fact_is_a_rule_that_could_not_run() -> None:
    facts = checked_stock(stock({}), items(), now=NOW, maximum_age_hours=None).drop(columns="is_whole")
    report, hits = check([(STOCK, facts)])
    assert "Quantities are whole numbers" in {finding.meaning for finding in report.not_run}
    assert hits.empty


def test_the_checks_see_plain_yes_and_no_only() -> None:
    facts = checked_stock(stock({}), items(), now=NOW, maximum_age_hours=24)
    assert set(facts.dtypes.astype(str)) == {"bool"}
