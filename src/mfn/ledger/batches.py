"""Batches in the ledger: opened, carried on, finished, listed."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, insert, select, true, update

from mfn.database.bulk import among
from mfn.database.engines import reading, writing
from mfn.errors import ConfigurationError
from mfn.ledger.leases import assert_held, is_held
from mfn.ledger.schema import Batch
from mfn.models import STAGES, BatchRef

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from sqlalchemy import Connection, Row

    from mfn.ledger.opening import Ledger
    from mfn.models import BatchKind

LISTED = tuple(column for column in Batch.__table__.columns if column.name != "findings")
OPENED = "opened"
DIED = {
    "status": "failed",
    "error": "the run died before it ended.",
    "remedy": "It is carried on by the next run, or at once by mfn rerun --failed.",
}
SHOWN = (Batch.batch_id, Batch.connection, Batch.kind, Batch.status, Batch.started_at, Batch.counts, Batch.parameters)
"""What reports show of past runs."""

IS_PART = Batch.parameters["reprocess"].as_string().is_not(None)
"""Whether a batch is a part of what is processed again, from the ledger: no import goes on with one."""

NEWEST_FIRST = (Batch.started_at.desc(), Batch.batch_id)

WHAT = "the ledger"

_CHANGE = update(Batch).where(Batch.batch_id == bindparam("changed"))
"""Sets the columns whose values it is given; built once, since every page of a search changes its batch."""


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
    """A batch to work on: the one that was broken off, or a new one.

    Every batch of this connection and kind that still says `running` died with its holder, since this run holds the
    lease; it is marked failed. The newest batch that was asked for the same thing, and died or did not get through its
    last stage, is carried on under its own id.

    Args:
        ledger: The open ledger.
        connection: The connection's name.
        kind: The kind of run.
        lease: The token of the lease.
        parameters: What the run was asked for; equal parameters may carry on a broken-off batch.
        last_stage: The stage after which a batch has nothing left to do.
        flow_run_id: Prefect's flow run that does so.

    Returns:
        The batch, before its first stage: each stage goes on from what it left in the ledger.
    """
    now = datetime.now(UTC)
    mine = (Batch.connection == connection) & (Batch.kind == kind)
    with writing(ledger.engine, what=WHAT) as database:
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
        asked_for = {"parameters": dict(parameters), "is_window_open": True}
        asked_for |= {"stage": OPENED, "counts": {}}
        batch_id = add_batch(database, connection, kind, flow_run_id=flow_run_id, **asked_for)
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
    """Whether a batch died, also after its last stage and before its report, or failed in one of its stages.

    One whose window is closed was run again by a person: it does not stand in the way of what is new.
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
        flow_run_id: Prefect's flow run that does so; None leaves the one that stands there.
    """
    with writing(ledger.engine, what=WHAT) as database:
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


def get_batch(ledger: Ledger, batch_id: str) -> Row[Any]:
    """The row of a batch.

    Raises:
        ConfigurationError: There is no such batch.
    """
    with reading(ledger.engine, what=WHAT) as database:
        row = database.execute(select(Batch).where(Batch.batch_id == batch_id)).one_or_none()
    if row is None:
        raise ConfigurationError(f"there is no batch {batch_id!r}.", remedy="See mfn batches for the ids.")
    return row


def kinds_of(ledger: Ledger, batch_ids: Collection[str]) -> dict[str, BatchKind]:
    """The kinds of batches, by id; an id that no batch has is left out.

    Args:
        ledger: The open ledger.
        batch_ids: The batches that are asked about.
    """
    with reading(ledger.engine, what=WHAT) as database:
        meant = among(database, Batch.batch_id, batch_ids)
        found = {row.batch_id: row.kind for row in database.execute(select(Batch.batch_id, Batch.kind).where(meant))}
    return {batch_id: found[batch_id] for batch_id in batch_ids if batch_id in found}


def batches_of_flow_run(ledger: Ledger, flow_run_id: str) -> Sequence[Row[Any]]:
    """The batches that a flow run opened, or was the last one to carry on, newest first: as `list_batches`.

    Args:
        ledger: The open ledger.
        flow_run_id: Prefect's flow run.
    """
    statement = select(*LISTED).where(Batch.flow_run_id == flow_run_id).order_by(*NEWEST_FIRST)
    with reading(ledger.engine, what=WHAT) as database:
        return database.execute(statement).all()


def has_work_left(parameters: Mapping[str, Any], stage: str) -> bool:
    """Whether a batch that failed left something to be done.

    A dry run, and an order that a person asked for and Amazon does not know, left nothing.

    Args:
        parameters: What it was asked for.
        stage: As far as it came.
    """
    asked_in_vain = parameters.get("order_id") is not None and stage == OPENED
    return not parameters.get("dry_run") and not asked_in_vain


def list_batches(
    ledger: Ledger,
    *,
    failed: bool = False,
    connection: str | None = None,
    kind: str | None = None,
    limit: int | None = None,
) -> Sequence[Row[Any]]:
    """Batches, newest first, with every column but `findings`, which is long.

    Args:
        ledger: The open ledger.
        failed: Only those that failed.
        connection: Only those of this connection.
        kind: Only those of this kind.
        limit: At most so many.
    """
    statement = select(*LISTED).order_by(*NEWEST_FIRST).limit(limit)
    if failed:
        statement = statement.where(Batch.status == "failed")
    if connection is not None:
        statement = statement.where(Batch.connection == connection)
    if kind is not None:
        statement = statement.where(Batch.kind == kind)
    with reading(ledger.engine, what=WHAT) as database:
        return database.execute(statement).all()


def past_runs(ledger: Ledger, connection: str, kind: str, *, limit: int) -> Sequence[Row[Any]]:
    """The newest batches of a connection and kind, dry runs left out, as reports show past ones: `SHOWN`.

    Parts of what was processed again are left out likewise.

    Args:
        ledger: The open ledger.
        connection: The connection's name.
        kind: The kind of run.
        limit: At most so many.
    """
    dry = Batch.parameters["dry_run"].as_boolean()
    mine = (Batch.connection == connection) & (Batch.kind == kind) & dry.is_not(true()) & ~IS_PART
    with reading(ledger.engine, what=WHAT) as database:
        return database.execute(select(*SHOWN).where(mine).order_by(*NEWEST_FIRST).limit(limit)).all()


def runs_between(ledger: Ledger, since: datetime, until: datetime, *, limit: int) -> Sequence[Row[Any]]:
    """The batches that started in a span of time, newest first: `SHOWN`.

    Args:
        ledger: The open ledger.
        since: Its beginning, inclusive; aware.
        until: Its end, exclusive; aware.
        limit: At most so many.
    """
    meant = (Batch.started_at >= since) & (Batch.started_at < until)
    with reading(ledger.engine, what=WHAT) as database:
        return database.execute(select(*SHOWN).where(meant).order_by(*NEWEST_FIRST).limit(limit)).all()


def note_dead_batches(ledger: Ledger) -> None:
    """Mark batches as failed that still say `running` and whose holder is gone: it was killed, or its machine was."""
    with reading(ledger.engine, what=WHAT) as database:
        if not _dead_batches(database):
            return
    with writing(ledger.engine, what=WHAT) as database:
        dead = _dead_batches(database)  # asked again: a run may have carried one on in between
        database.execute(update(Batch).where(Batch.batch_id.in_(dead)).values(DIED))


def _dead_batches(database: Connection) -> list[str]:
    running = database.execute(select(Batch.batch_id, Batch.connection, Batch.kind).where(Batch.status == "running"))
    return [row.batch_id for row in running if not is_held(database, row.connection, row.kind)]


def update_batch(database: Connection, batch: BatchRef, **values: Any) -> None:
    """Change a batch inside an open transaction, which its lease must still hold.

    Args:
        database: The open transaction on the ledger.
        batch: The batch.
        values: Columns of the batch table.
    """
    assert_held(database, batch.lease)
    database.execute(_CHANGE, {"changed": batch.batch_id, **values})


def add_findings(database: Connection, batch: BatchRef, **found: Any) -> None:
    """Keep what a stage found, beside what other stages found.

    Args:
        database: The open transaction on the ledger.
        batch: The batch.
        found: Plain data for the report, without buyers' data.
    """
    before = database.execute(select(Batch.findings).where(Batch.batch_id == batch.batch_id)).scalar_one()
    update_batch(database, batch, findings={**before, **found})


def failed_at(row: Row[Any]) -> str | None:
    """At which stage a batch failed; `report` where it got through all of them, and None where it did not fail.

    Args:
        row: A batch: `kind`, `status` and `stage`, the last one that was finished.
    """
    if row.status != "failed":
        return None
    names = (*STAGES.get(row.kind, ()), "report")
    return names[names.index(row.stage) + 1 if row.stage in names else 0]


def record_failure(ledger: Ledger, batch: BatchRef, *, error: str, remedy: str) -> None:
    """Mark a batch as failed, with what a person has to know; its stage is the last one that was finished.

    That is so also where the next one was noted and only the answer to that was lost: it is carried on.

    Raises:
        LeaseLostError: Another run has taken the batch over, and says itself how that ends.
    """
    with writing(ledger.engine, what=WHAT) as database:
        failed = {"status": "failed", "stage": batch.stage, "error": error, "remedy": remedy}
        update_batch(database, batch, **failed, finished_at=datetime.now(UTC))
