"""The warehouse answers wrongly, or Amazon must not be touched: what is held back, and why."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from mfn.ledger.schema import Base
from mfn.warehouse.tables import wms_inventory, wms_item
from tests.faults.stock_command import Push, everywhere, mfn, push, quiet_root_logger
from tests.steps.pushing import SKUS

if TYPE_CHECKING:
    from tests.stock_world import Stock

__all__ = ["mfn", "push", "quiet_root_logger"]

DEEDS = ("patchListingsItem", "createFeedDocument", "createFeed", "uploadDocument")
"""What changes something at Amazon."""


def test_an_empty_warehouse_is_not_trusted(push: Push) -> None:
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


def test_a_warehouse_whose_items_are_no_longer_active_is_not_trusted(push: Push) -> None:
    push()
    with push.stock.actor.working() as database:
        database.execute(wms_item.update().values(is_active=False))
    status, document = push()
    assert (status, document["pushed"], push.shown()) == (1, 0, everywhere(10)), document
    status, document = push("--force")
    assert (status, document["pushed"], push.shown()) == (0, 4, everywhere(0)), document


def test_an_empty_warehouse_is_not_trusted_by_the_first_run_either(push: Push) -> None:
    with push.stock.actor.working() as database:
        database.execute(wms_inventory.delete())
    status, document = push()
    assert (status, document["pushed"], push.shown()) == (1, 0, everywhere(5)), document


def test_a_missing_location_is_not_trusted_even_if_the_total_is_plausible(push: Push) -> None:
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


def test_bad_rows_hold_their_skus_with_a_reason_each_and_the_others_are_sent(push: Push) -> None:
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
    page = push.page(document)
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


def ledger_digest(stock: Stock) -> str:
    """Everything in the ledger but what a dry run may write: its own batch, and who works when."""
    own = {"batch", "batch_chunk", "batch_offer", "lease", "rate_budget"}
    digest = hashlib.sha256()
    with stock.world.ledger.reading() as database:
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
