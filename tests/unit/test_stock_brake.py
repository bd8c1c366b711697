"""When the warehouse is not believed: what it may lose, and what it may not."""

from __future__ import annotations

import pandas as pd
import pytest

from mfn.rules.stock_brake import Loss, emptiness, losses, losses_against_amazon, stock_totals
from tests.stock_frames import item_rows, stock_rows


def totals(**locations: tuple[int, int]) -> pd.DataFrame:
    """SKUs and units by location; `whole` is the whole."""
    rows = [("" if name == "whole" else name, *figures) for name, figures in locations.items()]
    return pd.DataFrame(rows, columns=["location", "skus", "units"])


def test_a_warehouse_without_any_row_answers_empty() -> None:
    stock, items = stock_rows(("MUG", "A", 5)), item_rows("MUG")
    assert emptiness(stock, items) == ""
    assert emptiness(stock_rows(), items) == "wms_inventory of the warehouse is empty"
    assert emptiness(stock, item_rows()) == "wms_item of the warehouse is empty"
    assert emptiness(stock_rows(), item_rows()) == "wms_inventory and wms_item of the warehouse are empty"


def test_totals_count_what_is_there_in_sellable_locations() -> None:
    stock = stock_rows(
        ("MUG", "A", 5), ("POT", "A", 2, 2), ("MUG", "B", 4), ("LID", "B", 0), ("LID", "C", -3),
        ("LID", "D", float("nan")), ("MUG", "R", 90, 0, False), ("MUG", "", 1),
    )  # fmt: skip
    assert list(stock_totals(stock).itertuples(index=False, name=None)) == [
        ("", 2, 12),
        ("A", 2, 7),
        ("B", 1, 4),
        ("C", 0, 0),
        ("D", 0, 0),
    ]
    assert list(stock_totals(stock_rows()).itertuples(index=False, name=None)) == [("", 0, 0)]


def test_as_much_as_the_brake_allows_is_trusted_and_more_is_not() -> None:
    before = totals(whole=(100, 1000))
    assert losses(before, totals(whole=(50, 500)), brake_percent=50) == []
    assert losses(before, totals(whole=(49, 500)), brake_percent=50) == [Loss("", "SKUs", 100, 49)]
    assert losses(before, totals(whole=(50, 499)), brake_percent=50) == [Loss("", "units", 1000, 499)]
    assert losses(before, totals(whole=(0, 0)), brake_percent=100) == []
    assert losses(before, totals(whole=(100, 999)), brake_percent=0) == [Loss("", "units", 1000, 999)]
    assert losses(before, totals(whole=(200, 2000)), brake_percent=0) == []


@pytest.mark.parametrize(("now", "is_believed"), [(667, True), (666, False)])
def test_a_percentage_is_the_decimal_number_that_was_written(now: int, is_believed: bool) -> None:
    lost = losses(totals(whole=(1, 1000)), totals(whole=(1, now)), brake_percent=33.3)
    assert (lost == []) is is_believed


def test_one_location_can_lose_too_much_by_itself_or_be_gone() -> None:
    before = totals(whole=(100, 1000), EAST=(60, 700), WEST=(40, 300))
    now = totals(whole=(100, 750), EAST=(60, 700), WEST=(40, 50))
    assert losses(before, now, brake_percent=50) == [Loss("WEST", "units", 300, 50)]
    gone = losses(before, totals(whole=(60, 700), EAST=(60, 700), NORTH=(9, 9)), brake_percent=50)
    assert gone == [Loss("WEST", "SKUs", 40, 0), Loss("WEST", "units", 300, 0)]


def test_a_bin_that_runs_empty_stops_nobody() -> None:
    before = totals(whole=(1000, 9000), BIN=(9, 80), SHELF=(9, 90))
    now = totals(whole=(990, 8800), BIN=(0, 0), SHELF=(0, 0))
    assert {loss.location for loss in losses(before, now, brake_percent=50)} == {"SHELF"}


def test_what_was_nowhere_before_cannot_be_lost() -> None:
    assert losses(totals(), totals(whole=(0, 0)), brake_percent=50) == []
    assert losses(totals(whole=(0, 0), A=(0, 0)), totals(whole=(0, 0)), brake_percent=0) == []


def test_the_first_run_is_compared_with_what_amazon_shows() -> None:
    shown = pd.Series([10, 10, 0, float("nan"), 10, 10])
    assert losses_against_amazon(shown, pd.Series([9, 9, 99, 99, 2, 0]), brake_percent=50) == []
    found = losses_against_amazon(shown, pd.Series([19, 0, 99, 99, 0, 0]), brake_percent=50)
    assert found == [Loss("", "SKUs", 4, 1), Loss("", "units", 40, 19)]
    assert losses_against_amazon(shown.iloc[:0], shown.iloc[:0].astype("int64"), brake_percent=0) == []


def test_a_loss_reads_as_a_sentence() -> None:
    assert str(Loss("", "units", 12000, 400)) == "12,000 units as a whole before, 400 now"
    assert str(Loss("EAST", "SKUs", 60, 0)) == "60 SKUs in EAST before, 0 now"
