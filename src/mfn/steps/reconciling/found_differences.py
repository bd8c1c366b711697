"""The differences that a reconciliation found, for its report, its `--json` output and its error."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from mfn.errors import FatalError
from mfn.models import Reason
from mfn.reports.model import HeldOrder

if TYPE_CHECKING:
    from sqlalchemy import Row

NAMED = 10
"""How many orders the error names; the report has them all."""

COLUMNS = ("order_id", "kind", "detail", "remedy")


def found_in(row: Row[Any]) -> list[dict[str, Any]]:
    """The differences of a batch for `--json`: order_id, kind, detail, remedy; one for each order and kind."""
    return [{name: one[name] for name in COLUMNS} for one in row.findings.get("differences", ())]


def differing_orders(row: Row[Any]) -> tuple[HeldOrder, ...]:
    """The same for the report, one entry for each order."""
    orders: dict[str, list[dict[str, Any]]] = {}
    for one in row.findings.get("differences", ()):
        orders.setdefault(one["order_id"], []).append(one)
    return tuple(
        HeldOrder(
            order_id,
            tuple(Reason(one["kind"], one["detail"], one["remedy"]) for one in found),
            is_sfp=found[0]["is_sfp"],
            ship_by=found[0]["ship_by"] and datetime.fromisoformat(found[0]["ship_by"]),
            service_level=found[0]["service_level"],
        )
        for order_id, found in orders.items()
    )


def differences_error(row: Row[Any]) -> FatalError | None:
    """The error of a reconciliation that found differences; None for one that found none.

    The run still counts as done: running it again would find the same.
    """
    differing = row.counts.get("differing", 0)
    if not differing:
        return None
    found = row.findings.get("differences", ())
    named = "; ".join(f"{one['order_id']}: {one['kind']}, {one['detail']}" for one in found[:NAMED])
    more = f"; and {len(found) - NAMED:,} more" if len(found) > NAMED else ""
    return FatalError(
        f"{differing:,} of {row.counts['orders']:,} orders differ between Amazon, the ledger and the warehouse."
        f" {named}{more}.",
        remedy=f"The report has the command that fixes each one: mfn report {row.batch_id}.",
    )
