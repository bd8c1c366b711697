"""Stock rows that are not believed, each with its reason."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest

from mfn.rules.stock_faults import REMEDIES, stock_faults
from tests.stock_frames import item_rows, stock_rows

NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
NAN = float("nan")


def faults_of(stock: pd.DataFrame, items: pd.DataFrame, *, hours: float | None = None) -> list[tuple[Any, ...]]:
    found = stock_faults(stock, items, now=NOW, maximum_age_hours=hours)
    assert found["remedy"].tolist() == [REMEDIES[code] for code in found["code"]]
    return list(found[["row", "sku", "location", "code", "detail"]].itertuples(index=False, name=None))


def test_good_stock_has_no_fault() -> None:
    stock = stock_rows(("MUG", "A", 0), ("MUG", "B", 12, 20), ("POT", "A", 7.0))
    assert faults_of(stock, item_rows("MUG", "POT", "LID")) == []
    assert faults_of(stock_rows(), item_rows()) == []


@pytest.mark.parametrize(
    ("row", "code", "detail"),
    [
        ((-3, 0), "stock_negative", "on_hand is -3"),
        ((5, -1), "stock_negative", "allocated is -1"),
        ((-5, -1), "stock_negative", "on_hand is -5, allocated is -1"),
        ((2.5, 0), "stock_fractional", "on_hand is 2.5"),
        ((5, 0.25), "stock_fractional", "allocated is 0.25"),
        ((NAN, 0), "stock_unreadable", "on_hand is 'x', not a number"),
    ],
)
def test_each_fault_of_a_number_says_which_and_what_is_there(row: Any, code: str, detail: str) -> None:
    stock = stock_rows(("MUG", "A", *row), ("POT", "A", 5))
    assert faults_of(stock, item_rows("MUG", "POT")) == [(0, "MUG", "A", code, detail)]


def test_everything_is_reported_at_once_by_sku_and_location() -> None:
    stock = stock_rows(("POT", "B", -1.5), ("POT", "A", 2), ("NEW", "A", NAN), ("MUG", "A", 1), ("POT", "A", 3))
    assert [fault[:4] for fault in faults_of(stock, item_rows("MUG", "POT"))] == [
        (2, "NEW", "A", "stock_unreadable"),
        (2, "NEW", "A", "item_unknown"),
        (1, "POT", "A", "stock_duplicate"),
        (4, "POT", "A", "stock_duplicate"),
        (0, "POT", "B", "stock_negative"),
        (0, "POT", "B", "stock_fractional"),
    ]


def test_the_same_sku_may_be_in_several_locations_but_once_in_each() -> None:
    stock = stock_rows(("MUG", "A", 5), ("MUG", "B", 5), ("MUG", "A", 7), ("mug", "A", 1))
    details = {fault[0]: fault[4] for fault in faults_of(stock, item_rows("MUG", "mug"))}
    said = "the SKU has more than one row in this location, one of them with on_hand"
    assert details == {0: f"{said} 5", 2: f"{said} 7"}


@pytest.mark.parametrize("sku", ["mug", " MUG", "MUG ", "MUG\u00a0"])
def test_a_sku_is_known_to_the_letter(sku: str) -> None:
    (fault,) = faults_of(stock_rows((sku, "A", 5)), item_rows("MUG"))
    assert fault[1:] == (sku, "A", "item_unknown", "the SKU is not in wms_item")


def test_a_row_without_a_sku_is_reported() -> None:
    (fault,) = faults_of(stock_rows(("", "A", 5)), item_rows("MUG"))
    assert fault[1:] == ("", "A", "item_unknown", "the row has no SKU")


def test_rows_that_count_for_nothing_are_not_looked_at() -> None:
    never = (False, pd.Timestamp(NOW - timedelta(days=90)))
    stock = stock_rows(
        ("MUG", "A", 5),
        ("MUG", "A", -5, 0, *never),
        ("MUG", "R", 2.5, 0, *never),
        ("MUG", "R", NAN, 0, *never),
        ("GONE", "R", 5, 0, *never),
        ("OLD", "A", -5),
    )
    assert faults_of(stock, item_rows("MUG", inactive=["OLD"]), hours=24) == []


def test_a_count_may_be_as_old_as_the_connection_allows() -> None:
    ages = {"SAME": 24, "OLDER": 24.1, "FUTURE": -3}
    stock = stock_rows(
        *((sku, "A", 5, 0, True, pd.Timestamp(NOW - timedelta(hours=age))) for sku, age in ages.items()),
        ("NEVER", "A", 5),
        ("ODD", "A", 5),
    )
    stock["is_counted_at_unreadable"] = stock["sku"] == "ODD"
    items = item_rows(*stock["sku"])
    assert [fault[1:] for fault in faults_of(stock, items, hours=24)] == [
        ("ODD", "A", "stock_too_old", "counted_at cannot be read as a time"),
        ("OLDER", "A", "stock_too_old", "counted at 2026-11-26 11:54 UTC, more than 24 hours ago"),
    ]
    assert faults_of(stock, items) == []
