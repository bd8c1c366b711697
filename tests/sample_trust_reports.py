"""Reports of reconciliations and of purges to look at: an ordinary day, a quiet one, one rehearsed, one broken off."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from mfn.models import Reason
from mfn.reports.model import HeldOrder, PastRun, RunReport

COMPARED = datetime(2026, 11, 2, 4, 20, tzinfo=UTC)
PURGED = datetime(2026, 11, 2, 3, 40, tzinfo=UTC)


def left_out(order_id: str) -> Reason:
    return Reason(
        "missing_in_ledger",
        "placed 2026-11-01 09:12 UTC, UNSHIPPED at Amazon, but no import has fetched it",
        f"Import it by its id:\nmfn import us --order {order_id}",
    )


def not_confirmed(parcel: str) -> Reason:
    return Reason(
        "shipment_not_confirmed",
        f"parcel {parcel} shipped on 2026-11-01 16:40 UTC, but the order is UNSHIPPED at Amazon",
        "Confirm it to Amazon:\nmfn confirm us",
    )


def cancelled(order_id: str) -> Reason:
    return Reason(
        "cancelled_on_amazon",
        "CANCELLED at Amazon, loaded here, picking in the warehouse",
        f"Import it again, which asks the warehouse to stop:\nmfn import us --order {order_id}",
    )


def at_another_point(number: int) -> Reason:
    """Of an even number with a command of its own, of an odd one with what a person does by hand."""
    if number % 2:
        detail = "UNSHIPPED at Amazon, loaded here, cancelled in the warehouse"
        return Reason("status_differs", detail, "Cancel it in Seller Central, or reopen it in the warehouse.")
    detail = "UNSHIPPED at Amazon, pending here, not in the warehouse"
    remedy = f"Import it again:\nmfn import us --order 111-000000{number}-100000{number}"
    return Reason("status_differs", detail, remedy)


def differing() -> tuple[HeldOrder, ...]:
    hour = timedelta(hours=1)
    return (
        HeldOrder("111-0000001-1000001", (left_out("111-0000001-1000001"),), True, COMPARED + 5 * hour, "NextDay"),
        HeldOrder("111-0000002-1000002", (left_out("111-0000002-1000002"),), False, COMPARED + 30 * hour, "Standard"),
        HeldOrder("111-0000003-1000003", (not_confirmed("P-1003"),), False, COMPARED - 9 * hour, "Standard"),
        HeldOrder("111-0000004-1000004", (cancelled("111-0000004-1000004"),), False, None, "Standard"),
        *(
            HeldOrder(f"111-000000{n}-100000{n}", (at_another_point(n),), False, COMPARED + n * hour)
            for n in range(5, 9)
        ),
    )


def past_reconciliations(count: int) -> tuple[PastRun, ...]:
    runs = []
    for number in range(count):
        orders, wrong = 350 + (number * 37) % 95, (number * 5) % 3
        counts = {"orders": orders, "matched": orders - wrong, "differing": wrong, "missing": wrong // 2}
        at = COMPARED - timedelta(days=count - number)
        batch_id = f"us-reconcile-{at:%Y%m%d-%H%M%S}-00000{number % 10}"
        runs.append(PastRun(batch_id, "us", "reconcile", "done", at, counts))
    return tuple(runs)


def past_purges(count: int) -> tuple[PastRun, ...]:
    runs = []
    for number in range(count):
        purged = (number * 41) % 130 if number % 4 else 0
        counts = {"orders": 4000 + purged, "purged": purged, "kept": 4000, "scrubbed": purged}
        at = PURGED - timedelta(days=count - number)
        runs.append(PastRun(f"us-purge-{at:%Y%m%d-%H%M%S}-00000{number % 10}", "us", "purge", "done", at, counts))
    return tuple(runs)


def reconcile_day() -> RunReport:
    return RunReport(
        batch_id="us-reconcile-20261102-042000-c0ffee",
        connection="us",
        kind="reconcile",
        status="done",
        started_at=COMPARED,
        finished_at=COMPARED + timedelta(seconds=41.5),
        window_after=COMPARED - timedelta(days=3),
        window_before=COMPARED - timedelta(minutes=2),
        counts={"orders": 412, "matched": 404, "differing": 8, "missing": 2},
        api_calls={"getOrder": 6, "searchOrders": 5},
        held=differing(),
        history=past_reconciliations(9),
    )


def reconcile_quiet() -> RunReport:
    counts = {"orders": 412, "matched": 412, "differing": 0, "missing": 0}
    return replace(reconcile_day(), counts=counts, held=(), history=())


def purge_day() -> RunReport:
    return RunReport(
        batch_id="us-purge-20261102-034000-badcab",
        connection="us",
        kind="purge",
        status="done",
        started_at=PURGED,
        finished_at=PURGED + timedelta(seconds=3.2),
        counts={"orders": 4096, "purged": 96, "kept": 4000, "scrubbed": 95},
        history=past_purges(9),
    )


def purge_rehearsal() -> RunReport:
    return replace(purge_day(), dry_run=True)


def purge_broken_off() -> RunReport:
    return replace(
        purge_day(),
        status="failed",
        failed_at="scrub",
        error="the warehouse could not be reached: connection refused.",
        remedy="Start it.",
        counts={"orders": 4096, "purged": 96, "kept": 4000},
        history=(),
    )
