"""What is confirmed of each parcel, and why others are held back."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from mfn.rules.confirmed_units import Confirmed, ConfirmedUnits
from mfn.rules.parcel_faults import MIXED_UP, REMEDIES
from mfn.rules.parcels import parcel_items
from mfn.warehouse.sql import SqlWarehouse
from tests.warehouse_actor import WarehouseActor, line_row, order_row

if TYPE_CHECKING:
    from collections.abc import Sequence

ORDER = "026-0000001-0000001"
MUG = (ORDER, 1, "I-MUG", "MUG", "AMZ-MUG", 3, 1)
KIT = [(ORDER, 2, "I-SET", "PLATE", "BREAKFAST", 4, 2), (ORDER, 3, "I-SET", "BOWL", "BREAKFAST", 2, 1)]
"""Two sets of two plates and a bowl."""

Line = tuple[str | None, str | None, float]


class Parcels:
    """The parcels of one order, each an hour after the one before."""

    def __init__(self, *order_lines: tuple[Any, ...]) -> None:
        self.order_lines = pd.DataFrame(
            order_lines,
            columns=["order_number", "line_number", "order_item_id", "sku", "seller_sku", "quantity", "units_per_kit"],
        )
        self.headers: list[dict[str, Any]] = []
        self.lines: list[tuple[Any, ...]] = []

    def add(self, shipment_id: str, *lines: Line, **header: Any) -> Parcels:
        self.headers.append(
            {
                "shipment_id": shipment_id,
                "order_number": ORDER,
                "carrier": "UPS",
                "service": None,
                "tracking_number": "1Z",
                "shipped_at": pd.Timestamp("2026-11-24 08:00", tz="UTC") + pd.Timedelta(hours=len(self.headers)),
                "status": "closed",
                "is_amazon_label": False,
                "is_order_known": True,
                "is_id_missing": False,
                "is_id_ambiguous": False,
                **header,
            }
        )
        self.lines += [(shipment_id, number, *line) for number, line in enumerate(lines, start=1)]
        return self

    def judged(self, *before: ConfirmedUnits, examined: str = "") -> tuple[pd.DataFrame, pd.DataFrame]:
        """What is confirmed, and why others are kept back, where parcels were confirmed before that stay as they are.

        Args:
            before: What was confirmed.
            examined: One of these parcels that does not stay as it is.
        """
        headers = pd.DataFrame(self.headers).astype({"shipped_at": "datetime64[us, UTC]"})
        lines = pd.DataFrame(self.lines, columns=["shipment_id", "line_number", "order_item_id", "sku", "quantity"])
        settled = frozenset(each.shipment_id for each in before) - {examined}
        return parcel_items(
            headers, lines.astype({"quantity": "float64"}), self.order_lines, Confirmed(before, settled)
        )

    def confirmed(self) -> tuple[dict[str, dict[str, int]], dict[str, dict[str, str]]]:
        """What is confirmed by parcel and order item, and why others are kept back by parcel and code."""
        items, faults = self.judged()
        confirmed: dict[str, dict[str, int]] = {}
        for shipment_id, order_item_id, quantity in items.itertuples(index=False):
            confirmed.setdefault(shipment_id, {})[order_item_id] = quantity
        why: dict[str, dict[str, str]] = {}
        for shipment_id, code, detail, remedy in faults.itertuples(index=False):
            assert remedy == REMEDIES[code]
            why.setdefault(shipment_id, {})[code] = detail
        return confirmed, why


def test_a_whole_order_in_one_parcel() -> None:
    parcels = Parcels(MUG, *KIT).add("S-1", ("I-MUG", "MUG", 3), ("I-SET", "PLATE", 4), ("I-SET", "BOWL", 2))
    assert parcels.confirmed() == ({"S-1": {"I-MUG": 3, "I-SET": 2}}, {})


def test_one_item_may_be_split_over_lines_and_parcels_and_the_rest_may_follow_later() -> None:
    parcels = Parcels(MUG).add("S-1", ("I-MUG", "MUG", 1)).add("S-2", ("I-MUG", "MUG", 1), ("I-MUG", "MUG", 1))
    assert parcels.confirmed() == ({"S-1": {"I-MUG": 1}, "S-2": {"I-MUG": 2}}, {})


def test_open_and_void_parcels_are_not_confirmed_and_do_not_count() -> None:
    parcels = Parcels(MUG).add("S-1", ("I-MUG", "MUG", 3), status="void").add("S-2", ("I-MUG", "MUG", 3), status="open")
    assert parcels.add("S-3", ("I-MUG", "MUG", 3)).confirmed() == ({"S-3": {"I-MUG": 3}}, {})


def test_a_kit_is_confirmed_with_the_parcel_that_completes_it() -> None:
    parcels = Parcels(*KIT).add("S-1", ("I-SET", "PLATE", 4))
    assert parcels.confirmed() == (
        {},
        {
            "S-1": {
                "kit_incomplete": "order item I-SET (BREAKFAST): this parcel completes no further kit; "
                "shipped so far, with this parcel: 4 of PLATE (2 a kit), 0 of BOWL (1 a kit)"
            }
        },
    )
    assert parcels.add("S-2", ("I-SET", "BOWL", 1)).confirmed() == (
        {"S-2": {"I-SET": 1}},
        {
            "S-1": {
                "kit_incomplete": "order item I-SET (BREAKFAST): this parcel completes no further kit; "
                "shipped so far, with this parcel: 4 of PLATE (2 a kit), 0 of BOWL (1 a kit)"
            }
        },
    )
    assert parcels.add("S-3", ("I-SET", "BOWL", 1)).confirmed() == (
        {"S-2": {"I-SET": 1}, "S-3": {"I-SET": 1}},
        {"S-1": {"kit_in_other_parcel": "its kits are confirmed with S-3"}},
    )


def test_a_part_of_a_kit_holds_nothing_else_of_its_parcel_back() -> None:
    parcels = Parcels(MUG, *KIT).add("S-1", ("I-MUG", "MUG", 3), ("I-SET", "PLATE", 4))
    assert parcels.confirmed() == ({"S-1": {"I-MUG": 3}}, {})
    assert parcels.add("S-2", ("I-SET", "BOWL", 2)).confirmed() == ({"S-1": {"I-MUG": 3}, "S-2": {"I-SET": 2}}, {})


def test_a_pack_of_six_is_confirmed_when_six_have_shipped() -> None:
    pack = (ORDER, 1, "I-6", "CAN", "SIX-PACK", 12, 6)
    parcels = Parcels(pack).add("S-1", ("I-6", "CAN", 5)).add("S-2", ("I-6", "CAN", 4)).add("S-3", ("I-6", "CAN", 3))
    assert parcels.confirmed() == (
        {"S-2": {"I-6": 1}, "S-3": {"I-6": 1}},
        {"S-1": {"kit_in_other_parcel": "its kits are confirmed with S-2"}},
    )


def test_components_that_were_ordered_unevenly_make_only_kits_that_are_whole() -> None:
    uneven = (ORDER, 1, "I-SET", "PLATE", "BREAKFAST", 9, 2), (ORDER, 2, "I-SET", "BOWL", "BREAKFAST", 3, 1)
    assert Parcels(*uneven).add("S-1", ("I-SET", "PLATE", 9), ("I-SET", "BOWL", 3)).confirmed() == (
        {"S-1": {"I-SET": 3}},
        {},
    )


def test_more_than_was_ordered_holds_the_parcels_that_left_last() -> None:
    parcels = (
        Parcels(MUG).add("S-1", ("I-MUG", "MUG", 2)).add("S-2", ("I-MUG", "MUG", 2)).add("S-3", ("I-MUG", "MUG", 1))
    )
    confirmed, why = parcels.confirmed()
    assert confirmed == {"S-1": {"I-MUG": 2}}
    assert why == {
        "S-2": {"quantity_excessive": "order item I-MUG (AMZ-MUG): 3 of MUG ordered, 4 in parcels S-2, S-1"},
        "S-3": {"quantity_excessive": "order item I-MUG (AMZ-MUG): 3 of MUG ordered, 5 in parcels S-3, S-2, S-1"},
    }


@pytest.mark.parametrize(("ordered", "held"), [(3, ["S-1", "S-2"]), (4, ["S-1"])])
def test_more_than_was_ordered_holds_parcels_that_amazon_does_not_know_before_those_that_it_does(
    ordered: int, held: list[str]
) -> None:
    parcels = Parcels((ORDER, 1, "I-MUG", "MUG", "AMZ-MUG", ordered, 1))
    for shipment_id in ("S-1", "S-2", "S-3"):
        parcels.add(shipment_id, ("I-MUG", "MUG", 2))
    before = ConfirmedUnits(ORDER, "I-MUG", "S-2", 1), ConfirmedUnits(ORDER, "I-MUG", "S-3", 2)
    _, faults = parcels.judged(*before, examined="S-2")
    assert faults[["shipment_id", "code"]].to_numpy().tolist() == [[each, "quantity_excessive"] for each in held]


def test_more_of_a_component_than_was_ordered_holds_its_parcel_even_where_no_kit_is_too_many() -> None:
    parcels = Parcels(*KIT).add("S-1", ("I-SET", "PLATE", 4), ("I-SET", "BOWL", 2)).add("S-2", ("I-SET", "PLATE", 1))
    confirmed, why = parcels.confirmed()
    assert confirmed == {"S-1": {"I-SET": 2}}
    assert why["S-2"] == {
        "quantity_excessive": "order item I-SET (BREAKFAST): 4 of PLATE ordered, 5 in parcels S-2, S-1"
    }


def test_units_beyond_what_was_ordered_make_no_kit() -> None:
    uneven = (ORDER, 1, "I-SET", "PLATE", "BREAKFAST", 2, 2), (ORDER, 2, "I-SET", "BOWL", "BREAKFAST", 2, 1)
    confirmed, why = Parcels(*uneven).add("S-1", ("I-SET", "PLATE", 4)).add("S-2", ("I-SET", "BOWL", 2)).confirmed()
    assert (confirmed, list(why)) == ({"S-2": {"I-SET": 1}}, ["S-1"])


def test_units_that_amazon_has_cancelled_are_no_longer_ordered() -> None:
    none_left = (ORDER, 1, "I-MUG", "MUG", None, 0, 1)
    confirmed, why = Parcels(none_left).add("S-1", ("I-MUG", "MUG", 1)).confirmed()
    assert (confirmed, why["S-1"]) == (
        {},
        {"quantity_excessive": "order item I-MUG: 0 of MUG ordered, 1 in parcels S-1"},
    )


def test_parcels_are_taken_as_they_left_not_as_they_were_written() -> None:
    early, late = pd.Timestamp("2026-11-24 07:00", tz="UTC"), pd.NaT
    parcels = Parcels(MUG).add("S-1", ("I-MUG", "MUG", 3), shipped_at=late)
    confirmed, why = (
        parcels.add("S-2", ("I-MUG", "MUG", 1)).add("S-3", ("I-MUG", "MUG", 2), shipped_at=early).confirmed()
    )
    assert confirmed == {"S-3": {"I-MUG": 2}, "S-2": {"I-MUG": 1}}
    assert list(why) == ["S-1"]
    same = Parcels(MUG).add("S-b", ("I-MUG", "MUG", 2), shipped_at=early)
    assert list(same.add("S-a", ("I-MUG", "MUG", 2), shipped_at=early).confirmed()[0]) == ["S-a"]


def test_a_later_parcel_changes_nothing_in_those_before_it() -> None:
    parcels = Parcels(MUG, *KIT)
    before: dict[str, dict[str, int]] = {}
    for number, line in enumerate(
        [("I-MUG", "MUG", 1), ("I-SET", "PLATE", 2), ("I-SET", "BOWL", 2), ("I-MUG", "MUG", 9), ("I-SET", "PLATE", 2)]
    ):
        confirmed, _ = parcels.add(f"S-{number}", line).confirmed()
        assert {shipment_id: confirmed[shipment_id] for shipment_id in before} == before
        before = confirmed


def test_a_line_without_an_order_item_id_is_found_by_its_sku_where_only_one_item_has_it() -> None:
    twice = (ORDER, 2, "I-MUG-2", "MUG", "AMZ-MUG", 1, 1)
    assert Parcels(MUG, *KIT).add("S-1", (None, "MUG", 1), (None, "PLATE", 2), (None, "BOWL", 1)).confirmed()[0] == {
        "S-1": {"I-MUG": 1, "I-SET": 1}
    }
    confirmed, why = Parcels(MUG, twice).add("S-1", (None, "MUG", 1)).confirmed()
    assert confirmed == {}
    assert why["S-1"] == {
        "order_item_unknown": "line 1 (SKU MUG): it has no order_item_id, and the SKU is in several order items: "
        "I-MUG, I-MUG-2"
    }


@pytest.mark.parametrize(
    ("line", "detail"),
    [
        (
            ("I-X", "MUG", 1),
            "line 1 (order item I-X, SKU MUG): the order does not have this item; its items are: I-MUG, I-SET",
        ),
        ((None, "CUP", 1), "line 1 (SKU CUP): it has no order_item_id, and no order item has the SKU"),
        ((None, None, 1), "line 1: it has neither order_item_id nor sku"),
        (("I-SET", None, 1), "line 1 (order item I-SET): the order item consists of PLATE, BOWL"),
        (("I-SET", "CUP", 1), "line 1 (order item I-SET, SKU CUP): the order item consists of PLATE, BOWL"),
        (("I-MUG", "PLATE", 1), "line 1 (order item I-MUG, SKU PLATE): the order item consists of MUG"),
        (
            ("i-mug", "MUG", 1),
            "line 1 (order item i-mug, SKU MUG): the order does not have this item; its items are: I-MUG, I-SET",
        ),
    ],
)
def test_a_line_that_fits_no_order_item_holds_its_parcel(line: Line, detail: str) -> None:
    confirmed, why = Parcels(MUG, *KIT).add("S-1", line, ("I-MUG", "MUG", 1)).confirmed()
    assert (confirmed, why) == ({}, {"S-1": {"order_item_unknown": detail}})


@pytest.mark.parametrize("sku", [None, "MUG-OF-ANOTHER-COLOUR"])
def test_the_order_item_id_is_enough_for_an_item_that_is_not_a_kit(sku: str | None) -> None:
    assert Parcels(MUG).add("S-1", ("I-MUG", sku, 2)).confirmed() == ({"S-1": {"I-MUG": 2}}, {})


def test_another_sku_in_a_packs_stead_holds_its_parcel_since_nobody_knows_how_many_units_it_is() -> None:
    pack = (ORDER, 1, "I-6", "CAN", "SIX-PACK", 12, 6)
    assert Parcels(pack).add("S-1", ("I-6", None, 6)).confirmed() == ({"S-1": {"I-6": 1}}, {})
    detail = "line 1 (order item I-6, SKU CRATE): the order item consists of CAN"
    assert Parcels(pack).add("S-1", ("I-6", "CRATE", 1)).confirmed() == ({}, {"S-1": {"order_item_unknown": detail}})


@pytest.mark.parametrize(
    ("quantity", "said"),
    [
        (-1, "line 2 (order item I-MUG, SKU MUG): quantity is -1, not a whole number of units"),
        (1.5, "line 2 (order item I-MUG, SKU MUG): quantity is 1.5, not a whole number of units"),
        (float("inf"), "line 2 (order item I-MUG, SKU MUG): quantity is inf, not a whole number of units"),
        (1e300, "line 2 (order item I-MUG, SKU MUG): quantity is 1e+300, not a whole number of units"),
        (float("nan"), "line 2 (order item I-MUG, SKU MUG): quantity is not a number"),
    ],
)
def test_a_quantity_that_is_not_a_number_of_units_holds_its_parcel(quantity: float, said: str) -> None:
    confirmed, why = Parcels(MUG).add("S-1", ("I-MUG", "MUG", 1), ("I-MUG", "MUG", quantity)).confirmed()
    assert (confirmed, why) == ({}, {"S-1": {"quantity_invalid": said}})


def test_a_line_of_zero_is_left_out_and_a_parcel_of_nothing_else_is_held() -> None:
    assert Parcels(MUG).add("S-1", ("I-MUG", "MUG", 1), ("I-X", "CUP", 0)).confirmed() == ({"S-1": {"I-MUG": 1}}, {})
    zero = {"S-1": {"quantity_invalid": "every line has quantity 0"}}
    assert Parcels(MUG).add("S-1", ("I-MUG", "MUG", 0)).confirmed() == ({}, zero)


def test_a_parcel_without_lines_is_held() -> None:
    assert Parcels(MUG).add("S-1").confirmed() == (
        {},
        {"S-1": {"parcel_empty": "it has no lines in wms_shipment_line"}},
    )


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (None, "it has no tracking number"),
        ("- -", "its tracking number has no letter or digit"),
    ],
)
def test_a_parcel_without_a_tracking_number_is_held_and_its_units_count(written: str | None, said: str) -> None:
    parcels = Parcels(MUG).add("S-1", ("I-MUG", "MUG", 3), tracking_number=written).add("S-2", ("I-MUG", "MUG", 1))
    confirmed, why = parcels.confirmed()
    assert confirmed == {}
    assert why["S-1"] == {"tracking_missing": said}
    assert list(why["S-2"]) == ["quantity_excessive"]


def test_a_label_bought_from_amazon_needs_no_tracking_number_and_its_units_count() -> None:
    parcels = Parcels(MUG).add("S-1", ("I-MUG", "MUG", 3), tracking_number=None, is_amazon_label=True)
    confirmed, why = parcels.add("S-2", ("I-MUG", "MUG", 1)).confirmed()
    assert (confirmed, list(why)) == ({"S-1": {"I-MUG": 3}}, ["S-2"])


def test_a_parcel_of_nothing_but_a_part_of_a_kit_needs_no_tracking_number() -> None:
    parcels = Parcels(*KIT).add("S-1", ("I-SET", "PLATE", 2), tracking_number=None).add("S-2", ("I-SET", "BOWL", 1))
    confirmed, why = parcels.confirmed()
    assert (confirmed, list(why["S-1"])) == ({"S-2": {"I-SET": 1}}, ["kit_in_other_parcel"])


def test_everything_that_is_wrong_with_a_parcel_is_reported_at_once() -> None:
    lines: Sequence[Line] = [("I-MUG", "MUG", 9), ("I-X", "MUG", 1), ("I-MUG", "MUG", -1), ("I-Y", "MUG", 1)]
    confirmed, why = Parcels(MUG).add("S-1", *lines, tracking_number=None).confirmed()
    assert confirmed == {}
    assert list(why["S-1"]) == ["quantity_invalid", "order_item_unknown", "quantity_excessive", "tracking_missing"]
    assert why["S-1"]["order_item_unknown"].count("the order does not have this item") == 2


def test_units_that_amazon_has_with_another_parcel_hold_this_one_with_the_remedy() -> None:
    cup = (ORDER, 4, "I-CUP", "CUP", "AMZ-CUP", 1, 1)
    parcels = (
        Parcels(MUG, cup).add("S-1", ("I-MUG", "MUG", 3)).add("S-2", ("I-CUP", "CUP", 1)).add("S-3", status="void")
    )
    _, faults = parcels.judged(ConfirmedUnits(ORDER, "I-MUG", "S-2", 3))
    all_confirmed = "order item I-MUG (AMZ-MUG): all its units were already confirmed to Amazon, with "
    held_by = f"{all_confirmed}parcel S-2, which no longer contains it in the warehouse"
    assert faults.to_numpy().tolist() == [["S-1", "units_told", held_by, MIXED_UP]]
    _, faults = parcels.judged(ConfirmedUnits(ORDER, "I-MUG", "S-3", 3), ConfirmedUnits(ORDER, "I-CUP", "S-2", 1))
    held_by = f"{all_confirmed}parcels that are now void or deleted in the warehouse: S-3"
    assert faults.to_numpy().tolist() == [["S-1", "units_told", held_by, REMEDIES["units_told"]]]
    parcels.add("S-4", ("I-MUG", "MUG", 1))
    parcels.lines[0] = ("S-1", 1, "I-MUG", "MUG", 1)
    _, faults = parcels.judged(ConfirmedUnits(ORDER, "I-MUG", "S-1", 1), ConfirmedUnits(ORDER, "I-MUG", "S-3", 2))
    assert faults.to_numpy().tolist() == [["S-4", "units_told", held_by, REMEDIES["units_told"]]]
    parcels.lines[0] = ("S-1", 1, "I-MUG", "MUG", 4)
    _, faults = parcels.judged(ConfirmedUnits(ORDER, "I-MUG", "S-3", 3))
    assert faults[["shipment_id", "code"]].to_numpy().tolist() == [
        ["S-1", "quantity_excessive"],
        ["S-4", "quantity_excessive"],
    ], "that more has left than was ordered says it all"


def test_of_what_is_wrong_with_a_parcel_whose_units_amazon_has_each_has_its_own_remedy() -> None:
    cup = (ORDER, 4, "I-CUP", "CUP", "AMZ-CUP", 1, 1)
    parcels = Parcels(MUG, cup).add("S-1", ("I-MUG", "MUG", 3), tracking_number=None).add("S-2", ("I-CUP", "CUP", 1))
    _, faults = parcels.add("S-3", ("I-MUG", "MUG", 1)).judged(ConfirmedUnits(ORDER, "I-MUG", "S-2", 3))
    assert faults[["shipment_id", "code", "remedy"]].to_numpy().tolist() == [
        ["S-1", "units_told", MIXED_UP],
        ["S-1", "tracking_missing", REMEDIES["tracking_missing"]],
        ["S-3", "quantity_excessive", REMEDIES["quantity_excessive"]],
    ]


def test_a_parcel_with_a_text_that_goes_on_for_ever_is_held_and_its_units_count() -> None:
    parcels = Parcels(MUG).add("S-1", ("I-MUG", "MUG", 3), carrier="X" * 1_001).add("S-2", ("I-MUG", "MUG", 1))
    confirmed, why = parcels.confirmed()
    assert confirmed == {}
    assert why["S-1"] == {"text_too_long": "carrier is longer than 1,000 characters"}
    assert list(why["S-2"]) == ["quantity_excessive"]


@pytest.mark.parametrize(
    ("header", "code", "detail"),
    [
        ({"is_order_known": False}, "order_unknown", f"wms_order has no order {ORDER}"),
        ({"is_order_known": False, "order_number": ""}, "order_unknown", "it has no order number"),
        (
            {"is_order_known": False, "order_number": f"{ORDER} "},
            "order_unknown",
            f"wms_order has no order '{ORDER} '",
        ),
        ({"status": "packed"}, "shipment_status_unknown", "its status is packed"),
        (
            {"is_id_missing": True},
            "shipment_id_missing",
            "wms_shipment has rows of this order without a shipment_id",
        ),
        ({"is_id_ambiguous": True}, "shipment_id_ambiguous", "wms_shipment has different rows with this shipment_id"),
    ],
)
def test_a_parcel_that_cannot_be_looked_into_is_held_for_that_alone_and_does_not_count(
    header: dict[str, Any], code: str, detail: str
) -> None:
    parcels = (
        Parcels(MUG).add("S-1", ("I-MUG", "MUG", 3), tracking_number=None, **header).add("S-2", ("I-MUG", "MUG", 3))
    )
    assert parcels.confirmed() == ({"S-2": {"I-MUG": 3}}, {"S-1": {code: detail}})


def test_parcels_of_one_order_do_not_concern_another() -> None:
    other = (ORDER[:-1] + "2", 1, "I-MUG", "MUG", "AMZ-MUG", 1, 1)
    parcels = Parcels(MUG, other).add("S-1", ("I-MUG", "MUG", 3)).add("S-2", ("I-MUG", "MUG", 1), order_number=other[0])
    assert parcels.confirmed() == ({"S-1": {"I-MUG": 3}, "S-2": {"I-MUG": 1}}, {})


def test_without_parcels_there_is_nothing_to_confirm(sqlite_url: str) -> None:
    warehouse = SqlWarehouse(sqlite_url, name="us")
    warehouse.ensure_tables()
    items, faults = parcel_items(warehouse.shipments("us"), warehouse.shipment_lines([]), warehouse.order_lines([]))
    WarehouseActor(sqlite_url).write_parcel("X-1", shipment_id="S-1", lines=[])
    shipments = warehouse.shipments("us")
    no_items, some_faults = parcel_items(shipments, warehouse.shipment_lines(["S-1"]), warehouse.order_lines(["X-1"]))
    assert [len(frame) for frame in (items, faults, no_items, some_faults)] == [0, 0, 0, 1]
    assert items.dtypes.map(str).to_dict() == {
        "shipment_id": "object",
        "order_item_id": "object",
        "quantity": "int64",
    }
    assert faults.dtypes.to_dict() == some_faults.dtypes.to_dict()


def test_what_a_warehouse_ships_in_parts_is_confirmed_in_parts(database_url: str) -> None:
    warehouse, actor = SqlWarehouse(database_url, name="us"), WarehouseActor(database_url)
    warehouse.ensure_tables()
    kit = {"order_item_id": "I-SET", "seller_sku": "BREAKFAST"}
    warehouse.load(
        [order_row(ORDER)],
        [
            line_row(ORDER, 1, sku="MUG", quantity=3, order_item_id="I-MUG"),
            line_row(ORDER, 2, sku="PLATE", quantity=4, units_per_kit=2, **kit),
            line_row(ORDER, 3, sku="BOWL", quantity=2, units_per_kit=1, **kit),
        ],
    )
    actor.pick(ORDER)
    actor.ship(ORDER, shipment_id="S-1", units={1: 2, 2: 2})
    actor.ship(ORDER, shipment_id="S-2", units={2: 2, 3: 2}, is_amazon_label=True)
    actor.ship(ORDER, shipment_id="S-3", units={1: 1}, status="open")

    def confirmed() -> list[list[Any]]:
        shipments = warehouse.shipments("us")
        items, faults = parcel_items(
            shipments,
            warehouse.shipment_lines(shipments["shipment_id"]),
            warehouse.order_lines(shipments["order_number"]),
        )
        assert faults.empty
        assert items.dtypes.map(str).tolist() == ["object", "object", "int64"]
        return items.to_numpy().tolist()

    parts = [["S-1", "I-MUG", 2], ["S-2", "I-SET", 2]]
    assert confirmed() == parts
    actor.close("S-3")
    actor.change("S-3", carrier="USPS", tracking_number="9400")
    assert confirmed() == [*parts, ["S-3", "I-MUG", 1]]
    assert actor.order(ORDER)["status"] == "shipped"
    actor.void("S-1")
    assert confirmed() == [["S-2", "I-SET", 1], ["S-3", "I-MUG", 1]]


def test_every_reason_that_is_given_has_a_remedy_unless_there_is_nothing_to_do() -> None:
    assert [code for code, remedy in REMEDIES.items() if not remedy] == ["kit_in_other_parcel"]
    assert all(re.fullmatch(r"[a-z_]+", code) for code in REMEDIES)
