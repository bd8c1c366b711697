"""How the units of one order item that have shipped are shared out once some of them were confirmed."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from mfn.rules.confirmed_units import Confirmed, ConfirmedUnits, share_out

ORDER = "026-0000001-0000001"
UNCONFIRMED = (1, 0)
"""An item of which nothing was confirmed, and its parcel."""


class Parcel(NamedTuple):
    """One parcel of the item.

    Attributes:
        completed: What it completes together with those before it.
        held: How many of a component are in it; there is a second one, of which it has none.
        confirmed: What was confirmed with it.
        is_settled: It stays as it is, unless it gains.
    """

    completed: int
    held: int
    confirmed: int = 0
    is_settled: bool = False


def shared(
    *parcels: Parcel, ordered: int, elsewhere: int = 0, per_kit: int = 1, of_another: int = 0
) -> tuple[list[int], list[int]]:
    """What is confirmed of each parcel, and the numbers of those that hold units confirmed elsewhere.

    Args:
        parcels: In the order in which they left.
        ordered: So many the buyer ordered.
        elsewhere: So many were confirmed with a parcel that is void by now.
        per_kit: So many of the component make one.
        of_another: So many of another item were confirmed with the first parcel.
    """
    names = [f"S-{number}" for number in range(len(parcels))]
    places = [(0, position) for position in range(len(parcels))]
    kits = pd.DataFrame([*places, UNCONFIRMED], columns=["item", "position"])
    kits = kits.assign(quantity=[*(parcel.completed for parcel in parcels), 9])
    kits = kits.assign(kits=kits.groupby("item")["quantity"].cumsum())
    held = [(*place, parcel.held, per_kit) for place, parcel in zip(places, parcels, strict=True)]
    none = [(*place, 0, 1) for place in places]
    progress = pd.DataFrame([*held, *none], columns=["item", "position", "units", "units_per_kit"])
    components = pd.DataFrame({"item": [0, 0], "ordered": [ordered * per_kit, 99], "units_per_kit": [per_kit, 1]})
    confirmed = [
        ConfirmedUnits(ORDER, "I", name, parcel.confirmed)
        for name, parcel in zip(names, parcels, strict=True)
        if parcel.confirmed
    ]
    confirmed += [ConfirmedUnits(ORDER, "I", "VOID", elsewhere)] if elsewhere else []
    confirmed += [ConfirmedUnits(ORDER, "ANOTHER", "S-0", of_another)] if of_another else []
    after = share_out(
        kits,
        progress,
        components.assign(order_number=ORDER, order_item_id="I"),
        pd.DataFrame({"order_number": ORDER, "shipment_id": names}),
        Confirmed(confirmed, [name for name, parcel in zip(names, parcels, strict=True) if parcel.is_settled]),
    )
    assert list(zip(after["item"], after["position"], strict=True)) == [*places, UNCONFIRMED]
    assert after["kits"].tolist() == after.groupby("item")["quantity"].cumsum().tolist()
    *quantities, other = after["quantity"].tolist()
    assert other == 9
    return quantities, after.index[after["is_over"]].tolist()


def new(completed: int, held: int | None = None) -> Parcel:
    return Parcel(completed, completed if held is None else held)


def corrected(completed: int, held: int, confirmed: int) -> Parcel:
    return Parcel(completed, held, confirmed)


def settled(completed: int, held: int, confirmed: int) -> Parcel:
    return Parcel(completed, held, confirmed, is_settled=True)


def test_if_nothing_was_confirmed_each_parcel_has_what_it_completes() -> None:
    assert shared(new(1), new(0), new(2), ordered=3) == ([1, 0, 2], [])


def test_an_unchanged_parcel_keeps_what_was_confirmed_although_its_lines_are_gone() -> None:
    assert shared(settled(0, 0, confirmed=2), ordered=2) == ([2], [])
    assert shared(settled(1, 1, confirmed=2), ordered=3) == ([2], [])


def test_lines_that_were_cleared_away_take_nothing_from_what_left_later() -> None:
    assert shared(settled(0, 0, confirmed=2), new(1), ordered=3) == ([2, 1], [])


def test_a_corrected_parcel_has_no_more_than_what_is_in_it() -> None:
    assert shared(corrected(1, 1, confirmed=2), new(1), ordered=2) == ([1, 1], [])
    assert shared(corrected(0, 1, confirmed=2), new(1), ordered=3) == ([1, 0], []), (
        "nor less, while it waits for the rest"
    )


def test_of_parts_of_kits_a_corrected_parcel_has_no_more_kits_than_they_could_be() -> None:
    assert shared(corrected(1, 3, confirmed=2), new(1, held=3), ordered=2, per_kit=3) == ([1, 1], [])


def test_a_corrected_parcel_gives_back_what_is_no_longer_whole_and_one_that_stays_does_not() -> None:
    assert shared(corrected(1, 2, confirmed=2), ordered=2) == ([1], [])
    assert shared(settled(1, 2, confirmed=2), ordered=2) == ([2], [])
    assert shared(corrected(1, 1, confirmed=1), settled(0, 1, confirmed=1), ordered=2) == ([0, 1], [])


def test_of_corrected_parcels_the_last_gives_back_first_and_none_more_than_is_missing() -> None:
    assert shared(corrected(1, 1, confirmed=1), corrected(0, 1, confirmed=1), ordered=2) == ([1, 0], [])
    assert shared(corrected(2, 3, confirmed=3), corrected(0, 1, confirmed=1), ordered=4) == ([2, 0], [])
    assert shared(corrected(3, 3, confirmed=3), corrected(0, 2, confirmed=1), ordered=5) == ([3, 0], [])


def test_what_was_confirmed_with_void_parcels_is_not_confirmed_again() -> None:
    assert shared(new(3), ordered=3, elsewhere=2) == ([1], [0])
    assert shared(new(1), new(2), ordered=3, elsewhere=2) == ([1, 0], [1])
    assert shared(new(1), new(1), ordered=3, elsewhere=1) == ([1, 1], [])
    assert shared(settled(1, 1, confirmed=1), new(1), ordered=3, elsewhere=3) == ([1, 0], [1]), (
        "one was confirmed too many"
    )
    assert shared(new(1, held=3), ordered=1, elsewhere=1, per_kit=3) == ([0], [0])


def test_a_parcel_that_stays_as_it_is_gains_what_is_left_and_never_more_than_was_ordered() -> None:
    assert shared(settled(2, 2, confirmed=1), ordered=2) == ([2], [])
    assert shared(settled(2, 2, confirmed=1), ordered=2, elsewhere=1) == ([1], [])


def test_what_is_left_goes_first_to_unconfirmed_parcels() -> None:
    assert shared(settled(2, 2, confirmed=1), settled(0, 1, confirmed=1), new(1), ordered=4) == ([1, 1, 1], [])
    assert shared(corrected(2, 2, confirmed=1), settled(0, 1, confirmed=1), new(1), ordered=4) == ([1, 1, 1], [])


def test_what_is_left_is_given_once() -> None:
    assert shared(settled(0, 1, confirmed=1), new(1), new(1), ordered=3) == ([1, 1, 0], [])


def test_then_to_corrected_ones_before_those_that_stay() -> None:
    assert shared(settled(2, 2, confirmed=1), corrected(2, 2, confirmed=1), settled(0, 1, confirmed=1), ordered=5) == (
        [1, 2, 1],
        [],
    )


def test_then_to_those_that_could_complete_it_and_last_to_an_unchanged_unconfirmed_one() -> None:
    there = settled(1, 1, confirmed=1)
    assert shared(settled(2, 2, confirmed=1), new(0, held=1), ordered=3) == ([2, 0], [])
    assert shared(settled(1, 1, confirmed=0), new(0, held=1), there, ordered=3) == ([0, 1, 1], [])
    assert shared(settled(1, 1, confirmed=0), there, ordered=2) == ([1, 1], [])


def test_a_parcel_that_amazon_knows_for_another_item_has_its_turn_after_those_that_it_does_not_know() -> None:
    assert shared(new(1), new(1), settled(0, 1, confirmed=1), ordered=3, of_another=5) == ([0, 1, 1], [])
    assert shared(new(1), new(1), ordered=2, of_another=5) == ([1, 1], [])


def test_a_parcel_that_holds_a_part_of_a_kit_could_complete_it() -> None:
    assert shared(corrected(0, 1, confirmed=1), new(1), ordered=2, per_kit=3) == ([1, 0], [])
