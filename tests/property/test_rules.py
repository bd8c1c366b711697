"""What must hold of the rules whatever Amazon sends and whatever stands in the mappings."""

from __future__ import annotations

import tempfile
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mfn.mappings import check_mappings, load_mappings
from mfn.mappings.csv_file import BROKEN_BY_A_SPREADSHEET
from mfn.plain_text import shown
from mfn.rules.addresses import FIELDS, check_addresses
from mfn.rules.frames import address_frame, sorted_programs
from mfn.rules.nearest_skus import nearest_skus, propose_alias_row
from mfn.rules.programs import is_sfp
from mfn.rules.shipping_methods import resolve_shipping_methods
from mfn.rules.skus import resolve_skus

MARKETPLACES = ("ATVPDKIKX0DER", "A2EUQ1WTGCTBG2")
PROGRAMS = ("PRIME", "PREMIUM", "AMAZON_BUSINESS", "ZZZ_NEW")
LEVELS = ("STANDARD", "NEXT_DAY")
SKUS = ("A", "B", "C")
MATCH = ["connection", "program", "service_level", "marketplace"]

methods = st.sets(st.sampled_from(list(product(("", "us", "de"), ("", *PROGRAMS), ("", *LEVELS), ("", *MARKETPLACES)))))
orders = st.tuples(
    st.sampled_from((None, *MARKETPLACES)), st.sampled_from((None, *LEVELS)), st.sets(st.sampled_from(PROGRAMS))
)
kits = st.dictionaries(
    st.tuples(st.sampled_from(("", "us", "de")), st.sampled_from(("", *MARKETPLACES)), st.sampled_from(SKUS)),
    st.dictionaries(st.sampled_from(("W1", "W2", "W3")), st.integers(1, 5), min_size=1),
)
order_lines = st.lists(st.tuples(st.sampled_from(("1", "2")), st.sampled_from((*SKUS, "D", None)), st.integers(0, 9)))
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))

ADDRESS_COLUMNS = list(address_frame([]).columns)


def method_frame(rows: list[tuple[str, ...]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=MATCH).assign(warehouse_code=["/".join(row) for row in rows])


def winner(rows: set[tuple[str, ...]], order: tuple[str | None, str | None, tuple[str, ...]]) -> str | None:
    """The contract's sentence, by comparing every row with every other."""
    marketplace, level, programs = order
    best: tuple[Any, ...] | None = None
    for row in rows:
        wanted: list[set[str | None]] = [{"us"}, {*programs}, {level}, {marketplace}]
        if all(cell == "" or cell in values for cell, values in zip(row, wanted, strict=True)):
            by_program = programs.index(row[1]) if row[1] else len(programs)
            rank = (row[0] == "", by_program, row[2] == "", row[3] == "")
            best = min(best, (rank, row)) if best else (rank, row)
    return "/".join(best[1]) if best else None


@given(methods, orders, st.randoms())
def test_the_contract_decides_which_row_wins_whatever_the_order_of_the_rows(
    rows: set[tuple[str, ...]], order: tuple[str | None, str | None, set[str]], random: Any
) -> None:
    marketplace, level, programs = order
    shuffled = sorted(rows)
    random.shuffle(shuffled)
    frame = pd.DataFrame(
        {"marketplace_id": [marketplace], "service_level": [level], "programs": [sorted_programs([*programs])]},
        dtype="object",
    )
    found = resolve_shipping_methods(frame, method_frame(shuffled), connection="us")
    assert found["warehouse_code"].iloc[0] == winner(rows, (marketplace, level, sorted_programs([*programs])))


@settings(max_examples=50)
@given(kits, order_lines, st.randoms())
def test_no_unit_is_invented_or_lost_on_the_way_to_the_warehouse(
    kit_rows: dict[tuple[str, str, str], dict[str, int]], ordered: list[tuple[str, str | None, int]], random: Any
) -> None:
    rows = [(*match, sku, units) for match, parts in kit_rows.items() for sku, units in parts.items()]
    random.shuffle(rows)
    aliases = pd.DataFrame(rows, columns=["connection", "marketplace", "seller_sku", "warehouse_sku", "units"])
    lines = pd.DataFrame(ordered, columns=["order_id", "seller_sku", "quantity_to_ship"], dtype="object")
    lines["quantity_to_ship"] = lines["quantity_to_ship"].astype("int64")
    lines["order_item_id"] = [f"item {number}" for number in range(len(lines))]
    lines["item_number"] = lines.groupby("order_id").cumcount() + 1
    items = pd.DataFrame({"sku": ["W1", "W2", "D"], "is_active": [True, True, True]})
    found = resolve_skus(lines, aliases, items, connection="us", marketplaces={"1": MARKETPLACES[0], "2": None})
    numbers = {"1": 0, "2": 0}
    for item, (order_id, sku, to_ship) in zip(lines["order_item_id"], ordered, strict=True):
        marketplace = MARKETPLACES[0] if order_id == "1" else ""
        matches = [(c, m, sku or "") for c in ("us", "") for m in (marketplace, "")]
        parts = next((kit_rows[match] for match in matches if match in kit_rows), {sku: 1})
        first, numbers[order_id] = numbers[order_id] + 1, numbers[order_id] + len(parts)
        got = found[found["order_item_id"] == item]
        if not to_ship:
            assert got.empty
            continue
        assert got["line_number"].tolist() == list(range(first, first + len(parts)))
        assert dict(zip(got["warehouse_sku"], got["quantity"], strict=True)) == {
            part: units * to_ship for part, units in parts.items()
        }
        assert got["is_known"].tolist() == [part in {"W1", "W2", "D"} for part in got["warehouse_sku"]]


@given(st.sets(st.sampled_from((*PROGRAMS, "prime", "PRIME_X"))), st.sampled_from(("MERCHANT", "AMAZON", None, "X")))
def test_an_order_is_sfp_if_and_only_if_it_is_prime_and_the_merchant_fulfils_it(
    programs: set[str], fulfilled_by: str | None
) -> None:
    frame = pd.DataFrame({"programs": [tuple(programs)], "fulfilled_by": [fulfilled_by]}, dtype="object")
    assert is_sfp(frame).tolist() == [("PRIME" in programs) and (fulfilled_by == "MERCHANT")]


@given(st.lists(st.fixed_dictionaries({name: st.none() | texts for name in ADDRESS_COLUMNS}), max_size=5))
def test_messages_about_an_address_contain_only_field_names_and_fixed_sentences(
    rows: list[dict[str, str | None]],
) -> None:
    found = check_addresses(pd.DataFrame(rows, columns=ADDRESS_COLUMNS, dtype="object"))
    assert len(found) == len(rows)
    for missing in found["missing_fields"]:
        assert missing is None or set(missing.split(", ")) <= set(FIELDS)
    warnings = {None, "postalCode does not fit countryCode", "postalCode does not fit stateOrRegion"}
    assert set(found["warning"]) <= warnings


@settings(max_examples=50)
@given(texts, texts)
def test_a_proposed_row_is_read_back_exactly_whatever_the_sku(seller_sku: str, warehouse_sku: str) -> None:
    skus = (shown(seller_sku), shown(warehouse_sku))  # no row that can be pasted has what cannot be shown
    assume(all(sku.strip() for sku in skus))
    assume(not any(pattern.fullmatch(sku.strip()) for pattern, _, _ in BROKEN_BY_A_SPREADSHEET for sku in skus))
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "shipping_methods.csv").write_text(",".join([*MATCH, "warehouse_code", "note"]))
        text = "connection,marketplace,seller_sku,warehouse_sku,units,note\n" + propose_alias_row(*skus) + "\n"
        (directory / "sku_aliases.csv").write_bytes(text.encode())
        aliases = load_mappings(directory).sku_aliases
    assert aliases[["seller_sku", "warehouse_sku"]].to_numpy().tolist() == [list(skus)]


@settings(max_examples=50)
@given(st.binary())
def test_no_file_breaks_the_check(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as name:
        for file in ("shipping_methods.csv", "sku_aliases.csv", "rules.yaml"):
            Path(name, file).write_bytes(content)
        assert check_mappings(Path(name))


@given(st.sets(st.text("aA0- 1", min_size=1, max_size=5)), st.sets(st.text("aA0- 1", max_size=5)))
def test_suggested_skus_are_in_the_warehouse_and_never_the_unknown_one_itself(
    known: set[str], unknown: set[str]
) -> None:
    items = pd.DataFrame({"sku": sorted(known), "is_active": True})
    nearest = nearest_skus(unknown - known, items)
    assert set(nearest) == unknown - known - {""}
    for sku, near in nearest.items():
        proposed = [one.warehouse_sku for one in near]
        assert set(proposed) <= known - {sku}
        assert len(proposed) == len(set(proposed)) <= 3
