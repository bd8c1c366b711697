"""What must hold of levels, whatever the warehouse has and however its rows lie."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor
from typing import Any

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from mfn.rules.skus import offer_components
from mfn.rules.stock_brake import losses, stock_totals
from mfn.rules.stock_levels import item_stock, offer_levels, promised_units
from tests.stock_frames import alias_rows, item_rows, limit_rows, listing_rows, order_rows, reservation_rows, stock_rows

SKUS = ("A", "B", "C")
KITS = ("K-1", "K-2")

rows = st.lists(
    st.tuples(st.sampled_from(SKUS), st.integers(0, 60), st.integers(0, 20), st.booleans()), min_size=1, max_size=8
)
kits = st.dictionaries(
    st.sampled_from(KITS), st.dictionaries(st.sampled_from(SKUS), st.integers(1, 4), min_size=1), max_size=2
)
promises = st.dictionaries(st.sampled_from(SKUS), st.integers(0, 30))
percents = st.one_of(st.integers(0, 100), st.decimals(0, 100, places=3)).map(float)
limits = st.fixed_dictionaries(
    {"buffer_units": st.integers(0, 9), "buffer_percent": percents, "minimum_units": st.integers(0, 9)},
    optional={"maximum_units": st.integers(0, 30)},
)
worlds = st.tuples(rows, kits, promises, limits)
World = tuple[list[Any], dict[str, dict[str, int]], dict[str, int], dict[str, Any]]


def stock_of(given_rows: list[Any]) -> pd.DataFrame:
    return stock_rows(*((sku, f"BIN {n}", *rest) for n, (sku, *rest) in enumerate(given_rows)))


def levels_of(
    stock: pd.DataFrame, made_of: dict[str, dict[str, int]], promised: dict[str, int], **given_limits: Any
) -> Any:
    """The levels of every item's own offer and of every kit, by seller SKU, with what is left of each item."""
    items = item_stock(stock, item_rows(*SKUS), pd.Series(promised, dtype="int64"))
    listings = listing_rows(*SKUS, *made_of)
    aliases = alias_rows(*((kit, sku, units) for kit, parts in made_of.items() for sku, units in parts.items()))
    components = offer_components(listings, aliases, connection="us")
    found = offer_levels(components, items, limit_rows(len(listings), **given_limits))
    left = items["left"].reindex(listings["seller_sku"])
    return found.assign(left=left.to_numpy()).set_axis(listings["seller_sku"])


@settings(max_examples=40)
@given(worlds)
def test_a_level_is_what_its_definition_says(
    world: World,
) -> None:
    given_rows, made_of, promised, given_limits = world
    found = levels_of(stock_of(given_rows), made_of, promised, **given_limits)
    percent = Fraction(repr(given_limits["buffer_percent"]))
    allowed = {}
    for sku in SKUS:
        left = sum(on_hand - allocated for of, on_hand, allocated, sellable in given_rows if of == sku and sellable)
        left -= promised.get(sku, 0)
        kept_back = max(given_limits["buffer_units"], ceil(percent * max(left, 0) / 100))
        allowed[sku] = max(left - kept_back, 0)
        assert found.loc[sku, "left"] == left
    for seller_sku, row in found.iterrows():
        parts = made_of.get(str(seller_sku), {seller_sku: 1})
        fewest = min(floor(allowed[str(sku)] / units) for sku, units in parts.items())
        level = min(fewest, given_limits.get("maximum_units", fewest))
        assert row["before_limits"] == fewest
        assert row["level"] == (level if level >= given_limits["minimum_units"] else 0)


@settings(max_examples=40)
@given(worlds)
def test_a_level_is_never_negative_and_never_more_than_the_stock_or_any_component_allows(
    world: World,
) -> None:
    given_rows, made_of, promised, given_limits = world
    found = levels_of(stock_of(given_rows), made_of, promised, **given_limits)
    assert (found["level"] >= 0).all()
    assert (found["level"] <= found["before_limits"]).all()
    assert (found["before_limits"] <= found["available"]).all()
    for kit, parts in made_of.items():
        for sku, units in parts.items():
            assert found.loc[kit, "available"] * units <= max(found.loc[sku, "left"], 0)


@settings(max_examples=25)
@given(worlds, st.sampled_from(SKUS), st.integers(1, 30))
def test_more_stock_never_means_less_to_sell_and_a_promise_never_means_more(world: World, sku: str, units: int) -> None:
    given_rows, made_of, promised, given_limits = world
    before = levels_of(stock_of(given_rows), made_of, promised, **given_limits)
    more = levels_of(stock_of([*given_rows, (sku, units, 0, True)]), made_of, promised, **given_limits)
    less = levels_of(stock_of(given_rows), made_of, promised | {sku: promised.get(sku, 0) + units}, **given_limits)
    assert (more["level"] >= before["level"]).all()
    assert (less["level"] <= before["level"]).all()


@settings(max_examples=20)
@given(worlds, st.randoms(), st.lists(st.tuples(st.sampled_from(SKUS), st.integers(-9, 9))))
def test_neither_the_order_of_the_rows_nor_unsellable_stock_changes_anything(
    world: World, random: Any, unsellable: list[tuple[str, int]]
) -> None:
    given_rows, made_of, promised, given_limits = world
    stock = stock_of([*given_rows, *((sku, units, 1, False) for sku, units in unsellable)])
    labels = list(stock.index)
    random.shuffle(labels)
    expected = levels_of(stock_of(given_rows), made_of, promised, **given_limits)
    pd.testing.assert_frame_equal(levels_of(stock.loc[labels], made_of, promised, **given_limits), expected)
    pd.testing.assert_frame_equal(stock_totals(stock.loc[labels]).iloc[:1], stock_totals(stock_of(given_rows)).iloc[:1])


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.sampled_from("PQRSTU"), st.sampled_from(SKUS), st.integers(1, 5)), max_size=8),
    st.dictionaries(
        st.sampled_from("PQRSTU"),
        st.tuples(st.sampled_from(["new", "picking", "shipped", "cancelled"]), st.booleans()),
    ),
)
def test_a_unit_is_either_promised_or_allocated_and_a_shipped_unit_is_neither(
    reserved: list[tuple[str, str, int]], states: dict[str, tuple[str, bool]]
) -> None:
    is_filled = any(is_allocated for _, is_allocated in states.values())
    found = promised_units(reservation_rows(*reserved), order_rows(states), is_allocated_at_filled=is_filled)
    expected: dict[str, int] = {}
    for number, sku, units in reserved:
        status, is_allocated = states.get(number, ("new", False))
        in_allocated = is_allocated if is_filled else status != "new"
        if status in {"new", "picking"} and not in_allocated:
            expected[sku] = expected.get(sku, 0) + units
    assert found.to_dict() == expected


@settings(max_examples=40)
@given(rows, st.lists(st.integers(0, 60), min_size=8, max_size=8), percents)
def test_a_trusted_location_has_lost_no_more_than_the_brake_allows(
    given_rows: list[Any], after: list[int], percent: float
) -> None:
    now = [
        (sku, units, allocated, sellable)
        for (sku, _, allocated, sellable), units in zip(given_rows, after, strict=False)
    ]
    before, then = stock_totals(stock_of(given_rows)), stock_totals(stock_of(now))
    lost = losses(before, then, brake_percent=percent)
    kept: dict[str, int] = dict(zip(then["location"].tolist(), then["units"].tolist(), strict=True))
    for location, units in zip(before["location"].tolist(), before["units"].tolist(), strict=True):
        is_lost = (units - kept[location]) * 100 > Fraction(repr(percent)) * units
        assert is_lost == any(loss.location == location and loss.what == "units" for loss in lost)
