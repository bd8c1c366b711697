"""Confirm: every parcel that is due is confirmed to Amazon, the most urgent first, several at a time."""

from __future__ import annotations

import time
from contextlib import closing, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mfn.amazon.unanswered import NO_ANSWER, Unanswered
from mfn.ledger.leases import assert_held
from mfn.ledger.order_progress import move_orders
from mfn.ledger.parcels import note_counts, parcels_of, update_parcels
from mfn.ledger.unanswered_orders import when_unanswered
from mfn.models import ParcelStatus
from mfn.rules.order_units import units_to_ship
from mfn.steps.confirming.confirmed_parcels import in_confirmation_order
from mfn.steps.confirming.sending import answered, package_of
from mfn.steps.confirming.verify import verify
from mfn.steps.single_orders import remember
from mfn.steps.workplace import keep_calls, open_workplace, writing_under_lease

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Row

    from mfn.amazon.client import Said
    from mfn.ledger.order_progress import Units
    from mfn.models import BatchRef
    from mfn.settings import Settings
    from mfn.steps.confirming.sending import Answer
    from mfn.steps.workplace import Workplace

NOTED_AT_ONCE = 50
NOTED_AFTER_SECONDS = 1.0
"""So many answers, or those of so many seconds, are committed together: with a transaction for each, the ledger would
set the pace where Amazon takes hundreds a second. What a killed run had not recorded is merely sent again."""


def confirm(batch: BatchRef, settings: Settings) -> BatchRef:
    """Tell Amazon of every pending parcel: one call each, by ship-by, so that late ones go first.

    Parcels of orders that Amazon left without an answer before come last, so that no other has to wait for them.

    A run that is killed between an answer and its commit leaves the parcel pending; the next one sends it again under
    the same reference, which changes nothing at Amazon. A parcel that Amazon refuses is failed, and the others go on.
    They also go on if Amazon does not answer for one, denies its call, or if something in between answers instead; then
    the run fails at its end.

    Args:
        batch: The batch, normalized.
        settings: The settings in force.

    Returns:
        The batch with the counts of the contract.

    Raises:
        RetriableError: Amazon did not answer for a parcel, or the ledger could not be reached; what was not answered
            is still pending.
        FatalError: Amazon refuses the call for a parcel, or every call: a role is missing, the credentials are wrong.
    """
    place = open_workplace(settings, batch.connection, lease=batch.lease)
    pending = parcels_of(place.ledger, batch.connection, statuses=(ParcelStatus.PENDING,), batch_id=batch.batch_id)
    # What the warehouse took back after the collect step has no verdict; the next run checks it again.
    due = [parcel for parcel in pending if parcel.package_reference_id is not None and parcel.items is not None]
    unanswered_at = when_unanswered(place.ledger, batch.connection)
    due = in_confirmation_order(sorted(due, key=lambda parcel: unanswered_at(parcel.order_number)))
    unanswered = Unanswered()
    try:
        if due:
            _confirm(place, batch, due, unanswered)
    finally:
        keep_calls(place, batch)
        counts = note_counts(place.ledger, batch)
    if unanswered.first is not None:
        # This run fails here, and later ones may too: what Amazon took is verified all the same.
        with suppress(*NO_ANSWER):
            verify(batch, settings)
    unanswered.raise_first()
    return replace(batch, counts=counts)


def _confirm(place: Workplace, batch: BatchRef, due: Sequence[Row[Any]], unanswered: Unanswered) -> None:
    wanted = units_to_ship(place.warehouse.order_lines({parcel.order_number for parcel in due}))
    with place.ledger.writing() as database:
        assert_held(database, batch.lease)
    waiting: list[Answer] = []
    noted_at = time.monotonic()
    calls = place.amazon.confirm_shipments([(parcel.order_number, package_of(parcel)) for parcel in due])
    try:
        with closing(calls):
            for parcel, said in zip(due, calls, strict=True):
                answer = _heard(place, parcel, said, unanswered)
                if answer is not None:
                    waiting.append(answer)
                if len(waiting) >= NOTED_AT_ONCE or time.monotonic() - noted_at >= NOTED_AFTER_SECONDS:
                    _note(place, batch, waiting, wanted)
                    waiting, noted_at = [], time.monotonic()
    finally:
        _note(place, batch, waiting, wanted)
        remember(place, batch, unanswered)


def _heard(place: Workplace, parcel: Row[Any], said: Said, unanswered: Unanswered) -> Answer | None:
    """The parcel's change after Amazon's answer; None if there was no answer, and it stays pending."""
    try:
        if isinstance(said, NO_ANSWER):
            raise said
        answer = answered(place, parcel, said)
    except NO_ANSWER as error:
        unanswered.add(parcel.order_number, error)
        return None
    unanswered.answered()
    return answer


def _note(place: Workplace, batch: BatchRef, answers: Sequence[Answer], wanted: Mapping[str, Units]) -> None:
    if not answers:
        return
    orders = {answer.order_number for answer in answers}
    with writing_under_lease(place.ledger, batch.lease) as database:
        update_parcels(database, batch, [answer.change for answer in answers])
        move_orders(database, batch, {number: wanted[number] for number in orders if number in wanted})
