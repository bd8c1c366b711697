"""Batches as commands, runs and reports list them, newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select, true

from mfn.database.bulk import among
from mfn.ledger.schema import Batch

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy import Row

    from mfn.ledger.opening import Ledger
    from mfn.models import BatchKind

LISTED = tuple(column for column in Batch.__table__.columns if column.name != "findings")
SHOWN = (Batch.batch_id, Batch.connection, Batch.kind, Batch.status, Batch.started_at, Batch.counts, Batch.parameters)
"""The columns that reports show of past runs."""

IS_PART = Batch.parameters["reprocess"].as_string().is_not(None)
"""Whether a batch is a part of a reprocessing, which no import resumes."""

NEWEST_FIRST = (Batch.started_at.desc(), Batch.batch_id)


def list_batches(
    ledger: Ledger,
    *,
    failed: bool = False,
    connection: str | None = None,
    kind: str | None = None,
    limit: int | None = None,
) -> Sequence[Row[Any]]:
    """Batches, newest first, with every column but `findings`, which is long."""
    statement = select(*LISTED).order_by(*NEWEST_FIRST).limit(limit)
    if failed:
        statement = statement.where(Batch.status == "failed")
    if connection is not None:
        statement = statement.where(Batch.connection == connection)
    if kind is not None:
        statement = statement.where(Batch.kind == kind)
    return ledger.rows(statement)


def batches_of_flow_run(ledger: Ledger, flow_run_id: str) -> Sequence[Row[Any]]:
    """The batches that a flow run opened, or was the last to resume, newest first: as `list_batches`."""
    statement = select(*LISTED).where(Batch.flow_run_id == flow_run_id).order_by(*NEWEST_FIRST)
    return ledger.rows(statement)


def past_runs(ledger: Ledger, connection: str, kind: str, *, limit: int) -> Sequence[Row[Any]]:
    """The newest batches of a connection and kind, dry runs left out, as reports show past ones: `SHOWN`.

    Parts of a reprocessing are left out too.
    """
    dry = Batch.parameters["dry_run"].as_boolean()
    mine = (Batch.connection == connection) & (Batch.kind == kind) & dry.is_not(true()) & ~IS_PART
    return ledger.rows(select(*SHOWN).where(mine).order_by(*NEWEST_FIRST).limit(limit))


def runs_between(ledger: Ledger, since: datetime, until: datetime, *, limit: int) -> Sequence[Row[Any]]:
    """The batches that started at `since` or later and before `until`, newest first: `SHOWN`."""
    meant = (Batch.started_at >= since) & (Batch.started_at < until)
    return ledger.rows(select(*SHOWN).where(meant).order_by(*NEWEST_FIRST).limit(limit))


def kinds_of(ledger: Ledger, batch_ids: Collection[str]) -> dict[str, BatchKind]:
    """The kinds of batches, by id; an id that no batch has is left out."""
    with ledger.reading() as database:
        meant = among(database, Batch.batch_id, batch_ids)
        found = {row.batch_id: row.kind for row in database.execute(select(Batch.batch_id, Batch.kind).where(meant))}
    return {batch_id: found[batch_id] for batch_id in batch_ids if batch_id in found}
