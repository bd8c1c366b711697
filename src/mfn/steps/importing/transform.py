"""Transform: good orders into the warehouse's rows, promised units into reservations; staged in the ledger."""

from __future__ import annotations

import re
from dataclasses import replace
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import msgspec

from mfn.errors import FatalError
from mfn.ledger.batches import parameters_of
from mfn.ledger.chunks import numbers_by_part, write_chunk
from mfn.ledger.orders import IN_WAREHOUSE, tracked_orders, write_standing
from mfn.ledger.parcels import units_sent
from mfn.ledger.staging import Staged, StagedChunk, digest_of
from mfn.models import OrderStatus
from mfn.rules.frames import time_texts
from mfn.rules.programs import is_business, is_premium
from mfn.steps.importing.chunking import one_by_one
from mfn.steps.importing.order_frames import Kept, components_of, standings_of
from mfn.steps.importing.validated import VALIDATED, read_part
from mfn.steps.workplace import add_counts, open_workplace, writing_under_lease

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from sqlalchemy import Row

    from mfn.models import BatchRef, Standing
    from mfn.settings import Settings
    from mfn.steps.workplace import Workplace

CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202d\u202e]")
"""Characters that label printers or PostgreSQL refuse, that control a terminal, or that reverse the text after them."""

MOST_UNITS = 2**31 - 1
"""The largest promise that an integer column holds: a million kits of ten thousand parts would be more."""

REQUIRED = ("requires_signature", "requires_age_check", "requires_identity_check")
"""What an order needs at the door if one of its lines does."""


def transform(batch: BatchRef, settings: Settings) -> BatchRef:
    """Turn the batch's good orders into the warehouse's rows.

    SFP is PRIME and fulfilled by the merchant; shipping methods become the warehouse's codes, aliases and kits its
    SKUs, with Amazon's order item id on every line; quantities are what is still to be shipped.

    Args:
        batch: The batch, all its orders judged.
        settings: The settings in force.

    Returns:
        The batch with `staged`: how many orders are to be loaded or have units reserved.

    Raises:
        FatalError: A mapping was changed since the orders were judged, and no longer fits them.
    """
    place = open_workplace(settings, batch.connection, lease=batch.lease)
    items = place.warehouse.items()
    staged_count = 0
    is_dry_run = parameters_of(place.ledger, batch).dry_run
    for part, numbers in enumerate(one_by_one(numbers_by_part(place.ledger, batch.batch_id, VALIDATED))):
        kept = read_part(place.ledger, batch, numbers, purpose=transform.__name__)
        staged_count += _transform_part(place, batch, items, kept, part, is_dry_run=is_dry_run)
    counts = {"staged": staged_count}
    with place.ledger.writing() as database:
        add_counts(database, place.ledger, batch, counts)
    return replace(batch, counts={**batch.counts, **counts})


def _transform_part(
    place: Workplace, batch: BatchRef, items: pd.DataFrame, kept: Kept, part: int, *, is_dry_run: bool
) -> int:
    """Stage one part of the batch, and mark its orders as ready; returns how many orders are staged."""
    ready, others = (_of(kept, kept.orders["is_passed"].eq(is_passed)) for is_passed in (True, False))
    order_ids = ready.orders["order_id"].tolist()
    known = tracked_orders(place.ledger, batch.connection, order_ids)
    tracked = {order_id: row for order_id, row in known.items() if row.status in IN_WAREHOUSE}
    staged = _stage_ready(place, ready, items, tracked) + _stage_reserved(place, others, items)
    staged.sort(key=itemgetter(0))  # in the order of their key, rows are written faster
    ready_status = OrderStatus.READY.value
    standings = [
        (order_id, ready_status, None, *one.standing)
        for order_id, _, one in staged
        if one.order is not None and not one.is_in_warehouse
    ]
    with writing_under_lease(place.ledger, batch.lease) as database:
        write_chunk(place.ledger, database, batch, StagedChunk(staged), stage=transform.__name__, number=part)
        if not is_dry_run:
            write_standing(database, batch, standings, mostly_new=not known)
    return len(staged)


def _of(kept: Kept, chosen: pd.Series[bool]) -> Kept:
    """The frames of some of the orders."""
    if chosen.all():
        return kept
    orders = kept.orders[chosen]
    lines = kept.lines[kept.lines["order_id"].isin(orders["order_id"])]
    return Kept(orders.reset_index(drop=True), lines.reset_index(drop=True), kept.addresses[chosen])


def _stage_ready(
    place: Workplace, ready: Kept, items: pd.DataFrame, tracked: Mapping[str, Row[Any]]
) -> list[tuple[str, str, Staged]]:
    frame = ready.orders
    before = _fulfilled_before(ready.lines, tracked, _sent_already(place, ready.lines, tracked))
    lines = ready.lines.assign(quantity_to_ship=_to_load(ready.lines, before))
    components = components_of(place, frame, lines, items)
    if not components["is_known"].all():
        raise FatalError(
            "a mapping or the warehouse's item master changed during this run,"
            " and orders that had passed no longer match it.",
            remedy="Run it again from the checks: mfn rerun --failed --from-stage validate.",
        )
    standings = standings_of(frame)
    order_rows = _order_rows(place, frame, lines, ready.addresses, standings)
    line_rows = _line_rows(lines, components)
    reserved = _reserved(components)
    staged = []
    for row, standing, cancel_reason in zip(order_rows, standings, frame["cancel_reason"].tolist(), strict=True):
        order_id = row[0]
        order_lines = line_rows.get(order_id, [])
        digest = digest_of(place.ledger, row, order_lines, is_cancel_requested=cancel_reason is not None)
        one = Staged(
            row,
            order_lines,
            reserved.get(order_id, []),
            standing,
            is_in_warehouse=order_id in tracked,
            cancel_reason=cancel_reason,
            fulfilled_before=before.get(order_id),
        )
        staged.append((order_id, digest, one))
    return staged


def _stage_reserved(place: Workplace, others: Kept, items: pd.DataFrame) -> list[tuple[str, str, Staged]]:
    """Orders that are not loaded and still have units promised to them.

    Also of SKUs that the warehouse does not know or sell: it may do so before the next import looks at them again.
    """
    components = components_of(place, others.orders, others.lines, items)
    is_nameless = components["warehouse_sku"].str.contains("\0", regex=False, na=True)  # PostgreSQL stores none of them
    reserved = _reserved(components[~is_nameless.astype(bool)])
    return [
        (order_id, "", Staged(None, [], reserved.get(order_id, []), standing, is_in_warehouse=False))
        for order_id, standing in zip(others.orders["order_id"], standings_of(others.orders), strict=True)
    ]


def _sent_already(
    place: Workplace, lines: pd.DataFrame, tracked: Mapping[str, Row[Any]]
) -> Mapping[tuple[str, str], int]:
    """The units, by order and order item, that Amazon has from this project of orders that the ledger does not have.

    A load that was killed before it noted what the warehouse took may have given it an order that has shipped since.
    """
    first = set(lines["order_id"][lines["quantity_fulfilled"] > 0]) - set(tracked)
    return units_sent(place.ledger, place.connection.name, place.warehouse.states(first)) if first else {}


def _fulfilled_before(
    lines: pd.DataFrame, tracked: Mapping[str, Row[Any]], sent: Mapping[tuple[str, str], int]
) -> dict[str, str]:
    """What others had shipped of each order before the warehouse first got it, as JSON text; absent if nothing."""
    before = {order_id: row.fulfilled_before for order_id, row in tracked.items() if row.fulfilled_before}
    first = lines[(lines["quantity_fulfilled"] > 0) & ~lines["order_id"].isin(list(tracked))]
    shipped: dict[str, dict[str, int]] = {}
    for order_id, item, units in zip(
        first["order_id"], first["order_item_id"], first["quantity_fulfilled"], strict=True
    ):
        by_others = int(units) - sent.get((order_id, item), 0)
        if by_others > 0:
            shipped.setdefault(order_id, {})[item] = by_others
    return before | {order_id: msgspec.json.encode(units).decode() for order_id, units in shipped.items()}


def _to_load(lines: pd.DataFrame, before: Mapping[str, str]) -> pd.Series[int]:
    """What the warehouse has to ship in all: the units that Amazon still counts as ordered, less what others shipped.

    It never follows this project's own confirmations, and falls when Amazon cancels units.
    """
    wanted = lines["quantity_to_ship"] + lines["quantity_fulfilled"]
    if before:
        known = {order_id: msgspec.json.decode(text, type=dict[str, int]) for order_id, text in before.items()}
        shipped = [known.get(o, {}).get(i, 0) for o, i in zip(lines["order_id"], lines["order_item_id"], strict=True)]
        wanted = (wanted - shipped).clip(lower=0)
    return wanted


def _reserved(components: pd.DataFrame) -> dict[str, list[tuple[int, str, int]]]:
    reserved: dict[str, list[tuple[int, str, int]]] = {}
    columns = (components[name].tolist() for name in ("order_id", "line_number", "warehouse_sku", "quantity"))
    for order_id, number, sku, units in zip(*columns, strict=True):
        if units:
            reserved.setdefault(order_id, []).append((number, sku, min(units, MOST_UNITS)))
    return reserved


def _order_rows(
    place: Workplace, frame: pd.DataFrame, lines: pd.DataFrame, addresses: pd.DataFrame, standings: Sequence[Standing]
) -> list[tuple[Any, ...]]:
    """Rows of `mfn.warehouse.tables.ORDER_COLUMNS` without the batch and its times, which the load adds."""
    order_ids = frame["order_id"].tolist()
    required = [set(lines["order_id"][lines[name]]) for name in REQUIRED]
    return list(
        zip(
            order_ids,
            [place.connection.name] * len(frame),
            frame["marketplace_id"].tolist(),
            *(time_texts(frame[name]) for name in ("created_at", "earliest_ship_at")),
            [row.ship_by for row in standings],
            time_texts(frame["deliver_by"]),
            frame["warehouse_code"].tolist(),
            [int(row.is_sfp) for row in standings],
            is_premium(frame).astype(int).tolist(),
            is_business(frame).astype(int).tolist(),
            _printable([row.programs for row in standings]),
            *(_printable(frame[name].tolist()) for name in ("purchase_order_number", "replaces_order")),
            *([int(order_id in requiring) for order_id in order_ids] for requiring in required),
            *(_printable(addresses[name].tolist()) for name in addresses.columns[1:]),
            strict=True,
        )
    )


def _line_rows(lines: pd.DataFrame, components: pd.DataFrame) -> dict[str, list[tuple[Any, ...]]]:
    """Rows of `mfn.warehouse.tables.LINE_COLUMNS`, by order id."""
    details = ["asin", "title", "unit_price", "currency_code", "ioss_number", "gift_message", "gift_wrap"]
    details += ["requires_serial_number", "requires_transparency_code", "customization_url"]
    own = lines[details].take(components["line"].to_numpy())
    rows = zip(
        *(
            components[name].tolist()
            for name in ("order_id", "line_number", "order_item_id", "warehouse_sku", "seller_sku")
        ),
        *(_printable(own[name].tolist()) for name in ("asin", "title")),
        *(components[name].tolist() for name in ("quantity", "units_per_kit")),
        own["unit_price"].tolist(),
        *(_printable(own[name].tolist()) for name in ("currency_code", "ioss_number")),
        *(own[name].astype(int).tolist() for name in ("requires_serial_number", "requires_transparency_code")),
        *(_printable(own[name].tolist()) for name in ("gift_message", "gift_wrap", "customization_url")),
        strict=True,
    )
    by_order: dict[str, list[tuple[Any, ...]]] = {}
    for row in rows:
        by_order.setdefault(row[0], []).append(row)
    return by_order


def _printable(texts: Sequence[str | None]) -> list[str | None]:
    # Nearly every text is printable: checking all of them at once costs a tenth of checking each.
    if "".join(filter(None, texts)).isprintable():
        return list(texts)
    return [text if text is None or text.isprintable() else CONTROL.sub(" ", text) for text in texts]
