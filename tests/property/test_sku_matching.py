"""What must hold of Amazon's SKUs against the warehouse's, whatever both sides have."""

from __future__ import annotations

import csv
from typing import Any

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz.distance import OSA

from mfn.amazon.marketplaces import find_marketplace
from mfn.rules.nearest_skus import nearest_skus
from mfn.rules.sku_matching import compare_skus

US, CA = "ATVPDKIKX0DER", "A2EUQ1WTGCTBG2"
ALIAS_COLUMNS = ["connection", "marketplace", "seller_sku", "warehouse_sku", "units", "line"]

skus = st.sampled_from(
    ("AB-1", "ab-1", "AB 1", "AB1", "0AB1", "AB-2", "AB-12", "AB-1-FBM", "CUP", "\u00a0CUP", "1E+05")
)
listings = st.dictionaries(
    st.tuples(st.sampled_from((US, CA)), skus), st.sampled_from(("DEFAULT", "DEFAULT", "AMAZON_NA"))
)
items = st.dictionaries(skus, st.booleans())
alias_rows = st.dictionaries(
    st.tuples(st.sampled_from(("", "us", "de")), st.sampled_from(("", US, CA)), skus, skus), st.integers(1, 3)
)


def alias_frame(rows: dict[Any, int]) -> pd.DataFrame:
    cells = [(*key, units, line) for line, (key, units) in enumerate(rows.items(), start=2)]
    return pd.DataFrame(cells, columns=ALIAS_COLUMNS)


def compare(offers: dict[Any, str], master: dict[str, bool], aliases: dict[Any, int]) -> Any:
    frame = pd.DataFrame(
        [(*key, channel) for key, channel in offers.items()], columns=["marketplace_id", "seller_sku", "channel"]
    )
    warehouse = pd.DataFrame({"sku": list(master), "is_active": list(master.values())}, dtype="object")
    return compare_skus(
        frame.astype("str").assign(asin="", title=""),
        warehouse.assign(description=None),
        alias_frame(aliases),
        connection="us",
        marketplace_ids=(US, CA),
    )


@settings(max_examples=50)
@given(listings, items, alias_rows)
def test_every_sku_is_matched_or_missing_and_every_item_listed_or_missing(
    offers: dict[Any, str], master: dict[str, bool], aliases: dict[Any, int]
) -> None:
    compared = compare(offers, master, aliases)
    own = {sku for (_, sku), channel in offers.items() if channel == "DEFAULT"}
    missing = compared.missing_in_warehouse["seller_sku"].tolist()
    assert set(missing) <= own
    assert len(missing) == len(set(missing))
    assert len(own) == compared.seller_skus == compared.matched + len(missing)
    active = {sku for sku, is_active in master.items() if is_active}
    unlisted = set(compared.missing_on_amazon["warehouse_skus"].explode())
    assert compared.items == len(active)
    assert len(active & unlisted) >= compared.items - compared.items_listed
    if not aliases:
        assert set(missing) == own - active
        assert unlisted == active - {sku for _, sku in offers}


@settings(max_examples=50)
@given(listings, items, alias_rows)
def test_each_proposed_row_makes_its_sku_match(
    offers: dict[Any, str], master: dict[str, bool], aliases: dict[Any, int]
) -> None:
    compared = compare(offers, master, aliases)
    near = compared.near_misses
    assert near.groupby(["seller_sku", "marketplace"]).size().le(3).all()
    for _, of_sku in near.groupby("seller_sku"):
        first = of_sku[of_sku["warehouse_sku"] == of_sku["warehouse_sku"].iloc[-1]]
        added = {}
        for row in csv.reader(first["alias_row"].tolist()):
            place = find_marketplace(row[1])
            added[row[0], place.marketplace_id if place else "", row[2], row[3]] = int(row[4])
        seller_sku = of_sku["seller_sku"].iloc[0]
        after = compare(offers, master, aliases | added)
        assert seller_sku not in set(after.missing_in_warehouse["seller_sku"])
        assert set(after.missing_in_warehouse["seller_sku"]) == set(compared.missing_in_warehouse["seller_sku"]) - {
            seller_sku
        }


@given(st.sets(st.text("AB", min_size=3, max_size=6)), st.sets(st.text("ABC", min_size=1, max_size=7)))
def test_skus_one_character_apart_are_those_that_comparing_every_pair_finds(unknown: set[str], known: set[str]) -> None:
    unknown -= known
    found = nearest_skus(unknown, pd.DataFrame({"sku": sorted(known), "is_active": True}))
    for sku, near in found.items():
        kinds = {one.kind for one in near}
        assert kinds <= {"more_at_end", "one_character"}
        if "more_at_end" not in kinds:
            assert [one.warehouse_sku for one in near] == sorted(
                other for other in known if OSA.distance(sku, other) == 1
            )[:3]
