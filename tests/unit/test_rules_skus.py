"""SKUs: aliases, kits, and what an unknown one may have been meant to be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest

from mfn.mappings import load_mappings
from mfn.rules.nearest_skus import nearest_skus, propose_alias_row
from mfn.rules.skus import aliases_without_listing, mapped_by_now, resolve_skus

if TYPE_CHECKING:
    from pathlib import Path

US, CA = "ATVPDKIKX0DER", "A2EUQ1WTGCTBG2"
ITEMS = pd.DataFrame(
    {
        "sku": ["MUG-BLUE", "MUG-RED", "TEAPOT", "00417", "OLD-1", "AB 12"],
        "is_active": [True, True, True, True, False, True],
    }
)


def lines(*rows: tuple[str, str | None, int]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["order_id", "seller_sku", "quantity_to_ship"])
    number = frame.groupby("order_id").cumcount() + 1
    return frame.assign(order_item_id=frame["order_id"] + "-" + number.astype(str), item_number=number)


def aliases(*rows: tuple[str, str, str, str, int]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["connection", "marketplace", "seller_sku", "warehouse_sku", "units"])


def resolved(order_lines: pd.DataFrame, order_aliases: pd.DataFrame) -> list[tuple[str, str, int, int]]:
    frame = resolve_skus(order_lines, order_aliases, ITEMS, connection="us", marketplaces={"1": US, "2": CA, "3": None})
    return list(zip(frame["order_id"], frame["warehouse_sku"], frame["quantity"], frame["line_number"], strict=True))


def test_a_kit_becomes_its_components_and_every_line_keeps_amazon_s_order_item_id() -> None:
    kit = aliases(("", "", "TEA-SET", "TEAPOT", 1), ("", "", "TEA-SET", "MUG-BLUE", 2), ("", "", "MUG", "MUG-RED", 1))
    frame = resolve_skus(
        lines(("1", "TEA-SET", 3), ("1", "MUG", 1), ("1", "TEAPOT", 2)),
        kit,
        ITEMS,
        connection="us",
        marketplaces={"1": US},
    )
    columns = [
        "order_item_id",
        "item_number",
        "seller_sku",
        "warehouse_sku",
        "units_per_kit",
        "quantity",
        "line_number",
    ]
    assert frame[columns].to_numpy().tolist() == [
        ["1-1", 1, "TEA-SET", "MUG-BLUE", 2, 6, 1],
        ["1-1", 1, "TEA-SET", "TEAPOT", 1, 3, 2],
        ["1-2", 2, "MUG", "MUG-RED", 1, 1, 3],
        ["1-3", 3, "TEAPOT", "TEAPOT", 1, 2, 4],
    ]
    assert frame["is_known"].tolist() == [True] * 4


def test_an_alias_for_the_connection_beats_one_for_the_marketplace_which_beats_a_general_one() -> None:
    general, marketplace = ("", "", "S", "MUG-RED", 1), ("", CA, "S", "TEAPOT", 1)
    connection, other = ("us", "", "S", "MUG-BLUE", 1), ("de", CA, "S", "00417", 1)
    ordered = lines(("1", "S", 1), ("2", "S", 1), ("3", "S", 1))
    assert [sku for _, sku, _, _ in resolved(ordered, aliases(general, marketplace, other))] == [
        "MUG-RED",
        "TEAPOT",
        "MUG-RED",
    ]
    assert [sku for _, sku, _, _ in resolved(ordered, aliases(general, marketplace, connection))] == ["MUG-BLUE"] * 3


def test_a_kit_for_a_marketplace_replaces_the_general_one_as_a_whole() -> None:
    kit = aliases(("", "", "SET", "TEAPOT", 1), ("", "", "SET", "MUG-RED", 4), ("", CA, "SET", "MUG-BLUE", 2))
    assert resolved(lines(("2", "SET", 1)), kit) == [("2", "MUG-BLUE", 2, 1)]


@pytest.mark.parametrize("sku", ["mug-blue", "MUG-BLUE ", "417", "OLD-1", None, ""])
def test_a_sku_is_known_to_the_letter_and_only_while_the_item_is_active(sku: str | None) -> None:
    frame = resolve_skus(lines(("1", sku, 1)), aliases(), ITEMS, connection="us", marketplaces={"1": US})
    assert frame["is_known"].tolist() == [False]
    assert frame["warehouse_sku"].tolist() == [sku or None]


def test_a_line_with_nothing_left_is_dropped_and_the_others_keep_their_line_number() -> None:
    ordered = lines(("1", "MUG-RED", 0), ("1", "TEAPOT", 2), ("1", "MUG-RED", -1))
    assert resolved(ordered, aliases()) == [("1", "TEAPOT", 2, 2)]


def test_units_of_an_order_that_waited_for_an_alias_are_those_of_what_it_stands_for() -> None:
    mapped = aliases(
        ("", "", "TEA-SET", "TEAPOT", 1),
        ("", "", "TEA-SET", "MUG-BLUE", 2),
        ("eu", "", "TEA-SET", "MUG-RED", 3),
        ("", CA, "CUP", "MUG-RED", 1),
        ("", "", "00417", "TEAPOT", 1),
    )
    reservations = pd.DataFrame(
        [
            ("us", "1", US, "TEA-SET", 2),
            ("eu", "2", None, "TEA-SET", 2),
            ("us", "3", US, "CUP", 5),
            ("us", "4", CA, "CUP", 5),
            ("us", "5", US, "00417", 1),
            ("us", "6", US, "OLD-1", 1),
        ],
        columns=["connection", "order_id", "marketplace_id", "sku", "units"],
    )
    expected = [
        ["1", "MUG-BLUE", 4],
        ["1", "TEAPOT", 2],
        ["2", "MUG-RED", 6],
        ["3", "CUP", 5],
        ["4", "MUG-RED", 5],
        ["5", "00417", 1],
        ["6", "OLD-1", 1],
    ]
    found = mapped_by_now(reservations, mapped, ITEMS)
    assert sorted(found.to_numpy().tolist()) == expected
    assert found.index.is_unique
    assert mapped_by_now(reservations.iloc[4:], mapped, ITEMS).to_numpy().tolist() == expected[5:]


def test_an_alias_is_missed_where_the_connection_could_list_it_and_does_not() -> None:
    named = aliases(
        ("", "", "B", "MUG-RED", 1),
        ("", "", "B", "MUG-BLUE", 1),
        ("us", CA, "A", "TEAPOT", 1),
        ("eu", "", "OF-ANOTHER", "TEAPOT", 1),
        ("", "A1F83G8C2ARO7P", "ELSEWHERE", "TEAPOT", 1),
        ("", "", "LISTED", "TEAPOT", 1),
    )
    found = aliases_without_listing(named, pd.Series(["LISTED"]), connection="us", marketplace_ids=[US, CA])
    assert found[["seller_sku", "warehouse_sku"]].to_numpy().tolist() == [
        ["A", "TEAPOT"],
        ["B", "MUG-BLUE"],
        ["B", "MUG-RED"],
    ]


def test_no_order_at_all_gives_no_line_at_all() -> None:
    frame = resolve_skus(lines(), aliases(), ITEMS, connection="us", marketplaces={})
    assert frame.empty
    assert {"warehouse_sku", "units_per_kit", "quantity", "is_known", "line_number"} <= set(frame.columns)


@pytest.mark.parametrize(
    ("unknown", "warehouse_sku", "difference"),
    [
        ("mug-blue", "MUG-BLUE", "differs in case"),
        ("TEAPOT ", "TEAPOT", "differs in spaces"),
        ("AB12", "AB 12", "differs in spaces"),
        ("MUG-BLU\N{FULLWIDTH LATIN CAPITAL LETTER E}", "MUG-BLUE", "differs in characters that look the same"),
        ("417", "00417", "differs in leading zeros"),
        ("MUG_BLUE", "MUG-BLUE", "differs in separators"),
        ("mugblue", "MUG-BLUE", "differs in case and separators"),
        ("TEAPOT-FBM", "TEAPOT", "lacks '-FBM' at the end"),
        ("MUG-BLUX", "MUG-BLUE", "differs in one character"),
        ("MUG-BLU", "MUG-BLUE", "differs in one character"),
        ("MUG-BLEU", "MUG-BLUE", "differs in one character"),
        ("OLD-1", "OLD-1", "is in the warehouse, but inactive"),
    ],
)
def test_an_unknown_sku_comes_with_its_nearest_and_what_differs(
    unknown: str, warehouse_sku: str, difference: str
) -> None:
    nearest = nearest_skus([unknown, unknown, None, ""], ITEMS)
    assert list(nearest) == [unknown]
    assert len({near.warehouse_sku for near in nearest[unknown]}) == len(nearest[unknown])
    assert (nearest[unknown][0].warehouse_sku, nearest[unknown][0].difference) == (warehouse_sku, difference)


def test_a_combining_accent_is_reported_and_the_proposed_row_has_it() -> None:
    seller_sku, warehouse_sku = "CAFE\N{COMBINING ACUTE ACCENT}", "CAF\N{LATIN CAPITAL LETTER E WITH ACUTE}"
    items = pd.DataFrame({"sku": [warehouse_sku], "is_active": [True]})
    (near,) = nearest_skus([seller_sku], items)[seller_sku]
    assert (near.warehouse_sku, near.kind) == (warehouse_sku, "characters")
    assert propose_alias_row(seller_sku, near.warehouse_sku) == f",,{seller_sku},{warehouse_sku},1,"


@pytest.mark.parametrize("unknown", ["SOMETHING ELSE", "--", "0", "X"])
def test_a_sku_that_resembles_nothing_has_no_suggestion(unknown: str) -> None:
    assert nearest_skus([unknown], ITEMS) == {unknown: []}


@pytest.mark.parametrize("seller_sku", ["MUG", " led by a blank ", 'a "b", c', "# 5", "00417"])
def test_a_proposed_alias_can_be_pasted_as_it_is(tmp_path: Path, seller_sku: str) -> None:
    row = propose_alias_row(seller_sku, "MUG-RED", connection="us", marketplace_id=CA)
    (tmp_path / "shipping_methods.csv").write_text("connection,program,service_level,marketplace,warehouse_code,note\n")
    (tmp_path / "sku_aliases.csv").write_text(f"connection,marketplace,seller_sku,warehouse_sku,units,note\n{row}\n")
    pasted = load_mappings(tmp_path).sku_aliases
    assert pasted.drop(columns=["line", "note"]).to_numpy().tolist() == [["us", CA, seller_sku, "MUG-RED", 1]]
