"""What a stock run decides about: offers, what is listed nowhere, and stock without an item."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from mfn.mappings.rules_file import read_rules
from mfn.rules.stock_entries import StockEntries, stock_entries
from mfn.rules.stock_faults import stock_faults
from mfn.rules.stock_levels import item_stock
from tests.stock_frames import CA, US, a_connection, alias_rows, item_rows, listing_rows, stock_rows

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
NOTHING: Any = pd.Series([], dtype="int64")
NO_ALIAS = alias_rows()
SET = alias_rows(("SET", "MUG", 2), ("SET", "POT", 1))


def entries_of(
    listings: pd.DataFrame,
    aliases: pd.DataFrame,
    stock: pd.DataFrame,
    items: pd.DataFrame,
    rules: tuple[Any, ...] = (),
    **options: Any,
) -> StockEntries:
    faults = stock_faults(stock, items, now=NOW, maximum_age_hours=None)
    levels = item_stock(stock, items, NOTHING)
    connection = a_connection(**options)
    return stock_entries(listings, aliases, faults, levels, rules=rules, connection=connection, now=NOW)


def standing(found: StockEntries) -> dict[str, Any]:
    """The level of each entry by its seller SKU, or the codes for which it is held."""
    entries = found.entries
    assert not entries.duplicated(["marketplace_id", "seller_sku"]).any()
    assert ((entries["outcome"] == "") == (entries["reasons"].str.len() == 0)).all()
    rows = zip(entries["seller_sku"], entries["outcome"], entries["level"], entries["reasons"], strict=True)
    return {sku: [outcome, *(r.code for r in reasons)] if outcome else level for sku, outcome, level, reasons in rows}


def details(found: StockEntries, seller_sku: str) -> list[str]:
    (reasons,) = found.entries.loc[found.entries["seller_sku"] == seller_sku, "reasons"]
    assert all(reason.remedy for reason in reasons)
    return [reason.detail for reason in reasons]


STOCK = stock_rows(("MUG", "A", 9), ("POT", "A", 3), ("LID", "A", 5))
ITEMS = item_rows("MUG", "POT", "LID")


def test_every_offer_has_its_level_and_an_item_without_one_is_reported() -> None:
    found = entries_of(listing_rows("MUG", "SET"), SET, STOCK, ITEMS)
    assert standing(found) == {"MUG": 9, "SET": 3, "LID": ["held", "listing_missing"]}
    unlisted = found.entries.iloc[-1]
    assert (unlisted["marketplace_id"], unlisted["sku"], unlisted["on_hand"]) == ("", "LID", 5)
    assert "LID" in details(found, "LID")[0]


def test_the_connection_s_limits_hold_for_every_offer() -> None:
    found = entries_of(listing_rows("MUG", "SET"), SET, STOCK, ITEMS, buffer_percent=10, maximum_units=7)
    assert standing(found)["MUG"] == 7
    assert found.entries["before_limits"].tolist()[:2] == [8, 2]


def test_listings_that_amazon_ships_are_no_entries_and_still_listed() -> None:
    listings = listing_rows(("LID", US, "AMAZON_NA"), ("MUG", US, "AMAZON_NA,DEFAULT"), ("POT", US), ("X", US, ""))
    assert standing(entries_of(listings, NO_ALIAS, STOCK, ITEMS)) == {"POT": 3}


def test_a_sku_is_an_entry_in_each_marketplace_and_listed_if_it_is_in_one() -> None:
    listings = listing_rows(("MUG", US), ("MUG", CA), ("POT", US), ("LID", CA))
    found = entries_of(listings, NO_ALIAS, STOCK, ITEMS, marketplaces=("US", "CA"))
    assert found.entries["marketplace_id"].tolist() == [US, CA, US, CA]
    assert found.entries["level"].tolist() == [9, 9, 3, 5]


def test_a_listing_that_leads_to_no_item_is_held() -> None:
    found = entries_of(
        listing_rows("mug", "SET"), alias_rows(("SET", "MUG", 1), ("SET", "CUP", 1)), STOCK, item_rows("MUG")
    )
    assert standing(found)["mug"] == ["held", "sku_unknown"]
    assert standing(found)["SET"] == ["held", "sku_unknown"]
    assert details(found, "SET") == ["CUP is not in wms_item"]


def test_a_fault_holds_every_offer_that_needs_the_item_and_no_other() -> None:
    stock = stock_rows(("MUG", "A", -3), ("MUG", "B", 2.5), ("POT", "A", 3), ("LID", "A", 5))
    found = entries_of(listing_rows("MUG", "SET", "POT", "LID"), SET, stock, ITEMS)
    both = ["held", "stock_negative", "stock_fractional"]
    assert standing(found) == {"MUG": both, "SET": both, "POT": 3, "LID": 5}
    assert details(found, "SET") == ["MUG in A: on_hand is -3", "MUG in B: on_hand is 2.5"]


def test_a_fault_names_its_item_also_where_the_row_names_no_location() -> None:
    found = entries_of(listing_rows("SET"), SET, stock_rows(("MUG", "", -3), ("POT", "A", 3)), item_rows("MUG", "POT"))
    assert details(found, "SET") == ["MUG: on_hand is -3"]


@pytest.mark.parametrize(("bins", "said", "more"), [(9, 10, ""), (10, 10, "; and 1 more"), (12, 10, "; and 3 more")])
def test_faults_of_one_kind_are_one_reason(bins: int, said: int, more: str) -> None:
    stock = stock_rows(*(("MUG", f"BIN {bin_:02}", -1) for bin_ in range(bins)), ("POT", "A", -2))
    found = entries_of(listing_rows("SET"), SET, stock, item_rows("MUG", "POT"))
    assert standing(found) == {"SET": ["held", "stock_negative"]}
    each = [*(f"MUG in BIN {bin_:02}: on_hand is -1" for bin_ in range(bins)), "POT in A: on_hand is -2"]
    assert details(found, "SET") == ["; ".join(each[:said]) + more]


def test_stock_that_belongs_to_no_item_is_reported_once() -> None:
    stock = stock_rows(("NEW", "A", 4), ("NEW", "B", -4), ("OWN", "A", 2), ("", "A", 1), ("GONE", "R", 1, 0, False))
    found = entries_of(listing_rows("OWN"), NO_ALIAS, stock, item_rows())
    assert standing(found) == {
        "OWN": ["held", "item_unknown"],
        "NEW": ["held", "stock_negative", "item_unknown"],
        "": ["held", "item_unknown"],
    }
    assert found.entries["seller_sku"].tolist() == ["OWN", "", "NEW"], "what has no listing stands by its SKU"
    assert details(found, "") == ["A: the row has no SKU"]
    nowhere = entries_of(listing_rows(), NO_ALIAS, stock_rows(("", "", 1)), item_rows())
    assert details(nowhere, "") == ["the row has no SKU"]


def test_an_alias_that_is_listed_nowhere_is_reported_instead_of_its_components() -> None:
    found = entries_of(listing_rows("LID"), SET, STOCK, ITEMS)
    assert standing(found) == {"LID": 5, "SET": ["held", "listing_missing"]}
    assert "sku_aliases.csv" in details(found, "SET")[0]


def test_aliases_of_other_connections_and_marketplaces_are_not_missed() -> None:
    for elsewhere in ({"connection": "eu"}, {"marketplace": CA}):
        found = entries_of(listing_rows("MUG", "POT", "LID"), alias_rows(("SET", "MUG", 2), **elsewhere), STOCK, ITEMS)
        assert standing(found) == {"MUG": 9, "POT": 3, "LID": 5}


def test_an_alias_named_as_an_item_is_one_entry_with_both_reasons() -> None:
    found = entries_of(listing_rows("POT", "LID"), alias_rows(("MUG", "POT", 1)), STOCK, ITEMS)
    assert standing(found) == {"POT": 3, "LID": 5, "MUG": ["held", "listing_missing"]}
    assert details(found, "MUG")[0].count("Amazon has no listing for MUG") == 2


def test_an_inactive_item_is_sent_as_none_and_not_missed_without_a_listing() -> None:
    items = item_rows("MUG", inactive=["POT", "LID"])
    found = entries_of(listing_rows("MUG", "POT", "SET"), SET, STOCK, items)
    assert standing(found) == {"MUG": 9, "POT": 0, "SET": 0}
    assert found.entries["is_inactive"].tolist() == [False, True, True]


def test_components_that_kits_promise_too_often_are_reported_with_their_offers() -> None:
    found = entries_of(listing_rows("MUG", "SET", "POT", "LID"), SET, STOCK, ITEMS)
    assert found.oversold["sku"].tolist() == ["MUG", "POT"]
    assert found.oversold["offers"].tolist() == [("MUG", "SET"), ("POT", "SET")]
    stock = stock_rows(("MUG", "A", 9), ("POT", "A", -3))
    assert entries_of(listing_rows("MUG", "SET"), SET, stock, ITEMS).oversold.empty


def test_without_listings_items_or_stock_there_is_nothing_to_decide() -> None:
    found = entries_of(listing_rows(), NO_ALIAS, stock_rows(), item_rows())
    assert found.entries.empty
    assert found.oversold.empty
    filled = entries_of(listing_rows("MUG"), NO_ALIAS, STOCK, ITEMS)
    assert found.entries.dtypes.to_dict() == filled.entries.dtypes.to_dict()


RULES = """\
inventory.push:
  - name: Of last year
    enabled: false
    when: stock.on_hand > 0
    then:
      - hold: count everything
  - name: Mugs break
    when: stock.sku == "MUG" and not stock.is_kit
    then:
      - set: {stock.buffer_units: 2, stock.buffer_percent: 12.5, stock.maximum_units: 6}
  - name: Few pots
    when: stock.seller_sku == "POT" and stock.available < 5
    then:
      - hold: count them first
  - name: No lids
    when: stock.seller_sku == "LID" and stock.marketplace == "US"
    then:
      - skip: sold elsewhere
  - name: Bowls
    when: stock.on_hand > 1000
    then:
      - fail: a slip of the keyboard
"""


def test_rules_change_limits_and_decide(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(RULES, encoding="utf-8")
    rules, problems = read_rules(path, "rules.yaml", accepted_carriers=())
    assert problems == []
    stock = stock_rows(("MUG", "A", 9), ("POT", "A", 3), ("LID", "A", 5), ("BOWL", "A", 5000), ("CUP", "A", -1))
    items = item_rows("MUG", "POT", "LID", "BOWL", "CUP")
    listings = listing_rows("MUG", "POT", "LID", ("LID", CA), "BOWL", "CUP", "SET")
    found = entries_of(
        listings, SET, stock, items, rules["inventory.push"], marketplaces=("US", "CA"), maximum_units=4
    ).entries
    columns: Any = (found[name].tolist() for name in ("outcome", "level", "reasons"))
    assert [
        (outcome or level, *(reason.code for reason in reasons))
        for outcome, level, reasons in zip(*columns, strict=True)
    ] == [
        (6,),
        ("held", "rule_hold"),
        ("held", "rule_skip"),
        (4,),
        ("failed", "rule_fail"),
        ("held", "stock_negative"),
        (3,),
    ]
    assert found["before_limits"].iloc[0] == 7
    (reason,) = found["reasons"].iloc[1]
    assert reason.detail == "count them first"
    assert "Few pots" in reason.remedy
