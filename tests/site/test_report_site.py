"""The report site over a real ledger: what a person finds, what a wrong address says, and what never gets out."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from mfn.cli.application import run
from mfn.models import Reason
from mfn.quality.model import Finding, QualityReport
from mfn.reports.html import render_page
from mfn.serving import listen
from mfn.settings import load_settings
from mfn.site.histories import HEIGHT, STEP, draw, histories, key_of
from mfn.steps.orders.decisions import dismiss
from mfn.steps.orders.folding import fold
from mfn.steps.orders.timeline import Moment
from tests.pages import Page
from tests.sample_reports import ordinary_day
from tests.site.browsing import EVIL, LONG_ID, Browser, newest, text_of
from tests.world import an_order

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.world import World


AT = datetime(2026, 11, 24, 8, tzinfo=UTC)


def test_all_wrong_values_of_an_address_are_reported_together_with_the_valid_ones(site: Browser) -> None:
    page_text = text_of(site, "/?kind=imports&outcome=bad&from=yesterday&connection=eu&page=0", 422)
    for valid in ("import, confirm, inventory", "telling, held, failed", "days like 2026-11-24", "us.", "from 1 to"):
        assert valid in page_text
    assert "open, any, pending, held" in text_of(site, "/orders?status=hold", 422)
    assert "codes like sku_unknown" in text_of(site, '/orders?reason=%25"', 422)
    assert "order: received invalid value" in text_of(site, "/orders?order=%00", 422)
    assert "printable characters" in text_of(site, "/orders?order=HELD%1b%5b0m", 422)


def test_the_last_day_of_the_calendar_is_a_day(site: Browser, world: World) -> None:
    assert newest(world) in site.get("/?to=9999-12-31").text


def test_the_page_of_a_run_is_the_report_as_it_was_written(site: Browser, world: World) -> None:
    batch_id = newest(world)
    written = (load_settings().reports / f"{batch_id}.html").read_text(encoding="utf-8")
    assert site.get(f"/runs/{batch_id}").text == written
    back = site.get("/runs/index.html")  # where its link to all runs leads
    assert (back.status_code, back.headers["location"]) == (307, "../")


def test_a_run_without_a_report_is_shown_from_the_ledger(site: Browser, world: World) -> None:
    batch_id = newest(world)
    (load_settings().reports / f"{batch_id}.html").unlink()
    page_text = text_of(site, f"/runs/{batch_id}")
    assert "No report of this run is available here." in page_text
    assert "Fetched 3" in page_text


def test_a_held_order_is_found_and_says_why_and_what_to_do(site: Browser) -> None:
    found = Page(site.get("/orders?status=held&reason=shipping_method_unmapped").text)
    assert "./orders/HELD-2" in found.links
    assert f"./orders/{LONG_ID}" not in found.links
    page_text = text_of(site, "/orders/HELD-2")
    assert "service level OVERNIGHT" in page_text
    assert "mappings/shipping_methods.csv" in page_text
    assert "mfn import us --order HELD-2" in page_text


def test_a_release_is_proposed_only_if_it_would_be_accepted(site: Browser, world: World) -> None:
    world.put(an_order(minutes_ago=4, orderId="ASKED-1", programs=["IN_STORE_PICK_UP"]))
    world.run()
    assert "mfn orders release ASKED-1" in text_of(site, "/orders/ASKED-1")
    held = text_of(site, "/orders/HELD-2")
    assert "mfn orders dismiss HELD-2" in held
    assert "mfn orders release" not in held


def test_orders_are_found_by_a_part_of_their_id_whatever_their_status(site: Browser) -> None:
    dismiss(load_settings(), ["HELD-2"], why="shipped by hand")
    assert "HELD-2" not in text_of(site, "/orders")
    assert "HELD-2" in text_of(site, "/orders?order=held-")
    assert "No order matches." in text_of(site, "/orders?order=%25")
    assert "No order matches." in text_of(site, "/orders?sfp=1")
    assert "shipped by hand" in text_of(site, "/orders/HELD-2")


def test_thousands_of_orders_are_shown_in_pages(site: Browser, world: World) -> None:
    world.put(*(an_order(minutes_ago=5) for _ in range(60)))
    world.run()
    first, second = (Page(site.get(f"/orders?page={number}").text) for number in (1, 2))
    ids = [{link for link in page.links if link.startswith("./orders/")} for page in (first, second)]
    assert [len(found) for found in ids] == [50, 13]
    assert not ids[0] & ids[1]
    assert "?status=open&page=2" in first.links


def test_values_from_outside_are_shown_as_text_and_no_buyer_is_shown(site: Browser, world: World) -> None:
    batch_id = newest(world)
    key = "expectations/import/lines.expect_column_values_to_be_in_set.is_sku_known+quantity_to_ship.sku_unknown"
    paths = ("/", "/orders", f"/orders/{LONG_ID}", f"/runs/{batch_id}", "/expectations", f"/{key}", "/orders/<script>")
    for path in paths:
        text = site.get(path).text
        assert "script" not in Page(text).tags, path
        assert not re.search(r"Test Buyer|Example Street|206 555|test\.buyer", text), path
    assert EVIL.replace("\N{NO-BREAK SPACE}", " ") in text_of(site, f"/orders/{LONG_ID}")


def test_every_response_forbids_what_a_page_does_not_need(site: Browser, world: World) -> None:
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


def test_only_read_requests_are_allowed(site: Browser) -> None:
    for path in ("/", "/orders"):
        assert site.post(path).status_code == 405
    assert "This page does not exist." in text_of(site, "/nowhere", 404)
    assert "There is no run 'nope'" in text_of(site, "/runs/nope", 404)
    text_of(site, "/runs/..%2F..%2Fkeys", 404)
    assert "the ledger has no order 'nope'" in text_of(site, "/orders/nope", 404)
    assert "Expectations lists all of them" in text_of(site, "/expectations/import/nope", 404)


def test_a_foreign_host_name_is_refused(site: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    assert site.get("/", Host="rebound.example").status_code == 400
    for host in ("localhost:8400", "[::1]:8400", "192.0.2.7"):
        assert site.get("/", Host=host).status_code == 200
    monkeypatch.setenv("MFN_REPORTS_URL", "https://reports.example/mfn")
    served = Browser("https://reports.example")
    assert served.get("/health").text == "ok\n"


def test_an_unusable_ledger_is_reported_with_what_to_do(site: Browser) -> None:
    load_settings().keys_file.unlink()
    assert "What to do:" in text_of(site, "/", 422)


def test_nothing_is_created_if_nothing_ran(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MFN_HOME", str(tmp_path / "home"))
    page_text = text_of(Browser("http://localhost"), "/")
    assert "Nothing has run yet" in page_text
    assert not list(tmp_path.iterdir())


def test_each_expectation_has_a_history_with_figures(site: Browser, world: World) -> None:
    listed = Page(site.get("/expectations?kind=import").text)
    broken, kept = "Every SKU to ship is an active item in the warehouse", "Every order has an id"
    assert listed.text.index(broken) < listed.text.index(kept)
    assert "No run has checked anything yet." in text_of(site, "/expectations?kind=confirm")
    link = next(link for link in listed.links if "sku_unknown" in link)
    page_text = Page(site.get("/" + link.removeprefix("./")).text)
    assert "3 1 33.3 %" in page_text.text
    assert f"../../runs/{newest(world)}" in page_text.links


def test_a_ledger_on_postgresql_is_read_the_same_way(
    world: World, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MFN_LEDGER_URL", postgres_url)
    world.put(an_order(), an_order(level="OVERNIGHT", orderId="HELD-2"))
    world.run()
    site = Browser("http://localhost")
    for outcome, is_found in (("telling", True), ("held", True), ("running", False), ("failed", False), ("done", True)):
        assert ("No run matches" not in text_of(site, f"/?outcome={outcome}")) is is_found, outcome
    assert "HELD-2" in text_of(site, "/orders?reason=shipping_method_unmapped&order=held")
    assert "mappings/shipping_methods.csv" in text_of(site, "/orders/HELD-2")
    assert "The shipping method is mapped" in text_of(site, "/expectations?connection=us")


def test_an_occupied_port_is_wrong_usage(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    with listen("127.0.0.1", 0) as taken:
        assert run(["site", "--port", str(taken.getsockname()[1])]) == 2
    assert "Choose another one with --port" in capsys.readouterr().err


def test_a_report_links_to_the_site_if_there_is_one() -> None:
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


def test_identical_outcomes_of_consecutive_runs_are_one_line_of_a_timeline() -> None:
    held = Moment(AT, "run-1", "import", "held", "us", (Reason("sku_unknown", "X"),))
    again = [replace(held, at=AT + timedelta(minutes=15 * n), batch_id=f"run-{n + 1}") for n in range(3)]
    loaded = replace(again[-1], outcome="loaded", reasons=())
    assert fold([*again, loaded, held]) == [(again[0], again[2], 3), (loaded, loaded, 1), (held, held, 1)]
