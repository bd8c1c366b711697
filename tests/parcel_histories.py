"""Histories of an order's parcels over several confirm runs: written in any order, corrected, voided, fixed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

from hypothesis import strategies as st

MUG, PLATE, BOWL, CAN = "MUG-BLUE", "PLATE", "BOWL", "00123"
ITEMS = {MUG: {MUG: 1}, "BREAKFAST": {PLATE: 2, BOWL: 1}, "SIX-CANS": {CAN: 3}}
"""What one unit of each order item consists of."""

RUNS = 4
TWISTS = ("", "", "", "open", "untracked", "another label", "redated", "miscounted", "void for a while")
"""What may befall a parcel after it was written."""


@dataclass
class Parcel:
    """One parcel of a history.

    Attributes:
        units: What is in it, by SKU.
        written: Before which run the warehouse writes it.
        hour: How many hours after the order it left; None: it has no ship date.
        twist: What befalls it, and is put right later.
        later: Before which run.
        miscounted: By how many units each line is wrong at first.
    """

    units: dict[str, int]
    written: int
    hour: int | None
    twist: str
    later: int
    miscounted: list[int] = field(default_factory=list)


@dataclass
class History:
    """An order, the parcels in which all of it leaves, and perhaps one that is written by mistake and voided."""

    ordered: dict[str, int]
    parcels: list[Parcel]
    mistake: Parcel | None


@st.composite
def parcels(draw: st.DrawFn, units: dict[str, int]) -> Parcel:
    """A parcel with these units, and what befalls it."""
    written = draw(st.integers(0, RUNS - 2))
    return Parcel(
        units,
        written,
        draw(st.none() | st.integers(1, 9)),
        draw(st.sampled_from(TWISTS)),
        draw(st.integers(written + 1, RUNS - 1)),
        [draw(st.integers(-2, 2)) for _ in units],
    )


@st.composite
def histories(draw: st.DrawFn) -> History:
    """An order that leaves in any number of parcels, which are written in any order."""
    ordered = {MUG: draw(st.integers(0, 3)), "BREAKFAST": draw(st.integers(1, 3)), "SIX-CANS": draw(st.integers(0, 2))}
    packed: list[Counter[str]] = [Counter() for _ in range(draw(st.integers(1, 4)))]
    for item, count in ordered.items():
        for sku, units in ITEMS[item].items():
            for _ in range(count * units):
                packed[draw(st.integers(0, len(packed) - 1))][sku] += 1
    mistake = None
    if draw(st.booleans()):
        sku = draw(st.sampled_from([sku for item, count in ordered.items() if count for sku in ITEMS[item]]))
        mistake = replace(draw(parcels({sku: draw(st.integers(1, 3))})), twist="untracked")
    return History(ordered, [draw(parcels(dict(each))) for each in packed if each], mistake)


def units_at_first(parcel: Parcel) -> dict[str, int]:
    """What the warehouse writes of a parcel before anything is put right, by SKU."""
    if parcel.twist != "miscounted":
        return parcel.units
    counted = zip(parcel.units.items(), parcel.miscounted, strict=True)
    return {sku: max(units + wrong, 1) for (sku, units), wrong in counted}
