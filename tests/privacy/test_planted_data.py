"""Whole runs with planted buyers and secrets, everything logged: they stand in no file but the warehouse's own."""

from __future__ import annotations

import asyncio
import html
import json
import logging
import re
from typing import TYPE_CHECKING
from urllib.parse import urljoin

import httpx
import pytest

from mfn.cli.application import run
from mfn.ledger.schema import Base
from mfn.settings import load_settings
from mfn.site.app import build_site
from mfn.warehouse.tables import wms_inventory
from tests.privacy.planting import (
    ACCESS_TOKEN,
    ADDRESS,
    ASKED,
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
    from pathlib import Path

    from tests.world import World


SEARCH = Search([*PLANTED, *SECRETS.values(), ACCESS_TOKEN])
RULES = """\
order.import:
  - name: Alaska waits for the boat
    when: order.state == "AK" and order.country_code == "US"
    then:
      - set: {order.ship_method_code: TWO_DAY}
"""
REFUSING = {
    "sqlite": (
        (
            "CREATE TRIGGER not_there BEFORE INSERT ON wms_order WHEN NEW.city = 'Refused'"
            " BEGIN SELECT RAISE(ABORT, 'not there'); END"
        ),
        (
            "CREATE TRIGGER too_long BEFORE INSERT ON wms_order_line WHEN NEW.title = 'Refused'"
            " BEGIN INSERT INTO wms_item (sku) VALUES (NULL); END"
        ),
    ),
    "postgresql": (
        (
            "CREATE FUNCTION not_there() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.city = 'Refused' THEN"
            " RAISE EXCEPTION 'not to % of %', NEW.ship_to_name, NEW.address_1; END IF; RETURN NEW; END $$"
        ),
        "CREATE TRIGGER not_there BEFORE INSERT ON wms_order FOR EACH ROW EXECUTE FUNCTION not_there()",
        "ALTER TABLE wms_order_line ADD CHECK (title <> 'Refused')",
    ),
}
"""A warehouse that refuses rows, and quotes them where its database lets it."""


@pytest.fixture
def planted(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> World:
    """A world whose warehouse refuses some rows, its ledger and warehouse on the database that is asked for."""
    world: World = request.getfixturevalue("world" if request.param == "sqlite" else "world_on_postgres")
    for name, value in (SECRETS | {"PREFECT_API_URL": "http://127.0.0.1:1/api"}).items():
        monkeypatch.setenv(name, value)
    world.write_carriers()
    (world.home / "mappings" / "rules.yaml").write_text(RULES, encoding="utf-8")
    with world.writing_warehouse() as database:
        for statement in REFUSING[request.param]:
            database.exec_driver_sql(statement.replace("%", "%%"))
    return world


@pytest.fixture
def _everything_logged(planted: World) -> Iterator[None]:
    """What any library logs, at DEBUG, in a file; also of those that stay silent unless they are asked by name."""
    handler = logging.FileHandler(planted.home / "debug.log")
    names = ("", "sqlalchemy.engine", "sqlalchemy.pool")
    before = {name: logging.getLogger(name).level for name in names}
    logging.getLogger().addHandler(handler)
    for name in names:
        logging.getLogger(name).setLevel(logging.DEBUG)
    yield
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)
    logging.getLogger().removeHandler(handler)
    handler.close()


class Shell:
    """Commands as a person types them; what they print stands in a file.

    Args:
        capture: What is printed.
        said: The file.
    """

    def __init__(self, capture: pytest.CaptureFixture[str], said: Path) -> None:
        self._capture = capture
        self._said = said

    def __call__(self, *words: str, ends: int = 0) -> str:
        """Run a command that ends with this status; returns its standard output."""
        status = run([*words, "--debug"])
        shown = self._capture.readouterr()
        with self._said.open("a", encoding="utf-8") as file:
            file.write(f"$ mfn {' '.join(words)}\n{shown.out}{shown.err}")
        assert status == ends, (words, shown)
        return shown.out


@pytest.fixture
def mfn(capsys: pytest.CaptureFixture[str], planted: World) -> Shell:
    return Shell(capsys, planted.home / "said.txt")


def save_site(folder: Path) -> int:
    """Keep every page of the report site to which links lead from the first one; how many there are."""
    folder.mkdir()

    async def walk() -> int:
        transport = httpx.ASGITransport(build_site(load_settings()))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8400") as browser:
            seen, coming = {"/"}, ["/"]
            for number, path in enumerate(coming):
                text = (await browser.get(path)).text
                (folder / f"{number}.html").write_text(text, encoding="utf-8")
                links = {urljoin(path, html.unescape(link)) for link in re.findall(r'href="(\.[^"#?]*)', text)} - seen
                coming += sorted(links)
                seen |= links
            return len(coming)

    return asyncio.run(walk())


def keep_nothing(world: World) -> None:
    """From now on buyers' data of orders that are over is due for removal at once, also in the warehouse."""
    path = world.home / "connections.yaml"
    privacy = "    privacy: {retention_days: 0, scrub_warehouse: true}"
    path.write_text(f"{path.read_text(encoding='utf-8')}{privacy}\n", encoding="utf-8")


def save_ledger(world: World, path: Path) -> None:
    """Keep every value of the ledger, which on PostgreSQL is in no file of this project."""
    with path.open("wb") as file, world.ledger.reading() as database:
        for table in Base.metadata.sorted_tables:
            for row in database.execute(table.select()):
                file.writelines(value if isinstance(value, bytes) else str(value).encode() for value in row)


def come_in(world: World, mfn: Shell) -> tuple[list[str], list[str]]:
    """Imports over orders of every kind; the ids of those that may be loaded, and of those that are held."""
    refused = planted_item(product={"sellerSku": "MUG-RED", "title": "Refused"})
    order_ids = world.put(
        planted_order(), planted_order(), planted_order(planted_item(cancellation=ASKED)),
        planted_order(delivery={"city": "Refused"}), planted_order(refused),
        planted_order(status="CANCELLED"), planted_order(status="PENDING"),
    )  # fmt: skip
    held = world.put(*held_orders())
    mfn("import", "us")
    world.answer_page(*broken_orders(), planted_order())
    mfn("import", "us")
    return order_ids, held


def assert_nothing_is_found(world: World, loaded: str) -> None:
    """Nothing planted, and no access token, stands in any file of this world but the warehouse's, nor in its ledger."""
    save_ledger(world, world.home / "ledger")
    assert (world.home / "debug.log").stat().st_size > 100_000
    assert [row["city"] for row in world.rows() if row["order_number"] == loaded] == [ADDRESS["city"]]
    warehouse = [world.home / f"warehouse.db{part}" for part in ("", "-wal", "-shm")]
    assert SEARCH.below(world.home, but=warehouse) == []


@pytest.mark.parametrize("planted", ["postgresql"], indirect=True)
@pytest.mark.usefixtures("_everything_logged")
def test_no_buyer_data_is_in_a_ledger_on_postgresql_or_in_what_is_printed_about_it(planted: World, mfn: Shell) -> None:
    (loaded, *_), _ = come_in(planted, mfn)
    assert_nothing_is_found(planted, loaded)


@pytest.mark.parametrize("planted", ["sqlite"], indirect=True)
@pytest.mark.usefixtures("_everything_logged")
def test_no_buyer_data_is_anywhere_but_in_the_warehouse(planted: World, mfn: Shell) -> None:
    world, actor = planted, WarehouseActor(planted.warehouse_url)
    (loaded, shipped, released, *_), held = come_in(world, mfn)
    world.amazon.faults.answer("searchOrders", 200, {"orders": [planted_order() | {"orderId": None}], "x": ADDRESS})
    mfn("import", "us", "--dry-run")
    mfn("orders", "release", released, "--why", "the buyer has changed her mind")
    mfn("orders", "dismiss", held[0], "--why", "cancelled by telephone")
    for command in ("orders", "batches", "skus us", "shipping-methods us", "mappings check", "settings"):
        mfn(*command.split())
        mfn(*command.split(), "--json")
    for order_id in (loaded, held[3], released):
        mfn("orders", "show", order_id)
        mfn("rules", "test", "mappings/rules.yaml", "--order", order_id)
    with world.writing_warehouse() as database:
        database.execute(wms_inventory.insert(), [{"sku": sku, "location": "A", "on_hand": 9} for sku in SKUS])
    actor.pick(shipped)
    actor.ship(shipped, shipment_id="S1", tracking_number="1Z999AA10123456784")
    mfn("confirm", "us")
    mfn("inventory", "us")
    mfn("check", "us", ends=1)
    (batch, *_) = [one for one in json.loads(mfn("batches", "--json"))["batches"] if one["kind"] == "import"]
    mfn("rerun", batch["batch_id"], "--from-stage", "validate")
    item = world.amazon.orders.get(loaded)["orderItems"][0]
    world.change(loaded, orderItems=[{**item, "cancellation": ASKED}])
    world.amazon.faults.answer("searchOrders", 500, {"errors": [], **planted_order()})
    mfn("import", "us")
    mfn("reconcile", "us", ends=1)
    mfn("keys", "rotate")
    assert save_site(world.home / "site") > 30
    keep_nothing(world)
    mfn("purge", "--dry-run")
    assert json.loads(mfn("purge", "--json"))["purged"] > 1
    mfn("erase", held[1], ends=2)
    mfn("erase", held[0])
    mfn("audit", "--json")
    mfn("audit", "--order", loaded)
    mfn("orders", "show", shipped)
    assert_nothing_is_found(world, loaded)
