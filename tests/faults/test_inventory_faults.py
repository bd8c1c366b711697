"""Amazon, the warehouse and the network fail while stock is pushed: nothing wrong is told, the next run mends it."""

from __future__ import annotations

import hashlib
import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from mfn.amazon.calling import ATTEMPTS
from mfn.cli.application import run
from mfn.database.engines import reading
from mfn.ledger.leases import lease
from mfn.ledger.schema import Base
from mfn.warehouse.tables import wms_inventory
from tests.cli.test_commands import mfn
from tests.stock_world import CA, stock_world

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cli.test_commands import Mfn
    from tests.stock_world import Stock

__all__ = ["mfn"]

pytestmark = pytest.mark.usefixtures("no_pauses")

KEYS = {"batch_id", "skus", "pushed", "unchanged", "held", "failed", "api_calls", "report", "seconds"}
SKUS = ("BOWL", "LAMP", "PLATE", "VASE")
DEEDS = {"patchListingsItem", "createFeedDocument", "createFeed", "uploadDocument"}
"""What changes something at Amazon."""


@pytest.fixture(autouse=True)
def _quiet_root_logger() -> Iterator[None]:
    before = list(logging.root.handlers)
    yield
    logging.root.handlers[:] = before


@pytest.fixture
def stock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stock]:
    """Four SKUs with ten units each, five of each on offer, and a complete import."""
    monkeypatch.chdir(tmp_path)
    for name in ("SP_API_REFRESH_TOKEN", "LWA_APP_ID", "LWA_CLIENT_SECRET"):
        monkeypatch.setenv(name, "test")
    with stock_world(tmp_path, f"sqlite:///{tmp_path / 'warehouse.db'}") as made:
        made.world.forget_items()
        made.world.add_items(*SKUS)
        for sku in SKUS:
            made.receive(sku, 10)
            made.list_offer(sku, 5)
        made.world.run()
        yield made


@pytest.fixture
def push(stock: Stock, mfn: Mfn) -> Push:
    return Push(stock, mfn)


class Push:
    """`mfn inventory us`, its sum checked every time."""

    def __init__(self, stock: Stock, mfn: Mfn) -> None:
        self.stock = stock
        self._mfn = mfn

    def __call__(self, *options: str, connection: str = "us") -> tuple[int, dict[str, Any]]:
        status, document = self._mfn("inventory", connection, *options)
        if status in {0, 1} and "skus" in document:
            assert set(document) >= KEYS
            parts = sum(document[name] for name in ("pushed", "unchanged", "held", "failed"))
            assert document["skus"] == parts, document
        if status:
            assert document["error"]
            assert document["remedy"]
            assert "Traceback" not in document["error"]
        return status, document

    def calls(self, *operations: str) -> int:
        return sum(call.operation in operations for call in self.stock.world.amazon.calls)

    def shown(self) -> dict[str, int]:
        return {sku: self.stock.shown(sku) for sku in SKUS}


def everywhere(units: int) -> dict[str, int]:
    return dict.fromkeys(SKUS, units)


def test_levels_are_told_once_and_the_handling_time_stays(push: Push) -> None:
    status, document = push()
    assert (status, document["pushed"], document["skus"]) == (0, 4, 4)
    assert push.shown() == everywhere(10)
    assert {push.stock.handling_days(sku) for sku in SKUS} == {2}
    status, document = push()
    assert (status, document["unchanged"]) == (0, 4)
    assert push.calls("patchListingsItem") == 4


def test_a_full_push_tells_all_of_them_again(push: Push) -> None:
    push()
    status, document = push("--full")
    assert (status, document["pushed"], push.calls("patchListingsItem")) == (0, 4, 8)


PASSING: dict[str, Any] = {
    "503": lambda f, op: f.answer(op, 503),
    "500 after the deed": lambda f, op: f.answer(op, 500, after_deed=True),
    "429": lambda f, op: f.answer(op, 429, {"errors": [{"code": "QuotaExceeded", "message": "slow down"}]}),
    "dropped": lambda f, op: f.drop(op),
    "dropped after the deed": lambda f, op: f.drop(op, after_deed=True),
    "truncated": lambda f, op: f.truncate(op),
    "not json": lambda f, op: f.answer(op, 200, "<html>a proxy speaks</html>", media_type="text/html"),
}


@pytest.mark.parametrize("operation", ["searchListingsItems", "patchListingsItem"])
def test_what_passes_is_ridden_out_within_one_run(push: Push, operation: str) -> None:
    faults = push.stock.world.amazon.faults
    for plant in PASSING.values():
        plant(faults, operation)
        faults.let_pass(operation)
    status, document = push()
    assert (status, document["pushed"], push.shown()) == (0, 4, everywhere(10)), document


@pytest.mark.parametrize("operation", ["searchListingsItems", "patchListingsItem"])
def test_a_server_that_fails_for_long_ends_with_1_and_the_next_run_does_it_all(push: Push, operation: str) -> None:
    push.stock.world.amazon.faults.answer(operation, 503, times=ATTEMPTS * 20)
    status, document = push()
    assert status == 1, document
    push.stock.world.amazon.faults._queues.clear()
    status, document = push()
    assert (status, push.shown()) == (0, everywhere(10)), document


def test_a_dead_server_ends_with_1_and_leaves_the_run_to_be_done_again(
    push: Push, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = push.stock.world.home / "connections.yaml"
    right = path.read_text(encoding="utf-8")
    path.write_text(right.replace(push.stock.world.endpoint, "http://127.0.0.1:9"), encoding="utf-8")
    status, _ = push()
    assert status == 1
    path.write_text(right, encoding="utf-8")
    assert push()[0] == 0
    assert push.shown() == everywhere(10)


def invalid(sku: str) -> dict[str, Any]:
    issue = {"code": "90220", "message": f"{sku} lacks a brand.", "severity": "ERROR", "categories": []}
    return {"sku": sku, "status": "INVALID", "submissionId": "s-1", "issues": [issue]}


def test_an_invalid_answer_with_200_is_a_failure_in_amazons_words_and_is_tried_again(push: Push, mfn: Mfn) -> None:
    push.stock.world.amazon.faults.answer("patchListingsItem", 200, invalid("BOWL"))
    status, document = push()
    assert (status, document["failed"], document["pushed"]) == (1, 1, 3), document
    page = (push.stock.world.home / ".mfn" / "reports" / f"{document['batch_id']}.html").read_text(encoding="utf-8")
    assert "lacks a brand" in page
    status, document = push()
    assert (status, document["failed"], document["pushed"]) == (0, 0, 1)
    assert push.shown() == everywhere(10)


@pytest.mark.parametrize("status", [400, 413, 415])
def test_a_refusal_of_one_sku_stops_no_other(push: Push, status: int) -> None:
    said = {"errors": [{"code": "InvalidInput", "message": "not this one"}]}
    push.stock.world.amazon.faults.answer("patchListingsItem", status, said)
    ended, document = push()
    assert (ended, document["failed"], document["pushed"]) == (1, 1, 3), document


def test_a_listing_that_is_gone_is_held_and_no_other(push: Push) -> None:
    push()
    for sku in SKUS:
        push.stock.receive(sku, 8)
    del push.stock.amazon._listings["ATVPDKIKX0DER", "BOWL"]
    status, document = push()
    assert (status, document["held"], document["pushed"]) == (0, 1, 3), document
    page = (push.stock.world.home / ".mfn" / "reports" / f"{document['batch_id']}.html").read_text(encoding="utf-8")
    assert "listing_missing" in page


def test_a_404_is_held_as_a_missing_listing(push: Push) -> None:
    said = {"errors": [{"code": "NOT_FOUND", "message": "no such SKU"}]}
    push.stock.world.amazon.faults.answer("patchListingsItem", 404, said)
    status, document = push()
    assert (status, document["held"], document["pushed"], document["failed"]) == (0, 1, 3, 0), document


def test_a_role_that_is_missing_stops_the_run_and_is_named(push: Push) -> None:
    denied = {"errors": [{"code": "Unauthorized", "message": "Access to requested resource is denied."}]}
    push.stock.world.amazon.faults.answer("patchListingsItem", 403, denied, times=50)
    status, document = push()
    assert status == 1
    assert "role" in document["error"]
    push.stock.world.amazon.faults._queues.clear()
    assert push()[0] == 0
    assert push.shown() == everywhere(10)


def test_what_amazon_ships_itself_is_never_touched(push: Push) -> None:
    push.stock.list_offer("VASE", 77, channel="AMAZON_NA")
    push.stock.list_offer("FBA-ONLY", 33, channel="AMAZON_NA")
    status, document = push()
    assert status == 0
    assert (document["pushed"], document["skus"]) == (3, 3), document
    entries = push.stock.amazon.find("ATVPDKIKX0DER", "VASE").attributes["fulfillment_availability"]
    assert [(entry["fulfillment_channel_code"], entry["quantity"]) for entry in entries] == [("AMAZON_NA", 77)]


def test_two_runs_at_once_are_refused_with_3(push: Push) -> None:
    with lease(push.stock.world.ledger, "us", "inventory"):
        assert push()[0] == 3
    assert push(connection="nowhere")[0] == 2
    assert run(["inventory", "us", "--no-such-option", "--json"]) == 2


def test_an_empty_warehouse_is_not_believed(push: Push) -> None:
    push()
    with push.stock.actor.working() as database:
        database.execute(wms_inventory.delete())
    status, document = push()
    assert (status, document["pushed"], push.shown()) == (1, 0, everywhere(10)), document
    assert "--force" in document["remedy"]
    status, document = push("--full")
    assert (status, document["pushed"], push.shown()) == (1, 0, everywhere(10)), document
    status, document = push("--force")
    assert (status, document["pushed"], push.shown()) == (0, 4, everywhere(0)), document


def test_an_empty_warehouse_is_not_believed_by_the_first_run_either(push: Push) -> None:
    with push.stock.actor.working() as database:
        database.execute(wms_inventory.delete())
    status, document = push()
    assert (status, document["pushed"], push.shown()) == (1, 0, everywhere(5)), document


def test_a_location_that_is_gone_is_not_believed_though_the_whole_is(push: Push) -> None:
    for sku in SKUS:
        push.stock.receive(sku, 90, location="B-02")
    push.stock.receive("BOWL", 5, location="C-03")
    push.stock.receive("LAMP", 5, location="C-03")
    assert push()[0] == 0
    before = push.shown()
    with push.stock.actor.working() as database:
        database.execute(wms_inventory.delete().where(wms_inventory.c.location == "C-03"))
    status, document = push()
    assert (status, document["pushed"], push.shown()) == (1, 0, before), document
    assert "C-03" in document["error"]
    # What was not believed once is not believed the next time just because it stayed.
    assert push()[0] == 1
    assert push("--force")[0] == 0
    assert push()[0] == 0
    assert push.shown() == everywhere(100)


def ledger_digest(stock: Stock) -> str:
    """Everything in the ledger but what a dry run may write: its own batch, and who works when."""
    own = {"batch", "batch_chunk", "batch_offer", "lease", "rate_budget"}
    digest = hashlib.sha256()
    with reading(stock.world.ledger.engine, what="the ledger") as database:
        for table in Base.metadata.sorted_tables:
            if table.name not in own:
                rows = database.execute(select(table).order_by(*table.primary_key)).all()
                digest.update(repr((table.name, rows)).encode())
    return digest.hexdigest()


@pytest.mark.parametrize("is_first", [True, False], ids=["first run", "later run"])
def test_a_dry_run_changes_nothing_and_says_what_would_be_pushed(push: Push, is_first: bool) -> None:
    if not is_first:
        push()
        push.stock.receive("BOWL", 3)
        push.stock.check_out("VASE", 2)
    before, shown, deeds = ledger_digest(push.stock), push.shown(), push.calls(*DEEDS)
    status, document = push("--dry-run")
    assert (status, document["pushed"], document["skus"]) == (0, 4 if is_first else 1, 4), document
    assert (ledger_digest(push.stock), push.shown(), push.calls(*DEEDS)) == (before, shown, deeds)
    assert push("--dry-run", "--full")[1]["pushed"] == 4
    assert (ledger_digest(push.stock), push.shown(), push.calls(*DEEDS)) == (before, shown, deeds)
    status, document = push()
    assert document["pushed"] == (4 if is_first else 1)


def test_a_sku_that_was_never_sent_waits_for_the_first_complete_import(push: Push) -> None:
    push.stock.world.ledger.engine.dispose()
    push.stock.list_offer("VASE", 5, place=CA)
    status, document = push(connection="ca")
    assert (status, document["pushed"]) == (0, 0), document
    assert push.calls("patchListingsItem") == 0
    assert document["held"] == document["skus"]


def test_a_checkout_is_not_undone_and_not_taken_off_twice(push: Push, mfn: Mfn) -> None:
    push()
    push.stock.minutes_pass(5)
    push.stock.check_out("BOWL", 3)
    push.stock.receive("BOWL", 12)
    push()
    assert push.stock.shown("BOWL") == 9
    push("--full")
    assert push.stock.shown("BOWL") == 9
    push.stock.minutes_pass(5)
    assert mfn("import", "us")[0] == 0
    push()
    assert push.stock.shown("BOWL") == 9
    push.stock.minutes_pass(5)
    assert mfn("import", "us")[0] == 0
    push("--full")
    assert push.stock.shown("BOWL") == 9


def test_a_level_is_not_raised_because_amazon_shows_less_until_an_import_has_covered_it(push: Push, mfn: Mfn) -> None:
    push()
    push.stock.minutes_pass(5)
    push.stock.amazon.sell("ATVPDKIKX0DER", "BOWL", 4, push.stock.world.amazon.clock.now())
    for _ in range(2):
        status, document = push()
        assert (status, document["pushed"], push.stock.shown("BOWL")) == (0, 0, 6), document
    push.stock.minutes_pass(5)
    assert mfn("import", "us")[0] == 0
    for _ in range(2):
        push()
        push.stock.minutes_pass(1)
    assert push.stock.shown("BOWL") == 10, "what no import explains is drift, and is sent again"


def test_what_somebody_raised_at_amazon_is_drift_and_is_sent_again(push: Push) -> None:
    push()
    push.stock.minutes_pass(20)
    push.stock.list_offer("BOWL", 50)
    status, document = push()
    assert (status, push.stock.shown("BOWL")) == (0, 10), document
    assert document["drift"] == 1


def test_levels_that_fall_to_nothing_go_first(push: Push, monkeypatch: pytest.MonkeyPatch) -> None:
    push()
    for sku, units in zip(SKUS, (20, 4, 15, 0), strict=True):
        push.stock.receive(sku, units)
    told: list[tuple[str, int]] = []
    amazon = push.stock.world.amazon
    plan = amazon.agenda.at

    def remembering(due: Any, action: Any) -> None:
        listing, patches = action.args
        told.append((listing.sku, patches[0]["value"][0]["quantity"]))
        plan(due, action)

    monkeypatch.setattr(amazon.agenda, "at", remembering)
    push()
    assert told[0] == ("VASE", 0)
    assert sorted(told) == [("BOWL", 20), ("LAMP", 4), ("PLATE", 15), ("VASE", 0)]


def test_bad_rows_hold_their_skus_with_a_reason_each_and_the_others_go_on(push: Push) -> None:
    push.stock.world.add_items("NEGATIVE", "TWICE", "NOWHERE", "OLD")
    with push.stock.actor.working() as database:
        database.exec_driver_sql("ALTER TABLE wms_inventory RENAME TO kept")
        database.exec_driver_sql(
            "CREATE TABLE wms_inventory (sku, location, on_hand, allocated, is_sellable, counted_at)"
        )
        database.exec_driver_sql("INSERT INTO wms_inventory SELECT * FROM kept")
        rows = [
            ("NEGATIVE", "A-01", -1, 0),
            ("TWICE", "A-01", 4, 0),
            ("TWICE", "A-01", 4, 0),
            ("STRANGER", "A-01", 4, 0),
            ("PLATE", "B-02", 1.5, 0),
            ("LAMP", "B-02", "n/a", 0),
        ]
        for row in rows:
            database.exec_driver_sql("INSERT INTO wms_inventory VALUES (?, ?, ?, ?, 1, NULL)", row)
    for sku in ("NEGATIVE", "TWICE", "NO-SUCH-ITEM"):
        push.stock.list_offer(sku, 5)
    status, document = push()
    assert (status, document["pushed"], document["failed"]) == (0, 2, 0), document
    page = (push.stock.world.home / ".mfn" / "reports" / f"{document['batch_id']}.html").read_text(encoding="utf-8")
    codes = {
        "stock_negative", "stock_duplicate", "stock_fractional", "stock_unreadable", "item_unknown", "sku_unknown",
        "listing_missing",
    }  # fmt: skip
    assert {code for code in codes if code not in page} == set()
    assert document["held"] == 8
    assert push.shown() == {"BOWL": 10, "VASE": 10, "LAMP": 5, "PLATE": 5}


def test_a_count_that_is_too_old_is_held(push: Push) -> None:
    old = push.stock.world.amazon.clock.now() - timedelta(hours=30)
    push.stock.receive("BOWL", 10, counted_at=old)
    push.stock.write_inventory_section(maximum_age_hours=24)
    status, document = push()
    assert (status, document["held"], document["pushed"]) == (0, 1, 3), document
    assert push.stock.shown("BOWL") == 5


def test_a_batch_is_run_again_by_its_id(push: Push, mfn: Mfn) -> None:
    push.stock.world.amazon.faults.answer("patchListingsItem", 200, invalid("BOWL"))
    status, document = push()
    assert status == 1
    status, again = mfn("rerun", document["batch_id"])
    assert status == 0, again
    assert push.shown() == everywhere(10)
    for stage in ("read", "compare", "push", "verify"):
        status, again = mfn("rerun", document["batch_id"], "--from-stage", stage)
        assert status == 0, (stage, again)
        (row,) = again["batches"]
        assert row["skus"] == row["pushed"] + row["unchanged"] + row["held"] + row["failed"]
    assert mfn("rerun", document["batch_id"], "--from-stage", "extract")[0] == 2
    assert push.shown() == everywhere(10)
