"""Batches whose run died are noted as failed; one that goes on or ends in that moment is none of them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event, update
from sqlalchemy.exc import OperationalError

from mfn.ledger.batch_failures import note_dead_batches
from mfn.ledger.batch_opening import open_batch
from mfn.ledger.batches import get_batch
from mfn.ledger.leases import lease
from mfn.ledger.schema import Batch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection

    from mfn.ledger.opening import Ledger

ON_POSTGRES = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@contextmanager
def listening(ledger: Ledger, name: str, listener: Callable[..., None]) -> Iterator[None]:
    """An event of the ledger's engine is heard for as long as it lasts."""
    event.listen(ledger.engine, name, listener)
    try:
        yield
    finally:
        event.remove(ledger.engine, name, listener)


def wait_for_nobody(database: Connection) -> None:
    """To be kept waiting by another transaction is an error in this one."""
    database.exec_driver_sql("SET LOCAL lock_timeout = '1ms'")


def left(ledger: Ledger, *kinds: str) -> list[str]:
    """Batches of runs that died, one of each kind."""
    batch_ids = []
    for kind in kinds:
        with lease(ledger, "us", kind) as token:  # type: ignore[arg-type]
            batch = open_batch(ledger, "us", kind, lease=token, parameters={}, last_stage="load")  # type: ignore[arg-type]
        batch_ids.append(batch.batch_id)
    return batch_ids


def test_only_batches_whose_holder_is_gone_are_noted_as_dead(ledger: Ledger) -> None:
    dead, done = left(ledger, "import", "confirm")
    with ledger.writing() as database:
        database.execute(update(Batch).where(Batch.batch_id == done).values(status="done"))
    with lease(ledger, "us", "inventory") as token:
        alive = open_batch(ledger, "us", "inventory", lease=token, parameters={}, last_stage="verify").batch_id
        note_dead_batches(ledger)
    assert [get_batch(ledger, one).status for one in (dead, done, alive)] == ["failed", "done", "running"]


@ON_POSTGRES
def test_a_batch_that_a_run_carries_on_in_that_very_moment_is_not_noted_as_dead(ledger: Ledger) -> None:
    (batch_id,) = left(ledger, "import")
    carried_on = update(Batch).where(Batch.batch_id == batch_id).values(status="running", stage="load")
    waiting = [carried_on]

    def carry_on(_: object, __: object, statement: str, *___: object) -> None:
        if statement.startswith("UPDATE batch") and waiting:
            waiting.clear()
            try:
                with ledger.engine.begin() as database:
                    wait_for_nobody(database)
                    database.execute(carried_on)
            except OperationalError:
                waiting.append(carried_on)

    with listening(ledger, "before_cursor_execute", carry_on):
        note_dead_batches(ledger)
    with ledger.writing() as database:
        for still in waiting:
            database.execute(still)
    assert get_batch(ledger, batch_id).status == "running"


@ON_POSTGRES
def test_dead_batches_are_noted_without_waiting_for_one_that_just_ends(ledger: Ledger) -> None:
    dead, ending = left(ledger, "import", "confirm")
    with ledger.engine.begin() as database, listening(ledger, "begin", wait_for_nobody):
        database.execute(update(Batch).where(Batch.batch_id == ending).values(status="done"))
        note_dead_batches(ledger)
    assert [get_batch(ledger, one).status for one in (dead, ending)] == ["failed", "done"]
