"""Verify: whether Amazon shows what it accepted an hour ago or earlier; what it does not show is sent again."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from mfn.amazon.failures import BudgetExhaustedError
from mfn.amazon.packages import ShownPackages, read_packages
from mfn.amazon.refusals import ShipmentRefusedError
from mfn.amazon.shown_orders import SHOWN_DATA
from mfn.amazon.unanswered import NO_ANSWER, Unanswered
from mfn.errors import DataError
from mfn.ledger.batches import add_findings, get_batch
from mfn.ledger.order_progress import move_orders
from mfn.ledger.orders import read_reasons, reasons_text
from mfn.ledger.parcels import note_counts, references_of, to_verify, update_parcels
from mfn.ledger.unanswered_orders import when_unanswered
from mfn.models import ParcelStatus, Reason
from mfn.rules.order_units import units_to_ship
from mfn.rules.parcels import LEFT_ALONE
from mfn.steps.confirming.moved_parcels import VOIDED_AFTER_SENDING
from mfn.steps.confirming.sending import ANSWERED, answered, is_shown, package_of
from mfn.steps.conflicts import Conflicts
from mfn.steps.single_orders import Patience, remember
from mfn.steps.workplace import keep_calls, open_workplace, writing_under_lease
from mfn.warehouse.order_states import shipped_ones

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from sqlalchemy import Row

    from mfn.amazon.packages import ShownPackage
    from mfn.ledger.order_progress import Units
    from mfn.models import BatchRef
    from mfn.settings import Settings
    from mfn.steps.confirming.sending import Answer
    from mfn.steps.workplace import Workplace

SHOWN_AFTER = timedelta(hours=1)
"""How long Amazon is given to show what it accepted."""

WAIT_SECONDS = 20.0
"""How long a run waits in all for the budget of getOrder; the next run asks for the rest."""

SENT_AGAIN, NOT_SHOWN = "sent_again", "not_shown"
GIVEN_UP = {NOT_SHOWN, VOIDED_AFTER_SENDING}
"""Warnings that hand a parcel over to a person; Amazon is no longer asked about it."""


def verify(batch: BatchRef, settings: Settings) -> BatchRef:
    """Check that Amazon shows the parcels that it accepted an hour ago or earlier, oldest first.

    Orders that it left without an answer before come last, so that no other has to wait for them.

    Sent means that Amazon answered 204; verified means that it shows the parcel. One that it does not show is sent
    again, once, under the same reference; if it is not shown an hour after that either, it is reported.

    Returns:
        The batch with the counts of the contract. What the budget of getOrder leaves no call for stays `sent`.

    Raises:
        RetriableError: Amazon did not answer for an order, after all others were requested; or Amazon or the ledger
            could not be reached.
        FatalError: Amazon refuses the calls for an order, or every call.
    """
    place = open_workplace(settings, batch.connection, lease=batch.lease)
    parcels = to_verify(place.ledger, batch.connection, datetime.now(UTC) - SHOWN_AFTER)
    orders: dict[str, list[Row[Any]]] = defaultdict(list)
    for parcel in parcels:
        if not GIVEN_UP.intersection(reason.code for reason in read_reasons(parcel.warnings)):
            orders[parcel.order_number].append(parcel)
    try:
        if orders:
            _verify(place, batch, orders)
    finally:
        keep_calls(place, batch)
        counts = note_counts(place.ledger, batch)
    return replace(batch, counts=counts)


def _verify(place: Workplace, batch: BatchRef, orders: Mapping[str, Sequence[Row[Any]]]) -> None:
    verifying = _Verifying(
        place,
        batch,
        wanted=units_to_ship(place.warehouse.order_lines(orders)),
        left=shipped_ones(place.warehouse.states(orders)),
        references=references_of(place.ledger, batch.connection, list(orders)),
        conflicts=Conflicts(get_batch(place.ledger, batch.batch_id)),
    )
    unanswered = Unanswered()
    try:
        _ask(verifying, orders, unanswered)
    finally:
        remember(place, batch, unanswered)
    unanswered.raise_first()


def _ask(verifying: _Verifying, orders: Mapping[str, Sequence[Row[Any]]], unanswered: Unanswered) -> None:
    place = verifying.place
    patience = Patience(WAIT_SECONDS)
    for order_number in sorted(orders, key=when_unanswered(place.ledger, verifying.batch.connection)):
        try:
            text = place.amazon.get_order(order_number, max_wait_seconds=patience.left(), included_data=SHOWN_DATA)
            shown = _read(text)
            if shown is None:
                continue
            verifying.settle(orders[order_number], shown)
        except BudgetExhaustedError:
            break
        except NO_ANSWER as error:
            unanswered.add(order_number, error)
            continue
        unanswered.answered()


def _read(text: bytes | None) -> ShownPackages | None:
    try:
        return read_packages(text) if text is not None else ShownPackages(())
    except DataError:
        return None  # what cannot be read says nothing


@dataclass(frozen=True)
class _Verifying:
    """What all orders of a run share.

    Attributes:
        place: The workplace.
        batch: The batch.
        wanted: The units that the warehouse was given to ship, by order and order item.
        left: Orders of which the warehouse says that nothing more will leave.
        references: The references that this project gave to parcels of each order.
        conflicts: Those found so far.
    """

    place: Workplace
    batch: BatchRef
    wanted: Mapping[str, Units]
    left: Collection[str]
    references: Mapping[str, set[str]]
    conflicts: Conflicts

    @cached_property
    def left_alone(self) -> Collection[str]:
        """Parcels that the warehouse has opened again, or voided since they were collected: none is sent again."""
        written = self.place.warehouse.written_shipments(self.batch.connection)
        return frozenset(written["shipment_id"][written["status"].isin(LEFT_ALONE)])

    def settle(self, parcels: Sequence[Row[Any]], shown: ShownPackages) -> None:
        """Judge the parcels of an order, and record the result even if a call for one has no answer."""
        changes: list[Mapping[str, Any]] = []
        try:
            for parcel in parcels:
                change = self._judged(parcel, shown.packages)
                changes += [] if change is None else [change]
        finally:
            self._note(parcels[0].order_number, changes, is_whole=shown.is_whole)

    def _judged(self, parcel: Row[Any], packages: Sequence[ShownPackage]) -> Mapping[str, Any] | None:
        """How a parcel changes, by what Amazon shows of its order."""
        others = self.references[parcel.order_number] - {parcel.package_reference_id}
        unchanged = {name: getattr(parcel, name) for name in ANSWERED}
        if is_shown(parcel.tracking_number_sent, packages, but_for=others):
            return unchanged | {"status": ParcelStatus.VERIFIED.value, "verified_at": datetime.now(UTC)}
        warnings = read_reasons(parcel.warnings)
        if any(reason.code == SENT_AGAIN for reason in warnings):
            self.conflicts.add(parcel.order_number, f"Amazon does not show parcel {parcel.shipment_id}", "sent twice")
            missing = Reason(
                NOT_SHOWN,
                "it was sent twice, and Amazon does not show it",
                "Check the order in Seller Central and confirm it there if the parcel is missing.",
            )
            return unchanged | {"warnings": reasons_text([*warnings, missing])}
        if parcel.shipment_id in self.left_alone:
            return None
        answer = self._sent_again(parcel)
        if answer is None:
            return None
        again = Reason(SENT_AGAIN, "Amazon accepted it but did not show it an hour later, so it was sent again")
        has_failed = answer.change["status"] == ParcelStatus.FAILED
        return {
            **answer.change,
            "warnings": reasons_text([*warnings, again]),
            "batch_id": self.batch.batch_id if has_failed else parcel.batch_id,
        }

    def _sent_again(self, parcel: Row[Any]) -> Answer | None:
        refusal = None
        try:
            self.place.amazon.confirm_shipment(parcel.order_number, package_of(parcel))
        except ShipmentRefusedError as error:
            refusal = error
        return answered(self.place, parcel, refusal)

    def _note(self, order_number: str, changes: Sequence[Mapping[str, Any]], *, is_whole: bool) -> None:
        """Record the changes of an order's parcels; if the order is complete, what never left was cancelled."""
        wanted = {order_number: self.wanted[order_number]} if order_number in self.wanted else {}
        if is_whole and order_number in self.left:
            wanted = {order_number: {}}
        with writing_under_lease(self.place.ledger, self.batch.lease) as database:
            update_parcels(database, self.batch, changes)
            move_orders(database, self.batch, wanted)
            add_findings(database, self.batch, conflicts=self.conflicts.for_report())
