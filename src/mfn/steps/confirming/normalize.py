"""Normalize: what is confirmed of each parcel, in Amazon's terms, or why it is not confirmed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from mfn.ledger.batches import add_findings, get_batch, update_batch
from mfn.ledger.known_orders import known_orders
from mfn.ledger.order_progress import move_orders
from mfn.ledger.parcels import EXAMINED, note_counts, parcels_of, read_units, references_of, update_parcels
from mfn.models import OrderStatus, ParcelStatus
from mfn.moments import iso
from mfn.rules.carriers import propose_carrier_rows
from mfn.rules.held_units import TellingParcel, waiting_for_held
from mfn.rules.order_units import units_to_ship
from mfn.rules.parcel_rules import DECISION, EVENT, rule_parcels
from mfn.rules.parcel_verdicts import judge_parcels, ship_dates
from mfn.rules.parcels import LEFT_ALONE, parcel_items
from mfn.rules.records import shipment_records
from mfn.rules.tracking_numbers import USED_AGAIN_AFTER, check_shared_numbers, check_tracking_numbers
from mfn.steps.confirming.carriers import carriers_of
from mfn.steps.confirming.confirmed_parcels import confirmed_before, gaining, items_by_parcel
from mfn.steps.confirming.parcel_changes import KnownOrders, ParcelChanges
from mfn.steps.confirming.parcel_checks import check_parcels
from mfn.steps.confirming.sending import is_shown
from mfn.steps.confirming.shown_parcels import fulfilled_orders, removed_orders, shown_parcels
from mfn.steps.workplace import open_workplace, writing_under_lease
from mfn.warehouse.values import times

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from sqlalchemy import Row

    from mfn.models import BatchRef
    from mfn.rules.confirmed_units import Confirmed
    from mfn.rules.parcel_verdicts import Verdict
    from mfn.settings import Settings
    from mfn.steps.workplace import Workplace


def normalize(batch: BatchRef, settings: Settings) -> BatchRef:
    """Decide about every parcel that is pending, held or was refused.

    Lines become order items by whole kits, the carrier one that Amazon accepts, the ship date one that it takes; then
    the verdict follows. A held parcel that is good now is due; a refused one is due once something else would be
    confirmed; a sent one, once an examined parcel makes it complete more than was confirmed. Each due parcel gets its
    package reference here, before the first call, above those that Amazon shows.

    Args:
        batch: The batch, its parcels collected.
        settings: The settings in force.

    Returns:
        The batch with the counts of the contract.

    Raises:
        RetriableError: The warehouse or the ledger could not be reached.
        FatalError: The warehouse's tables cannot be read, or a check could not run at all.
    """
    place = open_workplace(settings, batch.connection, lease=batch.lease)
    rows = parcels_of(place.ledger, batch.connection, statuses=EXAMINED)
    # The kits that a taken-back parcel would have completed may be completed by other parcels of its order.
    taken_back = parcels_of(place.ledger, batch.connection, statuses=(ParcelStatus.SKIPPED,), batch_id=batch.batch_id)
    removed = removed_orders(place, batch, {row.order_number for row in (*rows, *taken_back)})
    # A refused one stays refused until the warehouse changes it: Amazon is not asked about its order in every run.
    rows = [row for row in rows if not (row.status == ParcelStatus.FAILED and row.order_number in removed)]
    order_numbers = {row.order_number for row in (*rows, *taken_back)}
    if order_numbers:
        _normalize(place, batch, rows, order_numbers, removed)
    return replace(batch, counts=note_counts(place.ledger, batch))


def _normalize(
    place: Workplace, batch: BatchRef, rows: Sequence[Row[Any]], order_numbers: set[str], removed: Collection[str]
) -> None:
    # Other orders may share a tracking number only if they left lately.
    since = datetime.now(UTC) - USED_AGAIN_AFTER
    shipments = place.warehouse.shipments_about(batch.connection, order_numbers, since=since)
    left = shipments[~shipments["status"].isin(LEFT_ALONE)]
    shipments = left[left["order_number"].isin(list(order_numbers))].reset_index(drop=True)
    there = set(zip(shipments["shipment_id"], shipments["order_number"], strict=True))
    examined = {row.shipment_id: row for row in rows if (row.shipment_id, row.order_number) in there}
    order_lines = place.warehouse.order_lines(order_numbers)
    known = KnownOrders(
        shown=shown_parcels(place, batch, sorted(order_numbers), {*removed, *fulfilled_orders(place, rows)}),
        references=references_of(place.ledger, batch.connection, list(order_numbers)),
        facts=known_orders(place.ledger, batch.connection, order_numbers),
        removed=removed,
    )
    lines = place.warehouse.shipment_lines(shipments["shipment_id"])
    of_orders = parcels_of(place.ledger, batch.connection, order_numbers=list(order_numbers))
    confirmed = confirmed_before(of_orders, set(shipments["shipment_id"]), examined)
    shipments = _ruled(place, shipments, _Contents(lines, order_lines, confirmed), known)
    items, faults = parcel_items(shipments, lines, order_lines, confirmed)
    to_confirm = items_by_parcel(items)
    examined |= {row.shipment_id: row for row in gaining(of_orders, examined, to_confirm)}
    parcels = _parcels(place, shipments, examined, known, left)
    verdicts, faults = _verdicts(parcels, faults, of_orders, to_confirm, units_to_ship(order_lines))
    of_parcels = ParcelChanges(place.ledger, batch, known, to_confirm)
    changes, released = [], 0
    for parcel, verdict in zip(parcels.to_dict("records"), verdicts, strict=True):
        row = examined[parcel["shipment_id"]]
        changes.append(of_parcels.change(row, parcel, verdict))
        is_earlier = row.status == ParcelStatus.HELD and row.batch_id != batch.batch_id
        released += is_earlier and changes[-1]["batch_id"] == batch.batch_id
    checked, quality = check_parcels(batch, parcels, faults, changes, place.mappings.accepted_carriers)
    with writing_under_lease(place.ledger, batch.lease) as database:
        update_parcels(database, batch, checked)
        update_parcels(database, batch, _withdrawn(rows, examined))
        if quality is not None:
            add_findings(database, batch, quality=quality.to_dict())
        move_orders(database, batch, units_to_ship(order_lines))
        counts = get_batch(place.ledger, batch.batch_id).counts
        update_batch(database, batch, counts={**counts, "released": counts.get("released", 0) + released})


def _withdrawn(rows: Sequence[Row[Any]], examined: Collection[str]) -> list[dict[str, Any]]:
    """Parcels that were taken back or moved after they were collected: an earlier verdict on one no longer counts."""
    return [
        {"shipment_id": row.shipment_id, "items": None}
        for row in rows
        if row.status == ParcelStatus.PENDING and row.shipment_id not in examined
    ]


class _Contents(NamedTuple):
    """The contents of the parcels, what was ordered, and what was confirmed before."""

    lines: pd.DataFrame
    order_lines: pd.DataFrame
    confirmed: Confirmed


def _ruled(place: Workplace, shipments: pd.DataFrame, contents: _Contents, known: KnownOrders) -> pd.DataFrame:
    """Parcels with a carrier that Amazon accepts, and with what the rules set and decide."""
    shipments = shipments.join(carriers_of(place, shipments))
    rules = place.mappings.rules[EVENT]
    if not rules:
        return shipments.assign(**dict.fromkeys(DECISION, ""))
    # How many units are in a parcel does not depend on its tracking number, which a rule may yet set.
    items, _ = parcel_items(shipments.assign(tracking_number="any"), *contents)
    records = shipment_records(
        shipments[shipments["is_order_known"]],
        items,
        contents.order_lines,
        {order_id: facts.service_level for order_id, facts in known.facts.items()},
        connection=place.connection.name,
        now=datetime.now(UTC),
    )
    return rule_parcels(rules, shipments, records, partial(carriers_of, place))


def _parcels(
    place: Workplace,
    shipments: pd.DataFrame,
    examined: Mapping[str, Row[Any]],
    known: KnownOrders,
    left: pd.DataFrame,
) -> pd.DataFrame:
    """The parcels to examine, with everything that the verdict needs."""
    parcels = shipments.assign(parcels_of_order=shipments.groupby("order_number")["order_number"].transform("size"))
    parcels = parcels[parcels["shipment_id"].isin(list(examined))]
    keys = (parcels[name] for name in ("shipment_id", "order_number", "tracking_number"))
    cancelled = [order_id for order_id, facts in known.facts.items() if facts.status == OrderStatus.CANCELLED]
    parcels = parcels.assign(
        connection=place.connection.name,
        carrier_row=propose_carrier_rows(parcels, place.mappings.accepted_carriers),
        is_landed=parcels["order_number"].isin(list(known.shown)),
        is_removed=parcels["order_number"].isin(list(known.removed)),
        standing=[known.facts[order].status if order in known.facts else "" for order in parcels["order_number"]],
        is_cancelled=parcels["order_number"].isin(cancelled),
        marketplace_id=parcels["marketplace_id"].fillna(place.connection.marketplace_ids[0]),
        tracking_warning=_tracking_warnings(parcels, left),
        ordered_at=_placed_at(parcels, known),
        is_shown=[
            order in known.shown
            and is_shown(number, known.shown[order].packages, but_for=known.given_references(examined[key]))
            for key, order, number in zip(*keys, strict=True)
        ],
    )
    return parcels.join(ship_dates(parcels, datetime.now(UTC)))


def _placed_at(parcels: pd.DataFrame, known: KnownOrders) -> pd.Series[Any]:
    """When each parcel's order was placed, by Amazon's own word: a warehouse's column may keep only the date."""
    placed = [known.shown[order].placed_at if order in known.shown else None for order in parcels["order_number"]]
    return times(map(iso, placed)).set_axis(parcels.index).fillna(parcels["ordered_at"])


def _tracking_warnings(parcels: pd.DataFrame, left: pd.DataFrame) -> list[str]:
    unusual, shared = check_tracking_numbers(parcels), check_shared_numbers(parcels, left, datetime.now(UTC))
    return ["; ".join(filter(None, pair)) for pair in zip(unusual, shared, strict=True)]


def _verdicts(
    parcels: pd.DataFrame,
    faults: pd.DataFrame,
    of_orders: Sequence[Row[Any]],
    to_confirm: Mapping[str, str],
    ordered: Mapping[str, Mapping[str, int]],
) -> tuple[list[Verdict], pd.DataFrame]:
    """The verdicts; and the faults, including those of parcels whose units Amazon has with a held parcel."""
    while True:
        verdicts = judge_parcels(parcels, faults)
        status = dict(zip(parcels["shipment_id"], (verdict.status for verdict in verdicts), strict=True))
        waiting = waiting_for_held(
            [
                TellingParcel(
                    row.order_number,
                    row.shipment_id,
                    is_due=status.get(row.shipment_id) == ParcelStatus.PENDING,
                    is_held=status.get(row.shipment_id) in (ParcelStatus.HELD, ParcelStatus.FAILED),
                    before=read_units(row.items_sent),
                    now=read_units(to_confirm.get(row.shipment_id)),
                )
                for row in of_orders
            ],
            ordered,
        )
        if not waiting:
            return verdicts, faults
        faults = pd.concat([faults, pd.DataFrame(waiting, columns=faults.columns)], ignore_index=True)
