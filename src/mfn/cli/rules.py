"""`mfn rules test`: try the rules of a file on one order, parcel or SKU before they are in force."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from pathlib import Path  # noqa: TC003 - Typer reads the types when it runs
from typing import Annotated, Any

import typer

from mfn.cli.output import PASTED, JsonOption, print_json, print_line
from mfn.errors import ConfigurationError
from mfn.moments import iso
from mfn.settings import load_settings

rules = typer.Typer(help="Try the rules of rules.yaml.", no_args_is_help=True)


def add_to(application: typer.Typer) -> None:
    """Add the commands of this file."""
    application.add_typer(rules, name="rules")


@rules.callback()
def _rules() -> None:
    """Try the rules of rules.yaml."""


@rules.command("test")
def try_rules(
    file: Annotated[
        Path,
        typer.Argument(metavar="RULES", help="A file like mappings/rules.yaml.", exists=True, dir_okay=False),
    ],
    *,
    order: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Try order.import on this order, by Amazon's order id.", parser=PASTED),
    ] = None,
    shipment: Annotated[
        str | None, typer.Option(help="Try shipment.notification on this parcel, by the warehouse's shipment_id.")
    ] = None,
    sku: Annotated[str | None, typer.Option(help="Try inventory.push on this offer, by Amazon's SKU.")] = None,
    connection: Annotated[
        str | None, typer.Option(help="Its connection; needed only if several connections have it.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show which rules fire on an order, a parcel or a SKU. Shows the values and would-be changes; changes nothing."""
    if sum(map(bool, (order, shipment, sku))) != 1:
        raise ConfigurationError(
            "expected one of --order, --shipment and --sku.",
            remedy="Give exactly one: --order ID, --shipment ID or --sku SKU.",
        )
    # pandas takes a second
    from mfn.steps.mappings.rule_testing import rules_on_offer, rules_on_order, rules_on_shipment  # noqa: PLC0415 - see above

    settings = load_settings()
    if order:
        document = rules_on_order(settings, file, order, connection=connection)
    elif shipment:
        document = rules_on_shipment(settings, file, shipment, connection=connection)
    else:
        document = rules_on_offer(settings, file, sku or "", connection=connection)
    if as_json:
        print_json(_plain(document))
    else:
        _print(_plain(document))


def _print(document: dict[str, Any]) -> None:
    print_line(f"{document['event']} on {document['id']} ({document['connection']})")
    if not document["rules"]:
        print_line("the file has no rule on this event")
    for entry in document["rules"]:
        off = "" if entry["enabled"] else " (disabled: tried only here)"
        happened = "fires" if entry["fired"] else "does not fire" if entry["tried"] else "is not tried"
        print_line(f"\n{entry['name']}: {happened}{off}")
        for name, value in entry["values"].items():
            print_line(f"  {name} is {_shown(value)}")
        for name, change in entry["changed"].items():
            print_line(f"  sets {name}: {_shown(change['before'])} > {_shown(change['after'])}")
        if entry["decision"]:
            print_line(f"  {entry['decision']}: {entry['message']}")
        elif entry["stops"]:
            print_line("  stop: no further rules are tried")
    text = f"{document['decision']}, by {document['rule']}: {document['message']}"
    print_line(f"\nresult: {text if document['decision'] else 'processed as usual'}")


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, bool):
        return str(value).lower()
    return "absent" if value is None else str(value) or "empty"


def _plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, datetime):
        return iso(value)
    return float(value) if isinstance(value, Decimal) else value
