"""`mfn skus` as a person and as a script use it, against a local Amazon and a warehouse."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from mfn.amazon.marketplaces import BY_NAME
from mfn.cli.application import run
from mfn.cli.skus import SHOWN
from mfn.warehouse.tables import wms_item

if TYPE_CHECKING:
    from tests.cli.conftest import Mfn
    from tests.world import World

US = BY_NAME["US"]


def sells(world: World, *skus: str, channel: str = "DEFAULT") -> None:
    """Amazon lists exactly these SKUs; with another channel, these too."""
    listings = world.amazon.listings
    if channel == "DEFAULT":
        for listing in listings.within([US.marketplace_id]):
            listings.remove(US.marketplace_id, listing.sku)
    for sku in skus:
        listings.add(US, sku, now=datetime.now(UTC), channel=channel, asin="B0TEST0001", title="Something for sale")


def test_both_sides_are_compared_in_one_document(world: World, mfn: Mfn) -> None:
    sells(world, "MUG-BLUE", "AMZ-MUG", "mug-red", "BREAKFAST", "KETTLE")
    sells(world, "MUG-BLUE-FBA", channel="AMAZON_NA")
    world.add_items("SAUCER", "SPOON")
    with world.writing_warehouse() as database:
        database.execute(update(wms_item).where(wms_item.c.sku == "SAUCER").values(is_active=False))

    status, document = mfn("skus", "us")

    assert status == 0
    numbers = ("seller_skus", "matched", "kits", "fba", "items", "items_listed")
    assert {name: document[name] for name in numbers} == {
        "seller_skus": 5,
        "matched": 3,
        "kits": 1,
        "fba": 1,
        "items": 6,
        "items_listed": 3,
    }
    assert [(row["seller_sku"], row["marketplaces"], row["asin"]) for row in document["missing_in_warehouse"]] == [
        ("KETTLE", ["US"], "B0TEST0001"),
        ("mug-red", ["US"], "B0TEST0001"),
    ]
    assert [(row["warehouse_sku"], row["description"]) for row in document["missing_on_amazon"]] == [
        ("00123", "00123"),
        ("MUG-RED", "MUG-RED"),
        ("SPOON", None),
    ]
    (near,) = document["near_misses"]
    assert (near["seller_sku"], near["warehouse_sku"], near["difference"]) == ("mug-red", "MUG-RED", "case")
    assert near["alias_row"] == "us,,mug-red,MUG-RED,1,"
    assert document["api_calls"] == {"searchListingsItems": 1}


def test_the_proposed_row_can_be_pasted_unchanged_and_makes_the_sku_match(
    world: World, mfn: Mfn, capsys: pytest.CaptureFixture[str]
) -> None:
    sells(world, "MUG-BLUE", "MUG-RED\u00a0", "PLATE", "BOWL", "00123")
    assert run(["skus", "us"]) == 0
    row = capsys.readouterr().out.splitlines()[-1]
    aliases = world.home / "mappings" / "sku_aliases.csv"
    aliases.write_bytes(aliases.read_bytes() + row.encode() + b"\n")

    assert mfn("mappings", "check") == (0, {"errors": []})
    _, document = mfn("skus", "us")
    assert (document["matched"], document["missing_in_warehouse"], document["near_misses"]) == (5, [], [])


def test_rows_that_need_a_choice_are_comments_so_that_nobody_pastes_a_kit(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    sells(world, "mug_red", "BOWLS", "PLATE", "PLATF")
    world.add_items("mug-red", "PLATES")
    (world.home / "mappings" / "sku_aliases.csv").unlink()
    assert run(["skus", "us"]) == 0
    proposed = capsys.readouterr().out.split("rows for mappings/sku_aliases.csv")[1].splitlines()[2:]
    assert proposed == [
        "connection,marketplace,seller_sku,warehouse_sku,units,note",
        "us,,BOWLS,BOWL,1,",
        "# us,,PLATF,PLATE,1,",
        "# us,,mug_red,mug-red,1,",
        "# us,,mug_red,MUG-RED,1,",
    ]
    assert [len(row) for row in csv.reader(proposed[:2])] == [6, 6]


def test_a_person_reads_sums_and_what_cannot_be_seen_in_quotation_marks(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    sells(world, "MUG-BLUE ", "MUG-RED")
    sells(world, "PLATE", channel="AMAZON_NA")
    assert run(["skus", "us"]) == 0
    shown = capsys.readouterr().out
    assert "us: 2 seller SKUs = 1 matched (0 of them kits) + 1 missing in the warehouse" in shown
    assert "not compared, fulfilled by Amazon: 1 listings (AMAZON_NA 1)" in shown
    assert "warehouse: 5 active items, 2 of them on Amazon" in shown
    assert "'MUG-BLUE '" in shown


def test_a_long_list_is_clipped_for_a_person_and_whole_in_the_document(
    world: World, mfn: Mfn, capsys: pytest.CaptureFixture[str]
) -> None:
    sells(world, *(f"KETTLE-{number:03d}" for number in range(SHOWN + 3)))
    assert run(["skus", "us"]) == 0
    shown = capsys.readouterr().out
    assert "… and 3 more: --json has all of them" in shown
    assert shown.count("KETTLE-") == SHOWN
    assert len(mfn("skus", "us")[1]["missing_in_warehouse"]) == SHOWN + 3


def test_it_says_so_if_everything_matches(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    sells(world, "MUG-BLUE", "MUG-RED", "00123", "PLATE", "BOWL", "AMZ-MUG", "BREAKFAST")
    assert run(["skus", "us"]) == 0
    assert capsys.readouterr().out.endswith("all SKUs match\n")


def test_a_warehouse_without_items_is_reported_as_such(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.forget_items()
    assert run(["skus", "us"]) == 0
    assert "fill wms_item first" in capsys.readouterr().out


@pytest.mark.parametrize("breaks", ["amazon", "warehouse"])
def test_a_side_that_refuses_or_cannot_be_reached_ends_with_1_and_what_to_do(
    world: World, mfn: Mfn, breaks: str
) -> None:
    path = world.home / "connections.yaml"
    text = path.read_text(encoding="utf-8")
    if breaks == "amazon":
        refused = {"errors": [{"code": "Unauthorized", "message": "Access to requested resource is denied."}]}
        world.amazon.faults.answer("searchListingsItems", 403, refused, times=9)
    else:
        path.write_text(text.replace(world.warehouse_url, "postgresql+psycopg://u:p@127.0.0.1:1/x"), encoding="utf-8")
    status, document = mfn("skus", "us")
    assert status == 1
    assert document["error"]
    assert document["remedy"]
    assert "mfn rerun" not in document["remedy"]


def test_a_wrong_setup_ends_with_2_before_amazon_is_asked(world: World, mfn: Mfn) -> None:
    assert mfn("skus", "nowhere")[0] == 2
    aliases = world.home / "mappings" / "sku_aliases.csv"
    aliases.write_text(aliases.read_text(encoding="utf-8") + "us,,MUG,,1,\n", encoding="utf-8")
    status, document = mfn("skus", "us")
    assert status == 2
    assert [(problem["line"], problem["column"]) for problem in document["problems"]] == [(5, "warehouse_sku")]


def test_a_sku_is_one_entry_for_all_marketplaces_of_a_connection(world: World, mfn: Mfn) -> None:
    canada = BY_NAME["CA"]
    world.add_connection("na", marketplaces="[US, CA]")
    sells(world, "KETTLE", "MUG-RED")
    for sku in ("KETTLE", "MUG-RED"):
        world.amazon.listings.add(canada, sku, now=datetime.now(UTC))
    status, document = mfn("skus", "na")
    assert (status, document["marketplaces"]) == (0, ["US", "CA"])
    assert (document["seller_skus"], document["matched"]) == (2, 1)
    assert [(row["seller_sku"], row["marketplaces"]) for row in document["missing_in_warehouse"]] == [
        ("KETTLE", ["US", "CA"])
    ]
