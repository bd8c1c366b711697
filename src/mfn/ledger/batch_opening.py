"""Opening batches: a new one, one that was interrupted, or one that is run again."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from mfn.ledger.batch_failures import DIED
from mfn.ledger.batch_listing import IS_PART, LISTED
from mfn.ledger.batches import OPENED, get_batch
from mfn.ledger.leases import assert_held
from mfn.ledger.schema import Batch
from mfn.models import BatchRef

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection, Row

    from mfn.ledger.opening import Ledger
    from mfn.models import BatchKind


def open_batch(
    ledger: Ledger,
    connection: str,
    kind: BatchKind,
    *,
    lease: str,
    parameters: Mapping[str, Any],
    last_stage: str,
    flow_run_id: str | None = None,
) -> BatchRef:
    """A batch to work on: one that was interrupted, or a new one.

    Every batch of this connection and kind that is still `running` died with its holder, since this run holds the
    lease; it is marked failed. The newest batch with the same parameters that died or did not get through its last
    stage is resumed under its own id.

    Args:
        ledger: The open ledger.
        connection: The connection's name.
        kind: The kind of run.
        lease: The token of the lease.
        parameters: The run's parameters; an interrupted batch with equal ones may be resumed.
        last_stage: The stage after which a batch has nothing left to do.
        flow_run_id: Prefect's flow run that does so.

    Returns:
        The batch, before its first stage: each stage continues from what it left in the ledger.
    """
    now = datetime.now(UTC)
    mine = (Batch.connection == connection) & (Batch.kind == kind)
    with ledger.writing() as database:
        assert_held(database, lease)
        asked = mine & ~IS_PART
        newest = database.execute(select(*LISTED).where(asked).order_by(Batch.started_at.desc()).limit(50)).all()
        database.execute(update(Batch).where(mine & (Batch.status == "running")).values(finished_at=now, **DIED))
        broken = next((row for row in newest if _goes_on(row, parameters, last_stage)), None)
        if broken is not None:
            database.execute(
                update(Batch)
                .where(Batch.batch_id == broken.batch_id)
                .values(stage=OPENED, **_taken_up(now, flow_run_id))
            )
            return BatchRef(broken.batch_id, connection, kind, OPENED, lease)
        batch_id = add_batch(
            database,
            connection,
            kind,
            flow_run_id=flow_run_id,
            stage=OPENED,
            parameters=dict(parameters),
            counts={},
            is_window_open=True,
        )
    return BatchRef(batch_id, connection, kind, OPENED, lease)


def add_batch(
    database: Connection, connection: str, kind: BatchKind, *, flow_run_id: str | None = None, **values: Any
) -> str:
    """Add a batch inside an open transaction on the ledger, with values of its columns; returns its id."""
    now = datetime.now(UTC)
    batch_id = f"{connection}-{kind}-{now:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
    given = {"batch_id": batch_id, "connection": connection, "kind": kind, "api_calls": {}, "findings": {}, **values}
    database.execute(insert(Batch).values(started_at=now, **given, **_taken_up(now, flow_run_id)))
    return batch_id


def _goes_on(row: Row[Any], parameters: Mapping[str, Any], last_stage: str) -> bool:
    """Whether a batch died, possibly after its last stage but before its report, or failed in one of its stages.

    One whose window is closed was run again by a person: it must not hold up what is new.
    """
    is_broken = row.status == "running" or (row.status == "failed" and row.stage != last_stage)
    return bool(is_broken and row.is_window_open and row.parameters == dict(parameters))


def reopen_batch(ledger: Ledger, batch_id: str, *, lease: str, stage: str, flow_run_id: str | None = None) -> BatchRef:
    """A batch to run again, from the stage after the given one.

    Args:
        ledger: The open ledger.
        batch_id: A batch that exists.
        lease: The token of the lease.
        stage: The last stage to count as finished.
        flow_run_id: Prefect's flow run that does so; None keeps the recorded one.
    """
    with ledger.writing() as database:
        assert_held(database, lease)
        taken_up = _taken_up(datetime.now(UTC), flow_run_id)
        database.execute(
            update(Batch).where(Batch.batch_id == batch_id).values(stage=stage, is_window_open=False, **taken_up)
        )
    row = get_batch(ledger, batch_id)
    return BatchRef(row.batch_id, row.connection, row.kind, row.stage, lease)


def _taken_up(now: datetime, flow_run_id: str | None) -> dict[str, Any]:
    by = {} if flow_run_id is None else {"flow_run_id": flow_run_id}
    return {"status": "running", "error": None, "remedy": None, "finished_at": None, "taken_up_at": now, **by}
