"""Held orders by reason, each with what to do and what to paste; pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mfn.mappings.csv_file import warning_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mfn.models import Reason
    from mfn.reports.model import HeldOrder
    from mfn.reports.stock import HeldSku, HeldSkus

SHOWN_ORDERS = 50
SHOWN_PASTES = 50
SHOWN_PARTS = 50
NEVER = datetime.max.replace(tzinfo=UTC)

TITLES = {
    "sku_unknown": "SKU unknown to the warehouse",
    "shipping_method_unmapped": "Shipping method not mapped",
    "address_missing": "No delivery address",
    "address_incomplete": "Delivery address incomplete",
    "buyer_cancel_requested": "Buyer requested cancellation",
    "program_unsupported": "Programme the warehouse cannot ship",
    "no_quantity": "Nothing left to ship",
    "duplicate_line": "Order item appears twice",
    "invalid_payload": "Order cannot be read",
    "stock_negative": "Negative stock",
    "stock_fractional": "Fractional stock",
    "stock_unreadable": "Stock is not a number",
    "stock_duplicate": "Several rows for one SKU in one location",
    "stock_too_old": "Stock count too old",
    "stock_missing": "Active item without a stock row",
    "allocated_above_on_hand": "More allocated than on hand",
    "item_unknown": "Stock of a SKU that is not an item",
    "item_inactive": "Not active in the warehouse, sent as 0",
    "listing_missing": "Not listed on Amazon",
    "awaiting_import": "Waiting for the first import",
    "warehouse_not_believed": "Warehouse not believed",
    "rule_hold": "Held by a rule",
    "rule_fail": "Refused by a rule",
    "rule_skip": "Skipped by a rule",
    "shipment_id_missing": "Parcel without an id",
    "shipment_id_ambiguous": "Same id for different parcels",
    "shipment_status_unknown": "Parcel status unknown",
    "text_too_long": "Text too long",
    "order_unknown": "Parcel of an unknown order",
    "order_cancelled": "Order cancelled at Amazon",
    "parcel_empty": "Parcel without lines",
    "quantity_invalid": "Impossible quantity",
    "order_item_unknown": "Item not in the order",
    "quantity_excessive": "More units than ordered",
    "units_told": "All units already confirmed",
    "kit_incomplete": "Kit not complete yet",
    "kit_in_other_parcel": "Part of a kit, confirmed with another parcel",
    "tracking_missing": "No tracking number",
    "carrier_missing": "No carrier",
    "carrier_unlisted": "Carrier not mapped",
    "refused_by_amazon": "Refused by Amazon",
    "amazon_label": "Label bought from Amazon",
    "ship_plus": "Ship+ order",
    "shown_by_amazon": "Already shown by Amazon",
    "voided": "Voided by the warehouse",
    "tracking_unusual": "Unusual tracking number for the carrier",
    "ship_date_missing": "No ship date",
    "ship_date_early": "Ship date before the order",
    "ship_date_future": "Ship date in the future",
    "sfp_split": "Prime order in several parcels",
    "sent_again": "Sent again because Amazon did not show it",
    "payment_pending": "Payment pending at Amazon",
    "placed_before_start": "Placed before the start date",
    "not_merchant_fulfilled": "Fulfilled by Amazon",
    "missing_in_ledger": "Never imported",
    "missing_in_warehouse": "Loaded but not in the warehouse",
    "missing_on_amazon": "Unknown to Amazon",
    "cancelled_on_amazon": "Cancelled at Amazon",
    "shipped_on_amazon": "Shipped according to Amazon",
    "shipment_not_confirmed": "Shipped but not confirmed to Amazon",
    "status_differs": "Status differs from Amazon",
    "units_differ": "Units to ship differ from Amazon",
    "unknown_to_ledger": "In the warehouse but not in the ledger",
}


@dataclass(frozen=True)
class Instruction:
    """What to do about one reason.

    Attributes:
        text: The instruction.
        pastes: Mapping rows or commands that belong to it, each once, the first of many.
        further: How many more there are.
    """

    text: str
    pastes: tuple[str, ...] = ()
    further: int = 0


@dataclass(frozen=True)
class HeldPart:
    """Orders, or parcels, that are held for one reason and need the same action.

    Attributes:
        instructions: What to do.
        orders: The first of them with what is wrong with each, the most urgent first.
        further: How many more there are.
    """

    instructions: tuple[Instruction, ...]
    orders: tuple[tuple[HeldOrder, str], ...]
    further: int


@dataclass(frozen=True)
class HeldGroup:
    """The orders, or parcels, that are held for one reason.

    Attributes:
        code: The reason's code.
        title: The reason in words.
        count: How many orders, or parcels, it holds.
        parts: All of them, or those that are fixed in the same way, the first of many.
        further: How many are in parts that are left out.
    """

    code: str
    title: str
    count: int
    parts: tuple[HeldPart, ...]
    further: int


@dataclass(frozen=True)
class SkuGroup:
    """The SKUs that are held for one reason.

    Attributes:
        code: The reason's code.
        title: The reason in words.
        count: How many it holds.
        instructions: What to do.
        skus: The first of them, those with the highest level at Amazon before the others.
        further: How many more there are.
    """

    code: str
    title: str
    count: int
    instructions: tuple[Instruction, ...]
    skus: tuple[HeldSku, ...]
    further: int


def title_of(code: str) -> str:
    """A code in words."""
    return TITLES.get(code, code.replace("_", " ").capitalize())


def group_held(held: Sequence[HeldOrder], *, by_remedy: bool = False) -> tuple[HeldGroup, ...]:
    """Held orders or parcels by reason, the most frequent first; one with two reasons is in both groups.

    Args:
        held: The orders or parcels, in any order.
        by_remedy: Whether a group has a part for each thing that has to be done, that of the most urgent order first;
            else one part with the rows to paste for all of them.
    """
    by_code: dict[str, list[tuple[HeldOrder, Reason]]] = defaultdict(list)
    for order in sorted(held, key=lambda order: (order.ship_by or NEVER, order.order_id, order.parcel or "")):
        for reason in order.reasons:
            by_code[reason.code].append((order, reason))
    groups = [_group(code, entries, by_remedy=by_remedy) for code, entries in by_code.items()]
    return tuple(sorted(groups, key=lambda group: (-group.count, group.code)))


def _group(code: str, entries: list[tuple[HeldOrder, Reason]], *, by_remedy: bool) -> HeldGroup:
    alike: dict[tuple[str, ...], list[tuple[HeldOrder, Reason]]] = defaultdict(list)
    for order, reason in entries:
        texts = [one.text for one in read_instructions([reason.remedy])] if by_remedy else []
        alike[tuple(texts)].append((order, reason))
    parts = list(alike.values())
    return HeldGroup(
        code=code,
        title=title_of(code),
        count=len({(order.order_id, order.parcel) for order, _ in entries}),
        parts=tuple(_part(part) for part in parts[:SHOWN_PARTS]),
        further=sum(len(part) for part in parts[SHOWN_PARTS:]),
    )


def _part(entries: list[tuple[HeldOrder, Reason]]) -> HeldPart:
    shown = tuple((order, reason.detail) for order, reason in entries[:SHOWN_ORDERS])
    return HeldPart(read_instructions(reason.remedy for _, reason in entries), shown, len(entries) - len(shown))


def group_skus(held: Sequence[HeldSkus]) -> tuple[SkuGroup, ...]:
    """Held SKUs by reason, the most frequent first.

    Args:
        held: As the report has them; an instruction knows the rows of those that are listed.
    """
    groups = [
        SkuGroup(
            code=one.code,
            title=title_of(one.code),
            count=one.count,
            instructions=read_instructions(sku.remedy for sku in one.first),
            skus=one.first[:SHOWN_ORDERS],
            further=one.count - len(one.first[:SHOWN_ORDERS]) if one.first else 0,
        )
        for one in held
    ]
    return tuple(sorted(groups, key=lambda group: (-group.count, group.code)))


def read_instructions(remedies: Iterable[str]) -> tuple[Instruction, ...]:
    """Remedies of many orders as few instructions, each with all the rows that it asks to paste.

    Args:
        remedies: As `Reason.remedy` has them: sentences; a line that ends with a colon is followed by lines to paste.
    """
    pastes: dict[str, dict[str, None]] = {}
    for remedy in dict.fromkeys(remedies):
        text = ""
        for line in (line.strip() for line in remedy.splitlines()):
            if text.endswith(":") and line and not line.endswith((":", ".")):
                pastes[text][line] = None
            elif line:
                text = line
                pastes.setdefault(text, {})
    return tuple(
        Instruction(
            " ".join(filter(None, (warning_of(lines), text))),
            tuple(lines)[:SHOWN_PASTES],
            max(0, len(lines) - SHOWN_PASTES),
        )
        for text, lines in list(pastes.items())[:SHOWN_PASTES]
    )
