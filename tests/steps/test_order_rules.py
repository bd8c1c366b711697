"""Rules on orders: what they set reaches the warehouse, what they decide stands with the order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.world import an_item, an_order

if TYPE_CHECKING:
    from tests.world import World


def write_rules(world: World, *rules: str) -> None:
    text = "order.import:\n" + "".join(f"  - {rule}\n" for rule in rules)
    (world.home / "mappings" / "rules.yaml").write_text(text, encoding="utf-8")


def test_what_a_rule_sets_reaches_the_warehouse(world: World) -> None:
    write_rules(
        world,
        "{name: sign, when: order.units >= 3, then: [{set: {order.requires_signature: true}}]}",
        "{name: fast, when: order.requires_signature, then: [{set: {order.ship_method_code: PRIME_DAY}}]}",
    )
    many, few = world.put(an_order(an_item(units=3)), an_order())
    assert world.run()["loaded"] == 2
    rows = {row["order_number"]: row for row in world.rows()}
    assert (rows[many]["requires_signature"], rows[many]["ship_method_code"]) == (True, "PRIME_DAY")
    assert not rows[few]["requires_signature"]
    assert rows[few]["ship_method_code"] != "PRIME_DAY"


def test_a_code_that_a_rule_sets_and_the_warehouse_lacks_holds_the_order(world: World) -> None:
    write_rules(world, "{name: odd, when: order.units >= 1, then: [{set: {order.ship_method_code: BALLOON}}]}")
    (order_id,) = world.put(an_order())
    assert world.run()["held"] == 1
    assert world.reasons(order_id) == ["shipping_method_unmapped"]
    assert "BALLOON" in world.details(order_id)[0]


@pytest.mark.parametrize(("action", "code"), [("hold", "rule_hold"), ("fail", "rule_fail")])
def test_a_rule_holds_an_order_until_the_rule_is_changed(world: World, action: str, code: str) -> None:
    write_rules(world, f"{{name: wait, when: order.units == 2, then: [{{{action}: look at it}}]}}")
    held, other = world.put(an_order(an_item(units=2)), an_order())
    summary = world.run()
    assert (summary["loaded"], summary["held"]) == (1, 1)
    assert world.statuses() == {held: "held", other: "loaded"}
    assert (world.reasons(held), world.details(held)) == ([code], ["rule wait: look at it"])
    write_rules(world, f"{{name: wait, enabled: false, when: order.units == 2, then: [{{{action}: look at it}}]}}")
    assert world.run()["released"] == 1


def test_a_rule_leaves_an_order_out_whatever_else_is_wrong_with_it(world: World) -> None:
    write_rules(world, "{name: ours, when: order.units == 2, then: [{skip: shipped by hand}]}")
    skipped, other = world.put(an_order(an_item(units=2, sku="UNKNOWN")), an_order())
    summary = world.run()
    assert (summary["loaded"], summary["ignored"], summary["held"]) == (1, 1, 0)
    assert summary["ignored_reasons"] == {"rule_skip": 1}
    assert world.statuses() == {skipped: "ignored", other: "loaded"}
    assert [row["order_number"] for row in world.rows()] == [other]


def test_an_order_that_the_warehouse_has_stays_there_whatever_a_new_rule_says(world: World) -> None:
    (order_id,) = world.put(an_order())
    world.run()
    write_rules(world, "{name: late, when: order.units >= 1, then: [{hold: too late}]}")
    world.change(order_id, programs=["PREMIUM"])
    assert world.run()["held"] == 0
    assert world.statuses() == {order_id: "loaded"}
