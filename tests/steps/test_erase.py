"""Everything about the buyer of one order, removed at once: from the ledger, from the warehouse, and for good."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from mfn.database.engines import engine_for
from mfn.errors import ConfigurationError, LeaseHeldError, RunFailedError
from mfn.ledger.leases import lease
from mfn.ledger.schema import OrderEnd
from mfn.steps.orders.decisions import dismiss, release
from mfn.steps.orders.timeline import order_story
from mfn.steps.privacy.erase import erase
from mfn.steps.privacy.purges import run_purge
from mfn.steps.runs import run_import
from mfn.warehouse.tables import wms_order_line
from tests.steps.purging import texts_on_pages, with_texts
from tests.world import address, an_item, an_order

if TYPE_CHECKING:
    from tests.steps.shipping import Shipping
    from tests.world import World

BUYER = address(name="Philippa Planted", addressLine1="77 Nowhere Lane")
PLANTED = (b"Philippa Planted", b"77 Nowhere Lane", b"Happy birthday, Planted")


def planted() -> dict[str, object]:
    """An order with words of its buyer that stand nowhere else."""
    gift = {"giftOption": {"giftMessage": "Happy birthday, Planted"}}
    item = an_item()
    item["fulfillment"]["packing"] = gift
    return an_order(item, recipient={"deliveryAddress": BUYER})


def in_files(world: World) -> list[bytes]:
    """Which of the planted words stand in the warehouse's file or its log."""
    found = b"".join(path.read_bytes() for path in world.home.glob("warehouse.db*"))
    return [words for words in PLANTED if words in found]


def test_a_shipped_order_loses_its_buyer_in_the_ledger_and_in_the_warehouse_and_keeps_its_story(
    shipping: Shipping,
) -> None:
    world = shipping.world
    gone, other = shipping.loaded(planted(), an_order())
    shipping.ship(gone)
    shipping.run()
    world.change(gone, recipient={"deliveryAddress": BUYER | {"phone": "+1 206 555 0188"}})
    world.run(order_id=gone)
    assert in_files(world) == list(PLANTED)

    done = erase(world.settings, gone)

    assert (done["order_id"], done["connection"], done["ledger"], done["warehouse"]) == (gone, "us", True, True)
    assert in_files(world) == []
    assert with_texts(world) == {other}
    assert texts_on_pages(world) == 1
    rows = {row["order_number"]: row for row in world.rows()}
    assert rows[gone]["ship_to_name"] is None
    assert rows[other]["ship_to_name"] == "Test Buyer"
    assert [row["gift_message"] for row in world.rows(wms_order_line)] == [None, None]
    story = order_story(world.ledger, gone)
    assert story.standings[0].status == "shipped"
    assert (story.timeline[-1].kind, story.timeline[-1].outcome) == ("removal", "erased")
    assert story.timeline[-1].by
    again = erase(world.settings, gone)
    assert again == done | {"ledger": False, "warehouse": False}


def test_an_erased_order_that_lands_again_is_removed_by_the_next_purge(shipping: Shipping) -> None:
    world = shipping.world
    (order_id,) = shipping.loaded(planted())
    shipping.ship(order_id)
    shipping.run()
    erase(world.settings, order_id)
    world.run(order_id=order_id)
    assert with_texts(world) == {order_id}
    assert run_purge(world.settings, "us")["purged"] == 1
    assert with_texts(world) == set()
    assert in_files(world) == []


def test_what_is_still_to_be_shipped_is_not_erased_and_it_is_said_what_to_do_first(shipping: Shipping) -> None:
    world = shipping.world
    loaded, held, pending = world.put(an_order(), an_order(level="UNKNOWN LEVEL"), an_order(status="PENDING"))
    world.run()
    for order_id, remedy in (
        (loaded, "Ship it, or cancel"),
        (held, f"mfn orders dismiss {held} --why"),
        (pending, "Cancel it in Seller Central"),
    ):
        with pytest.raises(ConfigurationError, match="nothing was erased") as refused:
            erase(world.settings, order_id)
        assert remedy in refused.value.remedy
    assert with_texts(world) == {loaded, held, pending}
    with world.ledger.reading() as database:
        assert database.execute(select(OrderEnd)).all() == []


def test_what_a_run_left_before_it_was_judged_may_be_to_be_shipped_and_is_not_erased(world: World) -> None:
    (order_id,) = world.put(an_order())
    world.run(dry_run=True)
    with pytest.raises(ConfigurationError, match="no import has decided yet whether it has to ship") as refused:
        erase(world.settings, order_id)
    assert f"mfn import us --order {order_id}" in refused.value.remedy
    assert world.run()["loaded"] == 1


def test_one_that_is_dismissed_is_erased_and_taken_back_only_once_it_was_fetched_again(world: World) -> None:
    (order_id,) = world.put(an_order(level="UNKNOWN LEVEL"))
    world.run()
    dismiss(world.settings, [order_id], why="the buyer wants the data erased")
    assert erase(world.settings, order_id)["ledger"]
    (refusal,) = release(world.settings, [order_id], why="a mistake")
    assert "removed" in refusal.problem
    assert f"mfn import us --order {order_id}" in refusal.remedy
    world.run(order_id=order_id)
    assert release(world.settings, [order_id], why="a mistake") == ()


def test_a_shipped_order_waits_for_its_confirmation_if_mfn_confirms_shipments(
    shipping: Shipping,
) -> None:
    world = shipping.world
    (order_id,) = shipping.loaded()
    shipping.run()
    shipping.ship(order_id)
    world.warehouse_moves(order_id, "shipped")
    with pytest.raises(ConfigurationError) as refused:
        erase(world.settings, order_id)
    assert "mfn confirm us" in refused.value.remedy
    shipping.run()
    assert erase(world.settings, order_id)["ledger"]


def test_one_that_was_shipped_short_is_erased_once_its_rest_was_cancelled(shipping: Shipping) -> None:
    world = shipping.world
    (order_id,) = shipping.loaded(an_order(an_item(units=2)))
    shipping.ship(order_id, short_by=1)
    shipping.run()
    world.change(order_id, fulfillment={"fulfillmentStatus": "SHIPPED"})
    with pytest.raises(ConfigurationError) as refused:
        erase(world.settings, order_id)
    assert f"mfn import us --order {order_id}" in refused.value.remedy
    world.run(order_id=order_id)
    assert erase(world.settings, order_id)["ledger"]


def test_a_shipped_order_is_erased_if_another_system_confirms_shipments(shipping: Shipping) -> None:
    (order_id,) = shipping.loaded()
    shipping.ship(order_id)
    shipping.world.warehouse_moves(order_id, "shipped")
    assert erase(shipping.world.settings, order_id)["warehouse"]
    # And where that turns out to be this one after all, Amazon is told.
    assert shipping.run()["sent"] == 1


def test_an_order_that_nobody_knows_and_one_that_several_have_are_refused(world: World) -> None:
    world.add_connection("other", marketplaces="[US]")
    (order_id,) = world.put(an_order(status="CANCELLED"))
    world.run()
    with pytest.raises(ConfigurationError, match="has no order"):
        erase(world.settings, "111-9999999-9999999")
    run_import(world.settings, "other")
    with pytest.raises(ConfigurationError, match="several connections"):
        erase(world.settings, order_id)
    with pytest.raises(ConfigurationError, match="nowhere"):
        erase(world.settings, order_id, connection="nowhere")
    assert erase(world.settings, order_id, connection="us")["ledger"]


def test_while_an_import_is_at_work_nothing_is_erased(world: World) -> None:
    (order_id,) = world.put(an_order(status="CANCELLED"))
    world.run()
    with lease(world.ledger, "us", "import"), pytest.raises(LeaseHeldError):
        erase(world.settings, order_id)
    assert with_texts(world) == {order_id}


def test_what_could_not_be_done_in_the_warehouse_is_done_by_the_next_try(shipping: Shipping) -> None:
    world = shipping.world
    (order_id,) = shipping.loaded(planted())
    shipping.ship(order_id)
    shipping.run()
    engine_for(world.warehouse_url).dispose()
    away = (world.home / "warehouse.db").rename(world.home / "away.db")
    with pytest.raises(RunFailedError) as failed:
        erase(world.settings, order_id)
    assert (failed.value.summary["ledger"], failed.value.summary["warehouse"]) == (True, False)
    away.rename(world.home / "warehouse.db")
    assert (erase(world.settings, order_id)["warehouse"], in_files(world)) == (True, [])
