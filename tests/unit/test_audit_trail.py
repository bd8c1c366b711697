"""The audit trail is read alike on both databases: newest first, of an order whoever saw it, from a moment on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import insert

from mfn.ledger.audit_trail import audit_trail
from mfn.ledger.batch_opening import open_batch
from mfn.ledger.landing import WINDOW
from mfn.ledger.leases import lease
from mfn.ledger.schema import DataAccess, OrderEnd
from tests.met import add_to_batch

if TYPE_CHECKING:
    from mfn.ledger.opening import Ledger

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def note(ledger: Ledger, hour: int, batch_id: str | None, order_id: str | None) -> None:
    at = NOON + timedelta(hours=hour)
    row = {"at": at, "by": "somebody@there", "purpose": f"hour {hour}", "connection": "us", "orders": 1}
    with ledger.writing() as database:
        database.execute(insert(DataAccess), {**row, "batch_id": batch_id, "order_id": order_id})


def test_of_an_order_the_trail_has_whoever_saw_it_from_a_moment_on(ledger: Ledger) -> None:
    with lease(ledger, "us", "import") as token:
        batch = open_batch(ledger, "us", "import", lease=token, parameters={}, last_stage="load")
    with ledger.writing() as database:
        add_to_batch(database, batch, ["1", "2"], origin=WINDOW)
    note(ledger, 1, batch.batch_id, None)
    note(ledger, 0, "another", None)
    note(ledger, 2, None, "1")
    note(ledger, 3, batch.batch_id, "2")

    def seen(order_id: str | None, since: datetime | None = None) -> list[str]:
        return [row.purpose for row in audit_trail(ledger, order_id=order_id, since=since).accesses]

    assert seen(None) == ["hour 3", "hour 2", "hour 1", "hour 0"]
    assert seen("1") == ["hour 2", "hour 1"]
    assert seen("2") == ["hour 3", "hour 1"]
    assert seen("1", NOON + timedelta(hours=2)) == ["hour 2"]
    assert seen("1'; --") == []


def test_data_that_landed_again_after_an_erasure_was_removed_twice(ledger: Ledger) -> None:
    later = NOON + timedelta(days=1)
    erased = {"connection": "us", "erased_at": NOON, "erased_by": "somebody"}
    with ledger.writing() as database:
        rows = [{**erased, "order_id": "1", "purged_at": NOON}, {**erased, "order_id": "2", "purged_at": later}]
        database.execute(insert(OrderEnd), rows)

    def removals(order_id: str) -> list[tuple[str, datetime, str | None]]:
        return [(one.kind, one.at, one.by) for one in audit_trail(ledger, order_id=order_id).removals]

    assert removals("1") == [("erased", NOON, "somebody")]
    assert removals("2") == [("purged", later, None), ("erased", NOON, "somebody")]
    assert [one.order_id for one in audit_trail(ledger, since=later).removals] == ["2"]
