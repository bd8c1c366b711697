"""Stock runs: what is told to Amazon, what is not, and how a run goes on that was broken off."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, text, update

from mfn.ledger.batch_listing import list_batches
from mfn.ledger.batches import get_batch
from mfn.ledger.imported_units import covered_until
from mfn.simulator.clock import amazon_time
from mfn.steps.rerunning.reruns import failed_batches, rerun_batch
from mfn.steps.runs import inventory_parameters, new_run
from mfn.steps.stages import INVENTORY_STEPS, perform
from mfn.warehouse.tables import wms_inventory, wms_item
from tests.steps.pushing import SKUS, everywhere
from tests.stock_world import CA

if TYPE_CHECKING:
    import pytest

    from tests.steps.pushing import Pushing


def broken_off(pushing: Pushing, **options: Any) -> str:
    """A run that ended as Amazon took nothing; its batch."""
    before = pushing.shown()
    pushing.stock.world.amazon.faults.answer("patchListingsItem", 403, times=20)
    _, summary = pushing.run_that_fails(**options)
    pushing.stock.world.amazon.faults._queues.clear()
    assert pushing.shown() == before
    return str(summary["batch_id"])


def placed_before(pushing: Pushing, order_id: str, *, minutes: float) -> None:
    """An order was placed so much earlier."""
    order = pushing.stock.world.amazon.orders.get(order_id)
    placed_at = amazon_time(datetime.now(UTC) - timedelta(minutes=minutes))
    pushing.stock.world.put(order | {"createdTime": placed_at})


def put_a_jug(pushing: Pushing) -> None:
    """The warehouse and Amazon get one more SKU."""
    pushing.stock.world.add_items("JUG")
    pushing.stock.receive("JUG", 3)
    pushing.stock.list_offer("JUG")


def test_only_what_differs_from_what_was_sent_is_sent(pushing: Pushing) -> None:
    assert pushing.run()["pushed"] == 4
    pushing.stock.receive("BOWL", 12)
    summary = pushing.run()
    assert (summary["pushed"], summary["unchanged"]) == (1, 3)
    assert pushing.shown() == everywhere(10) | {"BOWL": 12}
    assert pushing.calls() == 5


def test_the_first_dry_run_shows_what_the_push_then_holds(pushing: Pushing) -> None:
    pushing.stock.list_offer("STRANGER", 2)
    rehearsed = pushing.run(dry_run=True)
    assert (rehearsed["pushed"], rehearsed["held"]) == (4, 1)
    page = Path(rehearsed["report"]).read_text(encoding="utf-8")
    assert "STRANGER" in page
    assert "nothing is held" not in page
    pushed = pushing.run()
    assert (pushed["pushed"], pushed["held"]) == (4, 1)
    assert "sku_unknown" in pushing.reasons("STRANGER")
    pushing.stock.list_offer("NEWCOMER", 2)
    assert pushing.run(dry_run=True, full=True)["held"] == 2


def test_inactive_items_are_sent_as_none_and_counted_and_amazon_fulfilled_offers_counted_apart(
    pushing: Pushing,
) -> None:
    with pushing.stock.world.writing_warehouse() as database:
        database.execute(update(wms_item).where(wms_item.c.sku == "BOWL").values(is_active=False))
    pushing.stock.list_offer("OF-AMAZON", channel="AMAZON_NA")
    summary = pushing.run(force=True)
    assert (summary["skus"], pushing.shown()) == (4, everywhere(10) | {"BOWL": 0})
    findings = get_batch(pushing.stock.world.ledger, summary["batch_id"]).findings
    assert (findings["warnings"], findings["ignored"]) == ({"item_inactive": 1}, {"not_merchant_fulfilled": 1})
    pushing.stock.list_offer("BOWL", channel="AMAZON_NA")
    summary = pushing.run(dry_run=True, full=True)
    assert summary["skus"] == 3
    findings = get_batch(pushing.stock.world.ledger, summary["batch_id"]).findings
    assert (findings["warnings"], findings["ignored"]) == ({}, {"not_merchant_fulfilled": 2})


def test_items_listed_twice_in_a_table_that_the_warehouse_owns_stop_no_run(pushing: Pushing) -> None:
    with pushing.stock.world.writing_warehouse() as database:
        database.execute(text("CREATE TABLE item AS SELECT sku, description, is_active FROM wms_item"))
        database.execute(text("DROP TABLE wms_item"))
        both = "SELECT sku, description, is_active FROM item UNION ALL SELECT sku, 'once more', is_active FROM item"
        database.execute(text(f"CREATE VIEW wms_item AS {both}"))
    assert pushing.run()["pushed"] == 4
    assert pushing.shown() == everywhere(10)


def test_a_sale_that_an_import_brought_needs_no_call(pushing: Pushing) -> None:
    pushing.run()
    pushing.stock.minutes_pass(5)
    pushing.stock.check_out("VASE", 3)
    pushing.stock.minutes_pass(5)
    pushing.stock.world.run()
    summary = pushing.run()
    assert (summary["pushed"], summary["drift"], pushing.calls()) == (0, 0, 4)
    assert pushing.shown() == everywhere(10) | {"VASE": 7}


def test_a_level_that_was_held_and_that_amazon_shows_by_now_is_held_no_more(pushing: Pushing) -> None:
    pushing.run()
    pushing.stock.minutes_pass(5)
    pushing.stock.check_out("BOWL", 2)
    pushing.stock.receive("BOWL", -1)
    assert (pushing.run()["held"], "stock_negative" in pushing.reasons("BOWL")) == (1, True)
    pushing.stock.receive("BOWL", 10)
    pushing.stock.minutes_pass(5)
    pushing.stock.world.run()
    summary = pushing.run()
    assert (summary["unchanged"], summary["held"], pushing.stock.shown("BOWL")) == (4, 0, 8)
    assert pushing.reasons("BOWL") == "None"
    assert "stock_negative" not in Path(summary["report"]).read_text(encoding="utf-8")


def test_a_refused_level_that_a_person_has_corrected_at_amazon_is_no_longer_a_failure(pushing: Pushing) -> None:
    pushing.run()
    pushing.stock.world.amazon.faults.refused_skus["LAMP"] = "The product type is not valid."
    pushing.stock.receive("LAMP", 12)
    assert pushing.run_that_fails()[1]["failed"] == 1
    pushing.stock.list_offer("LAMP", 12)
    summary = pushing.run()
    assert (summary["failed"], summary["unchanged"]) == (0, 4)
    assert pushing.reasons("LAMP") == "None"


def test_an_offer_at_its_maximum_is_filled_up_again_after_a_sale(pushing: Pushing) -> None:
    pushing.stock.write_inventory_section(maximum_units=6)
    pushing.run()
    pushing.stock.minutes_pass(5)
    pushing.stock.check_out("VASE", 2)
    pushing.stock.minutes_pass(5)
    pushing.stock.world.run()
    assert pushing.run()["pushed"] == 1
    assert pushing.shown() == everywhere(6)


def test_a_kit_gets_what_its_components_allow_and_a_shared_component_is_reported(pushing: Pushing) -> None:
    pushing.stock.write_aliases(("us", "", "SET", "PLATE", 3), ("us", "", "SET", "BOWL", 1))
    pushing.stock.list_offer("SET")
    summary = pushing.run()
    assert pushing.stock.shown("SET") == 3
    assert summary["oversold"] == 2


def test_an_import_that_ends_between_reading_and_pushing_undoes_no_sale(pushing: Pushing) -> None:
    pushing.run()
    pushing.stock.minutes_pass(5)
    pushing.stock.check_out("BOWL", 3)
    pushing.stock.minutes_pass(5)
    pushing.stock.receive("BOWL", 12)
    settings = pushing.stock.world.settings
    read, *others = INVENTORY_STEPS
    with new_run(settings, "us", "inventory", inventory_parameters()) as batch:
        batch = perform(read, batch, settings)  # noqa: PLW2901 - as the runs do it
        pushing.stock.world.run()
        for step in others:
            batch = perform(step, batch, settings)  # noqa: PLW2901
    assert pushing.stock.shown("BOWL") == 9
    pushing.run()
    assert pushing.stock.shown("BOWL") == 9


def test_an_order_that_is_older_than_the_last_sending_and_shows_late_explains_what_is_missing(pushing: Pushing) -> None:
    pushing.run()
    pushing.stock.minutes_pass(5)
    placed_before(pushing, pushing.stock.check_out("BOWL", 2), minutes=30)
    pushing.stock.minutes_pass(5)
    pushing.stock.world.run()
    summary = pushing.run()
    assert (summary["pushed"], summary["drift"], pushing.calls()) == (0, 0, 4)
    assert pushing.stock.shown("BOWL") == 8


def test_an_order_that_a_sending_undid_explains_nothing_that_is_missing_since(pushing: Pushing) -> None:
    order_id = pushing.stock.check_out("BOWL", 2)
    placed_before(pushing, order_id, minutes=1)
    pushing.run()
    assert pushing.stock.shown("BOWL") == 10
    pushing.stock.minutes_pass(5)
    pushing.stock.check_out("BOWL", 1)
    pushing.stock.world.run()
    pushing.run()
    assert pushing.stock.shown("BOWL") == 7


def test_an_import_that_leaves_a_gap_covers_no_sale(pushing: Pushing) -> None:
    pushing.run()
    pushing.stock.minutes_pass(30)
    pushing.stock.check_out("BOWL", 3)
    pushing.stock.receive("BOWL", 12)
    pushing.run()
    assert pushing.stock.shown("BOWL") == 9
    pushing.stock.minutes_pass(10)
    before = covered_until(pushing.stock.world.ledger, "us")
    pushing.stock.world.run(since=datetime.now(UTC) - timedelta(minutes=4))
    assert covered_until(pushing.stock.world.ledger, "us") == before
    pushing.run(full=True)
    assert pushing.stock.shown("BOWL") == 9


def test_a_run_that_was_broken_off_is_carried_on_with_what_the_warehouse_has_by_now(pushing: Pushing) -> None:
    batch_id = broken_off(pushing)
    put_a_jug(pushing)
    summary = pushing.run()
    assert (summary["batch_id"], summary["skus"], summary["pushed"]) == (batch_id, 5, 5)
    assert pushing.shown() == everywhere(10)


def test_a_run_that_broke_off_says_how_many_levels_are_still_to_be_sent(pushing: Pushing) -> None:
    assert pushing.run()["pending"] == 0
    for sku in ("BOWL", "LAMP"):
        pushing.stock.receive(sku, 8)
    pushing.stock.world.amazon.faults.refused_skus["LAMP"] = "The product type is not valid."
    pushing.stock.world.amazon.faults.answer("patchListingsItem", 403, times=20)
    error, summary = pushing.run_that_fails()
    assert (summary["unchanged"], summary["pending"]) == (4, 2), error
    pushing.stock.world.amazon.faults._queues.clear()
    _, summary = pushing.run_that_fails()
    assert (summary["pushed"], summary["failed"], summary["pending"]) == (1, 1, 0)


def test_a_step_that_is_tried_again_sends_nothing_twice(pushing: Pushing) -> None:
    settings = pushing.stock.world.settings
    read, compare, push, verify = INVENTORY_STEPS
    with new_run(settings, "us", "inventory", inventory_parameters(full=True)) as batch:
        for step in (
            read,
            compare,
            push,
            push,
            verify,
        ):
            batch = perform(step, batch, settings)  # noqa: PLW2901 - as the runs do it
    assert pushing.calls() == 4
    assert batch.counts["pushed"] == 4


def test_a_batch_is_run_again_from_its_push_only_as_long_as_what_it_read_is_fresh(
    pushing: Pushing, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch_id = broken_off(pushing)
    put_a_jug(pushing)
    settings = pushing.stock.world.settings
    assert rerun_batch(settings, batch_id, from_stage="push")["pushed"] == 4
    batch_id = broken_off(pushing, full=True)
    monkeypatch.setattr("mfn.steps.rerunning.reruns.OLD_AFTER", timedelta())
    assert rerun_batch(settings, batch_id, from_stage="push")["pushed"] == 5


def test_a_batch_that_failed_is_run_again_and_one_that_is_done_has_nothing_left_to_send(pushing: Pushing) -> None:
    batch_id = broken_off(pushing)
    settings = pushing.stock.world.settings
    assert failed_batches(settings) == [batch_id]
    assert rerun_batch(settings, batch_id)["status"] == "done"
    calls = pushing.calls()
    summary = rerun_batch(settings, batch_id, from_stage="push")
    assert (summary["status"], summary["pushed"], pushing.calls()) == ("done", 4, calls)
    assert [row.stage for row in list_batches(pushing.stock.world.ledger, kind="inventory")] == ["verify"]


def test_an_offer_that_a_search_leaves_out_is_asked_for_alone_before_it_counts_as_gone(pushing: Pushing) -> None:
    pushing.run()
    for sku in SKUS:
        pushing.stock.receive(sku, 8)
    pushing.stock.world.amazon.faults.answer("searchListingsItems", 200, {"numberOfResults": 0, "items": []})
    summary = pushing.run()
    assert (summary["pushed"], summary["held"], pushing.shown()) == (4, 0, everywhere(8))
    for key in [key for key in pushing.stock.amazon._listings if key[1] == "LAMP"]:
        del pushing.stock.amazon._listings[key]
    pushing.stock.receive("LAMP", 7)
    assert (pushing.run()["held"], "listing_missing" in pushing.reasons("LAMP")) == (1, True)


def test_a_listing_that_amazon_denies_keeps_no_other_level_from_being_sent(pushing: Pushing) -> None:
    stock, denied = pushing.stock, "BOWL, BLUE"
    stock.world.add_items(denied)
    stock.list_offer(denied, 5)
    stock.receive(denied, 9)
    pushing.run()
    for sku in (denied, *SKUS):
        stock.receive(sku, 8)
    stock.world.amazon.faults.answer("getListingsItem", 403, times=2)
    error, summary = pushing.run_that_fails()
    assert (summary["pushed"], pushing.shown(), stock.shown(denied)) == (4, everywhere(8), 9)
    assert denied in error.message
    assert "Others were answered" in error.remedy
    stock.world.amazon.faults.answer("getListingsItem", 403, times=2)
    _, summary = pushing.run_that_fails(full=True)
    assert (summary["pushed"], summary["held"]) == (4, 0)
    assert pushing.run()["pushed"] == 1
    assert stock.shown(denied) == 8


def test_a_new_sku_that_amazon_denies_is_requested_again_and_delays_no_other_level(
    pushing: Pushing,
) -> None:
    pushing.run()
    new = "JUG, RED"
    pushing.stock.world.add_items(new)
    pushing.stock.list_offer(new, 5)
    for sku in (new, *SKUS):
        pushing.stock.receive(sku, 8)
    pushing.stock.world.amazon.faults.answer("getListingsItem", 403, times=2)
    assert (pushing.run()["pushed"], pushing.shown(), pushing.stock.shown(new)) == (4, everywhere(8), 5)
    assert pushing.run()["pushed"] == 1
    assert pushing.stock.shown(new) == 8


def test_a_reading_of_all_listings_that_is_empty_is_not_taken_for_no_listings(pushing: Pushing) -> None:
    pushing.run()
    pushing.stock.receive("LAMP", 8)
    nothing = {"numberOfResults": 0, "items": []}
    pushing.stock.world.amazon.faults.answer("searchListingsItems", 200, nothing, times=20)
    summary = pushing.run(full=True)
    assert (summary["pushed"], summary["held"], pushing.shown()) == (4, 0, everywhere(10) | {"LAMP": 8})


def test_nothing_is_sent_to_a_marketplace_that_left_the_connection(pushing: Pushing) -> None:
    stock, path = pushing.stock, pushing.stock.world.home / "connections.yaml"
    only_us = path.read_text(encoding="utf-8")
    path.write_text(only_us.replace("[US]", "[US, CA]"), encoding="utf-8")
    stock.list_offer("LAMP", 3, place=CA)
    stock.list_offer("PLATE", 3, place=CA)
    assert (pushing.run()["skus"], stock.shown("LAMP", CA)) == (6, 10)
    path.write_text(only_us, encoding="utf-8")
    stock.receive("LAMP", 7)
    stock.check_out("PLATE", 4, place=CA)
    for options in ({}, {"full": True}):
        summary = pushing.run(**options)
        assert (summary["skus"], summary["pending"], summary["verified"], summary["drift"]) == (4, 0, 4, 0)
    assert (stock.shown("LAMP"), stock.shown("LAMP", CA), stock.shown("PLATE", CA)) == (7, 10, 6)
    path.write_text(only_us.replace("[US]", "[US, CA]"), encoding="utf-8")
    assert (pushing.run()["skus"], stock.shown("LAMP", CA)) == (6, 7)


def test_a_listing_without_a_shown_quantity_gets_its_level_once(pushing: Pushing) -> None:
    pushing.run()
    sent_calls = pushing.calls()
    one = {"sku": "LAMP", "summaries": [], "fulfillmentAvailability": [{"fulfillmentChannelCode": "DEFAULT"}]}
    for units, calls in ((10, 0), (9, 1), (9, 0)):
        pushing.stock.receive("LAMP", units)
        pushing.stock.minutes_pass(20)
        answer = {"numberOfResults": 1, "items": [one]}
        pushing.stock.world.amazon.faults.answer("searchListingsItems", 200, answer, times=2)
        pushing.run()
        pushing.stock.world.amazon.faults._queues.clear()
        assert pushing.calls() == sent_calls + calls, units
        sent_calls = pushing.calls()
    assert pushing.shown() == everywhere(10) | {"LAMP": 9}


def test_a_listing_that_is_new_is_found_without_reading_all_of_them(pushing: Pushing) -> None:
    pushing.run()
    put_a_jug(pushing)
    summary = pushing.run()
    assert (summary["pushed"], pushing.stock.shown("JUG")) == (1, 3)
    assert not any("sortBy" in call.query for call in pushing.stock.world.amazon.calls[-8:])


def test_a_warehouse_that_lost_too_much_is_trusted_by_force_and_from_then_on(pushing: Pushing) -> None:
    pushing.run()
    for sku in ("BOWL", "LAMP", "PLATE"):
        pushing.stock.receive(sku, 0)
    error, summary = pushing.run_that_fails()
    assert "not believed" in error.message
    assert "mfn inventory us --force" in error.remedy
    assert (summary["held"], pushing.shown()) == (4, everywhere(10))
    assert pushing.run(force=True)["sold_out"] == 3
    assert pushing.run()["held"] == 0
    assert pushing.shown() == everywhere(0) | {"VASE": 10}


def test_a_warehouse_without_a_row_is_not_trusted_whatever_may_be_lost(pushing: Pushing) -> None:
    pushing.stock.write_inventory_section(brake_percent=100)
    pushing.run()
    with pushing.stock.world.writing_warehouse() as database:
        database.execute(delete(wms_inventory))
    error, summary = pushing.run_that_fails()
    assert "wms_inventory of the warehouse is empty" in error.message
    assert (summary["held"], pushing.shown()) == (4, everywhere(10))
