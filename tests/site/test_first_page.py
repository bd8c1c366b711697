"""The first page of the report site: how things stand, what failed, what is held or late, and every run."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert, select, update

from mfn.errors import RunFailedError
from mfn.ledger.order_listing import count_troubles
from mfn.ledger.schema import Batch, Offer, TrackedOrder
from mfn.settings import load_settings
from tests.pages import Page
from tests.site.browsing import Browser, newest, text_of

if TYPE_CHECKING:
    from tests.world import World


def test_the_first_page_shows_the_current_state_and_links_to_every_run(site: Browser, world: World) -> None:
    page = Page(site.get("/").text)
    assert "2 orders need attention." in page.text.replace("\N{NO-BREAK SPACE}", " ")
    assert f"./runs/{newest(world)}" in page.links
    assert "./orders?connection=us&status=held" in page.links


def test_the_first_page_says_how_many_orders_are_overdue_in_the_warehouse(site: Browser, world: World) -> None:
    assert "overdue in the warehouse" not in text_of(site, "/").replace("Overdue in the warehouse", "")
    with world.ledger.writing() as database:
        database.execute(update(TrackedOrder).values(ship_by=datetime.now(UTC) - timedelta(minutes=1)))
    page = Page(site.get("/").text)
    assert "1 order is overdue in the warehouse." in page.text.replace("\N{NO-BREAK SPACE}", " ")
    assert "./orders?connection=us&status=open" in page.links


def test_runs_are_filtered_by_what_is_asked_for(site: Browser) -> None:
    today = datetime.now(UTC).date()
    for asked in ("connection=us", "kind=import", "outcome=held", f"from={today - timedelta(days=1)}&to={today}"):
        assert "No run matches" not in text_of(site, f"/?{asked}"), asked
    for asked in ("kind=confirm", "outcome=failed", "outcome=running", f"to={today - timedelta(days=2)}", "page=2"):
        assert "No run matches" in text_of(site, f"/?{asked}"), asked


def test_a_run_without_anything_to_do_is_shown_if_asked_for(site: Browser, world: World) -> None:
    with world.ledger.writing() as database:
        database.execute(update(Batch).values(counts={"fetched": 0}))
    assert "No run matches and had something to do" in text_of(site, "/")
    assert "No run matches" not in text_of(site, "/?outcome=all")


def test_a_run_whose_holder_is_gone_has_failed(site: Browser, world: World) -> None:
    batch_id = newest(world)
    (load_settings().reports / f"{batch_id}.html").unlink()
    with world.ledger.writing() as database:
        database.execute(update(Batch).values(status="running", finished_at=None))
    page_text = text_of(site, f"/runs/{batch_id}")
    assert "the run died before it ended." in page_text
    assert f"mfn rerun {batch_id}" in page_text
    assert "1 run failed and was not run again" in text_of(site, "/")


def test_a_failure_is_not_shown_once_the_same_run_ended_well(site: Browser, world: World) -> None:
    with world.ledger.writing() as database:
        database.execute(update(Batch).values(status="failed", stage="load", error="the warehouse was away."))
    assert "the warehouse was away." in text_of(site, "/")
    world.run()
    assert "Failed and not run again" not in text_of(site, "/")


def test_repeated_failures_count_as_one_and_hide_no_other(site: Browser, world: World) -> None:
    now = datetime.now(UTC)
    with world.ledger.writing() as database:
        one = database.execute(select(Batch.__table__)).mappings().one()
        failed = {**one, "status": "failed", "kind": "inventory", "error": "the warehouse is not believed."}
        database.execute(
            insert(Batch),
            [
                {**failed, "batch_id": f"us-inventory-{number:04}", "started_at": now - timedelta(minutes=5 * number)}
                for number in range(200)
            ],
        )
        older = {"batch_id": "us-import-older", "kind": "import", "error": "the ledger was away."}
        asked = {"parameters": {**one["parameters"], "since": "2026-11-01T00:00:00+00:00"}}
        database.execute(insert(Batch), [{**failed, **older, **asked, "started_at": now - timedelta(days=2)}])
    page_text = text_of(site, "/")
    assert "201 runs failed and were not run again" in page_text.replace("\N{NO-BREAK SPACE}", " ")
    assert page_text.count("the warehouse is not believed.") == 1
    assert "The latest of 200 failures since" in page_text
    assert "the ledger was away." in page_text
    with world.ledger.writing() as database:
        done = {**one, "kind": "inventory", "batch_id": "us-inventory-done", "started_at": now - timedelta(minutes=12)}
        database.execute(insert(Batch), [done])
    assert "The latest of 3 failures since" in text_of(site, "/")


def test_the_newest_run_of_each_connection_and_kind_is_listed_under_now(site: Browser, world: World) -> None:
    now = datetime.now(UTC)
    with world.ledger.writing() as database:
        one = database.execute(select(Batch.__table__)).mappings().one()
        others = [("eu", "import", 1), ("eu", "import", 2), ("eu", "confirm", 9), ("us", "import", 3)]
        database.execute(
            insert(Batch),
            [
                {**one, "batch_id": f"{name}-{kind}-{ago}", "connection": name, "kind": kind, "started_at": then}
                for name, kind, ago in others
                for then in [now - timedelta(hours=ago)]
            ],
        )
    table = site.get("/").text.split("<h2>Now</h2>")[1].split("</table>")[0]
    assert re.findall(r'href="./runs/([^"]+)"', table) == ["eu-import-1", "eu-confirm-9", newest(world)]


def test_an_unknown_order_id_is_not_listed_as_a_failure_to_run_again(site: Browser, world: World) -> None:
    with pytest.raises(RunFailedError):
        world.run(order_id="111-0000000-0000000")
    assert "Amazon has no order" in text_of(site, f"/runs/{newest(world)}")
    assert "Failed and not run again" not in text_of(site, "/")


def test_stock_that_is_sent_after_the_first_import_does_not_count_as_held(world: World) -> None:
    hold_offers(world, A="awaiting_import", B="sku_unknown")
    assert count_troubles(world.ledger) == {"us": {"SKU": 1}}


def test_held_stock_links_to_the_runs_that_say_why(site: Browser, world: World) -> None:
    hold_offers(world, A="sku_unknown")
    assert "./?connection=us&kind=inventory&outcome=held" in Page(site.get("/").text).links


def hold_offers(world: World, **codes: str) -> None:
    """Offers as the ledger has them once they are held, each SKU for one reason."""
    with world.ledger.writing() as database:
        for sku, code in codes.items():
            reasons = f'[{{"code":"{code}","detail":"","remedy":""}}]'
            row = {"connection": "us", "marketplace_id": "", "seller_sku": sku, "channel": "", "status": "held"}
            more = {"reasons": reasons, "sold_not_imported": 0, "is_applied": False, "updated_at": datetime.now(UTC)}
            database.execute(insert(Offer).values(**row, **more))
