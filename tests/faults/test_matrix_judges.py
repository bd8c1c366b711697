"""The judges of the matrix are just: what is lost, doubled or wrong on purpose is counted as that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import delete

from mfn.database.engines import writing
from mfn.ledger.schema import LandedPage
from mfn.warehouse.sql import SqlWarehouse
from mfn.warehouse.tables import ORDER_COLUMNS, wms_order, wms_order_line
from tests.faults.matrix import confirm_day, inventory_day, purge_day
from tests.faults.matrix.commands import Said, faults_of
from tests.faults.matrix.flows import FLOWS
from tests.faults.matrix.killing import killing
from tests.faults.matrix.results import by_fault, counted, is_faultless
from tests.faults.matrix.stage import open_stage
from tests.faults.matrix.trials import MissedError, Rehearsal, Trial, attempt
from tests.faults.matrix.verdicts import Deviation, doubled, lost, wrong
from tests.faults.test_killed import Commit
from tests.stock_world import Stock
from tests.world import an_order

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.faults.matrix.stage import Stage
    from tests.faults.matrix.trials import Fault
    from tests.world import World

AT_COMMIT: Fault = killing(1)[0]
LOAD = SqlWarehouse.load


def kinds(found: Iterable[Deviation]) -> set[str]:
    return {deviation.kind for deviation in found}


@pytest.fixture(scope="module")
def importing() -> Iterator[Stage]:
    with open_stage(FLOWS["import"].build, None) as stage:
        yield stage


def dropping(warehouse: SqlWarehouse, orders: list[Any], lines: list[Any]) -> Any:
    return LOAD(warehouse, orders[1:], [line for line in lines if line[0] != orders[0][0]])


def doubling(warehouse: SqlWarehouse, orders: list[Any], lines: list[Any]) -> Any:
    done = LOAD(warehouse, orders, lines)
    with writing(warehouse._engine, what="the warehouse") as database:
        for table in (wms_order_line, wms_order):
            database.execute(delete(table).where(table.c.order_number == orders[-1][0]))
    LOAD(warehouse, orders[-1:], [line for line in lines if line[0] == orders[-1][0]])
    return done


def falsifying(warehouse: SqlWarehouse, orders: list[Any], lines: list[Any]) -> Any:
    place = ORDER_COLUMNS.index("city")
    return LOAD(warehouse, [(*order[:place], "Elsewhere", *order[place + 1 :]) for order in orders], lines)


@pytest.mark.parametrize(("load", "kind"), [(dropping, "lost"), (doubling, "doubled"), (falsifying, "wrong")])
def test_a_pipeline_that_drops_doubles_or_falsifies_orders_is_detected(
    importing: Stage, monkeypatch: pytest.MonkeyPatch, load: Any, kind: str
) -> None:
    monkeypatch.setattr(SqlWarehouse, "load", load)
    (_, point) = AT_COMMIT.points(importing, Rehearsal((Commit(2, "open_batch", is_warehouse=False),), (), 1.0))
    assert kind in kinds(attempt(importing, FLOWS["import"], AT_COMMIT, point))


def test_a_trial_whose_fault_never_struck_does_not_count_as_survived(importing: Stage) -> None:
    (_, point) = AT_COMMIT.points(importing, Rehearsal((Commit(9_999, "never", is_warehouse=False),), (), 1.0))
    with pytest.raises(MissedError):
        attempt(importing, FLOWS["import"], AT_COMMIT, point)
    cells = counted([Trial("import", AT_COMMIT.name, "sqlite", str(point), has_struck=False)])
    assert not is_faultless(cells)


def test_parcels_not_confirmed_or_confirmed_twice_or_wrongly_are_detected() -> None:
    with open_stage(confirm_day.build, None) as stage:
        known, orders = stage.known, stage.world.amazon.orders
        before = list(confirm_day.compare_parcels(stage.world, known))
        assert kinds(before) == {"lost", "doubled"}, "nothing new has been told yet, and one still as it was before"
        seen = orders.get(known.orders[0])
        (package,) = seen["packages"]
        twice = {**package, "packageReferenceId": "9", "trackingNumber": "T0000000099"}
        stage.world.put(seen | {"packages": [package, twice]})
        assert set(confirm_day.compare_parcels(stage.world, known)) - set(before) == {
            doubled(f"{known.orders[0]}: Amazon shows {confirm_day.shown({'packages': [twice]})[0]} too many")
        }
        stage.world.put(seen | {"packages": []})
        assert kinds(set(confirm_day.compare_parcels(stage.world, known)) - set(before)) == {"lost"}


def test_levels_that_were_not_sent_or_lowered_twice_are_detected(world: World) -> None:
    stock = Stock(world)
    world.add_items("LAMP")
    stock.receive("LAMP", 10)
    stock.list_offer("LAMP", 5)
    stock.check_out("LAMP", 2)
    known = inventory_day.Known(("LAMP",), {"LAMP": 3})
    for level, kind in ((3, "lost"), (6, "doubled"), (7, "wrong")):
        stock.list_offer("LAMP", level)
        assert kinds(inventory_day.compare_levels(world, known)) == {kind}
    stock.list_offer("LAMP", 8)
    assert list(inventory_day.compare_levels(world, known)) == []


def test_data_kept_too_long_or_removed_too_early_is_detected(world: World) -> None:
    due, kept = world.put(purge_day.named(an_order()), purge_day.named(an_order()))
    world.run()
    known = purge_day.Known([due], [kept], world.statuses())
    assert kinds(purge_day.compare_texts(world, known)) == {"wrong"}
    with world.ledger.writing() as database:
        database.execute(delete(LandedPage))
    found = set(purge_day.compare_texts(world, known))
    assert lost(f"the text of {kept} is gone from the ledger") in found
    assert wrong(f"the text of {due} is still in the ledger") not in found


@pytest.mark.parametrize(
    ("said", "is_good"),
    [
        (Said(None), True),
        (Said(0, "{}"), True),
        (Said(1, '{"error": "It broke.", "remedy": "Run it again."}'), True),
        (Said(1, '{"error": "It broke.", "remedy": ""}'), False),
        (Said(1, "", "Traceback (most recent call last)"), False),
        (Said(1, '{"error": "unexpected error: KeyError.", "remedy": "Run it again."}'), False),
        (Said(5, '{"error": "It broke.", "remedy": "Run it again."}'), False),
    ],
)
def test_a_message_that_does_not_help_a_person_is_wrong(said: Said, *, is_good: bool) -> None:
    assert (kinds(faults_of(said, (0, 1, 2, 3))) == set()) == is_good


def test_the_figures_count_trials_and_one_deviation_is_enough_to_fail() -> None:
    trials = [
        Trial("import", "SIGKILL", "sqlite", "1", (lost("a"), lost("b"), wrong("c"))),
        Trial("import", "SIGKILL", "sqlite", "2"),
        Trial("confirm", "SIGKILL", "postgresql", "1", (doubled("a"),)),
        Trial("confirm", "full", "sqlite", "1"),
    ]
    cells = counted(trials)
    assert not is_faultless(cells)
    assert is_faultless(counted(trials[1:2]))
    assert by_fault(cells, ("import", "confirm"))[2:] == [
        "| SIGKILL | 2 | 1 | 1 | 1 | 1 |",
        "| full |  | 1 | 0 | 0 | 0 |",
        "| all | 2 | 2 | 1 | 1 | 1 |",
    ]
