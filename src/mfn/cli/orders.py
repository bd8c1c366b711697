"""`mfn orders`: the orders, their status and reasons, and people's decisions about them."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mfn.cli.output import (
    PASTED,
    JsonOption,
    most_rows,
    print_error,
    print_json,
    print_left_out,
    print_line,
    print_nothing,
    print_table,
)
from mfn.errors import ConfigurationError
from mfn.models import OrderStatus  # noqa: TC001 - Typer reads the types when it runs
from mfn.moments import iso
from mfn.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import Row

    from mfn.ledger.decisions import DecisionKind
    from mfn.models import Reason
    from mfn.steps.orders.decisions import Refusal
    from mfn.steps.orders.timeline import Moment, OrderStanding, ParcelStanding

OrderIds = Annotated[
    list[str], typer.Argument(metavar="ID…", help="Amazon's order ids.", show_default=False, parser=PASTED)
]
WhyOption = Annotated[
    str, typer.Option(help="The reason, for the audit trail; no buyers' data.", metavar="TEXT", show_default=False)
]
WhichOption = Annotated[
    str | None, typer.Option(help="The orders' connection; needed only if several connections have the same id.")
]

MOMENTS = {"shipped_at", "ship_date_sent", "sent_at", "verified_at"}

orders = typer.Typer(help="List orders, show one, and decide about held ones.", invoke_without_command=True)


def add_to(application: typer.Typer) -> None:
    """Add the commands of this file."""
    application.add_typer(orders, name="orders")


@orders.callback()
def list_(
    context: typer.Context,
    status: Annotated[OrderStatus | None, typer.Option(help="Only orders with this status.")] = None,
    connection: Annotated[str | None, typer.Option(help="Only orders of this connection.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List orders, most urgent first; those that have shipped, or need not ship, come last."""
    if context.invoked_subcommand is not None:
        context.default_map = {context.invoked_subcommand: {"as_json": as_json}}  # mfn orders --json show ID
        return
    from mfn.connections import find_connection  # noqa: PLC0415 - so that --help answers at once
    from mfn.ledger.known_connections import known_connections  # noqa: PLC0415
    from mfn.ledger.opening import ledger_if_any  # noqa: PLC0415
    from mfn.ledger.order_listing import list_orders  # noqa: PLC0415
    from mfn.ledger.orders import read_reasons  # noqa: PLC0415

    settings = load_settings()
    ledger = ledger_if_any(settings)
    # A connection that was removed from the file still has orders.
    if connection is not None and (ledger is None or connection not in known_connections(ledger)):
        find_connection(settings, connection)
    most = None if as_json else most_rows()
    limit = None if most is None else most + 1
    found = () if ledger is None else list_orders(ledger, status=status, connection=connection, limit=limit)
    rows = [_shown(row, read_reasons(row.reasons)) for row in found]
    if as_json:
        print_json({"orders": rows})
    elif not rows:
        asked = f"orders with status {status}" if status else "orders"
        print_nothing(asked, settings, is_there=ledger is not None)
    else:
        columns = ("order", "connection", "status", "SFP", "ship by (UTC)", "why")
        print_table(
            columns,
            [
                (
                    row["order_id"],
                    row["connection"],
                    row["status"],
                    "SFP" if row["is_sfp"] else "",
                    (row["ship_by"] or "")[:16].replace("T", " "),
                    "; ".join(f"{reason['code']}: {reason['detail']}" for reason in row["reasons"]),
                )
                for row in rows[:most]
            ],
        )
        if len(rows) > len(rows[:most]):
            asked = (f" --status {status}" if status else "") + (f" --connection {connection}" if connection else "")
            print_left_out(f"the {most} most urgent", f"mfn orders{asked}")


@orders.command()
def show(
    order_id: Annotated[str, typer.Argument(metavar="ID", help="Amazon's order id.", parser=PASTED)],
    as_json: JsonOption = False,
) -> None:
    """Show one order, its history, and what to do. Explains its status and what each run did with it."""
    from mfn.ledger.opening import existing_ledger  # noqa: PLC0415 - as above
    from mfn.steps.orders.timeline import order_story  # noqa: PLC0415

    story = order_story(existing_ledger(load_settings()), order_id)
    found, timeline = story.standings, [_moment(moment) for moment in story.timeline]
    parcels = [_parcel(parcel) for parcel in story.parcels]
    standing = _shown(found[0], found[0].reasons) if found else {}
    order = {"order_id": order_id, **standing, "timeline": timeline, "parcels": parcels}
    if as_json:
        print_json(order)
        return
    if found:
        print_line(f"{order_id} ({order['connection']}): {order['status']}{', SFP' if order['is_sfp'] else ''}")
        print_line(f"ship by {order['ship_by'] or 'unknown'}; batch {order['batch_id']}")
        for reason in order["reasons"]:
            print_line(f"\n{reason['code']}: {reason['detail']}\n{reason['remedy']}")
    _print_timeline(story.timeline)
    if parcels:
        _print_parcels(parcels)


def _print_timeline(timeline: Iterable[Moment]) -> None:
    from mfn.steps.orders.folding import fold  # noqa: PLC0415 - so that --help answers at once

    print_line("")
    print_table(
        ("when (UTC)", "batch", "what", "why"),
        [
            (
                f"{first.at:%Y-%m-%d %H:%M:%S}" + (f" to {last.at:%Y-%m-%d %H:%M:%S}" if count > 1 else ""),
                last.batch_id or (f"by {last.by}" if last.by else ""),
                (f"parcel {last.parcel} " if last.parcel else "")
                + (last.outcome or "landed")
                + (f", {count} times" if count > 1 else "")
                + (" (dry run)" if last.dry_run else ""),
                "; ".join(
                    ([last.why] if last.why is not None else [])
                    + [reason.code for reason in (*last.reasons, *last.warnings)]
                    + [f"{what} ({status})" for what, status in last.conflicts]
                ),
            )
            for first, last, count in fold(timeline)
        ],
    )


def _print_parcels(parcels: Sequence[Mapping[str, Any]]) -> None:
    print_line("")
    print_table(
        ("parcel", "status", "carrier", "as sent", "tracking number", "shipped (UTC)", "why"),
        [
            (
                parcel["shipment_id"],
                parcel["status"],
                parcel["carrier"],
                parcel["carrier_name"] or parcel["carrier_code"],
                parcel["tracking_number"],
                (parcel["shipped_at"] or "")[:19].replace("T", " "),
                "; ".join(f"{reason['code']}: {reason['detail']}" for reason in parcel["reasons"]),
            )
            for parcel in parcels
        ],
    )


@orders.command()
def release(order_ids: OrderIds, why: WhyOption, connection: WhichOption = None, as_json: JsonOption = False) -> None:
    """Release held or dismissed orders. Works only if every reason for the hold is a matter of judgement."""
    from mfn.ledger.decisions import DecisionKind  # noqa: PLC0415 - as above
    from mfn.steps.orders import decisions  # noqa: PLC0415

    refusals = decisions.release(load_settings(), order_ids, why=why, connection=connection)
    _print_result(DecisionKind.RELEASED, order_ids, refusals, connection, as_json=as_json)


@orders.command()
def dismiss(order_ids: OrderIds, why: WhyOption, connection: WhichOption = None, as_json: JsonOption = False) -> None:
    """Dismiss orders that are held or not loaded yet. No import loads them until they are released."""
    from mfn.ledger.decisions import DecisionKind  # noqa: PLC0415 - as above
    from mfn.steps.orders import decisions  # noqa: PLC0415

    refusals = decisions.dismiss(load_settings(), order_ids, why=why, connection=connection)
    _print_result(DecisionKind.DISMISSED, order_ids, refusals, connection, as_json=as_json)


def _print_result(
    kind: DecisionKind, order_ids: list[str], refusals: tuple[Refusal, ...], connection: str | None, *, as_json: bool
) -> None:
    """Print the result of a decision; refusals end as wrong usage, since nothing was done."""
    from mfn.ledger.decisions import decisions_on  # noqa: PLC0415 - as above
    from mfn.ledger.opening import open_ledger  # noqa: PLC0415
    from mfn.ledger.order_listing import orders_with_id  # noqa: PLC0415
    from mfn.ledger.orders import read_reasons  # noqa: PLC0415
    from mfn.steps.orders.timeline import decision_moment  # noqa: PLC0415

    if refusals:
        error = ConfigurationError(
            f"no order was {kind}:\n" + "\n".join(f"{one.order_id}: {one.problem}" for one in refusals),
            remedy="\n".join(dict.fromkeys(one.remedy for one in refusals)),
        )
        print_error(error, as_json=as_json, more={"refused": [asdict(one) for one in refusals]})
        raise typer.Exit(error.exit_code)
    ledger = open_ledger(load_settings())
    rows = [
        _shown(row, read_reasons(row.reasons))
        | {"decision": _moment(decision_moment(decisions_on(ledger, order_id, connection=row.connection)[-1]))}
        for order_id in dict.fromkeys(order_ids)
        for row in orders_with_id(ledger, order_id, connection=connection)
    ]
    if as_json:
        print_json({"orders": rows})
        return
    for row in rows:
        next_ = f"the next import checks it again: mfn import {row['connection']}"
        back = f"to undo this: mfn orders release {row['order_id']} --why TEXT"
        print_line(f"{row['order_id']} ({row['connection']}): {kind}; {back if row['status'] == kind else next_}")


def _shown(order: OrderStanding | Row[Any], reasons: tuple[Reason, ...]) -> dict[str, Any]:
    return {
        "order_id": order.order_id,
        "connection": order.connection,
        "status": order.status,
        "reasons": _reasons(reasons),
        "is_sfp": order.is_sfp,
        "ship_by": iso(order.ship_by),
        "marketplace_id": order.marketplace_id,
        "batch_id": order.batch_id,
    }


def _reasons(reasons: tuple[Reason, ...]) -> list[dict[str, str]]:
    return [asdict(reason) for reason in reasons]


def _moment(moment: Moment) -> dict[str, Any]:
    sometimes = {"parcel": moment.parcel, "by": moment.by, "why": moment.why}
    return {
        "at": iso(moment.at),
        "connection": moment.connection,
        "batch_id": moment.batch_id,
        "kind": moment.kind,
        "outcome": moment.outcome,
        "reasons": _reasons(moment.reasons),
        "warnings": _reasons(moment.warnings),
        "conflicts": [{"what": what, "status": status} for what, status in moment.conflicts],
        "dry_run": moment.dry_run,
        **{name: value for name, value in sometimes.items() if value is not None},
    }


def _parcel(parcel: ParcelStanding) -> dict[str, Any]:
    plain = asdict(parcel)
    return {
        **{name: iso(value) if name in MOMENTS else value for name, value in plain.items()},
        "items": [{"order_item_id": order_item_id, "quantity": units} for order_item_id, units in parcel.items],
    }
