"""Shipping methods: which row of the mapping wins, and the row that is proposed where none does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest

from mfn.mappings import load_mappings
from mfn.rules.programs import is_business, is_premium, is_sfp, unsupported_programs
from mfn.rules.shipping_methods import propose_shipping_method_row, resolve_shipping_methods
from mfn.simulator.catalogue import build_catalogue

if TYPE_CHECKING:
    from pathlib import Path

US, CA = "ATVPDKIKX0DER", "A2EUQ1WTGCTBG2"
HEADER = "connection,program,service_level,marketplace,warehouse_code,note\n"
METHODS = pd.DataFrame(
    {
        "code": ["GROUND", "NEXTDAY", "SFP-1DAY", "SDAY", "GONE"],
        "carrier": ["UPS", "UPS", "Amazon", "Local", "Gone"],
        "service": ["Ground", "Next Day Air Saver", "one-day", "Same Day", "Gone"],
        "is_active": [True, True, True, True, False],
    }
)


def methods(directory: Path, rows: str) -> pd.DataFrame:
    (directory / "shipping_methods.csv").write_text(HEADER + rows)
    return load_mappings(directory).shipping_methods


def orders(*rows: tuple[str | None, str | None, tuple[str, ...]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["marketplace_id", "service_level", "programs"], dtype="object")


def code(rows: pd.DataFrame, marketplace_id: str | None, service_level: str | None, *programs: str) -> str | None:
    found = resolve_shipping_methods(orders((marketplace_id, service_level, programs)), rows, connection="us")
    code: str | None = found["warehouse_code"].iloc[0]
    return code


def test_the_row_that_fills_the_earliest_column_wins_then_the_next_from_left_to_right(tmp_path: Path) -> None:
    rows = methods(
        tmp_path,
        ",,,,any\n,,,CA,marketplace\n,,STANDARD,,level\n,,STANDARD,CA,level+marketplace\n,PRIME,,,program\n"
        ",PRIME,STANDARD,,program+level\nus,,,,connection\nde,PRIME,STANDARD,CA,another connection\n",
    )
    winners = [rows[rows["connection"] != "us"], rows]
    assert [code(kept, CA, "STANDARD", "PRIME") for kept in winners] == ["program+level", "connection"]
    general = winners[0]
    assert code(general, CA, "STANDARD") == "level+marketplace"
    assert code(general, US, "STANDARD") == "level"
    assert code(general, CA, "NEXT_DAY") == "marketplace"
    assert code(general, CA, "NEXT_DAY", "PRIME") == "program"
    assert code(general, US, "NEXT_DAY") == "any"


def test_prime_comes_before_premium_and_premium_before_the_others_by_name(tmp_path: Path) -> None:
    rows = methods(tmp_path, ",AMAZON_BUSINESS,STANDARD,US,B\n,PREMIUM,,,P\n,PRIME,,,S\n,AMAZON_HAUL,,,H\n")
    assert code(rows, US, "STANDARD", "PRIME", "PREMIUM", "AMAZON_BUSINESS") == "S"
    assert code(rows, US, "STANDARD", "PREMIUM", "AMAZON_BUSINESS") == "P"
    assert code(rows, US, "STANDARD", "AMAZON_BUSINESS", "AMAZON_HAUL") == "B"
    assert code(rows, CA, "STANDARD", "AMAZON_BUSINESS", "AMAZON_HAUL") == "H"


def test_what_an_order_does_not_say_matches_only_an_empty_cell(tmp_path: Path) -> None:
    rows = methods(tmp_path, ",,STANDARD,US,A\n,PRIME,,,B\n")
    assert code(rows, None, "STANDARD") is None
    assert code(rows, US, None) is None
    assert code(rows, None, None, "PRIME") == "B"


def test_words_are_compared_without_case_and_words_of_the_future_can_be_mapped(tmp_path: Path) -> None:
    rows = methods(tmp_path, "US, prime ,standard,us,A\n,,Drone_Drop,,B\n")
    assert code(rows, US, "STANDARD", "PRIME") == "A"
    assert code(rows, US, "Standard", "Prime") == "A"
    assert code(rows, US, "DRONE_DROP") == "B"
    assert code(rows, US, "TELEPORT") is None


def test_orders_keep_their_index_and_columns(tmp_path: Path) -> None:
    frame = orders((US, "STANDARD", ()), (US, "NEXT_DAY", ())).set_axis([7, 3]).assign(order_id=["1", "2"])
    found = resolve_shipping_methods(frame, methods(tmp_path, ",,STANDARD,,STD,\n"), connection="us")
    assert found["warehouse_code"].to_dict() == {7: "STD", 3: None}
    assert found["order_id"].tolist() == ["1", "2"]
    assert "warehouse_code" not in frame


@pytest.mark.parametrize(
    ("marketplace_id", "service_level", "programs", "row"),
    [
        (CA, "STANDARD", (), "us,,STANDARD,CA,GROUND,"),  # another marketplace's row for the same level
        (US, "NEXT_DAY", ("AMAZON_BUSINESS", "PRIME"), "us,PRIME,NEXT_DAY,US,SFP-1DAY,"),  # named so
        (US, "NEXT_DAY", (), "us,,NEXT_DAY,US,NEXTDAY,"),
        (US, "NEXT_DAY", ("AMAZON_BUSINESS",), "us,,NEXT_DAY,US,NEXTDAY,"),  # no warehouse has a method for it
        (US, "Next_Day", (), "us,,Next_Day,US,NEXTDAY,"),
        (US, "STANDARD", ("PRIME",), ",PRIME,STANDARD,US,,"),  # neither the ordinary row nor another speed
        (US, "SAME_DAY", (), "us,,SAME_DAY,US,SDAY,"),
        (US, "SCHEDULED", (), "us,,SCHEDULED,US,,"),
        (None, None, (), ",,,,,"),  # one for us would beat the rows for any connection
    ],
)
def test_an_unmapped_method_gets_the_row_that_would_map_it(
    tmp_path: Path, marketplace_id: str | None, service_level: str | None, programs: tuple[str, ...], row: str
) -> None:
    proposed = propose_shipping_method_row(
        marketplace_id=marketplace_id,
        service_level=service_level,
        programs=programs,
        connection="us",
        methods=methods(tmp_path, ",,STANDARD,US,GROUND,\n,,SCHEDULED,DE,GONE,\n"),
        ship_methods=METHODS,
    )
    assert proposed == row


def test_a_row_that_is_no_answer_to_an_order_is_neither_its_code_nor_spares_it_the_connection(tmp_path: Path) -> None:
    def proposed(rows: str, service_level: str | None, *methods_named: str) -> str:
        named = pd.DataFrame({"code": [*methods_named], "service": [None] * len(methods_named)}, dtype="object")
        return propose_shipping_method_row(
            marketplace_id=US,
            service_level=service_level,
            programs=(),
            connection="us",
            methods=methods(tmp_path, rows),
            ship_methods=named.assign(is_active=True),
        )

    assert proposed("us,PRIME,STANDARD,,PARCELS,\n", "STANDARD", "PARCELS") == "us,,STANDARD,US,,"
    assert proposed(",PRIME,STANDARD,,PARCELS,\n", "STANDARD", "PARCELS") == ",,STANDARD,US,,"
    assert proposed(",,,DE,PARCELS,\n", None, "PARCELS") == "us,,,US,,", "of a level that nobody knows nothing is alike"
    elsewhere = "de,,SCHEDULED,US,BIKE,\nde,,SCHEDULED,CA,VAN,\n"
    assert proposed(elsewhere, "SCHEDULED", "BIKE", "VAN") == "us,,SCHEDULED,US,BIKE,", (
        "the same marketplace's comes first"
    )
    assert proposed(",,STANDARD,DE,GROUND,\n", "SCHEDULED", "PALLETS") == "us,,SCHEDULED,US,,", "it says no level"


@pytest.mark.parametrize(
    ("program", "code"),
    [
        ((), "NEXTDAY"),  # of two rows for this level, the one of the connection
        (("PRIME",), "SDAY"),
        (("PREMIUM",), ""),  # no row for this programme
    ],
)
def test_the_row_of_a_method_without_one_has_the_code_of_the_most_similar_row(
    tmp_path: Path, program: tuple[str, ...], code: str
) -> None:
    rows = "us,,SCHEDULED,DE,NEXTDAY,\n,,SCHEDULED,US,SDAY,\n,PRIME,SCHEDULED,US,SDAY,\n,,FREE_ECONOMY,CA,GROUND,\n"
    proposed = propose_shipping_method_row(
        marketplace_id=CA,
        service_level="SCHEDULED",
        programs=program,
        connection="us",
        methods=methods(tmp_path, rows),
        ship_methods=METHODS,
    )
    assert proposed.split(",")[4] == code


@pytest.mark.parametrize(
    ("service_level", "programs", "code"),
    [
        ("STANDARD", (), "GROUND"),
        ("SECOND_DAY", (), "2DAY"),
        ("NEXT_DAY", (), "NEXTDAY"),
        ("FREE_ECONOMY", (), "ECONOMY"),
        ("PRIORITY", (), "PRIORITY"),
        ("STANDARD", ("PRIME",), "SFP-STD"),
        ("SECOND_DAY", ("PRIME",), "SFP-2DAY"),
        ("NEXT_DAY", ("PRIME",), "SFP-1DAY"),
        ("SECOND_DAY", ("PREMIUM",), "PREMIUM"),
        ("NEXT_DAY", ("PREMIUM",), ""),  # the only premium method is slower
        ("SAME_DAY", (), ""),
        ("SAME_DAY", ("PRIME",), ""),
        ("EXPEDITED", (), ""),
        ("TELEPORT", (), "BEAM"),  # a word of the future
        ("***", (), ""),
        (None, (), ""),
        (None, ("PRIME",), ""),
    ],
)
def test_without_any_row_a_code_is_proposed_only_where_its_name_says_the_programme_and_the_level(
    tmp_path: Path, service_level: str | None, programs: tuple[str, ...], code: str
) -> None:
    of_warehouse = [(method.code, method.service, method.is_active) for method in build_catalogue().methods]
    ship_methods = pd.DataFrame([*of_warehouse, ("BEAM", "teleport", True)], columns=["code", "service", "is_active"])
    proposed = propose_shipping_method_row(
        marketplace_id=US,
        service_level=service_level,
        programs=programs,
        connection="us",
        methods=methods(tmp_path, ",PRIME,STANDARD,,SFP-STD,\n") if programs == () else methods(tmp_path, ""),
        ship_methods=ship_methods,
    )
    # A row for us would beat that for PRIME, which is for any connection.
    connection = "" if programs == () and service_level in {"STANDARD", None} else "us"
    assert proposed == f"{connection},{''.join(programs)},{service_level or ''},US,{code},"


@pytest.mark.parametrize("rows", [",PRIME,STANDARD,,SFP-STD,\n", ",PRIME,,,SFP-STD,\n", "us,PRIME,,,SFP-STD,\n"])
def test_a_row_that_is_pasted_maps_the_order_and_leaves_prime_orders_their_method(tmp_path: Path, rows: str) -> None:
    seen = orders((US, "STANDARD", ()), (US, "STANDARD", ("PRIME",)))
    row = propose_shipping_method_row(
        marketplace_id=US,
        service_level="STANDARD",
        programs=(),
        connection="us",
        methods=methods(tmp_path, rows),
        ship_methods=pd.DataFrame({"code": ["GROUND", "SFP-STD"], "service": None, "is_active": True}),
    )
    pasted = methods(tmp_path, f"{rows}{row}\n")
    assert resolve_shipping_methods(seen, pasted, connection="us")["warehouse_code"].tolist() == ["GROUND", "SFP-STD"]


def test_of_several_methods_of_one_name_none_is_proposed_and_a_programmes_only_method_serves_every_level(
    tmp_path: Path,
) -> None:
    def proposed(programs: tuple[str, ...], *codes: str) -> str:
        ship_methods = pd.DataFrame({"code": codes, "service": None, "is_active": True})
        row = propose_shipping_method_row(
            marketplace_id=US,
            service_level="SECOND_DAY",
            programs=programs,
            connection="us",
            methods=methods(tmp_path, ""),
            ship_methods=ship_methods,
        )
        return row.split(",")[4]

    assert proposed((), "UPS-2DAY", "TWO_DAY") == ""
    assert proposed((), "2DAY", "SFP") == "2DAY"
    assert proposed(("PRIME",), "2DAY", "SFP") == "SFP"
    assert proposed(("PRIME",), "SFP-A", "SFP-B") == ""
    assert proposed(("PRIME",), "2DAY") == ""


def test_sfp_is_prime_and_fulfilled_by_the_merchant_and_nothing_else() -> None:
    frame = pd.DataFrame(
        {
            "programs": [("PRIME",), ("PRIME",), ("PRIME",), ("PREMIUM",), (), ("FBM_SHIP_PLUS", "PRIME_X")],
            "fulfilled_by": ["MERCHANT", "AMAZON", None, "MERCHANT", "MERCHANT", "MERCHANT"],
        },
        dtype="object",
    )
    assert is_sfp(frame).tolist() == [True, False, False, False, False, False]
    assert is_sfp(frame).dtype == bool
    assert is_sfp(frame.iloc[:0]).tolist() == []


def test_premium_and_business_are_programmes_of_their_own() -> None:
    frame = pd.DataFrame({"programs": [("PREMIUM", "AMAZON_BUSINESS"), ("PRIME",)]})
    assert is_premium(frame).tolist() == [True, False]
    assert is_business(frame).tolist() == [True, False]


def test_programmes_that_are_no_parcel_are_named_unless_the_connection_lets_them_through() -> None:
    frame = pd.DataFrame(
        {"programs": [("AMAZON_EASY_SHIP", "IN_STORE_PICK_UP"), ("DELIVERY_BY_AMAZON",), ("PRIME", "A_NEW_ONE"), ()]}
    )
    assert unsupported_programs(frame).tolist() == [
        "AMAZON_EASY_SHIP, IN_STORE_PICK_UP",
        "DELIVERY_BY_AMAZON",
        None,
        None,
    ]
    allowed = unsupported_programs(frame, allow_programs=["amazon_easy_ship", "DELIVERY_BY_AMAZON"])
    assert allowed.tolist() == ["IN_STORE_PICK_UP", None, None, None]
