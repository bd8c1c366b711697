"""The report site over a real ledger: what a person finds, what a wrong address says, and what never gets out."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import httpx
import pytest
from sqlalchemy import insert, select, update

from mfn.cli.application import run
from mfn.errors import RunFailedError
from mfn.ledger.batch_listing import list_batches
from mfn.ledger.order_listing import count_held
from mfn.ledger.schema import Batch, Offer, TrackedOrder
from mfn.models import Reason
from mfn.quality.model import Finding, QualityReport
from mfn.reports.html import render_page
from mfn.serving import listen
from mfn.settings import load_settings
from mfn.site.app import build_site
from mfn.site.histories import HEIGHT, STEP, draw, histories, key_of
from mfn.site.orders import fold
from mfn.steps.orders.decisions import dismiss
from mfn.steps.orders.timeline import Moment
from tests.pages import Page
from tests.sample_reports import ordinary_day
from tests.world import an_item, an_order

if TYPE_CHECKING:
    from pathlib import Path

    from tests.world import World

EVIL = '<script>alert("1")</script>&' + "X" * 80
LONG_ID = "S01-" + "7" * 60
AT = datetime(2026, 11, 24, 8, tzinfo=UTC)


class Browser:
    """Asks the site as it is now.

    Args:
        base_url: Under which name.
    """

    def __init__(self, base_url: str) -> None:
        self._transport = httpx.ASGITransport(build_site(load_settings()))
        self._base_url = base_url

    def get(self, path: str, **headers: str) -> httpx.Response:
        return asyncio.run(self._ask("GET", path, headers))

    def post(self, path: str) -> httpx.Response:
        return asyncio.run(self._ask("POST", path, {}))

    async def _ask(self, method: str, path: str, headers: dict[str, str]) -> httpx.Response:
        async with httpx.AsyncClient(transport=self._transport, base_url=self._base_url) as client:
            return await client.request(method, path, headers=headers)


@pytest.fixture
def site(world: World) -> Browser:
    """The site over a ledger with one import: a good order, and two that are held."""
    world.put(an_order(), an_order(an_item(sku=EVIL), orderId=LONG_ID), an_order(level="OVERNIGHT", orderId="HELD-2"))
    world.run()
    return Browser("http://127.0.0.1:8400")


def text_of(site: Browser, path: str, status: int = 200) -> str:
    answer = site.get(path)
    assert answer.status_code == status, answer.text
    return Page(answer.text).text


def newest(world: World) -> str:
    return str(list_batches(world.ledger, limit=1)[0].batch_id)


def test_the_first_page_says_how_things_stand_and_leads_to_every_run(site: Browser, world: World) -> None:
    page = Page(site.get("/").text)
    assert "2 orders wait for a person." in page.text.replace("\N{NO-BREAK SPACE}", " ")
    assert f"./runs/{newest(world)}" in page.links
    assert "./orders?connection=us&status=held" in page.links


def test_the_first_page_says_how_many_orders_are_overdue_in_the_warehouse(site: Browser, world: World) -> None:
    assert "overdue in the warehouse" not in text_of(site, "/").replace("Overdue in the warehouse", "")
    with world.ledger.writing() as database:
        database.execute(update(TrackedOrder).values(ship_by=datetime.now(UTC) - timedelta(minutes=1)))
    page = Page(site.get("/").text)
    assert "1 order is overdue in the warehouse." in page.text.replace("\N{NO-BREAK SPACE}", " ")
    assert "./orders?connection=us&status=open" in page.links


def test_runs_are_found_by_what_is_asked_for(site: Browser) -> None:
    today = datetime.now(UTC).date()
    for asked in ("connection=us", "kind=import", "outcome=held", f"from={today - timedelta(days=1)}&to={today}"):
        assert "No run is like that" not in text_of(site, f"/?{asked}"), asked
    for asked in ("kind=confirm", "outcome=failed", "outcome=running", f"to={today - timedelta(days=2)}", "page=2"):
        assert "No run is like that" in text_of(site, f"/?{asked}"), asked


def test_a_run_without_anything_to_do_is_shown_when_it_is_asked_for(site: Browser, world: World) -> None:
    with world.ledger.writing() as database:
        database.execute(update(Batch).values(counts={"fetched": 0}))
    assert "No run is like that and had something to do" in text_of(site, "/")
    assert "No run is like that" not in text_of(site, "/?outcome=all")


def test_an_address_with_wrong_values_says_which_exist_all_at_once(site: Browser) -> None:
    told = text_of(site, "/?kind=imports&outcome=bad&from=yesterday&connection=eu&page=0", 422)
    for valid in ("import, confirm, inventory", "telling, held, failed", "days like 2026-11-24", "us.", "from 1 to"):
        assert valid in told
    assert "open, any, pending, held" in text_of(site, "/orders?status=hold", 422)
    assert "codes like sku_unknown" in text_of(site, '/orders?reason=%25"', 422)
    assert "order: received invalid value" in text_of(site, "/orders?order=%00", 422)
    assert "characters that can be seen" in text_of(site, "/orders?order=HELD%1b%5b0m", 422)


def test_the_last_day_of_the_calendar_is_a_day(site: Browser, world: World) -> None:
    assert newest(world) in site.get("/?to=9999-12-31").text


def test_a_runs_page_is_the_report_as_it_was_written(site: Browser, world: World) -> None:
    batch_id = newest(world)
    written = (load_settings().reports / f"{batch_id}.html").read_text(encoding="utf-8")
    assert site.get(f"/runs/{batch_id}").text == written
    back = site.get("/runs/index.html")  # where its link to all runs leads
    assert (back.status_code, back.headers["location"]) == (307, "../")


def test_a_run_that_wrote_no_report_is_told_from_the_ledger(site: Browser, world: World) -> None:
    batch_id = newest(world)
    (load_settings().reports / f"{batch_id}.html").unlink()
    told = text_of(site, f"/runs/{batch_id}")
    assert "There is no report of this run here." in told
    assert "Fetched 3" in told


def test_a_run_whose_holder_is_gone_has_failed(site: Browser, world: World) -> None:
    batch_id = newest(world)
    (load_settings().reports / f"{batch_id}.html").unlink()
    with world.ledger.writing() as database:
        database.execute(update(Batch).values(status="running", finished_at=None))
    told = text_of(site, f"/runs/{batch_id}")
    assert "the run died before it ended." in told
    assert f"mfn rerun {batch_id}" in told
    assert "1 run failed and was not run again" in text_of(site, "/")


def test_a_failure_is_no_news_once_the_same_ended_well(site: Browser, world: World) -> None:
    with world.ledger.writing() as database:
        database.execute(update(Batch).values(status="failed", stage="load", error="the warehouse was away."))
    assert "the warehouse was away." in text_of(site, "/")
    world.run()
    assert "Failed and not run again" not in text_of(site, "/")


def test_what_fails_again_and_again_is_one_failure_and_hides_no_other(site: Browser, world: World) -> None:
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
    told = text_of(site, "/")
    assert "201 runs failed and were not run again" in told.replace("\N{NO-BREAK SPACE}", " ")
    assert told.count("the warehouse is not believed.") == 1
    assert "The newest of 200 that failed since" in told
    assert "the ledger was away." in told
    with world.ledger.writing() as database:
        done = {**one, "kind": "inventory", "batch_id": "us-inventory-done", "started_at": now - timedelta(minutes=12)}
        database.execute(insert(Batch), [done])
    assert "The newest of 3 that failed since" in text_of(site, "/")


def test_an_order_id_that_amazon_does_not_know_is_no_failure_to_be_run_again(site: Browser, world: World) -> None:
    with pytest.raises(RunFailedError):
        world.run(order_id="111-0000000-0000000")
    assert "Amazon knows no order" in text_of(site, f"/runs/{newest(world)}")
    assert "Failed and not run again" not in text_of(site, "/")


def test_a_held_order_is_found_and_says_why_and_what_to_do(site: Browser) -> None:
    found = Page(site.get("/orders?status=held&reason=shipping_method_unmapped").text)
    assert "./orders/HELD-2" in found.links
    assert f"./orders/{LONG_ID}" not in found.links
    told = text_of(site, "/orders/HELD-2")
    assert "service level OVERNIGHT" in told
    assert "mappings/shipping_methods.csv" in told
    assert "mfn import us --order HELD-2" in told


def test_a_release_is_proposed_only_where_it_would_be_taken(site: Browser, world: World) -> None:
    world.put(an_order(minutes_ago=4, orderId="ASKED-1", programs=["IN_STORE_PICK_UP"]))
    world.run()
    assert "mfn orders release ASKED-1" in text_of(site, "/orders/ASKED-1")
    held = text_of(site, "/orders/HELD-2")
    assert "mfn orders dismiss HELD-2" in held
    assert "mfn orders release" not in held


def test_stock_that_goes_by_itself_after_the_first_import_waits_for_nobody(world: World) -> None:
    hold_offers(world, A="awaiting_import", B="sku_unknown")
    assert count_held(world.ledger) == {"us": {"SKU": 1}}


def test_held_stock_leads_to_the_runs_that_say_why(site: Browser, world: World) -> None:
    hold_offers(world, A="sku_unknown")
    assert "./?connection=us&kind=inventory&outcome=held" in Page(site.get("/").text).links


def hold_offers(world: World, **codes: str) -> None:
    """Offers as the ledger has them once they are held, each SKU for one reason."""
    with world.ledger.writing() as database:
        for sku, code in codes.items():
            reasons = f'[{{"code":"{code}","detail":"","remedy":""}}]'
            row = {"connection": "us", "marketplace_id": "", "seller_sku": sku, "channel": "", "status": "held"}
            more = {"reasons": reasons, "sold_not_imported": 0, "is_applied": False, "updated_at": AT}
            database.execute(insert(Offer).values(**row, **more))


def test_orders_are_found_by_a_part_of_their_id_whatever_their_status(site: Browser) -> None:
    dismiss(load_settings(), ["HELD-2"], why="shipped by hand")
    assert "HELD-2" not in text_of(site, "/orders")
    assert "HELD-2" in text_of(site, "/orders?order=held-")
    assert "No order is like that." in text_of(site, "/orders?order=%25")
    assert "No order is like that." in text_of(site, "/orders?sfp=1")
    assert "shipped by hand" in text_of(site, "/orders/HELD-2")


def test_thousands_of_orders_are_shown_page_by_page(site: Browser, world: World) -> None:
    world.put(*(an_order(minutes_ago=5) for _ in range(60)))
    world.run()
    first, second = (Page(site.get(f"/orders?page={number}").text) for number in (1, 2))
    ids = [{link for link in page.links if link.startswith("./orders/")} for page in (first, second)]
    assert [len(found) for found in ids] == [50, 13]
    assert not ids[0] & ids[1]
    assert "?status=open&page=2" in first.links


def test_what_comes_from_outside_is_text_and_no_buyer_is_shown(site: Browser, world: World) -> None:
    batch_id = newest(world)
    key = "expectations/import/lines.expect_column_values_to_be_in_set.is_sku_known+quantity_to_ship.sku_unknown"
    paths = ("/", "/orders", f"/orders/{LONG_ID}", f"/runs/{batch_id}", "/expectations", f"/{key}", "/orders/<script>")
    for path in paths:
        text = site.get(path).text
        assert "script" not in Page(text).tags, path
        assert not re.search(r"Test Buyer|Example Street|206 555|test\.buyer", text), path
    assert EVIL.replace("\N{NO-BREAK SPACE}", " ") in text_of(site, f"/orders/{LONG_ID}")


def test_every_answer_forbids_what_a_page_does_not_need(site: Browser, world: World) -> None:
    for path in ("/", f"/runs/{newest(world)}", "/nowhere", "/?page=x", "/health"):
        headers = site.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
    for page in ("/", "/orders", "/expectations"):
        links = Page(site.get(page).text).links
        assert all(link.startswith((".", "?", "data:")) for link in links), page


def test_pages_are_only_read(site: Browser) -> None:
    for path in ("/", "/orders"):
        assert site.post(path).status_code == 405
    assert "There is no such page." in text_of(site, "/nowhere", 404)
    assert "There is no run 'nope'" in text_of(site, "/runs/nope", 404)
    text_of(site, "/runs/..%2F..%2Fkeys", 404)
    assert "the ledger has no order 'nope'" in text_of(site, "/orders/nope", 404)
    assert "All expectations" in text_of(site, "/expectations/import/nope", 404)


def test_a_foreign_name_for_this_machine_is_refused(site: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    assert site.get("/", Host="rebound.example").status_code == 400
    for host in ("localhost:8400", "[::1]:8400", "192.0.2.7"):
        assert site.get("/", Host=host).status_code == 200
    monkeypatch.setenv("MFN_REPORTS_URL", "https://reports.example/mfn")
    served = Browser("https://reports.example")
    assert served.get("/health").text == "ok\n"


def test_a_ledger_that_cannot_be_used_is_told_with_what_to_do(site: Browser) -> None:
    load_settings().keys_file.unlink()
    assert "What to do:" in text_of(site, "/", 422)


def test_where_nothing_ran_nothing_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MFN_HOME", str(tmp_path / "home"))
    told = text_of(Browser("http://localhost"), "/")
    assert "Nothing has run yet" in told
    assert not list(tmp_path.iterdir())


def test_each_expectation_has_its_history_with_figures(site: Browser, world: World) -> None:
    listed = Page(site.get("/expectations?kind=import").text)
    broken, kept = "The warehouse knows every SKU that is to be shipped", "Every order has an id"
    assert listed.text.index(broken) < listed.text.index(kept)
    assert "No run has examined anything yet." in text_of(site, "/expectations?kind=confirm")
    link = next(link for link in listed.links if "sku_unknown" in link)
    told = Page(site.get("/" + link.removeprefix("./")).text)
    assert "3 1 33.3 %" in told.text
    assert f"../../runs/{newest(world)}" in told.links


def test_a_ledger_on_postgresql_is_read_alike(world: World, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MFN_LEDGER_URL", postgres_url)
    world.put(an_order(), an_order(level="OVERNIGHT", orderId="HELD-2"))
    world.run()
    site = Browser("http://localhost")
    for outcome, is_found in (("telling", True), ("held", True), ("running", False), ("failed", False), ("done", True)):
        assert ("No run is like that" not in text_of(site, f"/?outcome={outcome}")) is is_found, outcome
    assert "HELD-2" in text_of(site, "/orders?reason=shipping_method_unmapped&order=held")
    assert "mappings/shipping_methods.csv" in text_of(site, "/orders/HELD-2")
    assert "The shipping method is mapped" in text_of(site, "/expectations?connection=us")


def test_a_port_that_is_taken_is_wrong_usage(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    with listen("127.0.0.1", 0) as taken:
        assert run(["site", "--port", str(taken.getsockname()[1])]) == 2
    assert "Name another one with --port" in capsys.readouterr().err


def test_a_report_leads_to_the_site_where_there_is_one() -> None:
    page = Page(render_page(ordinary_day(), site="http://127.0.0.1:8400/"))
    ids = {order.order_id for order in ordinary_day().held}
    assert {f"http://127.0.0.1:8400/orders/{order_id}" for order_id in ids} <= set(page.links)
    assert "http://127.0.0.1:8400/" in page.links
    assert not [link for link in Page(render_page(ordinary_day())).links if link.startswith("http")]


def a_finding(checked: int, unexpected: int, problem: str | None = None) -> Finding:
    return Finding("orders", "expect_x", "a, b", "A and b fit", "critical", checked, unexpected, problem, "no_fit")


def test_a_history_is_drawn_with_the_newest_run_at_the_right_edge() -> None:
    found = [a_finding(10, 5), a_finding(0, 0), a_finding(10, 1), a_finding(10, 0), a_finding(10, 0, "no column")]
    runs = [(f"run-{number}", AT, QualityReport((finding,))) for number, finding in enumerate(found)]
    (history,) = histories("us", "import", runs)
    assert history.key == key_of(found[0]) == "orders.expect_x.a+b.no_fit"
    bars = draw(history.entries, runs=5)
    assert [bar.mark for bar in bars] == ["unrun", "clean", "broken", "broken"]  # the one that checked nothing has none
    assert [bar.x for bar in bars] == [0, STEP, 2 * STEP, 4 * STEP]
    assert bars[-1].height == HEIGHT
    assert bars[-1].label.endswith("5 of 10")


def test_what_runs_on_end_did_alike_stands_once_in_a_timeline() -> None:
    held = Moment(AT, "run-1", "import", "held", "us", (Reason("sku_unknown", "X"),))
    again = [replace(held, at=AT + timedelta(minutes=15 * n), batch_id=f"run-{n + 1}") for n in range(3)]
    loaded = replace(again[-1], outcome="loaded", reasons=())
    assert fold([*again, loaded, held]) == [(again[0], again[2], 3), (loaded, loaded, 1), (held, held, 1)]
