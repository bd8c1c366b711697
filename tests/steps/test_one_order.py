"""One order, fetched by its id: examined at once, whatever it is held for, and told what became of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from mfn.amazon.marketplaces import BY_NAME
from mfn.cli.application import run
from mfn.errors import RunFailedError
from mfn.steps.orders import decisions
from mfn.steps.rerunning.reruns import failed_batches
from mfn.steps.summaries import outcome_of
from tests.world import address, an_item, an_order

if TYPE_CHECKING:
    from tests.world import World


def test_a_held_order_is_examined_at_once_and_loaded_once_it_is_fixed(world: World) -> None:
    (order_id,) = world.put(an_order(an_item(sku="MUG-GREEN"), minutes_ago=600))
    world.run()
    summary = world.run(order_id=order_id)
    assert summary["order"]["outcome"] == "held"
    assert [reason["code"] for reason in summary["order"]["reasons"]] == ["sku_unknown"]
    world.add_items("MUG-GREEN")
    summary = world.run(order_id=order_id)
    assert summary["order"] == {"order_id": order_id, "outcome": "loaded", "reasons": []}
    assert summary["api_calls"] == {"getOrder": 1}, "no search is spent"
    assert world.statuses() == {order_id: "loaded"}
    assert world.lines(order_id) == [("MUG-GREEN", 1)]


@pytest.mark.parametrize("broken", [{"createdTime": "yesterday"}, {"orderItems": None}, {"recipient": None}])
def test_what_amazon_broke_is_loaded_once_it_answers_properly(world: World, broken: dict[str, object]) -> None:
    order = an_order(minutes_ago=600)
    (order_id,) = world.put(order)
    world.answer_page(order | broken)
    world.run()
    assert world.statuses() == {order_id: "held"}
    assert world.run(order_id=order_id)["order"]["outcome"] == "loaded"
    assert world.statuses() == {order_id: "loaded"}


def test_a_released_order_is_loaded_at_once(world: World) -> None:
    (order_id,) = world.put(an_order(recipient={"deliveryAddress": address(city=None)}, minutes_ago=600))
    world.run()
    assert decisions.release(world.settings, [order_id], why="picked up at the door") == ()
    assert world.run(order_id=order_id)["order"]["outcome"] == "loaded"


def test_others_that_are_held_are_left_for_the_next_run(world: World) -> None:
    one, other = world.put(*(an_order(an_item(sku="MUG-GREEN"), minutes_ago=600) for _ in range(2)))
    world.run()
    world.add_items("MUG-GREEN")
    world.run(order_id=one)
    assert world.statuses() == {one: "loaded", other: "held"}


@pytest.mark.parametrize(
    ("status", "code", "standing"),
    [("SHIPPED", "already_shipped", "shipped"), ("CANCELLED", "cancelled", "cancelled")],
)
def test_what_amazon_settled_is_not_loaded_and_says_so(world: World, status: str, code: str, standing: str) -> None:
    (order_id,) = world.put(an_order(an_item(sku="MUG-GREEN"), minutes_ago=600))
    world.run()
    world.change(order_id, fulfillment={"fulfillmentStatus": status})
    world.add_items("MUG-GREEN")
    order = world.run(order_id=order_id)["order"]
    assert [reason["code"] for reason in order["reasons"]] == [code]
    assert world.statuses() == {order_id: standing}
    assert world.rows() == []


def test_a_dry_run_of_one_order_says_what_would_become_of_it(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    (order_id,) = world.put(an_order(minutes_ago=600))
    assert run(["import", "us", "--order", f" {order_id} ", "--dry-run"]) == 0
    assert f"{order_id}: would be loaded" in capsys.readouterr().out
    assert world.statuses() == {}


def test_a_person_reads_why_the_order_is_not_loaded_and_what_to_do(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    (held, dismissed) = world.put(*(an_order(an_item(sku="MUG-GREEN"), minutes_ago=600) for _ in range(2)))
    world.run()
    assert decisions.dismiss(world.settings, [dismissed], why="a fraud") == ()
    assert run(["import", "us", "--order", held]) == 0
    shown = capsys.readouterr().out
    assert f"{held}: held" in shown
    assert "sku_unknown: " in shown
    assert "mappings/sku_aliases.csv" in shown
    assert run(["import", "us", "--order", dismissed]) == 0
    shown = capsys.readouterr().out
    assert f"{dismissed}: ignored\n  dismissed: dismissed by hand" in shown
    assert "To undo this: mfn orders release" in shown


def test_what_a_marketplace_had_before_it_was_added_comes_as_its_orders_say(world: World) -> None:
    canada = BY_NAME["CA"].marketplace_id
    (order_id,) = world.put(an_order(minutes_ago=600, salesChannel={"channelName": "AMAZON", "marketplaceId": canada}))
    world.run()
    (reason,) = world.run(order_id=order_id)["order"]["reasons"]
    assert reason["code"] == "other_marketplace"
    assert "mfn import CONNECTION --since DATE" in reason["remedy"]
    connections = world.home / "connections.yaml"
    connections.write_text(connections.read_text(encoding="utf-8").replace("[US]", "[US, CA]"), encoding="utf-8")
    assert world.run()["fetched"] == 0
    assert world.run(since=datetime.now(UTC) - timedelta(days=1))["loaded"] == 1


def test_an_order_that_amazon_does_not_know_fails_for_good(world: World) -> None:
    with pytest.raises(RunFailedError, match="Amazon has no order 111-0000000-0000000") as failed:
        world.run(order_id="111-0000000-0000000")
    assert "order" not in failed.value.summary
    assert failed_batches(world.settings) == []


def test_an_order_that_stays_held_does_not_fail_the_run(world: World) -> None:
    world.write_connections(hold_alarm_percent=10)
    (order_id,) = world.put(an_order(an_item(sku="MUG-GREEN"), minutes_ago=600))
    assert run(["import", "us", "--order", order_id]) == 0
    assert failed_batches(world.settings) == []


def test_what_somebody_changed_in_the_warehouse_is_said_to_be_written_again(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    (order_id,) = world.put(an_order(minutes_ago=600))
    world.run()
    world.correct_city(order_id, "Elsewhere")
    assert run(["import", "us", "--order", order_id]) == 0
    shown = capsys.readouterr().out
    assert f"{order_id}: unchanged at Amazon; its rows in the warehouse were written again" in shown
    assert "1 fetched = 0 loaded + 0 held + 1 unchanged" in shown
    assert world.rows()[0]["city"] == "Seattle"
    summary = world.run(order_id=order_id)
    assert summary["order"] == {"order_id": order_id, "outcome": "unchanged", "reasons": [], "is_written_again": True}
    assert "its rows in the warehouse were written again" in outcome_of(world.settings, summary["batch_id"])


def test_what_the_warehouse_has_begun_is_not_said_to_be_written_again(world: World) -> None:
    (order_id,) = world.put(an_order(minutes_ago=600))
    world.run()
    world.correct_city(order_id, "Elsewhere")
    world.warehouse_moves(order_id, "picking")
    summary = world.run(order_id=order_id)
    assert summary["order"] == {"order_id": order_id, "outcome": "unchanged", "reasons": []}
    assert world.rows()[0]["city"] == "Elsewhere"


def test_a_new_version_that_the_warehouse_refuses_is_reported(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    (order_id,) = world.put(an_order(minutes_ago=600))
    world.run()
    world.correct_city(order_id, "Elsewhere")
    world.refuse_city("Seattle")
    assert run(["import", "us", "--order", order_id]) == 0
    shown = capsys.readouterr().out
    assert f"{order_id}: unchanged\n  it was not written again: the warehouse refused it" in shown
    assert "no such city" in shown
    assert world.rows()[0]["city"] == "Elsewhere"
