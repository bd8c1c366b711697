"""`mfn skus`: Amazon's SKUs compared with the warehouse's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mfn.amazon.quantities import MERCHANT_CHANNEL
from mfn.cli.output import ConnectionArgument, JsonOption, print_line, print_table
from mfn.cli.read_only import run_read_only
from mfn.errors import shown_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    import typer

SHOWN = 20
"""Rows of a table that a person is shown."""
DESCRIPTION = 32
"""Characters of a description that a person is shown."""


def add_to(application: typer.Typer) -> None:
    """Add the commands of this file."""
    application.command("skus")(skus)


def skus(connection: ConnectionArgument, as_json: JsonOption = False) -> None:
    """Compare Amazon's SKUs with the warehouse's items. Aliases and kits are followed.

    A SKU with a near miss counts as missing in the warehouse until the proposed row is in sku_aliases.csv. Listings
    that Amazon fulfils are only counted. Nothing is changed; differences do not count as a failure.
    """
    from mfn.steps.mappings.sku_comparison import compare_skus_of  # noqa: PLC0415 - pandas takes a second that --help does not need

    run_read_only("skus", connection, compare_skus_of, _print, as_json=as_json)


def _print(document: Mapping[str, Any], mappings: Path) -> None:
    from mfn.mappings.csv_file import warning_of  # noqa: PLC0415 - as above
    from mfn.mappings.tables import SKU_ALIASES  # noqa: PLC0415 - as above

    aliases = mappings / SKU_ALIASES.file
    lists = (document[name] for name in ("missing_in_warehouse", "missing_on_amazon", "near_misses"))
    missing, unlisted, near = lists
    print_line(
        f"{document['connection']}: {document['seller_skus']} seller SKUs = {document['matched']} matched"
        f" ({document['kits']} of them kits) + {len(missing)} missing in the warehouse"
    )
    if document["fba"]:
        text = ", ".join(
            f"{channel} {count}" for channel, count in document["channels"].items() if channel != MERCHANT_CHANNEL
        )
        print_line(f"not compared, fulfilled by Amazon: {document['fba']} listings ({text})")
    print_line(f"warehouse: {document['items']} active items, {document['items_listed']} of them on Amazon")
    if not document["items"]:
        print_line("the warehouse has no active items yet: fill wms_item first")
    _print_part(
        f"missing in the warehouse: {len(missing)}; add the item to wms_item, or map the SKU in {aliases.name}",
        ("seller SKU", "ASIN", "why"),
        [(_visible(row["seller_sku"]), row["asin"], row["detail"]) for row in missing],
    )
    _print_part(
        f"missing on Amazon: {len(unlisted)}; list it, or map the SKU that sells it",
        ("warehouse SKU", "description", "why"),
        [(_visible(row["warehouse_sku"]), (row["description"] or "")[:DESCRIPTION], row["detail"]) for row in unlisted],
    )
    _print_part(
        f"near misses: {len(near)}",
        ("seller SKU", "warehouse SKU", "what differs"),
        [(_visible(row["seller_sku"]), _visible(row["warehouse_sku"]), _differs(row)) for row in near],
    )
    if near:
        print_line(f"\nrows for {shown_path(aliases)}; check each before you add it, then run: mfn mappings check")
        if any(map(_needs_a_choice, near[:SHOWN])):
            print_line(
                "(rows with #: one of several matches, or already sold under another SKU; remove the # if it is right)"
            )
        if not aliases.exists():
            print_line(",".join(SKU_ALIASES.columns))
        for row in near[:SHOWN]:
            print_line(f"# {row['alias_row']}" if _needs_a_choice(row) else row["alias_row"])
        _print_rest(len(near))
        if warning := warning_of(row["alias_row"] for row in near[:SHOWN]):
            print_line(warning)
    elif not missing and not unlisted:
        print_line("all SKUs match")


def _print_part(heading: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    if rows:
        print_line(f"\n{heading}")
        print_table(columns, rows[:SHOWN])
        _print_rest(len(rows))


def _print_rest(count: int) -> None:
    if count > SHOWN:
        print_line(f"… and {count - SHOWN} more: --json has all of them")


def _needs_a_choice(row: Mapping[str, Any]) -> bool:
    """Whether a row must not be pasted unread: several for one SKU are a kit, and one character tells sizes apart."""
    return not row["is_only"] or (row["is_matched"] and row["difference"] == "one_character")


def _differs(row: Mapping[str, Any]) -> str:
    return "; ".join(_remarks(row))


def _remarks(row: Mapping[str, Any]) -> Iterator[str]:
    yield row["detail"]
    if row["is_matched"]:
        yield "already sold under another SKU"
    if row["marketplace"]:
        yield f"in {row['marketplace']} only"


def _visible(sku: str) -> str:
    """A SKU as it is, in quotation marks if it has invisible characters."""
    return sku if sku.isprintable() and sku == sku.strip() and sku else repr(sku)
