"""Which parcels take which place at Amazon, once the warehouse has others under an order than Amazon was told of."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from sqlalchemy import insert

from mfn.ledger.orders import read_reasons, reasons_text
from mfn.ledger.schema import Parcel
from mfn.models import ParcelStatus, Reason
from mfn.steps.confirming.moved_parcels import Moves, may_be_confirmed, plan_moves
from mfn.steps.confirming.moved_parcels import _of_former_order as of_former_order

if TYPE_CHECKING:
    from mfn.ledger.opening import Ledger

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
FORMER = "GONE of A"
FLAGS = ("is_id_missing", "is_id_ambiguous", "is_amazon_label")


def row(shipment_id: str, order_number: str, reference: str | None = None, **changes: Any) -> Any:
    """A parcel as the ledger has it: sent if it has a reference, else held."""
    standing = {"status": "sent", "sent_at": NOON} if reference else {"status": "held", "sent_at": None}
    mine = {"shipment_id": shipment_id, "order_number": order_number, "package_reference_id": reference}
    return SimpleNamespace(**mine | standing | {"items_sent": None, "warnings": None} | changes)


def written(*parcels: tuple[str, str], **of_last: Any) -> pd.DataFrame:
    """What the warehouse has: (shipment id, order number) of each, and what else is so of the last one."""
    plain: dict[str, Any] = {"status": "closed"} | dict.fromkeys(FLAGS, False)
    rows = [{"shipment_id": key, "order_number": order} | plain for key, order in parcels]
    return pd.DataFrame([*rows[:-1], rows[-1] | of_last])


def plan(ledger: Ledger, shipments: pd.DataFrame, *known: Any, stored: tuple[Any, ...] = ()) -> Moves:
    """What becomes of parcels, all of them changed, where the ledger has these and those that are stored besides."""
    rest = {"connection": "us", "written_digest": "", "times_sent": 0, "batch_id": "B", "updated_at": NOON}
    with ledger.writing() as database:
        database.execute(insert(Parcel), [vars(one) | rest for one in (*known, *stored)])
    return plan_moves(ledger, "us", shipments, shipments["shipment_id"], {one.shipment_id: one for one in known})


@pytest.mark.parametrize(
    ("known", "order", "wrong", "takes"),
    [
        ((), "A", {}, True),
        ((row("NEW", "A"),), "A", {}, True),
        ((row("NEW", "A", "2"),), "A", {}, False),
        ((), "B", {}, False),
        ((), "A", {"status": "void"}, False),
        ((), "A", {"status": "open"}, False),
        *(((), "A", {flag: True}, False) for flag in FLAGS),
    ],
)
def test_a_parcel_to_be_confirmed_takes_a_free_place_of_its_order(
    ledger: Ledger, known: tuple[Any, ...], order: str, wrong: dict[str, Any], *, takes: bool
) -> None:
    moves = plan(ledger, written(("NEW", order), **wrong), *known, stored=(row(FORMER, "A", "1"),))
    assert (moves.moved, moves.taking) == ([], {"NEW": FORMER} if takes else {})


def test_a_place_is_its_own_parcels_if_that_comes_back_and_else_the_first_ones(ledger: Ledger) -> None:
    stored = (row(FORMER, "A", "1"),)
    assert plan(ledger, written(("NEW", "A"), ("NEXT", "A")), stored=stored).taking == {"NEW": FORMER}
    assert plan(ledger, written(("NEW", "A"), ("GONE", "A")), stored=(row("X of B", "B", "1"),)).taking == {
        "GONE": FORMER
    }


def test_a_parcel_that_is_moved_leaves_its_place_and_takes_one_where_it_comes(ledger: Ledger) -> None:
    gone = row("GONE", "A", "1")
    moves = plan(ledger, written(("NEW", "A"), ("GONE", "B")), gone, stored=(row("X of B", "B", "7"),))
    assert moves.moved == [(gone, "B")]
    assert moves.taking == {"NEW": FORMER, "GONE": "X of B"}


@pytest.mark.parametrize("reference", [None, "1"])
@pytest.mark.parametrize("status", ["closed", "void"])
def test_a_possibly_confirmed_parcel_gives_up_its_place_once_it_is_not_to_ship(
    ledger: Ledger, status: str, reference: str | None
) -> None:
    lost = row("LOST", "A", reference, status="pending", sent_at=None)
    moves = plan(ledger, written(("NEW", "A"), ("LOST", "A"), status=status), stored=(lost,))
    takes = status == "void" and reference is not None
    assert moves.taking == ({"NEW": "LOST"} if takes else {})


@pytest.mark.parametrize(
    ("status", "reference", "may_be"),
    [("pending", "1", True), ("pending", None, False), ("sent", "1", False), ("failed", "1", False)],
)
def test_a_parcel_with_a_reference_and_no_answer_may_have_been_confirmed(
    status: str, reference: str | None, *, may_be: bool
) -> None:
    assert may_be_confirmed(row("S", "A", reference, status=status)) is may_be


@pytest.mark.parametrize("status", ParcelStatus)
def test_what_was_confirmed_of_a_moved_parcel_stays_with_its_former_order_with_a_warning(
    status: ParcelStatus,
) -> None:
    earlier = Reason("carrier_unlisted", "Nobody.", "Map it.")
    known = row("GONE", "A", "1", status=status, items_sent='[["I",1]]', warnings=reasons_text([earlier]))
    kept = of_former_order(known, "B")
    first, second = read_reasons(kept.pop("warnings"))
    assert (first, second.code) == (earlier, "voided_after_sending")
    assert second.detail.startswith("in the warehouse it now belongs to B")
    still = status in (ParcelStatus.SENT, ParcelStatus.VERIFIED)
    assert kept == {
        "shipment_id": FORMER,
        "written_digest": "",
        "status": status.value if still else "sent",
        "reasons": None,
        "items": '[["I",1]]',
    }


def test_what_may_have_been_confirmed_of_a_moved_parcel_is_no_parcel_of_its_former_order() -> None:
    kept = of_former_order(row("GONE", "A", "1", sent_at=None, warnings=reasons_text([Reason("w", "W.", "")])), "")
    (reason,) = read_reasons(kept.pop("reasons"))
    assert (reason.code, reason.detail) == ("voided", "in the warehouse it now belongs to no order")
    assert kept == {"shipment_id": FORMER, "written_digest": "", "status": "skipped", "warnings": None, "items": None}
