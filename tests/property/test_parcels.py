"""What must hold of parcels, whatever the warehouse writes and in whatever order it writes it."""

from __future__ import annotations

from typing import Any

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from mfn.rules.parcel_faults import REMEDIES
from mfn.rules.parcels import parcel_items

ORDERS = ("O-1", "O-2")
ITEMS = ("I-1", "I-2", "I-3")
SKUS = ("A", "B", "C")
DAY = pd.Timestamp("2026-11-24", tz="UTC")

quantities = st.one_of(st.integers(1, 4), st.sampled_from([0, -1, 1.5, float("nan")]))
order_items = st.dictionaries(
    st.tuples(st.sampled_from(ORDERS), st.sampled_from(ITEMS)),
    st.dictionaries(st.sampled_from(SKUS), st.tuples(st.integers(0, 8), st.integers(1, 3)), min_size=1),
    max_size=4,
)
parcel_lines = st.tuples(st.sampled_from((*ITEMS, "I-X", None)), st.sampled_from((*SKUS, "X", None)), quantities)
good_lines = st.tuples(st.sampled_from(ITEMS), st.sampled_from(SKUS), st.integers(1, 3))


def parcels_of(lines: Any, statuses: tuple[str, ...]) -> Any:
    return st.lists(
        st.tuples(
            st.sampled_from(ORDERS),
            st.sampled_from(statuses),
            st.sampled_from((None, 1, 2, 3)),  # the hour
            st.booleans(),  # whether it has a tracking number
            st.lists(lines, max_size=4),
        ),
        max_size=6,
    )


def order_frame(ordered: dict[tuple[str, str], dict[str, tuple[int, int]]]) -> pd.DataFrame:
    components = [
        (order, item, sku, f"SELLER-{item}", *amounts)
        for (order, item), parts in ordered.items()
        for sku, amounts in parts.items()
    ]
    rows = [(order, number, *rest) for number, (order, *rest) in enumerate(components, start=1)]
    columns = ["order_number", "line_number", "order_item_id", "sku", "seller_sku", "quantity", "units_per_kit"]
    return pd.DataFrame(rows, columns=columns).astype({"quantity": "int64", "units_per_kit": "int64"})


def parcel_frames(parcels: list[Any]) -> tuple[pd.DataFrame, pd.DataFrame]:
    headers = pd.DataFrame(
        [
            (
                f"S-{number}",
                order,
                "1Z" if tracked else None,
                DAY + pd.Timedelta(hours=hour) if hour else pd.NaT,
                status,
            )
            for number, (order, status, hour, tracked, _) in enumerate(parcels)
        ],
        columns=["shipment_id", "order_number", "tracking_number", "shipped_at", "status"],
        dtype="object",
    ).astype({"shipped_at": "datetime64[us, UTC]"})
    flags = {"is_order_known": True, "is_amazon_label": False, "is_id_missing": False, "is_id_ambiguous": False}
    lines = pd.DataFrame(
        [(f"S-{number}", at, *line) for number, parcel in enumerate(parcels) for at, line in enumerate(parcel[4])],
        columns=["shipment_id", "line_number", "order_item_id", "sku", "quantity"],
        dtype="object",
    ).astype({"quantity": "float64"})
    headers = headers.assign(carrier="UPS", service=None)
    return headers.assign(**flags).astype(dict.fromkeys(flags, "bool")), lines


def shuffled(frame: pd.DataFrame, random: Any) -> pd.DataFrame:
    labels = list(frame.index)
    random.shuffle(labels)
    return frame.loc[labels]


@settings(max_examples=25)
@given(order_items, parcels_of(parcel_lines, ("closed", "closed", "open", "void", "packed")))
def test_each_parcel_is_confirmed_or_held_and_no_order_item_is_confirmed_more_than_ordered(
    ordered: dict[tuple[str, str], dict[str, tuple[int, int]]], parcels: list[Any]
) -> None:
    headers, lines = parcel_frames(parcels)
    items, faults = parcel_items(headers, lines, order_frame(ordered))
    confirmed, kept_back = set(items["shipment_id"]), set(faults["shipment_id"])
    assert confirmed.isdisjoint(kept_back)
    assert confirmed | kept_back == set(headers.loc[~headers["status"].isin(["open", "void"]), "shipment_id"])
    assert not items.duplicated(["shipment_id", "order_item_id"]).any()
    assert not faults.duplicated(["shipment_id", "code"]).any()
    assert set(faults["code"]) <= set(REMEDIES)
    assert (items["quantity"] > 0).all()
    order_of = dict(zip(headers["shipment_id"], headers["order_number"], strict=True))
    units = items.groupby([items["shipment_id"].map(order_of), "order_item_id"])["quantity"].sum()
    for key, quantity in units.items():
        assert quantity <= min(q // units_per_kit for q, units_per_kit in ordered[key].values())  # type: ignore[index]


@settings(max_examples=25)
@given(order_items, parcels_of(good_lines, ("closed",)))
def test_only_units_that_left_are_confirmed_and_all_whole_kits_unless_a_parcel_is_held(
    ordered: dict[tuple[str, str], dict[str, tuple[int, int]]], parcels: list[Any]
) -> None:
    headers, lines = parcel_frames(parcels)
    items, faults = parcel_items(headers, lines, order_frame(ordered))
    held = faults[~faults["code"].isin(["kit_incomplete", "kit_in_other_parcel"])]
    by_departure = headers.sort_values(["shipped_at", "shipment_id"])
    left: dict[Any, float] = {}
    confirmed: dict[Any, int] = {}
    for shipment_id, order in zip(by_departure["shipment_id"], by_departure["order_number"], strict=True):
        for item, sku, quantity in lines.loc[
            lines["shipment_id"] == shipment_id, ["order_item_id", "sku", "quantity"]
        ].itertuples(index=False):
            left[order, item, sku] = left.get((order, item, sku), 0) + quantity
        for item, quantity in items.loc[items["shipment_id"] == shipment_id, ["order_item_id", "quantity"]].itertuples(
            index=False
        ):
            confirmed[order, item] = confirmed.get((order, item), 0) + quantity
        if not held["shipment_id"].isin(headers.loc[headers["order_number"] == order, "shipment_id"]).any():
            for (of_order, item), parts in ordered.items():
                if of_order == order:
                    whole = min(left.get((order, item, sku), 0) // units for sku, (_, units) in parts.items())
                    capacity = min(quantity // units for quantity, units in parts.values())
                    assert confirmed.get((order, item), 0) == min(whole, capacity)


@settings(max_examples=25)
@given(order_items, parcels_of(parcel_lines, ("closed", "void")), st.randoms())
def test_the_order_of_the_rows_changes_nothing(
    ordered: dict[tuple[str, str], dict[str, tuple[int, int]]], parcels: list[Any], random: Any
) -> None:
    headers, lines = parcel_frames(parcels)
    orders = order_frame(ordered)
    expected = parcel_items(headers, lines, orders)
    found = parcel_items(shuffled(headers, random), shuffled(lines, random), shuffled(orders, random))
    for one, other in zip(expected, found, strict=True):
        pd.testing.assert_frame_equal(one, other)


@settings(max_examples=25)
@given(order_items, parcels_of(parcel_lines, ("closed",)), st.lists(parcel_lines, max_size=4))
def test_a_parcel_that_leaves_later_changes_nothing_confirmed_before(
    ordered: dict[tuple[str, str], dict[str, tuple[int, int]]], parcels: list[Any], later: list[Any]
) -> None:
    orders = order_frame(ordered)
    dated = [(order, status, hour or 1, tracked, lines) for order, status, hour, tracked, lines in parcels]
    before, _ = parcel_items(*parcel_frames(dated), orders)
    after, _ = parcel_items(*parcel_frames([*dated, ("O-1", "closed", 4, True, later)]), orders)
    pd.testing.assert_frame_equal(before, after[after["shipment_id"] != f"S-{len(dated)}"].reset_index(drop=True))
