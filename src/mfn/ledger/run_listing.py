"""Batches as the report site shows them: found by a filter, and distinguished from those whose run died."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

from sqlalchemy import String, and_, cast, func, or_, select
from sqlalchemy.orm import aliased

from mfn.ledger.batch_failures import DIED, dead_batches, has_work_left
from mfn.ledger.batch_listing import LISTED, NEWEST_FIRST
from mfn.ledger.known_connections import KNOWN_CONNECTIONS
from mfn.ledger.schema import Batch
from mfn.models import NEWS, SUMMED, BatchKind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Row

    from mfn.ledger.opening import Ledger

LOOKED_AT = 100
"""Of the requests of failed runs, the newest."""

what_was_asked = cast(Batch.parameters, String)
"""What was requested of a batch, as it can be compared."""

OUTCOMES = ("telling", "held", "failed", "running", "done", "all")
"""How runs can be filtered: those that had something to do, held or refused something, failed, still run, ended
well; or all, also those that ended well and had nothing to do."""


@dataclass(frozen=True)
class Run:
    """One batch; the fields are explained at `mfn.ledger.schema.Batch`.

    A batch that says `running` and whose holder is gone is `failed` here, as the next run will mark it.
    """

    batch_id: str
    connection: str
    kind: BatchKind
    status: str
    stage: str
    parameters: Mapping[str, Any]
    counts: Mapping[str, int]
    api_calls: Mapping[str, int]
    window_after: datetime | None
    window_before: datetime | None
    error: str | None
    remedy: str | None
    started_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True)
class Failure:
    """Failed batches of the same request.

    Attributes:
        run: The newest of them.
        count: How many there are.
        first_at: When the first of them started; aware.
    """

    run: Run
    count: int
    first_at: datetime


def find_run(ledger: Ledger, batch_id: str) -> Run | None:
    """One batch, or None."""
    with ledger.reading() as database:
        row = database.execute(select(*LISTED).where(Batch.batch_id == batch_id)).one_or_none()
        return None if row is None else _run(row, dead_batches(database))


def find_runs(
    ledger: Ledger,
    *,
    connection: str | None = None,
    kind: str | None = None,
    outcome: str = "all",
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int,
    offset: int = 0,
) -> list[Run]:
    """Batches, newest first.

    Args:
        ledger: The open ledger.
        connection: Only those of this connection.
        kind: Only those of this kind.
        outcome: One of `OUTCOMES`.
        since: Only those that started then or later; aware.
        until: Only those that started before; aware.
        limit: At most so many.
        offset: How many to leave out first.
    """
    statement = select(*LISTED).order_by(*NEWEST_FIRST).limit(limit).offset(offset)
    if connection is not None:
        statement = statement.where(Batch.connection == connection)
    if kind is not None:
        statement = statement.where(Batch.kind == kind)
    if since is not None:
        statement = statement.where(Batch.started_at >= since)
    if until is not None:
        statement = statement.where(Batch.started_at < until)
    with ledger.reading() as database:
        dead = dead_batches(database)
        return [_run(row, dead) for row in database.execute(statement.where(*_meant(outcome, dead)))]


def newest_runs(ledger: Ledger) -> dict[tuple[str, str], Run]:
    """The newest batch of each connection and kind that has one; an index is looked up for each."""
    known, one = KNOWN_CONNECTIONS.subquery(), aliased(Batch)
    newest = select(one.batch_id).where(one.connection == known.c.connection)
    newest = newest.order_by(one.started_at.desc(), one.batch_id).limit(1)
    runs = []
    with ledger.reading() as database:
        dead = dead_batches(database)
        for kind in get_args(BatchKind):
            ids = select(newest.where(one.kind == kind).scalar_subquery()).select_from(known)
            runs += [_run(row, dead) for row in database.execute(select(*LISTED).where(Batch.batch_id.in_(ids)))]
    return {(run.connection, run.kind): run for run in runs}


def open_failures(ledger: Ledger, since: datetime) -> list[Failure]:
    """Failed batches that were neither run again since nor followed by a successful one of the same request.

    Those of the same request are one failure: a warehouse that is away fails every run, and hides no other
    failure by that. Those that left nothing to be done are left out, see `has_work_left`.
    """
    with ledger.reading() as database:
        dead = dead_batches(database)
        newest = func.max(Batch.started_at)
        asks = (
            select(Batch.connection, Batch.kind, what_was_asked.label("asked"), newest.label("newest"))
            .where(Batch.started_at >= since, *_meant("failed", dead))
            .group_by(Batch.connection, Batch.kind, what_was_asked)
            .order_by(newest.desc())
            .limit(LOOKED_AT)
        )
        found = [_failure(database, ask, dead, since) for ask in database.execute(asks).all()]
    return [failure for failure in found if failure and has_work_left(failure.run.parameters, failure.run.stage)]


def _failure(
    database: Connection, ask: Row[str, str, str, datetime], dead: Sequence[str], since: datetime
) -> Failure | None:
    """What failed of those of the same request since one of them succeeded; None where that was the last."""
    alike = [Batch.connection == ask.connection, Batch.kind == ask.kind, what_was_asked == ask.asked]
    done = select(func.max(Batch.started_at)).where(*alike, Batch.status == "done", Batch.started_at >= since)
    ended_well = database.execute(done).scalar()
    if ended_well is not None and ended_well >= ask.newest:
        return None
    alike += [
        *_meant("failed", dead),
        Batch.started_at >= since if ended_well is None else Batch.started_at > ended_well,
    ]
    first, count = database.execute(select(func.min(Batch.started_at), func.count()).where(*alike)).one()
    newest = database.execute(select(*LISTED).where(*alike).order_by(*NEWEST_FIRST).limit(1)).one()
    return Failure(_run(newest, dead), count, first)


def _meant(outcome: str, dead: Sequence[str]) -> list[ColumnElement[bool]]:
    died = Batch.batch_id.in_(dead)
    conditions: dict[str, ColumnElement[bool]] = {
        "failed": or_(Batch.status == "failed", died),
        "running": and_(Batch.status == "running", ~died),
        "done": Batch.status == "done",
        "held": or_(*(_figure(name) > 0 for name in ("held", "failed", "differing"))),
        "telling": or_(
            Batch.status != "done",
            Batch.kind.not_in(list(NEWS)),
            *(and_(Batch.kind == kind, or_(*(_figure(name) > 0 for name in names))) for kind, names in NEWS.items()),
        ),
    }
    return [conditions[outcome]] if outcome in conditions else []


def _figure(name: str) -> ColumnElement[int]:
    figure: ColumnElement[int] = Batch.counts[name].as_integer()
    return figure


def _run(row: Row[Any], dead: Sequence[str]) -> Run:
    state = DIED if row.batch_id in dead else {"status": row.status, "error": row.error, "remedy": row.remedy}
    return Run(
        batch_id=row.batch_id,
        connection=row.connection,
        kind=row.kind,
        stage=row.stage,
        parameters=row.parameters,
        counts=row.counts,
        api_calls=row.api_calls,
        window_after=row.window_after,
        window_before=row.window_before,
        started_at=row.started_at,
        finished_at=row.finished_at,
        **state,
    )


def quality_history(ledger: Ledger, connection: str, kind: BatchKind, *, limit: int) -> Sequence[Row[Any]]:
    """What the expectations found in the newest runs that examined something: batch_id, started_at, status, quality.

    `quality` is what `mfn.quality.model.QualityReport.from_dict` reads, or None.
    """
    taken_up = SUMMED.get(kind, ())[:1]
    statement = (
        select(Batch.batch_id, Batch.started_at, Batch.status, Batch.findings["quality"].label("quality"))
        .where(Batch.connection == connection, Batch.kind == kind, *(_figure(name) > 0 for name in taken_up))
        .order_by(*NEWEST_FIRST)
        .limit(limit)
    )
    return ledger.rows(statement)
