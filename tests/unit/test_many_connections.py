"""Connections on one ledger: what one of them has locked keeps no other one waiting."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event

from mfn.database.engines import engine_for, writing
from mfn.ledger.arrivals import read_arrival
from mfn.ledger.batch_opening import open_batch
from mfn.ledger.batches import add_findings, update_batch
from mfn.ledger.budget import Budget
from mfn.ledger.chunks import drop_chunks, write_chunk
from mfn.ledger.earlier_orders import take_in_earlier_orders
from mfn.ledger.encryption import Cipher, new_key, parse_keys
from mfn.ledger.keys import register_newest
from mfn.ledger.landing import EARLIER, WINDOW, index_pages, land
from mfn.ledger.leases import assert_held, lease
from mfn.ledger.opening import Ledger
from mfn.ledger.orders import write_outcomes, write_standing
from mfn.ledger.schema import Base
from mfn.ledger.watermarks import move_watermark
from mfn.steps.importing.validated import ValidatedPiece
from tests.met import add_to_batch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from mfn.ledger.packing import Column
    from mfn.models import BatchRef

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
NOTHING: dict[str, Column] = {}


@pytest.fixture
def impatient_ledger(postgres_url: str) -> Iterator[Ledger]:
    """An empty ledger on PostgreSQL, of which no statement waits for a lock."""
    engine = engine_for(postgres_url)
    event.listen(engine, "begin", lambda database: database.exec_driver_sql("SET LOCAL lock_timeout = '1ms'"))
    Base.metadata.create_all(engine)
    keys = parse_keys(new_key(), origin="test")
    with writing(engine, what="the ledger") as database:
        secret = register_newest(database, keys)
    yield Ledger(engine, Cipher(keys, secret))
    engine.dispose()


def write_everything(ledger: Ledger, database: Connection, batch: BatchRef, order_id: str) -> None:
    """What the commits of an import write, all in one transaction."""
    assert_held(database, batch.lease)
    raw = json.dumps({"orderId": order_id, "lastUpdatedTime": NOW.isoformat()}).encode()
    land(ledger, database, batch, [read_arrival(raw)], origin=WINDOW)
    add_to_batch(database, batch, [order_id], origin=EARLIER)
    take_in_earlier_orders(database, batch)
    chunk = ValidatedPiece(NOTHING, NOTHING, NOTHING)
    write_chunk(ledger, database, batch, chunk, stage="validate", number=0)
    write_outcomes(database, batch, [(order_id, "ready", None, None)])
    write_standing(database, batch, [(order_id, "ready", None, False, None, None, None, None)])
    move_watermark(database, batch, NOW)
    add_findings(database, batch, found=1)
    update_batch(database, batch, counts={"fetched": 1})
    drop_chunks(database, batch)


def test_an_import_waits_for_no_lock_of_another_connections_transaction(impatient_ledger: Ledger) -> None:
    ledger = impatient_ledger
    with lease(ledger, "huge", "import") as huge, ledger.writing() as of_huge:
        large = open_batch(ledger, "huge", "import", lease=huge, parameters={}, last_stage="load")
        write_everything(ledger, of_huge, large, "111-0000000-0000001")
        with lease(ledger, "small", "import") as token:
            batch = open_batch(ledger, "small", "import", lease=token, parameters={}, last_stage="load")
            assert Budget(ledger.engine, "small").take("searchOrders") == 0
            with ledger.writing() as database:
                write_everything(ledger, database, batch, "222-0000000-0000002")
            index_pages(ledger, batch)
