"""`mfn rules test`: rules tried on an order, a parcel and a SKU as a person and as a script do it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mfn.cli.application import run
from mfn.steps.runs import run_import
from mfn.warehouse.tables import wms_inventory
from tests.warehouse_actor import WarehouseActor
from tests.world import an_item, an_order

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Mfn
    from tests.world import World

    Write = Callable[[str], str]

RULES = """\
order.import:
  - name: Prime goes by air
    when: order.programs.contains("PRIME") and order.ship_method_code != "AIR"
    then:
      - set: {order.ship_method_code: AIR}
  - name: Not to Washington
    enabled: false
    when: order.state == "WA" and order.value > 20
    then:
      - skip: no licence
  - name: Kits wait
    when: order.warehouse_skus.contains("BOWL") and order.ship_method_code == "AIR"
    then:
      - hold: packed by hand
  - name: Never reached
    when: true
    then:
      - stop: true
shipment.notification:
  - name: Two parcels
    when: shipment.parcels_of_order == 2 and shipment.units < order.units and order.service_level == "STANDARD"
    then:
      - set: {shipment.carrier_name: Split}
      - stop: true
inventory.push:
  - name: Kits are few
    when: stock.is_kit and stock.available < 3 and stock.promised == 2 and stock.sku == "PLATE"
    then:
      - set: {stock.maximum_units: 1}
  - name: Nothing in Canada
    when: stock.marketplace == "CA"
    then:
      - skip: not sold there
"""


@pytest.fixture
def write(world: World) -> Write:
    def write_rules(text: str) -> str:
        path: Path = world.home / "new-rules.yaml"
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write_rules


def test_an_order_shows_which_rules_fire_on_which_values_and_what_each_changes(
    world: World, mfn: Mfn, write: Write
) -> None:
    (order_id,) = world.put(an_order(an_item(sku="BREAKFAST", units=3), programs=["PRIME"]))
    world.run()
    status, document = mfn("rules", "test", write(RULES), "--order", order_id)
    assert status == 0
    assert {name: document[name] for name in ("event", "id", "connection", "decision", "message", "rule")} == {
        "event": "order.import",
        "id": order_id,
        "connection": "us",
        "decision": "hold",
        "message": "packed by hand",
        "rule": "Kits wait",
    }
    prime, washington, kits, never = document["rules"]
    assert prime["values"] == {"order.programs": ["PRIME"], "order.ship_method_code": "PRIME_DAY"}
    assert prime["changed"] == {"order.ship_method_code": {"before": "PRIME_DAY", "after": "AIR"}}
    assert (washington["enabled"], washington["fired"], washington["decision"]) == (False, True, "skip")
    assert washington["values"] == {"order.state": "WA", "order.value": 29.97}
    assert kits["values"] == {"order.warehouse_skus": ["BOWL", "PLATE"], "order.ship_method_code": "AIR"}
    assert (never["tried"], never["fired"]) == (False, False)


def test_an_order_of_several_connections_is_tried_for_the_one_that_is_named(
    world: World, mfn: Mfn, write: Write
) -> None:
    world.add_connection("other", marketplaces="[US]")
    (order_id,) = world.put(an_order())
    for connection in ("us", "other"):
        run_import(world.settings, connection)
    status, document = mfn("rules", "test", write(RULES), "--order", order_id)
    assert (status, document["error"]) == (2, f"other, us each have an order {order_id!r}.")
    status, document = mfn("rules", "test", write(RULES), "--order", order_id, "--connection", "us")
    assert (status, document["connection"]) == (0, "us")


def test_a_held_order_can_be_tried_too(world: World, mfn: Mfn, write: Write) -> None:
    (order_id,) = world.put(an_order(an_item(sku="NO-SUCH"), level="SAME_DAY", recipient=None))
    world.run()
    assert world.statuses() == {order_id: "held"}
    status, document = mfn("rules", "test", write(RULES), "--order", order_id)
    assert (status, document["decision"]) == (0, "")
    assert document["rules"][0]["values"]["order.ship_method_code"] == ""


def test_a_parcel_is_tried_with_its_order_and_the_parcels_beside_it(world: World, mfn: Mfn, write: Write) -> None:
    (order_id,) = world.put(an_order(an_item(units=3)))
    world.run()
    actor = WarehouseActor(world.warehouse_url)
    actor.ship(order_id, shipment_id="P-1", units={1: 1}, carrier="UPS", tracking_number="1Z1")
    actor.ship(order_id, shipment_id="P-2", units={1: 2}, carrier="UPS", tracking_number="1Z2")
    status, document = mfn("rules", "test", write(RULES), "--shipment", "P-2")
    assert (status, document["event"], document["id"]) == (0, "shipment.notification", "P-2")
    (entry,) = document["rules"]
    assert entry["values"] == {
        "shipment.parcels_of_order": 2,
        "shipment.units": 2,
        "order.units": 3,
        "order.service_level": "STANDARD",
    }
    assert entry["changed"]["shipment.carrier_name"]["after"] == "Split"
    assert entry["stops"]


def test_a_sku_is_tried_with_its_stock_and_the_units_promised_from_it(world: World, mfn: Mfn, write: Write) -> None:
    world.put(an_order(an_item(sku="BREAKFAST", units=1)))
    world.run()
    actor = WarehouseActor(world.warehouse_url)
    stock = {"location": "MAIN", "allocated": 1, "is_sellable": True, "counted_at": None}
    actor.add(wms_inventory, *({"sku": sku, "on_hand": 8, **stock} for sku in ("PLATE", "BOWL")))
    status, document = mfn("rules", "test", write(RULES), "--sku", "BREAKFAST")
    assert (status, document["event"], document["id"]) == (0, "inventory.push", "BREAKFAST")
    few, canada = document["rules"]
    assert few["values"] == {
        "stock.is_kit": True,
        "stock.available": 2,
        "stock.promised": 2,
        "stock.sku": "PLATE",
    }
    assert few["changed"] == {"stock.maximum_units": {"before": None, "after": 1}}
    assert (canada["fired"], canada["values"]) == (False, {"stock.marketplace": "US"})


def test_a_person_reads_what_happened(world: World, capsys: pytest.CaptureFixture[str], write: Write) -> None:
    (order_id,) = world.put(an_order(an_item(sku="BREAKFAST", units=3), programs=["PRIME"]))
    world.run()
    assert run(["rules", "test", write(RULES), "--order", order_id]) == 0
    shown = capsys.readouterr().out
    assert "Prime goes by air: fires\n  order.programs is PRIME\n" in shown
    assert "sets order.ship_method_code: PRIME_DAY > AIR" in shown
    assert "Not to Washington: fires (disabled: tried only here)" in shown
    assert "Never reached: is not tried" in shown
    assert "result: hold, by Kits wait: packed by hand" in shown


def test_what_cannot_be_tried_ends_with_2_and_says_why(world: World, mfn: Mfn, write: Write) -> None:
    (order_id,) = world.put(an_order())
    world.run()
    rules = write(RULES)
    for words in (
        [rules],
        [rules, "--order", order_id, "--shipment", "P-1"],
        [rules, "--order", order_id, "--sku", "PLATE"],
        [rules, "--sku", "NO-SUCH"],
        [rules, "--order", "111-0000000-0000000"],
        [rules, "--order", order_id, "--connection", "eu"],
        [rules, "--shipment", "P-1"],
        [rules, "--shipment", "P-1", "--connection", "eu"],
        ["no-such-file.yaml", "--order", order_id],
    ):
        status, document = mfn("rules", "test", *words)
        assert status == 2, words
        assert document["error"], words
        assert document["remedy"], words
    status, document = mfn("rules", "test", write(RULES.replace("order.state", "order.stat")), "--order", order_id)
    assert status == 2
    assert document["problems"][0]["line"] == 8
    assert "Did you mean order.state?" in document["error"]


def test_trying_rules_writes_nothing(world: World, mfn: Mfn, write: Write) -> None:
    (order_id,) = world.put(an_order(programs=["PRIME"]))
    world.run()
    before = (world.rows(), world.statuses())
    mfn("rules", "test", write(RULES), "--order", order_id)
    assert (world.rows(), world.statuses()) == before


def test_rules_in_the_mappings_are_checked_with_them(world: World, mfn: Mfn) -> None:
    path = world.home / "mappings" / "rules.yaml"
    path.write_text(RULES, encoding="utf-8")
    assert mfn("mappings", "check") == (0, {"errors": []})
    path.write_text(RULES.replace("order.state ==", "order.state ="), encoding="utf-8")
    status, document = mfn("mappings", "check")
    assert status == 1
    assert [(error["line"], error["column"]) for error in document["errors"]] == [(8, "order.import[1].when")]
