"""Flow runs with planted buyers, everything logged to Prefect: it keeps nothing of them, nor of any secret."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from prefect.logging.handlers import APILogHandler
from prefect.settings import (
    PREFECT_LOCAL_STORAGE_PATH,
    PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW,
    PREFECT_RESULTS_PERSIST_BY_DEFAULT,
    PREFECT_SERVER_DATABASE_CONNECTION_URL,
    temporary_settings,
)

from flows.confirm_shipments import confirm_shipments
from flows.import_orders import import_orders
from flows.purge_expired import purge_expired
from flows.reconcile import reconcile
from flows.rerun_batches import rerun_batches
from flows.sync_inventory import sync_inventory
from mfn.warehouse.tables import wms_inventory
from tests.flows.deployed import started_by_hand
from tests.flows.flow_runs import ON_PREFECT, run_flow
from tests.privacy.planting import (
    ACCESS_TOKEN,
    ADDRESS,
    PLANTED,
    SECRETS,
    broken_orders,
    held_orders,
    planted_item,
    planted_order,
)
from tests.privacy.searching import Search
from tests.warehouse_actor import WarehouseActor
from tests.world import SKUS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.world import World

pytestmark = ON_PREFECT

SEARCH = Search([*PLANTED, *SECRETS.values(), ACCESS_TOKEN])


@pytest.fixture
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def _everything_logged(world: World) -> Iterator[None]:
    """What any library logs, at DEBUG, goes to Prefect; and results are kept wherever nothing forbids it."""
    handler, root = APILogHandler(), logging.getLogger()
    before, names = root.level, ("prefect", "prefect.flow_runs", "prefect.task_runs")
    levels = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.DEBUG)
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    kept: dict[Any, Any] = {
        PREFECT_RESULTS_PERSIST_BY_DEFAULT: True,
        PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW: "ignore",
        PREFECT_LOCAL_STORAGE_PATH: str(world.home / "results"),
    }
    with temporary_settings(kept):
        yield
    root.removeHandler(handler)
    root.setLevel(before)
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def broken(*_: Any, **__: Any) -> NoReturn:
    raise ValueError(f"nobody foresaw {ADDRESS}")


@pytest.mark.usefixtures("_secrets", "_everything_logged")
def test_prefect_stores_neither_buyer_data_nor_secrets(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.write_carriers()
    world.refuse_city("Refused")
    loaded, shipped, *_ = world.put(planted_order(), planted_order(), planted_order(delivery={"city": "Refused"}))
    held, *_ = world.put(*held_orders())
    assert started_by_hand(import_orders, connection="us").is_completed()
    world.answer_page(*broken_orders(), planted_order(planted_item("MUG-RED")))
    with monkeypatch.context() as patch:
        patch.setattr("mfn.steps.importing.transform.components_of", broken)
        failed = run_flow(import_orders, connection="us")
    assert failed.is_failed()
    assert "ValueError" in str(failed.message)
    assert run_flow(rerun_batches, failed=True).is_completed()
    with world.writing_warehouse() as database:
        database.execute(wms_inventory.insert(), [{"sku": sku, "location": "A", "on_hand": 9} for sku in SKUS])
    actor = WarehouseActor(world.warehouse_url)
    actor.pick(shipped)
    actor.ship(shipped, shipment_id="S1", tracking_number="1Z999AA10123456784")
    assert run_flow(confirm_shipments, connection="us").is_completed()
    assert run_flow(sync_inventory, connection="us").is_completed()
    differing = run_flow(reconcile, connection="us")
    assert differing.is_failed()
    assert "missing_on_amazon" in str(differing.message), differing.message
    assert run_flow(purge_expired).is_completed()
    APILogHandler().flush()
    assert [row["city"] for row in world.rows() if row["order_number"] == loaded] == [ADDRESS["city"]]
    database_file = Path(str(PREFECT_SERVER_DATABASE_CONNECTION_URL.value()).partition(":///")[2])
    assert Search([held]).below(database_file.parent), "Prefect's database is looked into"
    assert SEARCH.below(database_file.parent) == []
    assert SEARCH.below(world.home, but=[world.home / f"warehouse.db{part}" for part in ("", "-wal", "-shm")]) == []
