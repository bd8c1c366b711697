"""Held orders that a person lets through, and orders that a person takes out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psutil
import pytest
from sqlalchemy import func, select

from mfn.errors import ConfigurationError, LeaseHeldError, RetriableError, RunFailedError
from mfn.ledger.decisions import decisions_on
from mfn.ledger.order_listing import order_timeline
from mfn.ledger.orders import read_reasons
from mfn.ledger.schema import Reservation
from mfn.quality.lines import LINES
from mfn.quality.orders import ORDERS
from mfn.steps.importing import loading
from mfn.steps.importing.extract import extract
from mfn.steps.importing.transform import transform
from mfn.steps.importing.validate import validate
from mfn.steps.orders import decisions
from mfn.steps.rerunning.reruns import rerun_batch
from mfn.steps.runs import import_parameters, new_run
from mfn.steps.stages import perform
from mfn.warehouse.sql import SqlWarehouse
from tests.world import address, an_item, an_order, cancellation

if TYPE_CHECKING:
    from tests.world import World

WHY = "the buyer called"

HOLD_ALL = """\
order.import:
  - name: Look first
    when: order.order_id != ""
    then:
      - hold: look at it first
"""


def asks_for_cancellation() -> dict[str, object]:
    return an_order(an_item(cancellation=cancellation()), minutes_ago=600)


def release(world: World, *order_ids: str) -> None:
    assert decisions.release(world.settings, order_ids, why=WHY) == ()


def dismiss(world: World, *order_ids: str) -> None:
    assert decisions.dismiss(world.settings, order_ids, why=WHY) == ()


def warnings(world: World, order_id: str) -> list[str]:
    """The warnings of the newest run on an order."""
    return [reason.code for reason in read_reasons(order_timeline(world.ledger, order_id)[-1].warnings)]


def reserved(world: World, order_id: str) -> int:
    statement = select(func.coalesce(func.sum(Reservation.units), 0)).where(Reservation.order_id == order_id)
    with world.ledger.reading() as database:
        return int(database.execute(statement).scalar_one())


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("buyer_cancel_requested", {}),
        ("program_unsupported", {"programs": ["DELIVERY_BY_AMAZON"]}),
        ("address_incomplete", {"recipient": {"deliveryAddress": address(city=None)}}),
    ],
)
def test_a_released_order_is_read_again_and_loaded_by_the_next_import(
    world: World, code: str, changes: dict[str, Any]
) -> None:
    item = an_item(cancellation=cancellation()) if not changes else an_item()
    (order_id,) = world.put(an_order(item, minutes_ago=600, **changes))
    world.run()
    assert world.reasons(order_id) == [code]
    release(world, order_id)
    assert world.statuses() == {order_id: "held"}
    summary = world.run()
    assert (summary["released"], summary["still_held"]) == (1, 0)
    assert summary["api_calls"]["getOrder"] == 1
    assert world.statuses() == {order_id: "loaded"}
    assert world.lines(order_id) == [("MUG-BLUE", 1)]
    assert code in warnings(world, order_id)


def test_what_a_rule_holds_can_be_released(world: World) -> None:
    (world.home / "mappings" / "rules.yaml").write_text(HOLD_ALL, encoding="utf-8")
    (order_id,) = world.put(an_order(minutes_ago=600))
    world.run()
    assert world.reasons(order_id) == ["rule_hold"]
    release(world, order_id)
    world.run()
    assert world.statuses() == {order_id: "loaded"}


def test_another_rule_holds_a_released_order_again(world: World) -> None:
    rules = world.home / "mappings" / "rules.yaml"
    rules.write_text(HOLD_ALL, encoding="utf-8")
    (order_id,) = world.put(an_order(minutes_ago=600))
    world.run()
    release(world, order_id)
    rules.write_text(HOLD_ALL.replace("Look first", "Ask the boss"), encoding="utf-8")
    world.run()
    assert world.details(order_id) == ["rule Ask the boss: look at it first"]


@pytest.mark.parametrize(("shown", "status"), [("SHIPPED", "shipped"), ("CANCELLED", "cancelled")])
def test_a_released_order_that_amazon_settled_in_the_meantime_is_not_loaded(
    world: World, shown: str, status: str
) -> None:
    (order_id,) = world.put(asks_for_cancellation())
    world.run()
    release(world, order_id)
    order = world.amazon.orders.get(order_id)
    world.put(order | {"fulfillment": order["fulfillment"] | {"fulfillmentStatus": shown}})
    assert world.run()["released"] == 0
    assert world.statuses() == {order_id: status}
    assert world.rows() == []


def test_a_new_reason_holds_a_released_order_again_and_its_own_release_adds_up(world: World) -> None:
    (order_id,) = world.put(asks_for_cancellation())
    world.run()
    release(world, order_id)
    world.change(order_id, programs=["AMAZON_EASY_SHIP"])
    assert world.run()["held"] == 1
    assert world.reasons(order_id) == ["program_unsupported"]
    assert "buyer_cancel_requested" in warnings(world, order_id)
    release(world, order_id)
    world.run()
    assert world.statuses() == {order_id: "loaded"}


def test_a_release_for_one_missing_field_holds_for_no_other(world: World) -> None:
    (order_id,) = world.put(an_order(recipient={"deliveryAddress": address(city=None)}, minutes_ago=600))
    world.run()
    release(world, order_id)
    world.change(order_id, recipient={"deliveryAddress": address(city=None, postalCode=None)})
    world.run()
    assert world.statuses() == {order_id: "held"}


def test_the_warehouse_is_not_asked_to_cancel_what_was_released(world: World) -> None:
    of_another_reason = an_order(programs=["DELIVERY_BY_AMAZON"], minutes_ago=600)
    released, loaded, otherwise = world.put(asks_for_cancellation(), an_order(minutes_ago=600), of_another_reason)
    world.run()
    release(world, released, otherwise)
    world.run()
    for order_id in (released, loaded, otherwise):
        world.change(order_id, orderItems=[an_item(units=2, cancellation=cancellation())])
    world.run()
    asked = {row["order_number"]: row["cancel_requested_at"] is not None for row in world.rows()}
    assert asked == {released: False, loaded: True, otherwise: True}
    assert world.lines(released) == [("MUG-BLUE", 2)]


def test_a_release_outlives_a_run_that_broke_off_before_the_load(world: World) -> None:
    (order_id,) = world.put(asks_for_cancellation())
    world.run()
    release(world, order_id)
    with new_run(world.settings, "us", "import", import_parameters()) as batch:
        for step in (extract, validate, transform):
            batch = perform(step, batch, world.settings)  # noqa: PLW2901 - each step hands on the batch
    assert world.statuses() == {order_id: "ready"}
    world.run()
    assert world.statuses() == {order_id: "loaded"}


def test_a_dry_run_changes_nothing_about_a_release(world: World) -> None:
    (order_id,) = world.put(asks_for_cancellation())
    world.run()
    release(world, order_id)
    world.run(dry_run=True)
    assert (world.statuses(), world.rows()) == ({order_id: "held"}, [])
    world.run()
    assert world.statuses() == {order_id: "loaded"}


HARD: dict[str, dict[str, Any]] = {
    "sku_unknown": {"sku": "MUG-GREEN"},
    "shipping_method_unmapped": {"level": "SAME_DAY"},
    "address_missing": {"recipient": None},
    "no_quantity": {"shipped": 1},
    "invalid_payload": {"fulfillment": {"fulfilledBy": None}},
    "status_unknown": {"fulfillment": {"fulfillmentStatus": "BEWITCHED"}},
}


def test_what_leaves_nothing_to_load_is_refused_with_its_remedy_and_all_of_it_at_once(world: World) -> None:
    held = {}
    for code, changes in HARD.items():
        of_item = {name: value for name, value in changes.items() if name in {"sku", "shipped"}}
        of_order = {name: value for name, value in changes.items() if name not in of_item}
        (held[code],) = world.put(an_order(an_item(**of_item), **of_order))
    (soft,) = world.put(asks_for_cancellation())
    world.answer_page(*(world.amazon.orders.get(order_id) for order_id in (*held.values(), soft)))
    world.run()
    refusals = decisions.release(world.settings, [soft, *held.values(), "111-0000000-0000000"], why=WHY)
    assert [refusal.order_id for refusal in refusals] == [*held.values(), "111-0000000-0000000"]
    for code, refusal in zip(held, refusals, strict=False):
        assert code in refusal.problem
        assert refusal.remedy
    assert "mappings/sku_aliases.csv" in refusals[0].remedy
    assert decisions_on(world.ledger, soft) == []
    world.run()
    assert world.statuses()[soft] == "held"


def test_every_reason_of_the_checks_is_either_for_a_person_to_judge_or_not() -> None:
    codes = {rule.code for suite in (ORDERS, LINES) for rule in suite.rules if rule.severity == "critical"}
    assert codes - decisions.RELEASABLE == HARD.keys() - {"status_unknown"} | {"duplicate_line"}


def test_a_dismissed_order_is_loaded_by_no_import_also_when_amazon_changes_it(world: World) -> None:
    (order_id,) = world.put(an_order(an_item(sku="MUG-GREEN"), an_item(), minutes_ago=600))
    world.run()
    assert reserved(world, order_id) == 2
    dismiss(world, order_id)
    assert (world.statuses(), reserved(world, order_id)) == ({order_id: "dismissed"}, 0)
    world.add_items("MUG-GREEN")
    world.change(order_id, programs=["PRIME"])
    summary = world.run()
    assert (summary["fetched"], summary["ignored"], summary["ignored_reasons"]) == (1, 1, {"dismissed": 1})
    assert "getOrder" not in summary["api_calls"]
    assert (world.statuses(), reserved(world, order_id)) == ({order_id: "dismissed"}, 0)
    assert world.run(order_id=order_id)["ignored"] == 1
    assert world.rows() == []


def test_a_dismissed_order_stays_so_when_amazon_breaks_or_cancels_it(world: World) -> None:
    broken, cancelled = world.put(asks_for_cancellation(), asks_for_cancellation())
    world.run()
    dismiss(world, broken, cancelled)
    world.change(cancelled, fulfillment={"fulfillmentStatus": "CANCELLED"})
    world.answer_page(
        world.amazon.orders.get(broken) | {"createdTime": "yesterday"}, world.amazon.orders.get(cancelled)
    )
    assert world.run()["ignored"] == 2
    assert world.statuses() == {broken: "dismissed", cancelled: "dismissed"}


def test_a_dismissed_order_that_is_released_is_held_as_before_and_examined(world: World) -> None:
    fixed, not_fixed = world.put(an_order(an_item(sku="MUG-GREEN"), minutes_ago=600), asks_for_cancellation())
    world.run()
    dismiss(world, fixed, not_fixed)
    release(world, fixed, not_fixed)
    assert world.statuses() == {fixed: "held", not_fixed: "held"}
    assert (world.reasons(fixed), world.reasons(not_fixed)) == (["sku_unknown"], ["buyer_cancel_requested"])
    world.add_items("MUG-GREEN")
    summary = world.run()
    assert (summary["released"], summary["still_held"], summary["api_calls"]["getOrder"]) == (1, 1, 1)
    assert world.statuses() == {fixed: "loaded", not_fixed: "held"}


def test_a_dismissal_ends_the_releases_before_it(world: World) -> None:
    (order_id,) = world.put(asks_for_cancellation())
    world.run()
    release(world, order_id)
    dismiss(world, order_id)
    release(world, order_id)
    world.run()
    assert world.statuses() == {order_id: "held"}


def staged_and_broken_off(world: World) -> None:
    """An import that ends between transform and load."""
    with new_run(world.settings, "us", "import", import_parameters()) as batch:
        perform(transform, perform(validate, perform(extract, batch, world.settings), world.settings), world.settings)


def test_what_a_broken_off_import_had_staged_is_not_loaded_after_a_dismissal(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_: object) -> None:
        raise RetriableError("the warehouse of us cannot be used.", remedy="Start it.")

    dismissed, other = world.put(an_order(), an_order())
    with monkeypatch.context() as planted:
        planted.setattr(SqlWarehouse, "load", lost)
        with pytest.raises(RunFailedError) as failed:
            world.run()
    assert world.statuses() == {dismissed: "ready", other: "ready"}
    dismiss(world, dismissed)
    summary = rerun_batch(world.settings, failed.value.summary["batch_id"], from_stage="load")
    assert (summary["fetched"], summary["loaded"], summary["ignored"]) == (2, 1, 1)
    assert world.statuses() == {dismissed: "dismissed", other: "loaded"}
    assert [row["order_number"] for row in world.rows()] == [other]
    assert reserved(world, dismissed) == 0


def test_a_ready_order_that_was_dismissed_waits_for_the_next_import_once_it_is_taken_back(world: World) -> None:
    (order_id,) = world.put(an_order(minutes_ago=600))
    staged_and_broken_off(world)
    dismiss(world, order_id)
    release(world, order_id)
    assert (world.statuses(), world.reasons(order_id)) == ({order_id: "held"}, ["dismissed"])
    (refusal,) = decisions.release(world.settings, [order_id], why=WHY)
    assert refusal.problem == "it has already been released"
    world.run()
    assert world.statuses() == {order_id: "loaded"}


def test_what_the_warehouse_has_cannot_be_dismissed_even_if_the_ledger_does_not_know_it_yet(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object, **__: object) -> None:
        raise RetriableError("the ledger is gone.", remedy="Start it.")

    (known,) = world.put(an_order(minutes_ago=600))
    world.run()
    (unnoted,) = world.put(an_order(minutes_ago=10))
    with monkeypatch.context() as planted:
        planted.setattr(loading, "_note", die)
        with pytest.raises(RunFailedError):
            world.run()
    assert world.statuses() == {known: "loaded", unnoted: "ready"}
    refusals = decisions.dismiss(world.settings, [known, unnoted], why=WHY)
    assert [refusal.problem for refusal in refusals] == [
        "the warehouse has it (loaded)",
        "the warehouse has it (ready)",
    ]
    assert all("Seller Central" in refusal.remedy for refusal in refusals)
    world.run()
    assert world.statuses() == {known: "loaded", unnoted: "loaded"}


def test_only_what_waits_for_a_person_can_be_decided(world: World) -> None:
    pending, cancelled, shipped = world.put(an_order(status="PENDING"), an_order(status="CANCELLED"), an_order())
    world.answer_page(*(world.amazon.orders.get(order_id) for order_id in (pending, cancelled)))
    world.run()
    world.change(shipped, fulfillment={"fulfillmentStatus": "SHIPPED"})
    world.run(order_id=shipped)
    (ready,) = world.put(an_order(minutes_ago=5))
    staged_and_broken_off(world)
    order_ids = [pending, cancelled, shipped, ready]
    problems = {refusal.order_id: refusal.problem for refusal in decisions.release(world.settings, order_ids, why=WHY)}
    assert problems == {
        pending: "its payment is still pending at Amazon, and it is not loaded before that",
        cancelled: "it is cancelled, not held",
        shipped: "it has shipped",
        ready: "nothing holds it",
    }
    problems = {refusal.order_id: refusal.problem for refusal in decisions.dismiss(world.settings, order_ids, why=WHY)}
    assert problems.keys() == {pending, cancelled, shipped}


def test_nothing_is_decided_twice(world: World) -> None:
    released, dismissed = world.put(asks_for_cancellation(), asks_for_cancellation())
    world.run()
    release(world, released, released)
    dismiss(world, dismissed)
    assert [one.problem for one in decisions.release(world.settings, [released], why=WHY)] == [
        "it has already been released"
    ]
    assert [one.problem for one in decisions.dismiss(world.settings, [dismissed], why=WHY)] == [
        "it is already dismissed"
    ]
    assert len(decisions_on(world.ledger, released)) == 1


def test_no_decision_is_taken_while_an_import_is_at_work(world: World) -> None:
    (order_id,) = world.put(asks_for_cancellation())
    world.run()
    with new_run(world.settings, "us", "import", import_parameters()) as batch:
        extracted = perform(extract, batch, world.settings)
        for decide in (decisions.release, decisions.dismiss):
            with pytest.raises(LeaseHeldError):
                decide(world.settings, [order_id], why=WHY)
        perform(validate, extracted, world.settings)
    assert world.statuses() == {order_id: "held"}
    assert decisions_on(world.ledger, order_id) == []
    dismiss(world, order_id)  # the lease is free again, and given back
    world.run()
    assert world.statuses() == {order_id: "dismissed"}


def test_an_id_that_several_connections_have_is_decided_for_the_one_that_is_named(world: World) -> None:
    (of_us,) = world.put(asks_for_cancellation())
    world.run()
    (of_both,) = world.put(asks_for_cancellation())
    world.add_connection("eu", marketplaces="[US]")
    with new_run(world.settings, "eu", "import", import_parameters()) as batch:
        perform(validate, perform(extract, batch, world.settings), world.settings)
        with pytest.raises(LeaseHeldError):
            decisions.dismiss(world.settings, [of_us, of_both], why=WHY, connection="eu")
    (refusal,) = decisions.dismiss(world.settings, [of_us], why=WHY)
    assert (refusal.problem, refusal.remedy) == (
        "several connections have it: eu, us",
        "Say which one: --connection eu.",
    )
    assert decisions.dismiss(world.settings, [of_us], why=WHY, connection="us") == ()
    assert [(row.connection, row.kind) for row in decisions_on(world.ledger, of_us)] == [("us", "dismissed")]


def test_every_decision_is_kept_with_who_when_why_and_for_what(world: World) -> None:
    (order_id,) = world.put(asks_for_cancellation())
    world.run()
    decisions.release(world.settings, [order_id], why="  first \n line\x1b[2J ")
    dismiss(world, order_id)
    first, second = decisions_on(world.ledger, order_id)
    assert (first.kind, first.why, first.number) == ("released", "first line [2J", 1)
    assert (second.kind, second.why, second.number) == ("dismissed", WHY, 2)
    assert {first.decided_by, second.decided_by} == {psutil.Process().username()}
    assert first.decided_at <= second.decided_at
    assert [reason.code for reason in read_reasons(first.reasons)] == ["buyer_cancel_requested"]


@pytest.mark.parametrize("why", ["", "  ", "\n\t"])
def test_a_decision_without_a_reason_is_refused(world: World, why: str) -> None:
    (order_id,) = world.put(asks_for_cancellation())
    world.run()
    with pytest.raises(ConfigurationError, match="--why"):
        decisions.dismiss(world.settings, [order_id], why=why)
    assert world.statuses() == {order_id: "held"}


def test_decisions_are_kept_and_obeyed_on_postgresql(
    world: World, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MFN_LEDGER_URL", postgres_url)
    released, dismissed = world.put(asks_for_cancellation(), asks_for_cancellation())
    world.run()
    release(world, released)
    dismiss(world, dismissed)
    world.run()
    assert world.statuses() == {released: "loaded", dismissed: "dismissed"}
    release(world, dismissed)
    world.run()
    assert world.reasons(dismissed) == ["buyer_cancel_requested"]
    assert [row.number for row in decisions_on(world.ledger, dismissed)] == [1, 2]
