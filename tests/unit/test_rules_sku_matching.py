"""Amazon's SKUs against the warehouse's: what is matched, what is missing where, and what is nearly right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from mfn.mappings import load_mappings
from mfn.rules.sku_matching import compare_skus

if TYPE_CHECKING:
    from pathlib import Path

    from mfn.rules.sku_matching import SkuComparison

US, CA = "ATVPDKIKX0DER", "A2EUQ1WTGCTBG2"
NO_BREAK_SPACE = "\u00a0"
ITEMS = ("MUG-BLUE", "MUG-RED", "TEAPOT", "00417", "AB 12", "PLATE", "BOWL")


def compare(
    *listings: tuple[str, str] | tuple[str, str, str],
    aliases: tuple[tuple[str, str, str, str, int], ...] = (),
    items: tuple[str, ...] = ITEMS,
    inactive: tuple[str, ...] = ("OLD-1",),
    marketplace_ids: tuple[str, ...] = (US, CA),
) -> SkuComparison:
    """Compare listings (marketplace, seller SKU, channel: the seller's own by default) with items through aliases."""
    rows = [(*listing, "DEFAULT")[:3] for listing in listings]
    frame = pd.DataFrame(rows, columns=["marketplace_id", "seller_sku", "channel"], dtype="str")
    mapped = pd.DataFrame(aliases, columns=["connection", "marketplace", "seller_sku", "warehouse_sku", "units"])
    master = pd.DataFrame({"sku": [*items, *inactive]}, dtype="object")
    return compare_skus(
        frame.assign(asin="B0" + frame["seller_sku"], title="Title of " + frame["seller_sku"]),
        master.assign(
            description=[sku.lower() for sku in master["sku"]], is_active=[sku in items for sku in master["sku"]]
        ),
        mapped.assign(line=range(2, len(mapped) + 2)),
        connection="us",
        marketplace_ids=marketplace_ids,
    )


def rows(frame: pd.DataFrame, *columns: str) -> list[Any]:
    found = frame[list(columns)].itertuples(index=False, name=None)
    return [row[0] if len(columns) == 1 else row for row in found]


def details(frame: pd.DataFrame, key: str) -> dict[str, str]:
    return dict(rows(frame, key, "detail"))


def test_a_sku_is_matched_as_it_is_or_through_an_alias_or_a_kit() -> None:
    kit = (("", "", "SET", "PLATE", 2), ("", "", "SET", "BOWL", 1))
    compared = compare(
        (US, "MUG-RED"), (US, "AMZ-MUG"), (US, "SET"), (US, "FOUR"),
        aliases=(*kit, ("us", "", "AMZ-MUG", "MUG-BLUE", 1), ("", "", "FOUR", "TEAPOT", 4)),
    )  # fmt: skip
    assert (compared.seller_skus, compared.matched, compared.kits) == (4, 4, 2)
    assert compared.missing_in_warehouse.empty
    assert rows(compared.missing_on_amazon, "warehouse_sku") == ["00417", "AB 12"]
    assert (compared.items, compared.items_listed) == (7, 5)


def test_a_sku_without_an_item_is_missing_with_its_listing() -> None:
    compared = compare((US, "MUG-RED"), (CA, "KETTLE"))
    assert (compared.seller_skus, compared.matched) == (2, 1)
    assert rows(compared.missing_in_warehouse, "seller_sku", "marketplaces", "asin", "title", "warehouse_skus") == [
        ("KETTLE", ("CA",), "B0KETTLE", "Title of KETTLE", ("KETTLE",))
    ]
    assert details(compared.missing_in_warehouse, "seller_sku") == {"KETTLE": "the warehouse does not have this item"}
    assert compared.near_misses.empty


def test_a_sku_that_is_missing_in_several_marketplaces_is_one_entry() -> None:
    compared = compare((CA, "KETTLE"), (US, "KETTLE"), (US, "MUG-RED"), (CA, "MUG-RED"))
    assert rows(compared.missing_in_warehouse, "seller_sku", "marketplaces") == [("KETTLE", ("US", "CA"))]
    assert (compared.seller_skus, compared.matched) == (2, 1)


def test_a_listing_of_an_inactive_item_is_reported_as_such_and_gets_no_alias_to_itself() -> None:
    compared = compare((US, "OLD-1"), (US, "KETTLE"))
    assert rows(compared.missing_in_warehouse, "seller_sku", "is_inactive") == [("KETTLE", False), ("OLD-1", True)]
    assert details(compared.missing_in_warehouse, "seller_sku")["OLD-1"] == "the warehouse has it, but it is inactive"
    assert compared.near_misses.empty
    assert "OLD-1" not in rows(compared.missing_on_amazon, "warehouse_sku")


def test_an_alias_or_a_kit_that_leads_to_no_active_item_is_missing_with_its_line_and_is_to_be_corrected() -> None:
    compared = compare(
        (US, "AMZ-MUG"), (US, "SET"), (US, "AMZ-OLD"),
        aliases=(
            ("", "", "AMZ-MUG", "mug-red", 1),
            ("", "", "SET", "PLATE", 1),
            ("", "", "SET", "SAUCER", 1),
            ("us", "", "AMZ-OLD", "OLD-1", 1),
        ),
    )  # fmt: skip
    assert (compared.matched, compared.kits) == (0, 0)
    assert rows(compared.missing_in_warehouse, "seller_sku", "warehouse_skus") == [
        ("AMZ-MUG", ("mug-red",)),
        ("AMZ-OLD", ("OLD-1",)),
        ("SET", ("SAUCER",)),
    ]
    described = details(compared.missing_in_warehouse, "seller_sku")
    assert described["AMZ-MUG"] == (
        "line 2 of sku_aliases.csv maps it to 'mug-red', which the warehouse does not have "
        "(nearest: 'MUG-RED' differs in case)"
    )
    assert described["SET"] == "line 4 of sku_aliases.csv maps it to 'SAUCER', which the warehouse does not have"
    assert (
        described["AMZ-OLD"] == "line 5 of sku_aliases.csv maps it to 'OLD-1', which the warehouse has, but as inactive"
    )
    assert compared.near_misses.empty, "a second row beside the wrong one would be a kit"


def test_a_kit_is_never_proposed_for_its_own_component() -> None:
    aliases = (("", "", "TEA-SET", "TEA-SETS", 1), ("", "", "TEA-SET", "TEAPOT", 1), ("", "", "SIX", "SIXX", 6))
    compared = compare((US, "TEA-SET"), (US, "SIX"), aliases=aliases, items=(*ITEMS, "TEA-SET", "SIX"))
    assert [
        detail for detail in details(compared.missing_in_warehouse, "seller_sku").values() if "nearest" in detail
    ] == []
    renamed = compare((US, "MUG-FBM"), aliases=(("", "", "MUG-FBM", "MUG-FBX", 1),), items=(*ITEMS, "MUG-FBM"))
    assert "nearest: 'MUG-FBM'" in details(renamed.missing_in_warehouse, "seller_sku")["MUG-FBM"]


def test_what_holds_in_one_marketplace_only_is_reported_with_it() -> None:
    compared = compare((US, "CUP"), (CA, "CUP"), aliases=(("", CA, "CUP", "BEAKER", 1),))
    assert details(compared.missing_in_warehouse, "seller_sku")["CUP"] == (
        "in US: the warehouse does not have this item; "
        "in CA: line 2 of sku_aliases.csv maps it to 'BEAKER', which the warehouse does not have"
    )


def test_the_line_of_another_connection_is_not_the_one_reported() -> None:
    other = ("de", "", "CUP", "CUP", 1)
    compared = compare((US, "CUP"), aliases=(other,))
    assert details(compared.missing_in_warehouse, "seller_sku") == {"CUP": "the warehouse does not have this item"}
    assert "CUP" not in rows(compared.missing_on_amazon, "seller_sku")


def test_listings_that_amazon_fulfils_are_counted_and_neither_compared_nor_missing() -> None:
    compared = compare(
        (US, "TEAPOT", "AMAZON_NA"), (US, "KETTLE", "AMAZON_NA,DEFAULT"), (US, "PLATE"), (US, "LAMP", "UNKNOWN")
    )
    assert compared.channels == {"AMAZON_NA": 1, "AMAZON_NA,DEFAULT": 1, "DEFAULT": 1, "UNKNOWN": 1}
    assert (compared.seller_skus, compared.matched) == (1, 1)
    assert compared.missing_in_warehouse.empty
    assert "TEAPOT" not in rows(compared.missing_on_amazon, "warehouse_sku")


def test_an_item_that_only_a_kit_is_made_of_is_on_amazon() -> None:
    kit = (("", "", "SET", "PLATE", 2), ("", "", "SET", "BOWL", 1))
    assert rows(compare((US, "SET"), aliases=kit, items=("PLATE", "BOWL")).missing_on_amazon, "warehouse_sku") == []
    unlisted = compare(aliases=kit, items=("PLATE", "BOWL"), inactive=())
    assert rows(unlisted.missing_on_amazon, "warehouse_sku", "seller_sku", "warehouse_skus", "description") == [
        ("BOWL", "SET", ("BOWL", "PLATE"), "bowl")
    ]


def test_an_alias_without_a_listing_is_missing_on_amazon_whatever_else_sells_its_item() -> None:
    compared = compare(
        (US, "MUG-RED"), (US, "MUG-SET"),
        items=("MUG-RED",),
        aliases=(("", "", "AMZ-MUG", "MUG-RED", 1), ("", "", "mug-set", "SAUCER", 1), ("de", "", "D", "MUG-RED", 1)),
    )  # fmt: skip
    assert rows(compared.missing_on_amazon, "warehouse_sku", "seller_sku", "description") == [
        ("MUG-RED", "AMZ-MUG", "mug-red"),
        ("SAUCER", "mug-set", None),
    ]
    assert rows(compared.missing_on_amazon, "detail") == [
        "Amazon has no 'AMZ-MUG', which line 2 of sku_aliases.csv maps",
        (
            "Amazon has no 'mug-set', which line 3 of sku_aliases.csv maps (nearest: 'MUG-SET' differs in case); "
            "the warehouse has no active 'SAUCER'"
        ),
    ]


@pytest.mark.parametrize(
    ("seller_sku", "warehouse_sku", "difference"),
    [
        ("mug-blue", "MUG-BLUE", "case"),
        ("TEAPOT ", "TEAPOT", "blanks"),
        (f"TEAPOT{NO_BREAK_SPACE}", "TEAPOT", "blanks"),
        (f"AB{NO_BREAK_SPACE}12", "AB 12", "blanks"),
        ("AB12", "AB 12", "blanks"),
        ("417", "00417", "leading_zeros"),
        ("000417", "00417", "leading_zeros"),
        ("MUG_BLUE", "MUG-BLUE", "separators"),
        ("mug_blue", "MUG-BLUE", "several"),
        ("TEAPOT-FBM", "TEAPOT", "more_at_end"),
        ("TEAPOTS", "TEAPOT", "more_at_end"),
        ("TEAPT", "TEAPOT", "one_character"),
        ("TEABPOT", "TEAPOT", "one_character"),
        ("TEAPIT", "TEAPOT", "one_character"),
        ("TEAPTO", "TEAPOT", "one_character"),
    ],
)
def test_a_near_miss_counts_as_missing_and_its_row_makes_it_match(
    seller_sku: str, warehouse_sku: str, difference: str, tmp_path: Path
) -> None:
    compared = compare((US, seller_sku), (CA, seller_sku))
    assert rows(compared.missing_in_warehouse, "seller_sku") == [seller_sku]
    assert rows(
        compared.near_misses, "seller_sku", "marketplace", "warehouse_sku", "description", "difference", "is_only"
    ) == [(seller_sku, "", warehouse_sku, warehouse_sku.lower(), difference, True)]
    assert f"{seller_sku!r}" in details(compared.missing_on_amazon, "warehouse_sku")[warehouse_sku]

    aliases = pasted(compared, tmp_path)
    assert compare((US, seller_sku), (CA, seller_sku), aliases=aliases).matched == 1
    assert aliases[0][0] == "us"


def pasted(compared: SkuComparison, directory: Path) -> tuple[tuple[str, str, str, str, int], ...]:
    """The proposed rows as the mapping files are read."""
    header = "connection,marketplace,seller_sku,warehouse_sku,units,note"
    text = "\r\n".join([header, *rows(compared.near_misses, "alias_row"), ""])
    (directory / "sku_aliases.csv").write_bytes(text.encode())
    (directory / "shipping_methods.csv").write_text(
        "connection,program,service_level,marketplace,warehouse_code,note\n"
    )
    frame = load_mappings(directory).sku_aliases
    return tuple(rows(frame, "connection", "marketplace", "seller_sku", "warehouse_sku", "units"))


def test_an_alias_does_not_reach_the_marketplace_where_the_sku_leads_to_something_else(tmp_path: Path) -> None:
    general = ("", CA, "mug-red", "PLATE", 1)
    listings = ((US, "mug-red"), (CA, "mug-red"))
    compared = compare(*listings, aliases=(general,))
    assert rows(compared.near_misses, "marketplace", "alias_row") == [("US", "us,US,mug-red,MUG-RED,1,")]
    after = compare(*listings, aliases=(general, *pasted(compared, tmp_path)))
    assert after.matched == 1
    assert rows(after.missing_on_amazon, "warehouse_sku") == ["00417", "AB 12", "BOWL", "MUG-BLUE", "TEAPOT"]


def test_of_several_that_are_near_the_likeliest_comes_first_and_at_most_three_are_shown() -> None:
    items = ("mug red", "Mug-Red", "MUG_RED", "MUG RED", "MUGRED")
    compared = compare((US, "MUG-RED"), (US, "MUG RED"), items=items)
    assert rows(compared.near_misses, "warehouse_sku", "difference", "is_matched", "is_only") == [
        ("Mug-Red", "case", False, False),
        ("MUGRED", "separators", False, False),
        ("MUG_RED", "separators", False, False),
    ]


def test_an_item_that_is_matched_already_comes_after_others_that_differ_likewise() -> None:
    compared = compare((US, "CUP 1"), (US, "CUP-1"), items=("CUP 1", "CUP_1"))
    assert rows(compared.near_misses, "seller_sku", "warehouse_sku", "is_matched") == [
        ("CUP-1", "CUP_1", False),
        ("CUP-1", "CUP 1", True),
    ]


def test_another_size_that_is_matched_already_is_proposed_only_where_no_other_item_is_near() -> None:
    compared = compare((US, "SHIRT-S"), (US, "SHIRT-M"), items=("SHIRT-S", "SHIRT-N"))
    assert rows(compared.near_misses, "warehouse_sku", "is_matched", "is_only") == [("SHIRT-N", False, True)]
    compared = compare((US, "SHIRT-S"), (US, "SHIRT-M"), items=("SHIRT-S",))
    assert rows(compared.near_misses, "warehouse_sku", "is_matched", "is_only") == [("SHIRT-S", True, True)]


def test_what_a_spreadsheet_broke_is_reported_as_such_and_gets_no_row_that_the_check_refuses() -> None:
    compared = compare((US, "1E+05"), (US, "KETTLE"), items=("1e+05", "#N/A"))
    broken = "is how a spreadsheet writes a long number; its digits are lost"
    assert details(compared.missing_in_warehouse, "seller_sku")["1E+05"] == (
        f"the warehouse does not have this item; '1E+05' {broken}"
    )
    described = details(compared.missing_on_amazon, "warehouse_sku")
    assert described["1e+05"].endswith(f"'1e+05' {broken}")
    assert described["#N/A"].endswith("'#N/A' is a spreadsheet's error, not a value")
    assert compared.near_misses.empty


def test_an_empty_side_or_two_are_still_compared() -> None:
    assert compare(items=(), inactive=()).seller_skus == 0
    assert rows(compare(items=("A",)).missing_on_amazon, "warehouse_sku") == ["A"]
    empty_warehouse = compare((US, "A"), items=(), inactive=())
    assert (empty_warehouse.items, rows(empty_warehouse.missing_in_warehouse, "seller_sku")) == (0, ["A"])
