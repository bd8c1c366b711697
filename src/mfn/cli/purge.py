"""`mfn purge` and `mfn erase`: removing buyers' data past its retention, and that of one order at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from mfn.cli.output import PASTED, JsonOption, print_json, print_line, print_several
from mfn.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Mapping


def add_to(application: typer.Typer) -> None:
    """Add the commands of this file."""
    application.command("purge")(purge)
    application.command("erase")(erase)


def purge(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be removed; nothing changes.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Remove buyers' data past its retention. Covers all connections; the rest of each order stays."""
    from mfn.steps.privacy.purges import purge_all  # noqa: PLC0415 - pandas takes a second that --help does not need

    done, errors = purge_all(load_settings(), dry_run=dry_run)

    def show() -> None:
        for result in done["connections"]:
            _print_purged(result, dry_run=dry_run)

    print_several(done, errors, show, of=len(done["connections"]), as_json=as_json)


def _print_purged(result: Mapping[str, Any], *, dry_run: bool) -> None:
    if "purged" not in result:
        print_line(f"{result['connection']}: not purged")
        return
    would = "would be " if dry_run else ""
    print_line(
        f"{result['connection']}: orders with buyers' data: {result['orders']} = {result['purged']} {would}purged"
        f" + {result['kept']} kept"
    )
    if result["scrubbed"]:
        print_line(f"{result['scrubbed']} {would}cleared in the warehouse")
    print_line(f"report: {result['report']}" if result["report"] else "no report: no longer in connections.yaml")


def erase(
    order_id: Annotated[
        str, typer.Argument(metavar="ORDER", help="Amazon's order id.", show_default=False, parser=PASTED)
    ],
    connection: Annotated[
        str | None, typer.Option(help="The order's connection; needed only if several connections have the id.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Remove everything about the buyer of one order, now. Clears the ledger and the warehouse's tables."""
    from mfn.steps.privacy import erase as step  # noqa: PLC0415 - as above

    done = step.erase(load_settings(), order_id, connection=connection)
    if as_json:
        print_json(done)
        return
    where = [place for place, had in (("the ledger", done["ledger"]), ("the warehouse", done["warehouse"])) if had]
    if where:
        print_line(f"{order_id} ({done['connection']}): the buyer's data was removed from {' and '.join(where)}")
    else:
        print_line(f"{order_id} ({done['connection']}): no buyer's data was left; erased {done['erased']}")
