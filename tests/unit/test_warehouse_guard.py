"""What the warehouse has begun is never overwritten, whatever was read before."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError

from mfn.database.engines import engine_for, writing
from mfn.warehouse import loading
from mfn.warehouse.sql import SqlWarehouse
from mfn.warehouse.tables import wms_order, wms_order_line
from tests.warehouse_actor import MOMENT, WarehouseActor, line_row, order_row

if TYPE_CHECKING:
    from collections.abc import Callable

NUMBERS = ["A-1", "A-2", "A-3"]


@pytest.fixture
def warehouse(database_url: str) -> SqlWarehouse:
    warehouse = SqlWarehouse(database_url, name="us")
    warehouse.ensure_tables()
    return warehouse


@pytest.fixture
def actor(database_url: str) -> WarehouseActor:
    return WarehouseActor(database_url)


def test_an_order_picked_between_our_reading_and_our_writing_is_not_overwritten(
    warehouse: SqlWarehouse, actor: WarehouseActor
) -> None:
    warehouse.load([order_row("A-1")], [line_row("A-1")])
    assert warehouse.states(["A-1"]) == {"A-1": "new"}
    actor.pick("A-1")
    before = actor.order("A-1"), actor.lines("A-1")
    result = warehouse.load([order_row("A-1", city="Elsewhere")], [line_row("A-1", quantity=5)])
    assert result.refused == {"A-1": "picking"}
    assert (actor.order("A-1"), actor.lines("A-1")) == before


def test_an_order_picked_between_our_reading_and_our_cancelling_is_a_conflict(
    warehouse: SqlWarehouse, actor: WarehouseActor
) -> None:
    warehouse.load([order_row("A-1")], [line_row("A-1")])
    assert warehouse.states(["A-1"]) == {"A-1": "new"}
    actor.pick("A-1")
    assert warehouse.cancel(["A-1"], "cancelled at Amazon", MOMENT).begun == {"A-1": "picking"}
    assert actor.order("A-1")["status"] == "picking"


def wait_until_somebody_waits_for_a_lock(url: str) -> None:
    """On PostgreSQL; on SQLite the order of events does not need it, as a writer excludes every other one."""
    if url.startswith("sqlite"):
        return
    for _ in range(100_000):
        with writing(engine_for(url), what="the test") as connection:
            if connection.execute(text("SELECT count(*) FROM pg_locks WHERE NOT granted")).scalar():
                return
    pytest.fail("nobody came to wait for the lock")


@pytest.mark.parametrize(
    ("write", "expected"),
    [
        (
            lambda warehouse: warehouse.load([order_row("A-1", city="Elsewhere")], [line_row("A-1", 2)]).refused,
            {"A-1": "picking"},
        ),
        (lambda warehouse: warehouse.cancel(["A-1"], "cancelled at Amazon", MOMENT).begun, {"A-1": "picking"}),
    ],
    ids=["load", "cancel"],
)
def test_an_order_that_is_being_picked_while_we_write_is_waited_for_and_left_alone(
    database_url: str,
    warehouse: SqlWarehouse,
    actor: WarehouseActor,
    write: Callable[[SqlWarehouse], object],
    expected: object,
) -> None:
    warehouse.load([order_row("A-1")], [line_row("A-1")])
    with ThreadPoolExecutor(1) as pool:
        with actor.picking("A-1") as begun:
            assert begun
            writing_now = pool.submit(write, warehouse)
            wait_until_somebody_waits_for_a_lock(database_url)
        assert writing_now.result() == expected
    order = actor.order("A-1")
    assert (order["status"], order["city"]) == ("picking", "Exampletown")
    assert [line["line_number"] for line in actor.lines("A-1")] == [1]


def test_the_warehouse_can_begin_an_order_only_before_or_after_our_transaction_never_between_its_statements(
    database_url: str, warehouse: SqlWarehouse, actor: WarehouseActor
) -> None:
    warehouse.load([order_row("A-1")], [line_row("A-1")])
    hasty = WarehouseActor(database_url, patient=False)
    tried = []

    def try_to_pick(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if "INTO wms_order_line" in statement:
            with pytest.raises(OperationalError, match="lock"):
                hasty.pick("A-1")
            tried.append(statement)

    event.listen(engine_for(database_url), "before_cursor_execute", try_to_pick)
    result = warehouse.load([order_row("A-1", city="Elsewhere")], [line_row("A-1", 2)])
    assert result.written == {"A-1"}
    assert len(tried) == 1
    assert actor.pick("A-1")
    assert [line["line_number"] for line in actor.lines("A-1")] == [2]


def test_the_lines_look_at_the_status_again(database_url: str, warehouse: SqlWarehouse, actor: WarehouseActor) -> None:
    """Even where the warehouse moves the status inside of our own transaction, by a trigger."""
    warehouse.load([order_row("A-1")], [line_row("A-1")])
    move = "UPDATE wms_order SET status = 'picking' WHERE order_number = NEW.order_number"
    with writing(engine_for(database_url), what="the test") as connection:
        if database_url.startswith("sqlite"):
            connection.execute(text(f"CREATE TRIGGER begin AFTER UPDATE OF city ON wms_order BEGIN {move}; END"))
        else:
            connection.execute(
                text(f"CREATE FUNCTION begin() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN {move}; RETURN NULL; END$$")
            )
            connection.execute(
                text(
                    "CREATE TRIGGER begin AFTER UPDATE OF city ON wms_order FOR EACH ROW"
                    " WHEN (OLD.city <> NEW.city) EXECUTE FUNCTION begin()"
                )
            )
    result = warehouse.load([order_row("A-1", city="Elsewhere")], [line_row("A-1", 2)])
    assert result.refused == {"A-1": "picking"}
    assert [line["line_number"] for line in actor.lines("A-1")] == [1]


def test_a_load_that_fails_gives_its_locks_back(database_url: str, warehouse: SqlWarehouse) -> None:
    warehouse.load([order_row("A-1")], [line_row("A-1")])

    def fail() -> None:
        with writing(engine_for(database_url), what="the test") as connection:
            loading.load(connection, [order_row("A-1", city="Elsewhere")], [line_row("A-1")], what="the test")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    hasty = WarehouseActor(database_url, patient=False)
    assert hasty.pick("A-1")
    assert hasty.order("A-1")["city"] == "Exampletown"


numbers = st.sampled_from(NUMBERS)
moves = st.one_of(
    st.tuples(
        st.just("load"),
        st.dictionaries(numbers, st.tuples(st.sampled_from(["Here", "There"]), st.sets(st.integers(1, 3))), min_size=1),
    ),
    st.tuples(st.just("cancel"), st.sets(numbers, min_size=1)),
    st.tuples(st.just("request"), st.dictionaries(numbers, st.sampled_from(["", "why"]), min_size=1)),
    st.tuples(st.sampled_from(["pick", "allocate", "ship"]), numbers),
)


def work(warehouse: SqlWarehouse, actor: WarehouseActor, step: int, move: tuple[str, Any]) -> None:
    kind, about = move
    if kind == "load":
        result = warehouse.load(
            [order_row(number, city=city) for number, (city, _) in about.items()],
            [line_row(number, line) for number, (_, lines) in about.items() for line in lines],
        )
        assert result.written | result.refused.keys() == about.keys()
        assert result.written.isdisjoint(result.refused)
        for number in result.written:
            assert actor.order(number)["city"] == about[number][0]
            assert {line["line_number"] for line in actor.lines(number)} == about[number][1]
    elif kind == "cancel":
        cancelled = warehouse.cancel(about, "cancelled at Amazon", MOMENT)
        assert cancelled.cancelled | cancelled.begun.keys() | cancelled.unknown == about
    elif kind == "request":
        warehouse.request_cancellation(about, MOMENT)
    elif kind == "ship":
        actor.ship(about, shipment_id=f"S-{step}", short_by=step % 2)
    else:
        {"pick": actor.pick, "allocate": actor.allocate}[kind](about)


def begun(actor: WarehouseActor) -> dict[str, Any]:
    """Every order that the warehouse has begun, as far as we must not touch it, with its lines."""
    lines = actor.rows(wms_order_line)
    return {
        order["order_number"]: (
            {name: value for name, value in order.items() if name not in {"cancel_requested_at", "cancel_reason"}},
            [line for line in lines if line["order_number"] == order["order_number"]],
        )
        for order in actor.rows(wms_order)
        if order["status"] not in {"new", "cancelled"}
    }


@settings(
    max_examples=20,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(story=st.lists(moves, max_size=8))
def test_whatever_happens_in_whatever_order_what_is_begun_never_changes_by_us(
    warehouse: SqlWarehouse, actor: WarehouseActor, story: list[tuple[str, Any]]
) -> None:
    actor.empty()
    for step, move in enumerate(story):
        before = begun(actor)
        work(warehouse, actor, step, move)
        if move[0] in {"load", "cancel", "request"}:
            assert begun(actor) == before
