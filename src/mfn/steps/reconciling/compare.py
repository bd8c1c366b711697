"""Compare: Amazon's answers against the ledger and the warehouse; each difference is kept with what fixes it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pandas as pd

from mfn.ledger.batches import add_findings
from mfn.ledger.chunks import drop_chunks
from mfn.ledger.imported_units import covered_until
from mfn.ledger.known_orders import known_orders, parcels_by_id, units_promised_to
from mfn.ledger.order_ends import End, note_ends
from mfn.ledger.orders import read_reasons
from mfn.models import OrderStatus, ParcelStatus
from mfn.rules.order_units import units_to_ship
from mfn.steps.confirming.verify import GIVEN_UP
from mfn.steps.reconciling.differences import difference, is_comparable
from mfn.steps.reconciling.facts import Facts, Known, Left, Terms, Written
from mfn.steps.reconciling.kinds import Kind
from mfn.steps.reconciling.search import answers
from mfn.steps.workplace import add_counts, open_workplace
from mfn.warehouse.shipments import CLOSED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy import Row

    from mfn.amazon.shown_orders import ShownOrder
    from mfn.models import BatchRef
    from mfn.settings import Settings
    from mfn.steps.reconciling.kinds import Difference
    from mfn.steps.reconciling.search import Asked
    from mfn.steps.workplace import Workplace

LONGEST_SHOWN = 64
MOST_KEPT = 5_000
"""How many differences are kept and shown; all are counted."""


def compare(batch: BatchRef, settings: Settings) -> BatchRef:
    """Compare every order that Amazon has answered about with the ledger and the warehouse.

    Orders that changed at Amazon after the imports, or here after Amazon was asked, are left to the next run. The times
    at which orders left, arrived or were cancelled are recorded for the retention of buyers' data.

    Args:
        batch: The batch, its answers in the ledger.
        settings: The settings in force.

    Returns:
        The batch with `orders` = `matched` + `differing`, and `missing`, the orders that the imports' searches left
        out.

    Raises:
        RetriableError: The ledger or the warehouse could not be reached.
        FatalError: The warehouse's tables cannot be read.
    """
    place = open_workplace(settings, batch.connection, lease=batch.lease)
    answered = answers(place.ledger, batch)
    terms = _terms(place, batch)
    facts = [order for order in _facts(place, batch, answered) if is_comparable(order, terms)]
    found = [(order, differs) for order in facts if (differs := difference(order, terms)) is not None]
    found.sort(key=lambda pair: (_ship_by(pair[0]) or datetime.max.replace(tzinfo=UTC), pair[0].order_id))
    counts = {
        "orders": len(facts),
        "matched": len(facts) - len(found),
        "differing": len(found),
        "missing": sum(differs.kind == Kind.MISSING_IN_LEDGER for _, differs in found),
    }
    with place.ledger.writing() as database:
        add_counts(database, place.ledger, batch, counts)
        add_findings(database, batch, searched={}, differences=[_kept(*pair) for pair in found[:MOST_KEPT]])
        note_ends(database, batch.connection, _ends(facts))
        drop_chunks(database, batch)
    return replace(batch, counts={**batch.counts, **counts})


def _terms(place: Workplace, batch: BatchRef) -> Terms:
    # Up to where imports have finished; what has landed and waits for the warehouse is theirs to load.
    orders, watermark = place.connection.orders, covered_until(place.ledger, batch.connection)
    # What an import may have missed within the overlap is left to the next import.
    until = watermark and watermark - timedelta(minutes=orders.overlap_minutes)
    marketplace_ids = frozenset(place.connection.marketplace_ids)
    return Terms(batch.connection, datetime.now(UTC), until, orders.not_before, marketplace_ids)


def _facts(place: Workplace, batch: BatchRef, answered: Mapping[str, Asked]) -> Iterable[Facts]:
    warehouse, order_ids = place.warehouse, list(answered)
    # The warehouse comes first: what moves in between is then newer in the ledger, and left to the next run.
    standings = warehouse.standings(order_ids)
    lines = warehouse.order_lines(order_ids)
    units, skus = units_to_ship(lines), _units_by_sku(lines)
    written = {
        number: Written(
            _in_short(status),
            is_cancel_requested=bool(requested),
            units=units.get(number, {}),
            skus=skus.get(number, {}),
            connection=whose,
        )
        for number, status, requested, whose in standings.itertuples(index=False, name=None)
    }
    shipments = warehouse.shipments(batch.connection)
    closed = shipments[shipments["status"].eq(CLOSED) & shipments["order_number"].isin(order_ids)]
    known = known_orders(place.ledger, batch.connection, order_ids)
    promised = units_promised_to(place.ledger, batch.connection, order_ids)
    parcels = _left(closed, parcels_by_id(place.ledger, batch.connection, order_ids))
    for order_id, asked in answered.items():
        row = known.get(order_id)
        yield Facts(
            order_id,
            asked.at,
            asked.shown,
            None if row is None else _known(row, promised.get(order_id, {})),
            written.get(order_id),
            tuple(parcels.get(order_id, ())),
        )


def _units_by_sku(lines: pd.DataFrame) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = defaultdict(dict)
    summed = lines.groupby(["order_number", "sku"], as_index=False)["quantity"].sum()
    for number, sku, units in summed.itertuples(index=False, name=None):
        found[number][sku] = int(units)
    return found


def _as_the_warehouse_is_read(promised: Mapping[str, int]) -> dict[str, int]:
    """Units by SKU without surrounding blanks, as the warehouse's lines are read: a CHAR column pads them."""
    found: dict[str, int] = defaultdict(int)
    for sku, units in promised.items():
        found[sku.strip()] += units
    return dict(found)


def _known(row: Row[Any], promised: Mapping[str, int]) -> Known:
    reasons = read_reasons(row.reasons) if row.status == OrderStatus.IGNORED else ()
    return Known(
        OrderStatus(row.status),
        row.updated_at,
        is_sfp=row.is_sfp,
        ship_by=row.ship_by,
        service_level=row.service_level,
        shipped_before=msgspec.json.decode(row.fulfilled_before or "{}", type=dict[str, int]),
        promised=_as_the_warehouse_is_read(promised),
        ignored_for=reasons[0].code if reasons else None,
    )


def _left(closed: pd.DataFrame, known: Mapping[str, Row[Any]]) -> dict[str, list[Left]]:
    found: dict[str, list[Left]] = defaultdict(list)
    columns = ["order_number", "shipment_id", "shipped_at", "is_amazon_label"]
    for number, shipment_id, shipped_at, is_amazon_label in closed[columns].itertuples(index=False, name=None):
        row = known.get(shipment_id)
        found[number].append(
            Left(
                _in_short(shipment_id),
                None if pd.isna(shipped_at) else shipped_at.to_pydatetime(),
                row and ParcelStatus(row.status),
                row and row.updated_at,
                row and row.sent_at,
                is_amazon_label=bool(is_amazon_label),
                is_given_up=row is not None and any(why.code in GIVEN_UP for why in read_reasons(row.warnings)),
                reasons=() if row is None else read_reasons(row.reasons),
            )
        )
    return found


def _in_short(written: str) -> str:
    """What a warehouse wrote, on one line and of limited length."""
    return " ".join(written.split())[:LONGEST_SHOWN]


def _ship_by(order: Facts) -> datetime | None:
    return (order.shown and order.shown.ship_by) or (order.known and order.known.ship_by) or None


def _kept(order: Facts, differs: Difference) -> dict[str, Any]:
    """A difference as it is stored with the batch."""
    source: ShownOrder | Known | None = order.shown or order.known
    ship_by = _ship_by(order)
    return {
        "order_id": order.order_id,
        **differs._asdict(),
        "ship_by": ship_by and ship_by.isoformat(),
        "is_sfp": bool(source and source.is_sfp),
        "service_level": source and source.service_level,
    }


def _ends(facts: Iterable[Facts]) -> list[End]:
    """When orders in the ledger left, arrived or were cancelled, as Amazon shows it."""
    ends = []
    for order in facts:
        shown = order.shown
        if order.known is None or shown is None:
            continue
        if shown.status == "CANCELLED":
            ends.append(End(order.order_id, cancelled_at=shown.changed_at or order.asked_at))
        elif shown.status == "SHIPPED":
            changed_at = shown.changed_at or order.asked_at
            delivered_at = changed_at if shown.is_delivered else None
            ends.append(End(order.order_id, shipped_at=_left_at(shown, changed_at), delivered_at=delivered_at))
    return ends


def _left_at(shown: ShownOrder, changed_at: datetime) -> datetime:
    """When it left; the seller may have written any date, but one before the order was placed does not count."""
    left = shown.shipped_at or changed_at
    return max(left, shown.placed_at) if shown.placed_at else left
