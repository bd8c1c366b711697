"""`mfn shipping-methods` as a person and as a script use it, against a local Amazon and a warehouse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, insert, select

from mfn.cli.application import run
from mfn.ledger.schema import Base
from mfn.warehouse.tables import wms_ship_method
from tests.world import an_order

if TYPE_CHECKING:
    import pytest

    from tests.cli.conftest import Mfn
    from tests.world import World

KEYS = ("marketplace", "service_level", "program", "orders", "warehouse_code")


def listed(document: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [tuple(method[key] for key in KEYS) for method in document["methods"]]


def two_days_of_orders(world: World) -> None:
    """Mapped and unmapped methods, some with programmes."""
    world.put(
        an_order(),
        an_order(programs=["AMAZON_BUSINESS"]),
        an_order(programs=["AMAZON_BUSINESS", "PRIME"]),
        an_order(programs=["PRIME"]),
        an_order(level="SAME_DAY"),
        an_order(level="SAME_DAY"),
        an_order(level="NEXT_DAY", programs=["PREMIUM"]),
    )


EXPECTED = [
    ("US", "SAME_DAY", None, 2, None),
    ("US", "NEXT_DAY", "PREMIUM", 1, None),
    ("US", "STANDARD", None, 2, "GROUND"),
    ("US", "STANDARD", "PRIME", 2, "PRIME_DAY"),
]


def test_amazon_is_asked_if_the_ledger_has_no_orders_and_nothing_is_kept(world: World, mfn: Mfn) -> None:
    two_days_of_orders(world)
    status, document = mfn("shipping-methods", "us")
    assert status == 0
    assert document["from"] == "amazon"
    assert listed(document) == EXPECTED
    with world.ledger.reading() as database:
        filled = {
            name
            for name, table in Base.metadata.tables.items()
            if database.execute(select(func.count()).select_from(table)).scalar_one()
        }
    assert filled == {"encryption_key", "rate_budget"}
    assert world.rows() == []


def test_orders_of_the_ledger_are_counted_without_a_call_with_unmapped_methods_first(world: World, mfn: Mfn) -> None:
    two_days_of_orders(world)
    world.run()
    calls = len(world.amazon.calls)
    status, document = mfn("shipping-methods", "us")
    assert (status, document["from"], document["orders"]) == (0, "ledger", 7)
    assert listed(document) == EXPECTED
    assert len(world.amazon.calls) == calls


def test_orders_without_a_service_level_are_counted_like_any_other(world: World, mfn: Mfn) -> None:
    levels: tuple[Any, ...] = (None, "", "SAME_DAY", "STANDARD")
    world.put(*(an_order(level=level) for level in levels))
    expected = [("US", None, None, 2, None), ("US", "SAME_DAY", None, 1, None), ("US", "STANDARD", None, 1, "GROUND")]
    for origin in ("amazon", "ledger"):
        status, document = mfn("shipping-methods", "us")
        assert (status, document["from"], listed(document)) == (0, origin, expected)
        world.run()


def test_every_page_from_amazon_is_counted(world: World, mfn: Mfn) -> None:
    world.put(*(an_order() for _ in range(130)))
    _, document = mfn("shipping-methods", "us")
    assert document["is_complete"]
    assert listed(document) == [("US", "STANDARD", None, 130, "GROUND")]


def test_only_unmapped_methods_have_a_row_with_the_code_of_the_same_name(world: World, mfn: Mfn) -> None:
    with world.writing_warehouse() as database:
        database.execute(insert(wms_ship_method).values(code="SAMEDAY", service="Same Day Courier", is_active=True))
    two_days_of_orders(world)
    _, document = mfn("shipping-methods", "us")
    assert {method["service_level"]: method["row"] for method in document["methods"]} == {
        "SAME_DAY": ",,SAME_DAY,US,SAMEDAY,",  # without us, for which it would beat the row for PRIME
        "NEXT_DAY": ",PREMIUM,NEXT_DAY,US,,",
        "STANDARD": None,
    }


def test_the_rows_can_be_pasted_unchanged_and_map_every_method(
    world: World, mfn: Mfn, capsys: pytest.CaptureFixture[str]
) -> None:
    with world.writing_warehouse() as database:
        database.execute(
            insert(wms_ship_method), [{"code": code, "is_active": True} for code in ("SAME_DAY", "PREMIUM_NEXT_DAY")]
        )
    # A programme that another row names must not make a second row of the same match.
    methods = world.home / "mappings" / "shipping_methods.csv"
    methods.write_text(methods.read_text(encoding="utf-8") + ",AMAZON_BUSINESS,STANDARD,,GROUND,\n", encoding="utf-8")
    two_days_of_orders(world)
    world.put(an_order(level="SAME_DAY", programs=["AMAZON_BUSINESS"]))
    assert run(["shipping-methods", "us"]) == 0
    printed = capsys.readouterr().out.splitlines()
    rows = [line for line in printed if line.count(",") == 5]
    assert len(rows) == 2
    methods.write_text(methods.read_text(encoding="utf-8") + "\n".join([*rows, ""]), encoding="utf-8")

    assert mfn("mappings", "check")[0] == 0
    _, document = mfn("shipping-methods", "us")
    assert all(method["warehouse_code"] for method in document["methods"])
    assert run(["shipping-methods", "us"]) == 0
    assert "everything is mapped" in capsys.readouterr().out


def test_a_missing_warehouse_only_leaves_the_codes_empty(
    world: World, mfn: Mfn, capsys: pytest.CaptureFixture[str]
) -> None:
    two_days_of_orders(world)
    path = world.home / "connections.yaml"
    text = path.read_text(encoding="utf-8").replace(world.warehouse_url, "sqlite:///nowhere.db")
    path.write_text(text, encoding="utf-8")
    status, document = mfn("shipping-methods", "us")
    assert status == 0
    assert [method["row"] for method in document["methods"] if method["row"]] == [
        ",,SAME_DAY,US,,",
        ",PREMIUM,NEXT_DAY,US,,",
    ]
    assert not (world.home / "nowhere.db").exists()
    assert run(["shipping-methods", "us"]) == 0
    assert "fill in the right one" in capsys.readouterr().out


def test_a_code_that_the_warehouse_lacks_does_not_count_as_mapped(
    world: World, mfn: Mfn, capsys: pytest.CaptureFixture[str]
) -> None:
    world.put(an_order(), an_order(level="SECOND_DAY"))
    with world.writing_warehouse() as database:
        database.execute(delete(wms_ship_method).where(wms_ship_method.c.code == "GROUND"))
    _, document = mfn("shipping-methods", "us")
    assert {method["warehouse_code"]: method["is_in_warehouse"] for method in document["methods"]} == {
        "GROUND": False,
        "TWO_DAY": True,
    }
    assert run(["shipping-methods", "us"]) == 0
    printed = capsys.readouterr().out
    assert "GROUND (not in the warehouse)" in printed
    assert "everything is mapped" not in printed


def test_it_says_so_if_there_are_no_orders(world: World, mfn: Mfn, capsys: pytest.CaptureFixture[str]) -> None:
    assert mfn("shipping-methods", "us") == (
        0,
        {"connection": "us", "from": "amazon", "is_complete": True, "orders": 0, "methods": []},
    )
    assert run(["shipping-methods", "us"]) == 0
    assert "no orders yet" in capsys.readouterr().out
    assert world.rows() == []


def test_wrong_rows_are_reported_and_rows_of_other_files_stop_nothing(world: World, mfn: Mfn) -> None:
    mappings = world.home / "mappings"
    (mappings / "sku_aliases.csv").write_text("nonsense\n", encoding="utf-8")
    assert mfn("shipping-methods", "us")[0] == 0
    (mappings / "shipping_methods.csv").write_text("nonsense\n", encoding="utf-8")
    status, document = mfn("shipping-methods", "us")
    assert status == 2
    assert "shipping_methods.csv" in document["problems"][0]["file"]


def test_a_missing_role_is_reported_as_an_import_reports_it(world: World, mfn: Mfn) -> None:
    world.amazon.faults.denied.add("searchOrders")
    status, document = mfn("shipping-methods", "us")
    assert status == 1
    assert "Direct-to-Consumer Delivery (Restricted)" in document["error"] + document["remedy"]
    assert document["remedy"].endswith("Then run mfn shipping-methods us again.")
    assert "rerun" not in document["remedy"]
