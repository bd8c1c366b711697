"""Report: the quality gate, the page of the run, and the end of its batch, for failed runs too."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, case, func, or_, select

from mfn.connections import find_connection
from mfn.errors import FatalError
from mfn.file_faults import writing_remedy
from mfn.ledger.batch_failures import DIED, failed_at
from mfn.ledger.batch_listing import past_runs, runs_between
from mfn.ledger.batches import get_batch, update_batch
from mfn.ledger.landing import EARLIER
from mfn.ledger.leases import assert_not_taken_over
from mfn.ledger.met_orders import ROWS_AT_ONCE
from mfn.ledger.opening import open_ledger
from mfn.ledger.orders import read_reasons
from mfn.ledger.schema import BatchOrder, TrackedOrder
from mfn.models import STAGES, OrderStatus, Outcome, Parameters
from mfn.quality.model import QualityReport
from mfn.reports.model import SHOWN_RUNS, Conflict, HeldOrder, PastRun, RunReport, Urgency
from mfn.reports.writing import DAY_RUNS, write_report
from mfn.steps.confirming.parcel_report import parcel_facts, parcel_refusals_of
from mfn.steps.reconciling.found_differences import differences_error, differing_orders
from mfn.steps.stock.failures import brake_of, level_refusals_of
from mfn.steps.stock.report import stock_facts

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection, Row

    from mfn.ledger.opening import Ledger
    from mfn.models import BatchRef
    from mfn.settings import Settings

FIXED_ELSEWHERE = "Fix what holds them (mfn orders --status held); the next run releases them automatically."
EMPTY_WAREHOUSE = (
    "The warehouse has no items: fill wms_item and wms_ship_method; the next run releases the held orders."
)

SAME_ORDER = and_(TrackedOrder.connection == BatchOrder.connection, TrackedOrder.order_id == BatchOrder.order_id)


def report(batch: BatchRef, settings: Settings) -> BatchRef:
    """Close the batch and write its data-quality report.

    Args:
        batch: The batch, as far as it got.
        settings: The settings in force.

    Raises:
        FatalError: The quality gate is closed, since too many of the due orders are held; the warehouse is not
            believed; parcels or levels failed permanently; or a reconciliation found differences. The report is written
            all the same.
    """
    closed = gate(batch, settings)
    write_page(batch, settings, gather(batch, settings))
    if closed is not None:
        raise closed
    return batch


def gate(batch: BatchRef, settings: Settings) -> FatalError | None:
    """Close the batch: done, failed as it was, or failed since it was ended early or a gate is closed.

    A gate is closed where too many due orders are held, or where the warehouse is not believed. A confirm run in which
    parcels failed permanently is done: to run it again would change nothing. So is a stock run in which Amazon refused
    levels: the next one sends them again; and one that found differences, which other commands fix.

    The batch is done once its page is written: a run that dies in between is resumed, so that none is done without a
    page.

    Args:
        batch: The batch, as far as it got.
        settings: The settings in force.

    Returns:
        The error of a run that is stopped here or in which parcels or levels failed, to be raised once the report is
        written.
    """
    ledger = open_ledger(settings)
    row = get_batch(ledger, batch.batch_id)
    if row.status == "failed":
        return None
    if row.stage != STAGES[row.kind][-1]:
        with ledger.writing() as database:
            update_batch(database, batch, finished_at=datetime.now(UTC), **DIED)
        return None
    closed = GATES[row.kind](row, settings) if row.kind in GATES else None
    values = {"error": closed.message, "remedy": closed.remedy} if closed else {}
    with ledger.writing() as database:
        update_batch(database, batch, finished_at=datetime.now(UTC), **values)
    return closed or (REFUSALS[row.kind](row) if row.kind in REFUSALS else None)


def _quality_gate(row: Row[Any], settings: Settings) -> FatalError | None:
    """Too many due orders of a window are held; runs over named or reprocessed orders have no window, and no gate."""
    asked = Parameters.of(row.parameters)
    if asked.order_id or asked.named or asked.reprocess:
        return None
    percent = find_connection(settings, row.connection).orders.hold_alarm_percent
    due, held = row.counts.get("due", 0), row.counts.get("due_held", 0)
    if held * 100 <= percent * due:
        return None
    are, end = ("would be", ".") if asked.dry_run else ("are", "; the others were loaded.")
    return FatalError(
        f"{held} of {due} due orders {are} held, more than the {percent:g} % in orders.hold_alarm_percent{end}",
        remedy=FIXED_ELSEWHERE if row.findings.get("items", 1) else EMPTY_WAREHOUSE,
    )


GATES = {"import": _quality_gate, "inventory": brake_of}
"""What makes a run of a kind fail although it got through all of its stages."""

REFUSALS = {"confirm": parcel_refusals_of, "inventory": level_refusals_of, "reconcile": differences_error}
"""What was refused permanently, or found, in a run that is done."""


def gather(batch: BatchRef, settings: Settings) -> RunReport:
    """Collect everything that the report of a closed batch shows from the ledger."""
    ledger = open_ledger(settings)
    row = get_batch(ledger, batch.batch_id)
    past = past_runs(ledger, batch.connection, batch.kind, limit=SHOWN_RUNS)
    facts = _facts(ledger, batch, row)
    return RunReport(
        batch_id=row.batch_id,
        connection=row.connection,
        kind=row.kind,
        status="failed" if row.status == "failed" or row.error is not None else "done",
        started_at=row.started_at,
        finished_at=row.finished_at,
        error=row.error,
        remedy=row.remedy,
        failed_at=failed_at(row) if row.stage != STAGES[row.kind][-1] else None,
        window_after=row.window_after,
        window_before=row.window_before,
        dry_run=Parameters.of(row.parameters).dry_run,
        counts=row.counts,
        due=row.counts.get("due", 0),
        api_calls=row.api_calls,
        conflicts=tuple(Conflict(**conflict) for conflict in row.findings.get("conflicts", ())),
        findings=QualityReport.from_dict(row.findings.get("quality", {})),
        history=tuple(PastRun.of(run) for run in reversed(past) if run.batch_id != row.batch_id),
        **facts,
    )


def _facts(ledger: Ledger, batch: BatchRef, row: Row[Any]) -> dict[str, Any]:
    """The parts of the report that only this kind of run has."""
    match row.kind:
        case "import":
            with ledger.reading() as database:
                return {
                    "held": _held(database, batch),
                    "ignored": _ignored(database, batch),
                    "urgency": _urgency(database, batch),
                    "warnings": row.findings.get("warnings", {}),
                }
        case "confirm":
            return parcel_facts(ledger, row)
        case "inventory":
            return stock_facts(ledger, row)
        case "reconcile":
            return {"held": differing_orders(row)}
        case _:
            return {}


def write_page(batch: BatchRef, settings: Settings, gathered: RunReport) -> Path:
    """Write the page of a run and the index of all runs, and record where the page is and how the run ended.

    Args:
        batch: The batch.
        settings: The settings in force.
        gathered: What `gather` returned.

    Returns:
        The page.

    Raises:
        FatalError: It cannot be written.
        LeaseLostError: Another run has taken the batch over.
    """
    ledger = open_ledger(settings)
    assert_not_taken_over(ledger, batch.lease)  # then the other run writes the page
    try:
        page = write_report(settings.reports, gathered, _runs_of_day(ledger, gathered), site=settings.reports_url)
    except OSError as error:
        with ledger.writing() as database:
            update_batch(database, batch, status=gathered.status)
        raise FatalError(
            f"the report of {batch.batch_id} cannot be written into {settings.reports}: {error.strerror}."
            " The results of the run are in the ledger.",
            remedy=f"{writing_remedy(error, 'Let this user write there.')} Then run mfn rerun {batch.batch_id}.",
        ) from None
    with ledger.writing() as database:
        update_batch(database, batch, report=str(page), status=gathered.status)
    return page


def _runs_of_day(ledger: Ledger, gathered: RunReport) -> list[PastRun]:
    day = gathered.started_at.replace(hour=0, minute=0, second=0, microsecond=0)
    return [PastRun.of(row) for row in runs_between(ledger, day, day + timedelta(days=1), limit=DAY_RUNS)]


def _held(database: Connection, batch: BatchRef) -> tuple[HeldOrder, ...]:
    statement = (
        select(
            BatchOrder.order_id,
            BatchOrder.reasons,
            TrackedOrder.is_sfp,
            TrackedOrder.ship_by,
            TrackedOrder.service_level,
        )
        .outerjoin(TrackedOrder, SAME_ORDER)
        .where(BatchOrder.batch_id == batch.batch_id, BatchOrder.outcome == Outcome.HELD)
        .order_by(TrackedOrder.ship_by.nulls_last(), BatchOrder.order_id)
    )
    # Of eighty thousand held orders most have the same reasons: each text is decoded once.
    read_once = cache(read_reasons)
    return tuple(
        HeldOrder(row.order_id, read_once(row.reasons), bool(row.is_sfp), row.ship_by, row.service_level)
        for row in database.execute(statement, execution_options={"yield_per": ROWS_AT_ONCE})
    )


def _ignored(database: Connection, batch: BatchRef) -> dict[str, int]:
    """Ignored orders by reason, without orders of earlier runs that are merely still waiting for their payment."""
    statement = (
        select(BatchOrder.reasons, func.count())
        .outerjoin(TrackedOrder, SAME_ORDER)
        .where(BatchOrder.batch_id == batch.batch_id, BatchOrder.outcome == Outcome.IGNORED)
        .where(or_(BatchOrder.origin != EARLIER, TrackedOrder.status.is_distinct_from(OrderStatus.PENDING)))
        .group_by(BatchOrder.reasons)
    )
    found = Counter[str]()
    for reasons, count in database.execute(statement):
        for reason in read_reasons(reasons):
            found[reason.code] += count
    return found


def _urgency(database: Connection, batch: BatchRef) -> Urgency:
    """Counted in the database: a run may have loaded a hundred thousand orders."""
    now = datetime.now(UTC)
    limits = {
        "overdue": now,
        "within_12_hours": now + timedelta(hours=12),
        "within_24_hours": now + timedelta(hours=24),
        "within_48_hours": now + timedelta(hours=48),
    }
    bucket = case(
        (TrackedOrder.ship_by.is_(None), "unknown"),
        *((TrackedOrder.ship_by <= limit, name) for name, limit in limits.items()),
        else_="later",
    )
    statement = (
        select(bucket, func.count(), func.sum(case((TrackedOrder.is_sfp, 1), else_=0)))
        .select_from(BatchOrder)
        .join(TrackedOrder, SAME_ORDER)
        .where(BatchOrder.batch_id == batch.batch_id, BatchOrder.outcome == Outcome.LOADED)
        .where(TrackedOrder.status != OrderStatus.HELD)
        .group_by(bucket)
    )
    rows = database.execute(statement).all()
    return Urgency(sfp=sum(int(row[2]) for row in rows), **{row[0]: row[1] for row in rows})
