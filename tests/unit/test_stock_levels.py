"""What there is to sell of items and offers, figure by figure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from mfn.rules.skus import offer_components
from mfn.rules.stock_levels import item_stock, offer_levels, promised_units
from mfn.rules.stock_oversold import oversold_components
from tests.stock_frames import (
    CA,
    US,
    alias_rows,
    item_rows,
    limit_rows,
    listing_rows,
    order_rows,
    reservation_rows,
    stock_rows,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

NOTHING: Any = pd.Series([], dtype="int64")
EVERY_STATE = {
    f"{status or 'none'}{'+' if is_allocated else ''}": (status, is_allocated)
    for status in ("new", "picking", "shipped", "cancelled", "")
    for is_allocated in (False, True)
}


def promised(states: Mapping[str, tuple[str, bool]], *, is_allocated_at_filled: bool) -> set[str]:
    """Of one order in each state, and of one that the warehouse does not have, those that are promised."""
    reservations = reservation_rows(*((number, f"SKU {number}", 2) for number in (*states, "unknown")))
    units = promised_units(reservations, order_rows(states), is_allocated_at_filled=is_allocated_at_filled)
    assert set(units) == {2}
    return {str(sku).removeprefix("SKU ") for sku in units.index}


def test_a_warehouse_that_fills_allocated_at_has_promised_what_is_open_and_not_allocated() -> None:
    assert promised(EVERY_STATE, is_allocated_at_filled=True) == {"new", "picking", "none", "unknown"}


def test_a_warehouse_that_never_fills_it_has_promised_what_it_has_not_begun() -> None:
    never = {name: state for name, state in EVERY_STATE.items() if not state[1]}
    assert promised(never, is_allocated_at_filled=False) == {"new", "none", "unknown"}


def test_promises_of_all_orders_and_lines_add_up_by_sku() -> None:
    reservations = reservation_rows(("A", "MUG", 2), ("A", "MUG", 1), ("B", "MUG", 4), ("B", "POT", 1), ("C", "POT", 9))
    orders = order_rows({"C": ("shipped", False)})
    found = promised_units(reservations, orders, is_allocated_at_filled=False)
    assert found.to_dict() == {"MUG": 7, "POT": 1}


def test_no_reservation_promises_nothing() -> None:
    assert promised_units(reservation_rows(), order_rows({}), is_allocated_at_filled=False).empty


def test_what_is_left_of_an_item_is_on_hand_less_allocated_less_promised_in_sellable_locations() -> None:
    stock = stock_rows(
        ("MUG", "A", 10, 2), ("MUG", "B", 5, 1), ("MUG", "RETURNS", 90, 50, False), ("?", "A", 7), ("POT", "A", 1, 4)
    )
    promises = pd.Series({"MUG": 3, "POT": 1, "GONE": 5})
    found = item_stock(stock, item_rows("MUG", "POT", "LID", inactive=["OLD"]), promises)
    assert found.to_dict("index") == {
        "MUG": {"on_hand": 15, "allocated": 3, "promised": 3, "left": 9, "is_active": True},
        "POT": {"on_hand": 1, "allocated": 4, "promised": 1, "left": -4, "is_active": True},
        "LID": {"on_hand": 0, "allocated": 0, "promised": 0, "left": 0, "is_active": True},
        "OLD": {"on_hand": 0, "allocated": 0, "promised": 0, "left": 0, "is_active": False},
    }


def one_level(left: int, units: int = 1, **limits: float | None) -> Any:
    """What one offer of one item comes to."""
    items = item_stock(stock_rows(("MUG", "A", left)), item_rows("MUG"), NOTHING)
    components = pd.DataFrame({"offer": [0], "sku": ["MUG"], "units": [units]})
    return offer_levels(components, items, limit_rows(1, **limits)).iloc[0]


@pytest.mark.parametrize(
    ("left", "percent", "level"),
    [
        (30, 10, 27),
        (31, 10, 27),
        (10, 0.1, 9),
        (1000, 0.1, 999),
        (1001, 0.1, 999),
        (10, 33.3, 6),
        (1000, 33.3, 667),
        (1000, 29, 710),
        (1, 1, 0),
        (1, 0, 1),
        (7, 100, 0),
        (0, 10, 0),
        (1_000_000_000, 12.34567890123, 876_543_210),
        (700, 0.0000001, 699),
    ],
)
def test_a_percentage_is_kept_back_exactly_and_rounded_up(left: int, percent: float, level: int) -> None:
    assert one_level(left, buffer_percent=percent)["level"] == level


@pytest.mark.parametrize(
    ("left", "limits", "level"),
    [
        (10, {"buffer_units": 3}, 7),
        (2, {"buffer_units": 3}, 0),
        (100, {"buffer_units": 3, "buffer_percent": 10}, 90),
        (10, {"buffer_units": 3, "buffer_percent": 10}, 7),
        (10, {"maximum_units": 4}, 4),
        (10, {"maximum_units": 0}, 0),
        (10, {"minimum_units": 10}, 10),
        (10, {"minimum_units": 11}, 0),
        (10, {"minimum_units": 8, "buffer_units": 3}, 0),
        (10, {"minimum_units": 5, "maximum_units": 4}, 0),
        (-3, {}, 0),
        (-3, {"buffer_percent": 50}, 0),
    ],
)
def test_buffer_then_maximum_then_minimum(left: int, limits: dict[str, Any], level: int) -> None:
    found = one_level(left, **limits)
    assert found["level"] == level
    assert found["available"] == max(left, 0)


def test_what_was_there_before_the_limits_is_kept_apart() -> None:
    found = one_level(100, buffer_units=2, maximum_units=5)
    assert (found["available"], found["before_limits"], found["level"]) == (100, 98, 5)


def test_several_units_of_one_item_are_a_kit_and_the_buffer_is_the_item_s() -> None:
    found = one_level(11, units=3, buffer_units=2)
    assert (found["available"], found["before_limits"], found["is_kit"]) == (3, 3, True)
    assert not one_level(11)["is_kit"]
    assert one_level(10, units=3, buffer_units=2)["before_limits"] == 2


def levels_of(listings: pd.DataFrame, aliases: pd.DataFrame, items: pd.DataFrame, **limits: float | None) -> Any:
    components = offer_components(listings, aliases, connection="us")
    return components, offer_levels(components, items, limit_rows(len(listings), **limits))


KITS = alias_rows(("SET", "MUG", 2), ("SET", "POT", 1), ("ALIAS", "MUG", 1))


def test_a_kit_has_as_many_as_its_scarcest_component_allows() -> None:
    items = item_stock(stock_rows(("MUG", "A", 9, 2), ("POT", "A", 8, 0)), item_rows("MUG", "POT"), NOTHING)
    _, found = levels_of(listing_rows("SET", "POT", "ALIAS", "MUG"), KITS, items)
    assert found["level"].tolist() == [3, 8, 7, 7]
    assert found["is_kit"].tolist() == [True, False, False, False]
    of_one_each = alias_rows(("PAIR", "MUG", 1), ("PAIR", "POT", 1))
    assert levels_of(listing_rows("PAIR"), of_one_each, items)[1]["is_kit"].tolist() == [True]
    assert found.loc[0, ["sku", "on_hand", "allocated", "promised"]].tolist() == ["MUG", 9, 2, 0]


def test_each_component_of_a_kit_keeps_its_own_buffer() -> None:
    items = item_stock(stock_rows(("MUG", "A", 9), ("POT", "A", 8)), item_rows("MUG", "POT"), NOTHING)
    _, found = levels_of(listing_rows("SET"), KITS, items, buffer_units=6)
    assert (found.loc[0, "available"], found.loc[0, "level"]) == (4, 1)


def test_an_inactive_item_and_every_kit_that_needs_it_have_none() -> None:
    items = item_stock(stock_rows(("MUG", "A", 9), ("POT", "A", 8)), item_rows("MUG", inactive=["POT"]), NOTHING)
    _, found = levels_of(listing_rows("SET", "POT", "MUG"), KITS, items)
    assert found["level"].tolist() == [0, 0, 9]
    assert found["available"].tolist() == [0, 0, 9]
    assert found["is_inactive"].tolist() == [True, True, False]
    of_unknown = item_stock(stock_rows(("POT", "A", 8)), item_rows(inactive=["POT"]), NOTHING)
    _, found = levels_of(listing_rows("SET", "POT", "MUG"), KITS, of_unknown)
    assert found["is_inactive"].tolist() == [True, True, False], "what is no item is not an inactive one"


def test_an_alias_of_one_marketplace_is_for_that_alone() -> None:
    aliases = alias_rows(("MUG", "POT", 1), marketplace=CA)
    components = offer_components(listing_rows(("MUG", US), ("MUG", CA)), aliases, connection="us")
    assert components["sku"].tolist() == ["MUG", "POT"]


def test_no_offers_have_no_levels() -> None:
    items = item_stock(stock_rows(), item_rows(), NOTHING)
    components, found = levels_of(listing_rows(), KITS, items)
    assert (len(components), len(found)) == (0, 0)


def test_offers_without_any_item_in_the_warehouse_have_none() -> None:
    _, found = levels_of(listing_rows("SET", "MUG"), KITS, item_stock(stock_rows(), item_rows(), NOTHING))
    assert found["level"].tolist() == [0, 0]


def oversold(listings: pd.DataFrame, aliases: pd.DataFrame, **units: int) -> list[tuple[Any, ...]]:
    items = item_stock(stock_rows(*((sku, "A", left) for sku, left in units.items())), item_rows(*units), NOTHING)
    components, found = levels_of(listings, aliases, items)
    rows = oversold_components(listings.join(found), components, items)
    return list(rows.itertuples(index=False, name=None))


def test_a_component_that_kits_promise_more_often_than_it_is_there_is_reported() -> None:
    aliases = alias_rows(("SET", "MUG", 2), ("SET", "POT", 1), ("DUO", "MUG", 2))
    assert oversold(listing_rows("SET", "DUO"), aliases, MUG=7, POT=9) == [(US, "MUG", 7, 12, ("DUO", "SET"))]
    assert oversold(listing_rows("SET", "MUG"), aliases, MUG=4, POT=9) == [(US, "MUG", 4, 8, ("MUG", "SET"))]
    lidded = pd.concat([aliases, alias_rows(("LIDDED", "MUG", 1), ("LIDDED", "LID", 1))])
    of_all = oversold(listing_rows("SET", "DUO", "LIDDED"), lidded, MUG=7, POT=9, LID=0)
    assert of_all == [(US, "MUG", 7, 12, ("DUO", "SET"))], "an offer of which there is none promises nothing"


def test_what_offers_promise_together_is_reported_only_for_kits_and_within_one_marketplace() -> None:
    aliases = alias_rows(("SET", "MUG", 2), ("SET", "POT", 1), ("ALIAS", "MUG", 1))
    assert oversold(listing_rows("ALIAS", "MUG"), aliases, MUG=7) == []
    assert oversold(listing_rows(("SET", US), ("SET", CA)), aliases, MUG=6, POT=9) == []
    assert oversold(listing_rows("SET", "MUG"), aliases, MUG=6, POT=0) == []
    assert oversold(listing_rows("SET", "MUG"), aliases, MUG=-3, POT=5) == []
    assert oversold(listing_rows(), aliases, MUG=5) == []
