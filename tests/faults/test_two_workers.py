"""Two workers on one ledger at the same time: imports, confirmations and stock, of one connection and of two."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from mfn.amazon.client import AmazonOrders
from mfn.amazon.listings import AmazonListings
from mfn.database.engines import engine_for
from mfn.ledger.batch_listing import list_batches
from mfn.steps.orders import decisions
from mfn.steps.runs import run_confirm, run_import, run_inventory
from tests.faults.gates import stand_before
from tests.faults.processes import at_once, start, wait_until_one_lives
from tests.postgres import fresh_schema
from tests.steps.pushing import SKUS
from tests.steps.shipping import Shipping
from tests.stock_world import CA, US, stock_world
from tests.world import an_item, an_order, set_secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from mfn.amazon.marketplaces import Marketplace
    from tests.faults.gates import Gate
    from tests.faults.processes import Child
    from tests.stock_world import Stock
    from tests.world import World

pytestmark = pytest.mark.usefixtures("is_warm", "no_pauses")

PLACES = {"us": US, "ca": CA}
UNITS = 20


@pytest.fixture(params=["sqlite", "postgresql"])
def stock(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stock]:
    """Two connections on one warehouse, four SKUs on offer in both, once on SQLite and once on PostgreSQL."""
    monkeypatch.chdir(tmp_path)
    set_secrets(monkeypatch)
    if request.param == "sqlite":
        with stock_world(tmp_path, f"sqlite:///{tmp_path / 'warehouse.db'}") as stock:
            yield filled(stock)
        return
    with fresh_schema(request.getfixturevalue("postgres_server"), "ledger_of_two") as ledger_url:
        monkeypatch.setenv("MFN_LEDGER_URL", ledger_url)
        with stock_world(tmp_path, request.getfixturevalue("postgres_url")) as stock:
            yield filled(stock)


def filled(stock: Stock) -> Stock:
    """What the warehouse has, and what is listed."""
    stock.world.write_carriers()
    stock.world.forget_items()
    stock.world.add_items(*SKUS)
    for sku in SKUS:
        stock.receive(sku, UNITS)
        for place in PLACES.values():
            stock.list_offer(sku, 5, place=place)
    return stock


def bought(place: Marketplace, sku: str, minutes_ago: float) -> dict[str, Any]:
    """An order of one unit in a marketplace."""
    channel = {"channelName": "AMAZON", "marketplaceId": place.marketplace_id, "marketplaceName": place.name}
    return an_order(an_item(sku=sku), minutes_ago=minutes_ago, salesChannel=channel)


def put_down(world: World) -> None:
    """Close the databases, so that children may be forked."""
    world.ledger.engine.dispose()
    engine_for(world.warehouse_url).dispose()


def shipped_orders(stock: Stock) -> list[str]:
    """Two orders of each connection, imported and shipped; Amazon is not told yet."""
    world, shipping = stock.world, Shipping(stock.world)
    orders = world.put(*(bought(place, "BOWL", 600) for place in PLACES.values() for _ in range(2)))
    for name in PLACES:
        run_import(world.settings, name)
    for order_id in orders:
        shipping.ship(order_id)
    return orders


def sent(world: World) -> Counter[str]:
    """How many parcels Amazon has of each order."""
    return Counter({one: len(world.amazon.orders.get(one).get("packages", [])) for one in world.amazon.orders.ids()})


def test_runs_of_every_kind_and_of_two_connections_do_not_interfere(stock: Stock) -> None:
    world = stock.world
    shipped = shipped_orders(stock)
    new = world.put(*(bought(place, "LAMP", 10) for place in PLACES.values() for _ in range(3)))
    put_down(world)
    runs = [
        partial(run, world.settings, name)
        for name in PLACES
        for run in (run_import, run_confirm, partial(run_inventory, full=True))
    ]
    ended = at_once(*runs)
    assert [(end.error, end.message) for end in ended] == [("", "")] * len(runs)
    assert [end.value["loaded"] for end in ended[::3]] == [3, 3]
    assert [end.value["sent"] for end in ended[1::3]] == [2, 2]
    assert {batch.status for batch in list_batches(world.ledger)} == {"done"}
    assert world.statuses() == dict.fromkeys(new, "loaded") | dict.fromkeys(shipped, "shipped")
    assert sorted(row["order_number"] for row in world.rows()) == sorted([*shipped, *new])
    assert sent(world) == Counter(dict.fromkeys(shipped, 1) | dict.fromkeys(new, 0))
    for name in PLACES:
        run_inventory(world.settings, name)
    levels = {sku: [stock.shown(sku, place) for place in PLACES.values()] for sku in SKUS}
    assert levels["LAMP"] == [UNITS - 6, UNITS - 6], "the units of both connections' orders are promised"
    assert levels["PLATE"] == levels["VASE"] == [UNITS, UNITS]


def confirm(world: World) -> Any:
    """Confirmations of the connection us."""
    return run_confirm(world.settings, "us")


def inventory(world: World) -> Any:
    """A stock run of the connection us."""
    return run_inventory(world.settings, "us")


def standing_first(gate: Gate, place: Any, function: str, run: Callable[[], Any]) -> Child:
    """A run in a process of its own that stands still before its first call of a function."""

    def work() -> Any:
        stand_before(gate, place, function)
        return run()

    return start(work)


@pytest.mark.parametrize(
    ("run", "place", "function"),
    [(confirm, AmazonOrders, "confirm_shipments"), (inventory, AmazonListings, "patch_quantities")],
    ids=["confirm", "inventory"],
)
def test_exactly_one_of_two_runs_of_one_kind_that_start_together_sends_to_amazon(
    stock: Stock, gate: Gate, run: Callable[[World], Any], place: Any, function: str
) -> None:
    world = stock.world
    shipped_orders(stock)
    put_down(world)
    children = [standing_first(gate, place, function, partial(run, world)) for _ in range(2)]
    gate.await_one()
    wait_until_one_lives(children)
    gate.open()
    ended = sorted((child.ended() for child in children), key=lambda end: end.error)
    assert [(end.error, end.exit_code) for end in ended] == [("", 0), ("LeaseHeldError", 3)]
    calls = Counter(call.operation for call in world.amazon.calls)
    kind = run.__name__
    assert len(list_batches(world.ledger, kind=kind)) == 1
    if kind == "confirm":
        assert ended[0].value["sent"] == calls["confirmShipment"] == 2
        assert max(sent(world).values()) == 1
    else:
        assert ended[0].value["pushed"] == calls["patchListingsItem"] == len(SKUS)


def test_a_decision_by_hand_during_an_import_changes_nothing(stock: Stock, gate: Gate) -> None:
    world = stock.world
    (held,) = world.put(bought(US, "UNKNOWN", 600))
    run_import(world.settings, "us")
    world.put(bought(US, "LAMP", 10))
    put_down(world)
    child = standing_first(gate, AmazonOrders, "search_page", partial(run_import, world.settings, "us"))
    gate.await_one()
    (decided,) = at_once(partial(decisions.dismiss, world.settings, [held], why="a fraud"))
    gate.open()
    assert (decided.error, decided.exit_code) == ("LeaseHeldError", 3)
    assert child.ended().value["loaded"] == 1
    assert world.statuses()[held] == "held"
    assert decisions.dismiss(world.settings, [held], why="a fraud") == ()
    assert world.statuses()[held] == "dismissed"
