"""The connections of the ledger, and orders that are asked for by their id alone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event, insert

from mfn.errors import ConfigurationError
from mfn.ledger.batch_opening import add_batch
from mfn.ledger.known_connections import known_connections
from mfn.ledger.order_listing import orders_with_id
from mfn.ledger.schema import TrackedOrder
from mfn.steps.orders.timeline import order_story

if TYPE_CHECKING:
    from mfn.ledger.opening import Ledger

RUN: dict[str, Any] = {"parameters": {}, "is_window_open": True, "stage": "load", "counts": {}}


def put_orders(ledger: Ledger, *connections: str) -> None:
    """One run and one order of each, all with the same id."""
    with ledger.writing() as database:
        for name in connections:
            batch_id = add_batch(database, name, "import", **RUN)
            where = {"connection": name, "order_id": "1", "batch_id": batch_id, "updated_at": datetime.now(UTC)}
            database.execute(insert(TrackedOrder).values(status="loaded", is_sfp=False, **where))


def test_each_connection_that_ever_ran_is_known_once(ledger: Ledger) -> None:
    assert known_connections(ledger) == []
    put_orders(ledger, "us", "jp", "eu")
    with ledger.writing() as database:
        add_batch(database, "jp", "confirm", **RUN)
    assert known_connections(ledger) == ["eu", "jp", "us"]


def test_an_order_is_found_in_each_connection_that_has_it(ledger: Ledger) -> None:
    put_orders(ledger, "us", "eu")
    assert [row.connection for row in orders_with_id(ledger, "1")] == ["eu", "us"]
    assert [row.connection for row in orders_with_id(ledger, "1", connection="us")] == ["us"]
    assert orders_with_id(ledger, "2") == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_an_order_is_asked_for_by_its_key_however_many_there_are(ledger: Ledger) -> None:
    asked: list[tuple[Any, ...]] = []
    event.listen(ledger.engine, "before_cursor_execute", lambda *given: asked.append(given[2:4]))
    with pytest.raises(ConfigurationError, match="no order '1'"):
        order_story(ledger, "1")
    with ledger.reading() as database:
        plans = [database.exec_driver_sql(f"EXPLAIN QUERY PLAN {asking}", given).all() for asking, given in [*asked]]
    tables = {"tracked_order", "batch_order", "parcel", "decision", "order_end", "batch"}
    steps = [row[3] for plan in plans for row in plan]
    assert len(steps) > len(tables)
    assert [step for step in steps if step.startswith("SCAN") and step.split()[1] in tables] == []
