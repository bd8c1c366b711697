"""Units that Amazon has with a parcel whose correction is held, and who waits for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mfn.rules.held_units import CODE, TellingParcel, waiting_for_held

if TYPE_CHECKING:
    from collections.abc import Mapping

ORDERED = {"O": {"MUG": 3, "CUP": 1}}


def held(name: str, before: Mapping[str, int], order: str = "O") -> TellingParcel:
    return TellingParcel(order, name, is_due=False, is_held=True, before=before, now={})


def due(name: str, now: Mapping[str, int], before: Mapping[str, int] | None = None) -> TellingParcel:
    return TellingParcel("O", name, is_due=True, is_held=False, before=before or {}, now=now)


def settled(name: str, before: Mapping[str, int]) -> TellingParcel:
    return TellingParcel("O", name, is_due=False, is_held=False, before=before, now={"MUG": 9})


def waiting(*parcels: TellingParcel) -> list[str]:
    found = waiting_for_held(parcels, ORDERED)
    assert {code for _, code, _, _ in found} <= {CODE}
    return [shipment_id for shipment_id, *_ in found]


def test_a_parcel_with_units_that_amazon_has_with_a_held_one_waits_and_says_for_which() -> None:
    parcels = [held("OTHER", {"CUP": 1}), held("HELD", {"MUG": 2}), due("NEW", {"MUG": 2})]
    ((shipment_id, _, detail, remedy),) = waiting_for_held(parcels, ORDERED)
    assert shipment_id == "NEW"
    assert detail == "order item MUG: its units were confirmed with parcel HELD, whose correction is held"
    assert remedy.startswith("Correct that parcel first")


@pytest.mark.parametrize(
    "parcels",
    [
        [held("HELD", {"MUG": 2}), due("NEW", {"MUG": 1})],
        [held("HELD", {"CUP": 1}), due("NEW", {"MUG": 9})],
        [held("NEVER-CONFIRMED", {}), due("NEW", {"MUG": 9})],
        [held("HELD", {"MUG": 2}, order="ANOTHER"), due("NEW", {"MUG": 2})],
        [settled("OLD", {"MUG": 2}), due("NEW", {"MUG": 2})],
        [held("HELD", {"GONE": 2}), due("NEW", {"GONE": 2})],
        [held("HELD", {"MUG": 3}), due("LESS", {"MUG": 1}, before={"MUG": 2})],
        [held("HELD", {"MUG": 3}), due("SAME", {"MUG": 1}, before={"MUG": 1})],
    ],
    ids=["room", "another item", "never confirmed", "another order", "none held", "item gone", "falls", "stays"],
)
def test_a_parcel_goes_out_that_takes_nothing_from_a_held_one(parcels: list[TellingParcel]) -> None:
    assert waiting(*parcels) == []


def test_what_amazon_has_after_the_run_counts_of_every_parcel_of_the_order() -> None:
    settled_before = settled("OLD", {"MUG": 1})
    assert waiting(held("HELD", {"MUG": 1}), settled_before, due("NEW", {"MUG": 1})) == []
    assert waiting(held("HELD", {"MUG": 1}), settled_before, due("NEW", {"MUG": 2})) == ["NEW"]
    gives_up = due("GIVES-UP", {}, before={"MUG": 1})
    assert waiting(held("HELD", {"MUG": 1}), gives_up, due("NEW", {"MUG": 2})) == []


def test_a_parcel_waits_once_however_many_items_it_takes() -> None:
    parcels = [held("HELD", {"MUG": 3, "CUP": 1}), due("NEW", {"MUG": 1, "CUP": 1}), due("NEXT", {"CUP": 1})]
    assert waiting(*parcels) == ["NEW", "NEXT"]
    freely = due("NEW", {"SAUCER": 1, "CUP": 1})
    assert waiting(held("HELD", {"CUP": 1}), freely) == ["NEW"]
