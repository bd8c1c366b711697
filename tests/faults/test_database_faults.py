"""A database fails: the right error with its remedy, nothing half done, and a later run brings every order in once."""

from __future__ import annotations

import resource
import shutil
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select, text

from mfn.database import engines
from mfn.database.engines import engine_for, writing
from mfn.errors import ConfigurationError
from mfn.ledger.batch_listing import list_batches
from mfn.ledger.encryption import new_key
from mfn.ledger.schema import BatchChunk
from mfn.settings import load_settings
from mfn.steps.runs import run_import
from mfn.warehouse.sql import SqlWarehouse
from tests.faults.copies import assert_at_rest, put_down
from tests.faults.processes import Ended, in_child, without_privileges
from tests.world import an_order

if TYPE_CHECKING:
    from collections.abc import Callable

    from mfn.warehouse.loading import LoadResult
    from tests.world import World

pytestmark = pytest.mark.usefixtures("is_warm")

ORDERS = 3


def three_orders(world: World) -> list[str]:
    """Two good orders and one that is held, in a ledger that is there already, with everything put down."""
    world.run()
    orders = world.put(an_order(minutes_ago=10), an_order(minutes_ago=10), an_order(level="SAME_DAY", minutes_ago=10))
    put_down(world)
    return orders


def run_in_child(world: World, *preparations: Callable[[], None]) -> Ended:
    """A run in a process of its own, to which something is done before."""

    def run() -> Any:
        for prepare in preparations:
            prepare()
        return world.run()

    return in_child(run)


def before_the_load(act: Callable[[], None]) -> Callable[[], None]:
    """Have something done in this process right before the first chunk reaches the warehouse."""

    def prepare() -> None:
        load = SqlWarehouse.load

        def act_first(warehouse: SqlWarehouse, *rows: Any) -> LoadResult:
            act()
            return load(warehouse, *rows)

        SqlWarehouse.load = act_first  # type: ignore[method-assign, assignment]

    return prepare


def repaired(world: World, orders: list[str], *, carried_on: bool = True) -> None:
    """The next run brings everything to its end, under the same batch where there was one."""
    begun = len(list_batches(world.ledger))
    summary = world.run()
    assert (summary["fetched"], summary["loaded"], summary["held"]) == (ORDERS, 2, 1)
    assert len(list_batches(world.ledger)) == (begun if carried_on else begun + 1)
    *good, held = orders
    assert sorted(row["order_number"] for row in world.rows()) == sorted(good)
    assert world.statuses() == {**dict.fromkeys(good, "loaded"), held: "held"}
    with world.ledger.reading() as database:
        assert database.execute(select(func.count()).select_from(BatchChunk)).scalar_one() == 0
    assert_at_rest(world)


def waiting(world: World, orders: list[str]) -> None:
    """What was fetched waits in the ledger, and nothing of it has reached the warehouse."""
    *good, held = orders
    assert world.statuses() == {**dict.fromkeys(good, "ready"), held: "held"}
    assert world.rows() == []
    assert list_batches(world.ledger)[0].status == "failed"


def test_a_read_only_warehouse_stops_the_load_and_the_orders_wait(world: World) -> None:
    orders = three_orders(world)
    (world.home / "warehouse.db").chmod(0o444)
    ended = run_in_child(world, without_privileges)
    assert (ended.error, ended.exit_code) == ("RunFailedError", 1)
    assert "the warehouse of us may not be written: attempt to write a readonly database" in ended.message
    assert "Grant the login (a file: the user) that right" in ended.remedy
    (world.home / "warehouse.db").chmod(0o644)
    waiting(world, orders)
    repaired(world, orders)


def test_a_warehouse_that_another_program_keeps_locked_is_retried_later(world: World) -> None:
    orders = three_orders(world)
    with world.writing_warehouse():
        ended = run_in_child(world, partial(setattr, engines, "BUSY_SECONDS", 0))
    assert (ended.error, ended.exit_code) == ("RunFailedError", 1)
    assert "the warehouse of us cannot be used: database is locked" in ended.message
    assert "mfn rerun --failed" in ended.remedy
    waiting(world, orders)
    repaired(world, orders)


def test_a_warehouse_that_lacks_a_column_is_refused_by_the_columns_name(world: World) -> None:
    orders = three_orders(world)
    engine = engine_for(world.warehouse_url)
    with writing(engine, what="the warehouse") as database:
        database.execute(text("ALTER TABLE wms_order DROP COLUMN city"))
        database.execute(text("ALTER TABLE wms_item DROP COLUMN description"))
    put_down(world)
    ended = run_in_child(world)
    assert "missing wms_item.description, wms_order.city" in ended.message
    assert "docs/warehouse.md" in ended.remedy
    with writing(engine, what="the warehouse") as database:
        database.execute(text("ALTER TABLE wms_order ADD COLUMN city VARCHAR"))
        database.execute(text("ALTER TABLE wms_item ADD COLUMN description VARCHAR"))
    assert world.statuses() == {}
    repaired(world, orders)


def test_a_table_dropped_during_a_run_is_created_again_by_the_next(world: World) -> None:
    orders = three_orders(world)

    def drop() -> None:
        with world.writing_warehouse() as database:
            database.execute(text("DROP TABLE wms_order_line"))

    ended = run_in_child(world, before_the_load(drop))
    assert "the warehouse of us refused a statement: no such table" in ended.message
    waiting(world, orders)
    repaired(world, orders)


def test_orders_without_items_in_a_recreated_warehouse_are_held_until_it_is_back(world: World) -> None:
    orders = three_orders(world)
    shutil.move(world.home / "warehouse.db", world.home / "elsewhere.db")
    assert run_in_child(world).value["held"] == ORDERS
    for file in world.home.glob("warehouse.db*"):
        file.unlink()
    shutil.move(world.home / "elsewhere.db", world.home / "warehouse.db")
    summary = world.run()
    assert summary["loaded"] + summary["released"] == 2
    assert sorted(row["order_number"] for row in world.rows()) == sorted(orders[:2])


def test_a_full_disk_ends_the_run_and_costs_no_order(world: World) -> None:
    orders = three_orders(world)
    long = [f"{number:0200}" for number in range(20)]
    for order in world.put(*(an_order(minutes_ago=10, programs=long) for _ in range(40))):
        orders.insert(0, order)
    largest = max(file.stat().st_size for file in world.home.rglob("*.db"))

    def fill() -> None:
        limit = largest + 60_000
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    ended = run_in_child(world, fill)
    assert ended.exit_code == 1
    assert ended.error in {"RunFailedError", "RetriableError"}
    assert "cannot be used" in ended.message
    assert "has free disk space" in ended.remedy
    summary = world.run()
    assert (summary["fetched"], summary["loaded"], summary["held"]) == (43, 42, 1)
    assert len(world.rows()) == 42
    assert_at_rest(world)


def test_a_report_that_cannot_be_written_is_an_error_and_the_orders_are_loaded(world: World) -> None:
    orders = three_orders(world)
    shutil.rmtree(world.home / ".mfn" / "reports")
    (world.home / ".mfn" / "reports").write_text("in the way", encoding="utf-8")
    ended = run_in_child(world)
    assert (ended.error, ended.exit_code) == ("RunFailedError", 1)
    assert "the report of us-import-" in ended.message
    assert "mfn rerun us-import-" in ended.remedy
    assert sorted(row["order_number"] for row in world.rows()) == sorted(orders[:2])
    assert list_batches(world.ledger)[0].status == "done"


def test_a_read_only_ledger_stops_the_run_before_amazon_is_asked(world: World) -> None:
    orders = three_orders(world)
    asked = len(world.amazon.calls)
    (world.home / ".mfn" / "ledger.db").chmod(0o444)
    ended = run_in_child(world, without_privileges)
    (world.home / ".mfn" / "ledger.db").chmod(0o600)
    assert (ended.error, ended.exit_code) == ("FatalError", 1)
    assert "may not be written" in ended.message
    assert len(world.amazon.calls) == asked
    repaired(world, orders, carried_on=False)


def test_a_locked_ledger_is_retried_later(world: World) -> None:
    orders = three_orders(world)
    with world.ledger.writing():
        ended = run_in_child(world, partial(setattr, engines, "BUSY_SECONDS", 0))
    assert (ended.error, ended.exit_code) == ("RetriableError", 1)
    assert "the ledger cannot be used: database is locked" in ended.message
    repaired(world, orders, carried_on=False)


def test_a_table_missing_from_the_ledger_during_a_run_is_named(world: World) -> None:
    orders = three_orders(world)
    shutil.copy(world.home / ".mfn" / "ledger.db", world.home / "backup.db")

    def drop() -> None:
        with world.ledger.writing() as database:
            database.execute(text("DROP TABLE reservation"))

    ended = run_in_child(world, before_the_load(drop))
    assert "the ledger refused a statement: no such table: reservation" in ended.message
    put_down(world)
    for file in (world.home / ".mfn").glob("ledger.db*"):
        file.unlink()
    shutil.copy(world.home / "backup.db", world.home / ".mfn" / "ledger.db")
    repaired(world, orders, carried_on=False)


@pytest.mark.parametrize("fault", ["missing", "readable", "garbage", "other", "environment"])
def test_keys_that_do_not_fit_stop_the_run_before_anything_is_started(
    world: World, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    three_orders(world)
    asked, keys = len(world.amazon.calls), world.home / ".mfn" / "keys"
    kept = keys.read_text(encoding="ascii")
    match fault:
        case "missing":
            keys.unlink()
        case "readable":
            keys.chmod(0o644)
        case "garbage":
            keys.write_bytes(b"\xff\x00garbage")
        case "other":
            keys.write_text(new_key(), encoding="ascii")
        case "environment":
            monkeypatch.setenv("MFN_PII_KEYS", new_key())
    with pytest.raises(ConfigurationError) as refused:
        run_import(load_settings(), "us")
    assert refused.value.exit_code == 2
    assert refused.value.remedy
    assert len(world.amazon.calls) == asked
    monkeypatch.delenv("MFN_PII_KEYS", raising=False)
    keys.write_text(kept, encoding="ascii")
    keys.chmod(0o600)
    assert len(list_batches(world.ledger)) == 1
