"""`mfn audit`: who saw buyers' data, what people decided, and whose data was removed."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mfn.cli.output import PASTED, JsonOption, print_json, print_line, print_table
from mfn.moments import iso, parse_moment
from mfn.settings import load_settings

if TYPE_CHECKING:
    from mfn.ledger.audit_trail import AuditTrail

SHOWN_DAYS = 7
"""How far back the trail goes by default; that of a single order is always complete."""


def add_to(application: typer.Typer) -> None:
    """Add the commands of this file."""
    application.command("audit")(audit)


def audit(
    order: Annotated[
        str | None,
        typer.Option(
            metavar="ID",
            help="Only entries for this order: accesses to it alone, or by a run that read it.",
            parser=PASTED,
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="T",
            help=f"From this time on (ISO 8601, UTC if no zone). Default: {SHOWN_DAYS} days; with --order, all.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show who saw buyers' data, and what people decided. Also lists removals of buyers' data; newest first."""
    from mfn.ledger.audit_trail import AuditTrail, audit_trail  # noqa: PLC0415 - so that --help answers at once
    from mfn.ledger.opening import ledger_if_any  # noqa: PLC0415

    moment = parse_moment(since, option="--since")
    if moment is None and order is None:
        moment = datetime.now(UTC) - timedelta(days=SHOWN_DAYS)
    settings = load_settings()
    ledger = ledger_if_any(settings)
    trail = AuditTrail((), (), ()) if ledger is None else audit_trail(ledger, order_id=order, since=moment)
    if as_json:
        print_json(_document(trail))
        return
    lines = _lines(trail)
    if lines:
        print_table(("when (UTC)", "by", "what", "connection", "batch or order", "orders", "why"), lines)
    else:
        about = f" about {order}" if order else ""
        print_line(f"nothing{about} in the audit trail{f' since {iso(moment)}' if moment else ''}")


def _document(trail: AuditTrail) -> dict[str, Any]:
    accesses = [
        {
            "at": iso(row.at),
            "by": row.by,
            "purpose": row.purpose,
            "connection": row.connection,
            "batch_id": row.batch_id,
            "order_id": row.order_id,
            "orders": row.orders,
        }
        for row in trail.accesses
    ]
    decisions = [asdict(one) | {"at": iso(one.at)} for one in trail.decisions]
    removals = [asdict(one) | {"at": iso(one.at)} for one in trail.removals]
    return {"accesses": accesses, "decisions": decisions, "removals": removals}


def _lines(trail: AuditTrail) -> list[tuple[Any, ...]]:
    """The whole trail as rows of one table, newest first."""
    lines: list[tuple[datetime, tuple[Any, ...]]] = [
        (row.at, (row.by, f"read: {row.purpose}", row.connection, row.order_id or row.batch_id, row.orders, ""))
        for row in trail.accesses
    ]
    lines += [(one.at, (one.by, one.kind, one.connection, one.order_id, 1, one.why)) for one in trail.decisions]
    lines += [
        (one.at, (one.by, one.kind, one.connection, one.order_id, 1, "" if one.by else "past retention"))
        for one in trail.removals
    ]
    newest_first = sorted(lines, key=lambda line: line[0], reverse=True)
    return [(f"{at:%Y-%m-%d %H:%M:%S}", *rest) for at, rest in newest_first]
