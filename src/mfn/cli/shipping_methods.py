"""`mfn shipping-methods`: the shipping methods of Amazon's orders, mapped and unmapped."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

from mfn.cli.output import ConnectionArgument, JsonOption, print_line, print_table
from mfn.cli.read_only import run_read_only
from mfn.errors import shown_path

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import typer

ORIGINS = {"ledger": "in the ledger", "amazon": "at Amazon, none of them stored"}


def add_to(application: typer.Typer) -> None:
    """Add the commands of this file."""
    application.command("shipping-methods")(shipping_methods)


def shipping_methods(connection: ConnectionArgument, as_json: JsonOption = False) -> None:
    """List the shipping methods of Amazon's orders. Shows the warehouse's code for each, or the row to paste.

    Nothing is changed anywhere. If the ledger has no orders of the connection yet, Amazon is asked.
    """
    from mfn.steps.mappings.seen_methods import shipping_methods_of  # noqa: PLC0415 - pandas takes a second that --help does not need

    run_read_only("shipping-methods", connection, shipping_methods_of, _print, as_json=as_json)


def _print(document: Mapping[str, Any], mappings: Path) -> None:
    from mfn.mappings.csv_file import warning_of  # noqa: PLC0415 - as above
    from mfn.mappings.tables import SHIPPING_METHODS  # noqa: PLC0415 - as above

    methods = document["methods"]
    if not methods:
        print_line(f"{document['connection']}: no orders yet, so no shipping methods. Try again once there are orders.")
        return
    rows = [method["row"] for method in methods if method["row"] is not None]
    first = "" if document["is_complete"] else "the first "
    print_line(
        f"{document['connection']}: {len(methods)} methods on {first}{document['orders']} orders"
        f" {ORIGINS[document['from']]}; {len(rows)} unmapped"
    )
    print_table(
        ("marketplace", "service level", "programme", "orders", "warehouse code"),
        [
            (
                method["marketplace"] or "(none)",
                method["service_level"] or "(none)",
                method["program"],
                method["orders"],
                _code(method),
            )
            for method in methods
        ],
    )
    strange = {method["warehouse_code"] for method in methods if method["is_in_warehouse"] is False}
    if strange:
        print_line(
            f"not active in the warehouse's wms_ship_method: {', '.join(sorted(strange))}; mfn mappings check lists"
            " the rows"
        )
    if not rows:
        if not strange:
            print_line("everything is mapped")
        return
    path = mappings / SHIPPING_METHODS.file
    print_line(f"\nrows for {shown_path(path)}; check each code before you add its row, then run: mfn mappings check")
    for row in rows:
        print_line(row)
    if warning := warning_of(rows):
        print_line(warning)
    codes = SHIPPING_METHODS.columns.index("warehouse_code")
    if any(not cells[codes] for cells in csv.reader(rows)):
        print_line("(rows without a code: no warehouse method has a similar name; fill in the right one)")


def _code(method: Mapping[str, Any]) -> str:
    if method["warehouse_code"] is None:
        return "unmapped"
    return f"{method['warehouse_code']}{' (not in the warehouse)' if method['is_in_warehouse'] is False else ''}"
