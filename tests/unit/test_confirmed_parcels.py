"""What Amazon counts as told of before a run, from what the ledger keeps of each parcel."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from mfn.models import ParcelStatus
from mfn.rules.confirmed_units import ConfirmedUnits
from mfn.steps.confirming.confirmed_parcels import confirmed_before

NOW, BEFORE = '[["I",2]]', '[["I",1]]'
ANSWERED = "it was refused"


def parcel(status: ParcelStatus, *, reference: str | None = "1", answer: str | None = None) -> Any:
    """A parcel with two units by now, of which Amazon was told of one when it last took it."""
    of_amazon = {"package_reference_id": reference, "answer": answer, "items": NOW, "items_sent": BEFORE}
    return SimpleNamespace(order_number="O", shipment_id="S", status=status, **of_amazon)


def units(row: Any, *, is_there: bool = True) -> int:
    (confirmed,) = confirmed_before([row], ["S"] if is_there else [], ["S"]).units
    assert confirmed == ConfirmedUnits("O", "I", "S", confirmed.units)
    return confirmed.units


@pytest.mark.parametrize("status", [ParcelStatus.SENT, ParcelStatus.VERIFIED, ParcelStatus.SKIPPED])
def test_a_parcel_that_is_settled_counts_with_all_that_is_in_it(status: ParcelStatus) -> None:
    assert units(parcel(status, reference=None)) == 2
    assert units(parcel(status, answer=ANSWERED)) == 2


@pytest.mark.parametrize("status", [ParcelStatus.PENDING, ParcelStatus.HELD, ParcelStatus.FAILED])
def test_another_counts_with_all_that_is_in_it_only_where_a_call_was_not_answered(status: ParcelStatus) -> None:
    assert units(parcel(status)) == 2
    assert units(parcel(status, reference=None)) == 1
    assert units(parcel(status, answer=ANSWERED)) == 1


@pytest.mark.parametrize("status", ParcelStatus)
def test_a_parcel_that_is_void_or_gone_counts_with_what_amazon_took(status: ParcelStatus) -> None:
    assert units(parcel(status), is_there=False) == 1


def test_what_no_run_looks_at_is_settled() -> None:
    row = parcel(ParcelStatus.SENT)
    assert confirmed_before([row], ["S"], []).settled == {"S"}
    assert confirmed_before([row], ["S"], ["S"]).settled == frozenset()
