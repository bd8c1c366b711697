"""Buyers' data that may be kept no longer leaves the ledger; what else is known stays, and the steps go on."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import delete, insert, select, update

from mfn.errors import RunFailedError
from mfn.ledger.batch_listing import list_batches
from mfn.ledger.known_orders import units_promised_to
from mfn.ledger.order_ends import End, note_ends
from mfn.ledger.schema import (
    ArrivedPage,
    Batch,
    BatchChunk,
    DataAccess,
    LandedOrder,
    LandedPage,
    OrderEnd,
    Reservation,
    TrackedOrder,
)
from mfn.steps.orders.timeline import order_story
from mfn.steps.privacy.purges import purge_all, run_purge
from mfn.steps.rerunning.reruns import rerun_batch
from tests.steps.purging import count, days_pass, purge, set_privacy, texts_on_pages, with_texts
from tests.world import address, an_order

if TYPE_CHECKING:
    from tests.steps.shipping import Shipping
    from tests.world import World

LONG_AGO = timedelta(days=31)


def test_the_text_of_an_order_that_was_shipped_a_month_ago_is_removed_and_the_rest_stays(shipping: Shipping) -> None:
    world = shipping.world
    shipped, to_ship = shipping.loaded(an_order(), an_order())
    shipping.ship(shipped)
    shipping.run()
    assert purge(world)["purged"] == 0
    assert with_texts(world) == {shipped, to_ship}
    days_pass(world)
    before = (world.statuses(), shipping.statuses(), world.rows())
    assert count(world, Reservation) == 2

    summary = purge(world)

    assert (summary["purged"], summary["kept"], summary["scrubbed"]) == (1, 1, 0)
    assert with_texts(world) == {to_ship}
    assert texts_on_pages(world) == 1
    assert (world.statuses(), shipping.statuses(), world.rows()) == before
    assert set(units_promised_to(world.ledger, "us", [shipped, to_ship])) == {to_ship}
    moments = order_story(world.ledger, shipped).timeline
    assert [(moment.kind, moment.outcome) for moment in moments][-1] == ("removal", "purged")
    assert purge(world)["purged"] == 0


@pytest.mark.parametrize("status", ["CANCELLED", "SHIPPED"])
def test_an_order_that_ended_at_amazon_before_it_was_loaded_is_kept_for_its_retention(
    world: World, status: str
) -> None:
    (order_id,) = world.put(an_order(status=status))
    world.run(order_id=order_id)
    days_pass(world, 29)
    assert purge(world)["kept"] == 1
    days_pass(world, 2)
    assert purge(world)["purged"] == 1


def test_orders_that_are_still_to_be_shipped_are_kept_however_old_they_are(world: World) -> None:
    world.put(an_order(), an_order(level="UNKNOWN LEVEL"), an_order(status="PENDING"))
    world.run()
    days_pass(world, 400)
    assert sorted(world.statuses().values()) == ["held", "loaded", "pending"]
    assert (purge(world)["purged"], len(with_texts(world))) == (0, 3)


def test_an_order_known_to_be_delivered_is_purged_whatever_its_status_here(world: World) -> None:
    loaded, held = world.put(an_order(), an_order(level="UNKNOWN LEVEL"))
    world.run()
    with world.ledger.writing() as database:
        at = datetime.now(UTC) - LONG_AGO
        note_ends(database, "us", [End(loaded, delivered_at=at), End(held, shipped_at=at)])
    assert purge(world)["purged"] == 2
    assert world.statuses() == {loaded: "loaded", held: "shipped"}
    assert world.reasons(held) == ["already_shipped"]
    # Of what the warehouse has not begun it is not known here that it is no longer needed.
    assert set(units_promised_to(world.ledger, "us", [loaded, held])) == {loaded}
    assert world.run()["still_held"] == 0


def test_an_order_that_the_warehouse_alone_knows_to_have_left_is_purged(shipping: Shipping) -> None:
    world = shipping.world
    left, there = shipping.loaded(an_order(), an_order())
    shipping.ship(left, shipped_at=datetime.now(UTC) - LONG_AGO)
    world.warehouse_moves(left, "shipped")
    assert purge(world)["purged"] == 1
    assert with_texts(world) == {there}


def test_the_warehouses_shipping_time_counts_even_if_it_got_the_order_later(
    shipping: Shipping,
) -> None:
    world = shipping.world
    long_ago, lately = shipping.loaded(an_order(), an_order())
    shipping.ship(long_ago, shipped_at=datetime.now(UTC) - timedelta(days=31))
    shipping.ship(lately, shipped_at=datetime.now(UTC) - timedelta(days=29))
    shipping.run()
    assert purge(world)["purged"] == 1
    assert with_texts(world) == {lately}


def test_a_year_that_somebody_mistyped_neither_ends_nor_stretches_a_retention(shipping: Shipping) -> None:
    world = shipping.world
    early, late = shipping.loaded(an_order(), an_order())
    shipping.ship(early, shipped_at=datetime(2006, 11, 1, tzinfo=UTC))
    shipping.ship(late, shipped_at=datetime(2062, 11, 1, tzinfo=UTC))
    shipping.run()
    assert purge(world)["kept"] == 2
    days_pass(world, 31)
    assert purge(world)["purged"] == 2


def test_a_retention_that_has_begun_does_not_start_over(shipping: Shipping) -> None:
    world = shipping.world
    (order_id,) = shipping.loaded()
    shipment_id = shipping.ship(order_id)
    shipping.run()
    days_pass(world, 20)
    purge(world)
    shipping.warehouse.change(shipment_id, tracking_number="T-CORRECTED-1", shipped_at=datetime.now(UTC))
    shipping.run()
    days_pass(world, 11)
    assert purge(world)["purged"] == 1


def test_older_versions_of_an_order_are_purged_although_other_orders_share_their_page(world: World) -> None:
    one, two = world.put(an_order(), an_order())
    world.run()
    world.change(one, recipient={"deliveryAddress": address(name="Moved Buyer")})
    world.run()
    assert texts_on_pages(world) == 3
    with world.ledger.writing() as database:
        database.execute(update(LandedPage).values(texts=None))  # written before they were counted
    assert purge(world)["purged"] == 0
    assert texts_on_pages(world) == 2
    assert world.run(order_id=two)["unchanged"] == 1
    assert with_texts(world) == {one, two}


def test_what_a_broken_off_run_had_landed_or_made_ready_goes_as_well(world: World) -> None:
    (order_id,) = world.put(an_order())
    world.run()
    days_pass(world)
    with world.ledger.writing() as database:
        batch = list_batches(world.ledger)[0]
        database.execute(update(TrackedOrder).values(status="cancelled"))
        chunk = {"batch_id": batch.batch_id, "stage": "transform", "number": 0, "payload": b"sealed"}
        database.execute(insert(BatchChunk), [chunk])
        # As if the run had died before it had made its page known.
        arrived = {"connection": "us", "page": 1, "batch_id": batch.batch_id, "origin": "window"}
        database.execute(
            insert(ArrivedPage), [{**arrived, "orders": [[order_id, None]], "landed_at": datetime.now(UTC) - LONG_AGO}]
        )
        database.execute(delete(LandedOrder))
    assert purge(world)["purged"] == 1
    assert [count(world, model) for model in (LandedPage, LandedOrder, ArrivedPage, BatchChunk)] == [0, 0, 0, 0]


def test_orders_that_no_run_judged_and_texts_without_an_id_go_a_month_after_they_landed(world: World) -> None:
    world.answer_page({"no": "id"}, an_order())
    world.run()
    with world.ledger.writing() as database:
        database.execute(delete(TrackedOrder).where(TrackedOrder.order_id.not_like("unreadable-%")))
    assert purge(world)["kept"] == 2
    days_pass(world)
    assert purge(world)["purged"] == 2
    assert list(world.statuses().values()) == ["ignored"]
    assert world.run()["still_held"] == 0


def test_a_shorter_retention_of_the_connection_counts_and_a_rehearsal_changes_nothing(shipping: Shipping) -> None:
    world = shipping.world
    (order_id,) = shipping.loaded()
    shipping.ship(order_id)
    shipping.run()
    days_pass(world, 8)
    assert purge(world)["purged"] == 0
    set_privacy(world, "{retention_days: 7, scrub_warehouse: true}")
    ends = count(world, OrderEnd)
    rehearsed = purge(world, dry_run=True)
    assert (rehearsed["purged"], rehearsed["kept"], rehearsed["scrubbed"]) == (1, 0, 1)
    assert with_texts(world) == {order_id}
    assert count(world, OrderEnd) == ends
    assert world.rows()[0]["ship_to_name"] == "Test Buyer"
    assert purge(world)["purged"] == 1


def test_the_warehouse_is_scrubbed_once_it_is_to_be_and_nothing_of_the_buyer_stays_in_its_file(
    shipping: Shipping,
) -> None:
    world = shipping.world
    buyer = address(name="Philippa Planted", addressLine1="77 Nowhere Lane", phone="+1 206 555 0177")
    gone, to_ship = shipping.loaded(an_order(recipient={"deliveryAddress": buyer}), an_order())
    shipping.ship(gone)
    shipping.run()
    days_pass(world)
    assert purge(world)["scrubbed"] == 0
    assert b"Philippa Planted" in everything(world)
    set_privacy(world, "{scrub_warehouse: true}")
    summary = purge(world)
    assert (summary["purged"], summary["scrubbed"]) == (0, 1)
    rows = {row["order_number"]: row for row in world.rows()}
    assert rows[gone]["ship_to_name"] is None
    assert (rows[gone]["country_code"], rows[gone]["state"], rows[gone]["ship_method_code"]) == ("US", "WA", "GROUND")
    assert rows[to_ship]["ship_to_name"] == "Test Buyer"
    found = everything(world)
    assert [word for word in (b"Philippa Planted", b"77 Nowhere Lane", b"555 0177") if word in found] == []
    assert purge(world)["scrubbed"] == 0


def everything(world: World) -> bytes:
    """What stands in the warehouse's file and in its log, as bytes."""
    return b"".join(path.read_bytes() for path in sorted(world.home.glob("warehouse.db*")))


def test_a_warehouse_that_cannot_be_reached_fails_the_run_and_keeps_nothing_in_the_ledger(shipping: Shipping) -> None:
    world = shipping.world
    (order_id,) = shipping.loaded()
    shipping.ship(order_id)
    shipping.run()
    days_pass(world)
    set_privacy(world, "{scrub_warehouse: true}")
    warehouse = world.home / "warehouse.db"
    away = warehouse.rename(world.home / "away.db")
    with pytest.raises(RunFailedError, match="warehouse") as failed:
        run_purge(world.settings, "us")
    assert failed.value.summary["purged"] == 1
    assert with_texts(world) == set()
    away.rename(warehouse)
    again = rerun_batch(world.settings, failed.value.summary["batch_id"])
    assert (again["status"], again["purged"], again["kept"], again["scrubbed"]) == ("done", 1, 0, 1)


def test_an_order_that_the_warehouse_does_not_let_be_emptied_keeps_no_other_one_and_is_named(
    shipping: Shipping,
) -> None:
    world = shipping.world
    closed, other = shipping.loaded(an_order(), an_order())
    for number, order_id in enumerate((closed, other)):
        shipping.ship(order_id, shipment_id=f"S-{number}")
    shipping.run()
    days_pass(world)
    set_privacy(world, "{scrub_warehouse: true}")
    with world.writing_warehouse() as database:
        database.exec_driver_sql(
            f"CREATE TRIGGER closed BEFORE UPDATE ON wms_order WHEN old.order_number = '{closed}'"
            " BEGIN SELECT RAISE(ABORT, 'this order is closed'); END"
        )
    with pytest.raises(RunFailedError, match=rf"1 orders still have .*\({closed}\): .* this order is closed") as failed:
        run_purge(world.settings, "us")
    assert failed.value.summary["scrubbed"] == 1
    rows = {row["order_number"]: row["ship_to_name"] for row in world.rows()}
    assert rows == {closed: "Test Buyer", other: None}


def test_a_page_that_cannot_be_decrypted_keeps_no_other_one(shipping: Shipping) -> None:
    world = shipping.world
    whole, ended = shipping.loaded(an_order(), an_order())
    shipping.ship(ended)
    shipping.run()
    days_pass(world)
    (torn,) = world.put(an_order(minutes_ago=5))
    world.run()
    with world.ledger.writing() as database:
        page = database.execute(select(LandedOrder.page).where(LandedOrder.order_id == torn)).scalar_one()
        database.execute(update(LandedPage).where(LandedPage.page == page).values(payload=b"torn", texts=2))
    with pytest.raises(RunFailedError, match="what is stored") as failed:
        run_purge(world.settings, "us")
    assert failed.value.summary["purged"] == 1
    assert with_texts(world) == {whole, torn}


def test_what_the_trail_says_of_accesses_goes_after_a_year(world: World) -> None:
    world.put(an_order())
    world.run()
    kept = count(world, DataAccess)
    with world.ledger.writing() as database:
        old = {"by": "somebody", "purpose": "validate", "connection": "us", "orders": 1}
        gone = {**old, "connection": "taken out of connections.yaml"}
        database.execute(
            insert(DataAccess), [{**one, "at": datetime.now(UTC) - timedelta(days=366)} for one in (old, gone)]
        )
    purge(world)
    assert count(world, DataAccess) == kept


def test_one_connection_that_fails_does_not_stop_the_others(world: World) -> None:
    world.add_connection("mexico", marketplaces="[MX]")
    path = world.home / "connections.yaml"
    broken = path.read_text(encoding="utf-8").replace(world.warehouse_url, "sqlite:////proc/nowhere/warehouse.db", 1)
    world.put(an_order())
    world.run()
    path.write_text(broken + "    privacy: {scrub_warehouse: true}\n", encoding="utf-8")
    done, errors = purge_all(world.settings)
    assert [result["connection"] for result in done["connections"]] == ["us", "mexico"]
    assert [result["status"] for result in done["connections"]] == ["failed", "done"]
    assert len(errors) == 1


def test_the_ledgers_file_has_no_older_page_of_what_was_removed(shipping: Shipping) -> None:
    world = shipping.world
    (order_id,) = shipping.loaded()
    with world.ledger.reading() as database:
        sealed = database.execute(select(LandedPage.payload)).scalar_one()
    shipping.ship(order_id)
    shipping.run()
    days_pass(world)
    home = world.home / ".mfn"
    assert sealed[40:200] in b"".join(path.read_bytes() for path in home.glob("ledger.db*"))
    purge(world)
    assert sealed[40:200] not in b"".join(path.read_bytes() for path in home.glob("ledger.db*"))
    assert sqlite3.connect(home / "ledger.db").execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_data_of_a_connection_that_is_no_longer_listed_is_still_purged(world: World) -> None:
    ended, _ = world.put(an_order(status="CANCELLED"), an_order())
    world.run()
    days_pass(world)
    with world.ledger.reading() as database:
        sealed = database.execute(select(LandedPage.payload)).scalar_one()
    path = world.home / "connections.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("  us:", "  mexico:"), encoding="utf-8")
    rehearsed, _ = purge_all(world.settings, dry_run=True)
    assert rehearsed["purged"] == 1
    assert ended in with_texts(world)
    done, errors = purge_all(world.settings)
    assert errors == []
    assert [(one["connection"], one["purged"], one["kept"]) for one in done["connections"]] == [
        ("mexico", 0, 0),
        ("us", 1, 1),
    ]
    assert ended not in with_texts(world)
    files = (world.home / ".mfn").glob("ledger.db*")
    assert sealed[40:200] not in b"".join(path.read_bytes() for path in files), "its older pages are gone too"


@pytest.mark.parametrize(("days", "purged", "chunks"), [(0, 0, 1), (2, 0, 0), (31, 1, 0)])
def test_what_an_interrupted_run_left_of_an_unlisted_connection_is_purged_in_time(
    world: World, days: int, purged: int, chunks: int
) -> None:
    (order_id,) = world.put(an_order(status="CANCELLED"))
    world.run()
    then = datetime.now(UTC) - timedelta(days=days)
    with world.ledger.writing() as database:
        batch = list_batches(world.ledger)[0]
        chunk = {"batch_id": batch.batch_id, "stage": "transform", "number": 0, "payload": b"sealed"}
        database.execute(insert(BatchChunk), [chunk])
        database.execute(update(Batch).values(finished_at=then))
        arrived = {"connection": "us", "page": 1, "batch_id": batch.batch_id, "origin": "window"}
        database.execute(insert(ArrivedPage), [{**arrived, "orders": [[order_id, None]], "landed_at": then}])
        database.execute(delete(LandedOrder))
    path = world.home / "connections.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("  us:", "  mexico:"), encoding="utf-8")
    done, _ = purge_all(world.settings)
    us = done["connections"][-1]
    assert (us["connection"], us["purged"], us["kept"]) == ("us", purged, 1 - purged)
    assert (with_texts(world), texts_on_pages(world)) == (({order_id}, 1) if us["kept"] else (set(), 0))
    assert count(world, BatchChunk) == chunks
