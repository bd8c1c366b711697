"""What the Great Expectations suites find, what they leave alone, and what never reaches them."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mfn.quality.asking import ask, expectation_suite
from mfn.quality.lines import LINES
from mfn.quality.model import Finding, QualityReport
from mfn.quality.orders import ORDERS
from mfn.quality.runner import HIT_COLUMNS, check
from mfn.quality.suites import Suite, as_it_is, at_least

PLACED = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


def check_orders(orders: pd.DataFrame, lines: pd.DataFrame) -> tuple[QualityReport, pd.DataFrame]:
    return check([(ORDERS, orders), (LINES, lines)])


def good_orders(count: int) -> pd.DataFrame:
    nothing = pd.Series([None] * count, dtype="object")
    placed = pd.Series([PLACED + timedelta(minutes=number) for number in range(count)], dtype="datetime64[us, UTC]")
    return pd.DataFrame(
        {
            "order_id": pd.Series([f"111-{number:07d}-0000000" for number in range(count)], dtype="object"),
            "marketplace_id": pd.Series(["ATVPDKIKX0DER"] * count, dtype="object"),
            "created_at": placed,
            "last_updated_at": placed + timedelta(minutes=5),
            "ship_by": placed + timedelta(days=1),
            "service_level": pd.Series(["Standard"] * count, dtype="object"),
            "programs": pd.Series([("PRIME",)] * count, dtype="object"),
            "cancel_reason": nothing,
            "has_recipient": pd.Series([True] * count, dtype="bool"),
            "units_to_ship": pd.Series([2] * count, dtype="int64"),
            "warehouse_code": pd.Series(["GROUND"] * count, dtype="object"),
            "missing_address_fields": nothing,
            "address_warning": nothing,
            "unsupported_programs": nothing,
        },
    ).set_index(pd.Index(range(100, 100 + 3 * count, 3)))


def good_lines(orders: pd.DataFrame) -> pd.DataFrame:
    count = 2 * len(orders)
    return pd.DataFrame(
        {
            "order_id": pd.Series([order for order in orders["order_id"] for _ in range(2)], dtype="object"),
            "order_item_id": pd.Series([f"item-{number}" for number in range(count)], dtype="object"),
            "quantity_ordered": pd.Series([2] * count, dtype="int64"),
            "quantity_fulfilled": pd.Series([1] * count, dtype="int64"),
            "quantity_to_ship": pd.Series([1] * count, dtype="int64"),
            "is_sku_known": pd.Series([True] * count, dtype="bool"),
            "is_duplicate_item": pd.Series([False] * count, dtype="bool"),
            "gift_message": pd.Series(["Happy birthday, Test Buyer"] * count, dtype="object"),
        }
    ).set_index(pd.Index(range(500, 500 + count)))


ORDER_FAULTS: dict[str, tuple[str, Any]] = {
    "shipping_method_unmapped": ("warehouse_code", None),
    "address_missing": ("has_recipient", False),
    "address_incomplete": ("missing_address_fields", ("city", "state")),
    "buyer_cancel_requested": ("cancel_reason", ""),
    "program_unsupported": ("unsupported_programs", ("AMAZON_EASY_SHIP",)),
    "no_quantity": ("units_to_ship", 0),
    "postal_code_mismatch": ("address_warning", "postal code belongs to another area"),
    "ship_by_missing": ("ship_by", pd.NaT),
    "ship_by_before_order": ("ship_by", pd.Timestamp(PLACED - timedelta(days=9))),
    "updated_before_created": ("last_updated_at", pd.Timestamp(PLACED - timedelta(days=9))),
    "service_level_missing": ("service_level", None),
    "marketplace_unknown": ("marketplace_id", None),
    "order_id_unusual": ("order_id", "S01-1234567"),
}
LINE_FAULTS: dict[str, tuple[str, Any]] = {
    "sku_unknown": ("is_sku_known", False),
    "duplicate_line": ("is_duplicate_item", True),
    "invalid_payload": ("quantity_to_ship", -1),
    "quantity_inconsistent": ("quantity_fulfilled", 3),
}
WARNINGS = {
    "postal_code_mismatch", "ship_by_missing", "ship_by_before_order", "updated_before_created",
    "service_level_missing", "marketplace_unknown", "order_id_unusual", "quantity_inconsistent",
}  # fmt: skip


def planted(frame: pd.DataFrame, label: int, column: str, value: object) -> None:
    values = frame[column].tolist()
    values[frame.index.tolist().index(label)] = value
    frame[column] = pd.Series(values, index=frame.index, dtype=frame[column].dtype)


def found(hits: pd.DataFrame) -> set[tuple[str, Any, str]]:
    return set(zip(hits["suite"], hits["row"], hits["code"], strict=True))


def by_code(report: QualityReport, code: str) -> list[Finding]:
    return [finding for finding in report.findings if finding.code == code]


def test_good_orders_are_hit_by_nothing() -> None:
    orders = good_orders(5)
    report, hits = check_orders(orders, good_lines(orders))
    assert hits.empty
    assert list(hits.columns) == list(HIT_COLUMNS)
    assert [finding for finding in report.findings if finding.unexpected or finding.problem] == []
    assert {finding.suite for finding in report.findings} == {"orders", "lines"}
    assert by_code(report, "sku_unknown")[0].checked == 10


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.dictionaries(st.sampled_from(range(100, 118, 3)), st.sampled_from(sorted(ORDER_FAULTS)), max_size=5),
    st.dictionaries(st.sampled_from(range(500, 512)), st.sampled_from(sorted(LINE_FAULTS)), max_size=6),
)
def test_every_planted_fault_is_found_at_its_row_and_no_good_row_is_hit(
    order_faults: dict[int, str], line_faults: dict[int, str]
) -> None:
    orders = good_orders(6)
    lines = good_lines(orders)
    for frame, faults, kinds in ((orders, order_faults, ORDER_FAULTS), (lines, line_faults, LINE_FAULTS)):
        for label, code in faults.items():
            column, value = kinds[code]
            planted(frame, label, column, f"S01-{label}" if column == "order_id" else value)

    report, hits = check_orders(orders, lines)

    expected = {("orders", *fault) for fault in order_faults.items()} | {
        ("lines", *fault) for fault in line_faults.items()
    }
    assert found(hits) == expected
    assert len(hits) == len(expected)
    for hit in hits.itertuples():
        frame = orders if hit.suite == "orders" else lines
        assert hit.order_id == dict(zip(frame.index, frame["order_id"], strict=True))[hit.row]
        assert hit.severity == ("warning" if hit.code in WARNINGS else "critical")
    for code in {*ORDER_FAULTS, *LINE_FAULTS}:
        assert sum(finding.unexpected for finding in by_code(report, code)) == sum(
            planted_code == code for *_, planted_code in expected
        )


def test_an_order_that_appears_twice_is_held_both_times() -> None:
    orders = good_orders(3)
    planted(orders, 103, "order_id", orders["order_id"].iloc[0])
    _, hits = check_orders(orders, good_lines(orders))
    assert found(hits) == {("orders", 100, "invalid_payload"), ("orders", 103, "invalid_payload")}


def test_an_unknown_sku_holds_nothing_on_a_line_that_has_nothing_left_to_ship() -> None:
    orders = good_orders(1)
    lines = good_lines(orders)
    planted(lines, 500, "is_sku_known", value=False)
    planted(lines, 500, "quantity_to_ship", 0)
    report, hits = check_orders(orders, lines)
    assert hits.empty
    assert by_code(report, "sku_unknown")[0].checked == 1


def test_an_empty_frame_is_reported_as_nothing_checked_and_costs_no_import() -> None:
    orders = good_orders(1)
    code = """
import sys
import pandas as pd
from mfn.quality.lines import LINES
from mfn.quality.orders import ORDERS
from mfn.quality.runner import check
report, hits = check([(ORDERS, pd.DataFrame()), (LINES, pd.DataFrame())])
assert len(hits) == 0 and report.findings and all(f.checked == 0 and not f.problem for f in report.findings)
assert "great_expectations" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    report, _ = check_orders(orders, good_lines(orders).iloc[:0])
    assert {finding.checked for finding in report.findings if finding.suite == "lines"} == {0}


def test_checking_orders_does_not_load_what_no_rule_asks_for() -> None:
    code = """
import sys
import pandas as pd
from mfn.quality.lines import LINES
from mfn.quality.runner import check
report, _ = check([(LINES, pd.DataFrame({"order_id": ["111-0000000-0000000"]}))])
assert report.not_run, "Great Expectations was asked"
from scipy import stats
import altair
assert "norm" not in vars(stats)
assert "Chart" not in vars(altair)
assert stats.norm.cdf(0) == 0.5
assert altair.Chart().mark_bar().to_dict(validate=False)["mark"] == {"type": "bar"}
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.parametrize("column", ["has_recipient", "ship_by", "order_id"])
def test_a_missing_column_is_a_rule_that_could_not_run_and_not_rows_that_failed(column: str) -> None:
    orders = good_orders(2)
    report, hits = check_orders(orders.drop(columns=column), good_lines(orders))
    concerned = [finding for finding in report.findings if finding.suite == "orders" and finding.problem]
    assert concerned
    assert all(f"no column {column}" in (finding.problem or "") for finding in concerned)
    assert {finding.unexpected for finding in concerned} == {0}
    assert hits.empty
    assert report.not_run  # the shape itself is one of them: whatever column is missing, nothing may be loaded
    untouched = [finding for finding in report.findings if column not in finding.column and finding.column]
    assert all(finding.checked and not finding.problem for finding in untouched)


@pytest.mark.parametrize("times", [["yesterday", "today"], [1, 2], pd.date_range("2026-11-02", periods=2)])
def test_times_that_are_none_are_rules_that_could_not_run(times: Any) -> None:
    orders = good_orders(2)
    orders["created_at"] = pd.Series(list(times), index=orders.index)
    report, _ = check_orders(orders, good_lines(orders).iloc[:0])
    assert any("created_at cannot be read" in (finding.problem or "") for finding in report.not_run)


def test_a_rule_that_cannot_be_computed_could_not_run_and_takes_no_other_with_it() -> None:
    lines = good_lines(good_orders(2)).iloc[:3]  # whose ids are texts
    suite = Suite(
        "lines",
        {"order_item_id": as_it_is("order_item_id"), "quantity_to_ship": as_it_is("quantity_to_ship")},
        (
            at_least("order_item_id", 5, "a", "critical", "-"),
            at_least("quantity_to_ship", 5, "b", "critical", "-"),
        ),
    )
    report, hits = check([(suite, lines)])
    assert [finding.code for finding in report.not_run] == ["a"]
    assert str(report.not_run[0].problem).startswith("The rule could not run: ")
    assert found(hits) == {("lines", row, "b") for row in (500, 501, 502)}
    report, hits = check([(suite, lines.assign(order_item_id=5, quantity_to_ship=5))])
    assert hits.empty
    assert [finding.checked for finding in report.findings] == [3, 3]


def test_the_result_of_a_suite_is_that_of_great_expectations_own_validator() -> None:
    orders = good_orders(2 * len(ORDER_FAULTS))
    for label, (column, value) in zip(orders.index[::2], ORDER_FAULTS.values(), strict=True):
        planted(orders, label, column, value)
    planted(orders, orders.index[3], "order_id", orders["order_id"].iloc[1])
    facts = pd.DataFrame({name: fact.read(orders) for name, fact in ORDERS.facts.items()}).reset_index(drop=True)

    answer = ask(ORDERS, facts)

    import great_expectations  # noqa: PLC0415 - loaded by now, and asked in its own way
    from great_expectations.data_context.types.base import (  # noqa: PLC0415 - as above
        DataContextConfig,
        InMemoryStoreBackendDefaults,
    )

    stores = InMemoryStoreBackendDefaults(init_temp_docs_sites=False)
    configuration = DataContextConfig(store_backend_defaults=stores)
    context = great_expectations.get_context(mode="ephemeral", project_config=configuration)
    batch = context.data_sources.add_pandas("frames").add_dataframe_asset("orders")
    whole = batch.add_batch_definition_whole_dataframe("orders").get_batch({"dataframe": facts})
    outcomes: list[Any] = whole.validate(expectation_suite(ORDERS), result_format="COMPLETE").results
    rules = {(rule.code, rule.meaning): place for place, rule in enumerate(ORDERS.rules)}
    validated = {
        rules[one.expectation_config.meta["code"], one.expectation_config.description]: (
            one.result["element_count"] - one.result.get("missing_count", 0),
            one.result["unexpected_index_list"],
        )
        for one in outcomes
        if not one.success
    }
    assert {place: (one.checked, one.positions) for place, one in answer.items()} == validated
    assert len(validated) > len(ORDER_FAULTS) / 2


@pytest.mark.parametrize("null", [None, float("nan")])
def test_nulls_in_every_column_hold_the_order_that_has_them_and_stop_nothing(null: object) -> None:
    orders = good_orders(2)
    lines = good_lines(orders)
    for column in orders.columns:
        if column not in {"created_at", "last_updated_at", "ship_by"}:
            orders[column] = pd.Series([null, orders[column].iloc[1]], index=orders.index, dtype="object")
    for column in lines.columns:
        lines[column] = pd.Series([null, *lines[column].iloc[1:]], index=lines.index, dtype="object")
    report, hits = check_orders(orders, lines)
    assert [finding for finding in report.findings if finding.problem] == []
    assert {(suite, row) for suite, row, _ in found(hits)} == {("orders", 100), ("lines", 500)}
    critical = set(hits.loc[hits["severity"] == "critical", "code"])
    assert critical == {"invalid_payload", "no_quantity", "shipping_method_unmapped", "address_missing", "sku_unknown"}


def test_no_value_of_an_order_leaves_with_the_findings() -> None:
    orders = good_orders(3)
    lines = good_lines(orders)
    planted(orders, 100, "cancel_reason", "Test Buyer moved to 1 Test Street")
    planted(orders, 103, "address_warning", "10001 is not in Test City")
    planted(lines, 501, "order_item_id", None)
    report, hits = check_orders(orders, lines)
    answer = json.dumps(report.to_dict()) + hits.to_json()
    assert len(hits) == 3
    for word in ("Test", "10001", "Happy"):
        assert word not in answer


def test_the_figures_of_chunks_add_up_and_a_problem_of_one_chunk_stays() -> None:
    orders = good_orders(4)
    planted(orders, 100, "warehouse_code", None)
    planted(orders, 109, "warehouse_code", None)
    whole, _ = check_orders(orders, good_lines(orders))
    halves = [check_orders(half, good_lines(half))[0] for half in (orders.iloc[:2], orders.iloc[2:])]
    assert halves[0].merged(halves[1]) == whole
    assert QualityReport().merged(whole) == whole
    broken, _ = check_orders(orders.drop(columns="ship_by"), good_lines(orders))
    merged = whole.merged(broken)
    assert [finding.problem for finding in by_code(merged, "ship_by_missing")] == ["The data has no column ship_by."]
    assert by_code(merged, "ship_by_missing")[0].checked == 4


def test_a_report_survives_being_stored_as_json() -> None:
    orders = good_orders(2)
    report, _ = check_orders(orders.drop(columns="ship_by"), good_lines(orders))
    assert QualityReport.from_dict(json.loads(json.dumps(report.to_dict()))) == report
    assert QualityReport.from_dict({}) == QualityReport()
