"""Collect: what the warehouse has shipped, changed or taken back since the last run."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from mfn.ledger.batches import add_findings, get_batch
from mfn.ledger.orders import read_reasons, reasons_text
from mfn.ledger.parcels import (
    EXAMINED,
    NOT_WRITTEN,
    SENT,
    known_parcels,
    note_counts,
    rename_parcels,
    update_parcels,
    write_collected,
    written_digests,
)
from mfn.models import ParcelStatus, Reason
from mfn.rules.parcels import LEFT_ALONE, OPEN
from mfn.steps.confirming.moved_parcels import VOIDED_AFTER_SENDING, carry_out, may_be_confirmed, plan_moves
from mfn.steps.conflicts import Conflicts
from mfn.steps.workplace import open_workplace, writing_under_lease

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Row

    from mfn.ledger.opening import Ledger
    from mfn.models import BatchRef
    from mfn.settings import Settings

GONE = "deleted, or under another connection's order"
COMPARED = [
    "order_number", "carrier", "service", "tracking_number", "shipped_at", "is_amazon_label", "status",
    "is_id_ambiguous",
]  # fmt: skip
"""The columns of a shipment whose change makes it due again."""


def collect(batch: BatchRef, settings: Settings) -> BatchRef:
    """Record every shipment of the connection's orders that is new or that the warehouse has changed.

    Shipments are compared with the ledger; Amazon is not asked. Those that are open or void are ignored. One that is
    void, open again or deleted before it was confirmed is skipped; one that is void after it was confirmed is
    reported, once. One that is now under another order is a new parcel of that order, and is reported if it was
    confirmed with the former one (`mfn.steps.confirming.moved_parcels`). One that has only a new id is the same
    parcel.

    Args:
        batch: The batch, just opened or run again.
        settings: The settings in force.

    Returns:
        The batch with the counts of the contract: every new or changed shipment that is not held is `pending`.

    Raises:
        RetriableError: The warehouse or the ledger could not be reached.
        FatalError: The warehouse's tables cannot be read.
    """
    place = open_workplace(settings, batch.connection, lease=batch.lease)
    shipments = place.warehouse.written_shipments(batch.connection)
    shipments = shipments.assign(digest=_digests(place.ledger, shipments))
    digests = written_digests(place.ledger, batch.connection)
    renumbered = _renumbered(place.ledger, batch, shipments, digests)
    if renumbered:
        with writing_under_lease(place.ledger, batch.lease) as database:
            rename_parcels(database, batch, renumbered)
        digests |= {shipment_id: digests[former] for former, shipment_id in renumbered}
    before = shipments["shipment_id"].map(digests)
    changed = shipments[before != shipments["digest"]]
    known = known_parcels(place.ledger, batch.connection, changed["shipment_id"].tolist())
    moves = plan_moves(place.ledger, batch.connection, shipments, changed["shipment_id"], known)
    due = shipments[shipments["shipment_id"].isin([*changed["shipment_id"], *moves.taking])]
    due = due[~due["status"].isin(LEFT_ALONE)]
    taken_back = _taken_back(known, shipments, changed)
    conflicts = Conflicts(get_batch(place.ledger, batch.batch_id))
    for row, order_number in moves.moved:
        _confirmed_with_former_order(row, order_number, conflicts)
    never_sent = [
        _skipped(row, state, digest, batch, conflicts) for row, state, digest in taken_back if row.sent_at is None
    ]
    sent = [_reported(row, state, digest, conflicts) for row, state, digest in taken_back if row.sent_at is not None]
    shipped_at = [None if pd.isna(moment) else moment.to_pydatetime() for moment in due["shipped_at"]]
    written = due[["shipment_id", "order_number", "digest", "carrier", "service", "tracking_number"]]
    with writing_under_lease(place.ledger, batch.lease) as database:
        carry_out(database, batch, moves)
        write_collected(
            database,
            batch,
            [
                (_status(known.get(row[0])), *row, moment)
                for row, moment in zip(_rows(written), shipped_at, strict=True)
            ],
        )
        update_parcels(database, batch, never_sent)
        update_parcels(database, batch, sent)
        add_findings(database, batch, conflicts=conflicts.for_report())
    return replace(batch, counts=note_counts(place.ledger, batch))


def _renumbered(
    ledger: Ledger, batch: BatchRef, shipments: pd.DataFrame, digests: Mapping[str, str]
) -> list[tuple[str, str]]:
    """Parcels that Amazon has, or may have, and that only have a new id in the warehouse: the former id, the new one.

    A warehouse that rewrites its rows may give them other ids. The digest of order, carrier, tracking number and ship
    date is the same then.
    """
    is_new = ~shipments["shipment_id"].isin(digests) & shipments["tracking_number"].notna()
    new = shipments[is_new & ~shipments["is_id_missing"] & ~shipments["status"].isin(LEFT_ALONE)]
    there, sought = set(shipments["shipment_id"]), set(new["digest"])
    gone = {digest: key for key, digest in digests.items() if digest in sought and key not in there}
    if not gone:
        return []
    known = known_parcels(ledger, batch.connection, gone.values())
    found = []
    for shipment_id, digest in _rows(new[["shipment_id", "digest"]]):
        former = gone.get(digest)
        if former is not None and known[former].package_reference_id is not None:
            found.append((former, shipment_id))
            del gone[digest]
    return found


def _taken_back(
    known: Mapping[str, Row[Any]], shipments: pd.DataFrame, changed: pd.DataFrame
) -> list[tuple[Row[Any], str, str]]:
    """Known parcels that are void, open again or gone: the ledger's row, their state in words, their present digest."""
    withdrawn = changed[changed["status"].isin(LEFT_ALONE) & changed["shipment_id"].isin(list(known))]
    there = set(shipments["shipment_id"])
    gone = [row for row in known.values() if row.shipment_id not in there and row.status in EXAMINED]
    found = [(known[row[0]], row[1], row[2]) for row in _rows(withdrawn[["shipment_id", "status", "digest"]])]
    return found + [(row, GONE, NOT_WRITTEN) for row in gone]


def _digests(ledger: Ledger, shipments: pd.DataFrame) -> list[str]:
    # pandas would give every time the fractions that any time of its column has, and would take ten times as long.
    moments = shipments["shipped_at"].dt.tz_localize(None).to_numpy().tolist()
    shipped_at = [moment and f"{moment}+00:00" for moment in moments]
    texts = shipments[COMPARED].assign(shipped_at=pd.Series(shipped_at, shipments.index, dtype="object")).astype("str")
    rows = zip(*(texts[name].tolist() for name in COMPARED), strict=True)
    return [ledger.cipher.digest(repr(row).encode()) for row in rows]


def _rows(frame: pd.DataFrame) -> Any:
    return frame.itertuples(index=False, name=None)


def _status(known: Row[Any] | None) -> str:
    """Due, unless it is held: then it stays held until it has been examined and found good."""
    is_held = known is not None and known.status == ParcelStatus.HELD
    return (ParcelStatus.HELD if is_held else ParcelStatus.PENDING).value


def _skipped(known: Row[Any], state: str, digest: str, batch: BatchRef, conflicts: Conflicts) -> dict[str, Any]:
    """A parcel that the warehouse took back before it was confirmed."""
    if may_be_confirmed(known):
        conflicts.add(known.order_number, f"parcel {known.shipment_id} may have been confirmed to Amazon", state)
    return {
        "shipment_id": known.shipment_id,
        "written_digest": digest,
        "status": ParcelStatus.SKIPPED.value,
        "reasons": reasons_text([Reason("voided", f"in the warehouse it is {state}")]),
        "warnings": None,
        "items": None,
        "batch_id": batch.batch_id,
    }


def _confirmed_with_former_order(known: Row[Any], order_number: str, conflicts: Conflicts) -> None:
    """The conflict of a parcel moved to another order: Amazon has no call that takes it away from the former one."""
    if known.sent_at is not None or may_be_confirmed(known):
        said = "was" if known.sent_at is not None else "may have been"
        state = f"in the warehouse it belongs to {order_number}" if order_number else "in the warehouse it has no order"
        conflicts.add(
            known.order_number, f"parcel {known.shipment_id} {said} confirmed to Amazon for this order", state
        )


def _reported(known: Row[Any], state: str, digest: str, conflicts: Conflicts) -> dict[str, Any]:
    """The conflict of a parcel taken back after it was confirmed, which a person has to fix."""
    warnings = list(read_reasons(known.warnings))
    if state != OPEN:
        conflicts.add(known.order_number, f"parcel {known.shipment_id} was confirmed to Amazon", state)
        warnings.append(
            Reason(
                VOIDED_AFTER_SENDING,
                f"in the warehouse it is {state}, but it was confirmed to Amazon as shipped",
                "Ship it again under the same shipment_id, or correct the order in Seller Central.",
            )
        )
    return {
        "shipment_id": known.shipment_id,
        "written_digest": digest,
        "status": known.status if known.status in SENT else ParcelStatus.SENT.value,
        "reasons": None,
        "warnings": reasons_text(warnings),
        "items": known.items_sent,
    }
