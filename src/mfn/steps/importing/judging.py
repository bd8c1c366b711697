"""Judging a chunk of orders: decode, settle, check with Great Expectations, explain."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from mfn.amazon.legible_orders import legible_order
from mfn.amazon.orders import decode_order
from mfn.errors import DataError
from mfn.ledger.arrivals import MADE_UP
from mfn.ledger.decisions import released_reasons
from mfn.ledger.orders import IN_WAREHOUSE, WAITING, read_reasons
from mfn.models import OrderStatus, Outcome, Reason, Standing
from mfn.quality.lines import LINES
from mfn.quality.orders import ORDERS
from mfn.quality.runner import check
from mfn.rules.explaining import explain
from mfn.rules.frames import order_frame
from mfn.rules.order_rules import CODES
from mfn.rules.settling import SETTLEMENTS, cancelled_reason, settle, settlement_reason
from mfn.steps.importing.order_frames import checked_frames, due_frames, kept_frames, standings_of
from mfn.warehouse.order_states import shipped_ones

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import Row

    from mfn.amazon.orders import Order
    from mfn.ledger.decisions import Known as Released
    from mfn.quality.model import QualityReport
    from mfn.steps.importing.order_frames import Bench, Due, Kept

READY = OrderStatus.READY.value
"""The outcome of an order that may be loaded, until the load has happened."""

BUYER_CANCELS = "buyer_cancel_requested"
SKIPPED = CODES["skip"]

PAYMENT_PENDING, ALREADY_SHIPPED = "payment_pending", "already_shipped"
MAY_RESERVE = ("", PAYMENT_PENDING, "channel_unknown", "status_unknown")
"""Due orders, and those settled in a way that keeps units promised to them."""

NAMELESS = (
    "It cannot be requested again: find the order in Seller Central and, once it is dealt with there, run"
    " mfn orders dismiss {} --why TEXT."
)

NOTHING: tuple[list[Reason], list[Reason]] = ([], [])
"""Shown neither as a reason nor as a warning."""


class Judgement(NamedTuple):
    """The verdict on one order.

    Attributes:
        order_id: Amazon's order id.
        outcome: `ready`, or how the run counts it.
        status: Its new status; None if that stays as it is, because the warehouse has the order.
        reasons: Why it is held or ignored.
        warnings: What a person should check.
        standing: What the ledger's list of orders shows for it.
        is_due: Whether Amazon expects it to be shipped.
        kept_out: Why its newest version stays out of the warehouse, which has an older one; also among the warnings.
    """

    order_id: str
    outcome: str
    status: str | None
    reasons: tuple[Reason, ...] = ()
    warnings: tuple[Reason, ...] = ()
    standing: Standing = Standing()
    is_due: bool = False
    kept_out: tuple[Reason, ...] = ()


@dataclass(frozen=True, eq=False)
class Judged:
    """The verdicts on a chunk.

    Attributes:
        judgements: One for each order.
        report: What the expectations found.
        kept: The frames that the transform needs.
    """

    judgements: list[Judgement]
    report: QualityReport
    kept: Kept


@dataclass(frozen=True)
class _Known:
    """What is known of a chunk's orders.

    Attributes:
        rows: Their rows in the ledger.
        in_warehouse: Those that the warehouse has.
        released: What people released them for.
        left: The partly shipped ones of which nothing more will leave the warehouse.
    """

    rows: Mapping[str, Row[Any]]
    in_warehouse: frozenset[str]
    released: Mapping[str, Released]
    left: frozenset[str]


def judge(bench: Bench, texts: Iterable[tuple[str, bytes]], tracked: Mapping[str, Row[Any]]) -> Judged:
    """Judge a chunk of landed orders.

    Args:
        bench: What they are judged against.
        texts: (order id, JSON text) of each.
        tracked: What the ledger knows of them.

    Raises:
        FatalError: A check that holds orders could not run: nothing may be loaded unchecked.
    """
    connection = bench.place.connection
    released = released_reasons(bench.place.ledger, connection.name, tracked.keys())
    known = _Known(tracked, _in_warehouse(bench, tracked), released, _left(bench, tracked))
    whole, broken, held = _decode(texts, known)
    orders = whole + broken
    frame = order_frame(orders)
    is_whole = np.arange(len(orders)) < len(whole)
    settled = settle(
        frame,
        marketplace_ids=connection.marketplace_ids,
        not_before=connection.orders.not_before,
        in_warehouse=known.in_warehouse,
        dismissed=[order_id for order_id, row in tracked.items() if row.status == OrderStatus.DISMISSED],
    ).to_numpy()
    standings = standings_of(frame)
    may_reserve = np.isin(settled, MAY_RESERVE)
    judgements = {
        orders[position].order_id: _settled(orders[position], settled[position], known, standings[position])
        for position in np.where(is_whole, settled != "", ~may_reserve).nonzero()[0]
    }
    # If no line of a broken order can be read, what was promised to an earlier version stays.
    is_kept = may_reserve & (is_whole | (frame["item_count"] > 0).to_numpy())
    is_due = is_whole & (settled == "")
    kept, due = due_frames(bench, kept_frames(bench, frame, orders, is_kept), is_due[is_kept])
    checked, report = _check_due(bench, due, known, standings)
    return Judged([*(held | judgements).values(), *checked], report, _without_released_requests(kept, released))


def _without_released_requests(kept: Kept, released: Mapping[str, Released]) -> Kept:
    """Drop buyers' requests for a cancellation from orders that a person released: the warehouse is to ship these."""
    ids = [order_id for order_id, known in released.items() if any(code == BUYER_CANCELS for code, _ in known)]
    if not ids:
        return kept
    requests = kept.orders["cancel_reason"].mask(kept.orders["order_id"].isin(ids), None)
    return replace(kept, orders=kept.orders.assign(cancel_reason=requests))


def _in_warehouse(bench: Bench, tracked: Mapping[str, Row[Any]]) -> frozenset[str]:
    """Which orders the warehouse has, including those of a run that died before it could record them in the ledger.

    If another run is stuck while writing them, this waits for the outcome.
    """
    ready = [order_id for order_id, row in tracked.items() if row.status == OrderStatus.READY]
    if ready and bench.place.lease is not None:
        bench.place.warehouse.await_writer()
    unnoted = bench.place.warehouse.states(ready) if ready else {}
    return frozenset(unnoted).union(order_id for order_id, row in tracked.items() if row.status in IN_WAREHOUSE)


def _left(bench: Bench, tracked: Mapping[str, Row[Any]]) -> frozenset[str]:
    """Of the partly shipped orders, those that the warehouse will ship no more of."""
    in_part = [order_id for order_id, row in tracked.items() if row.status == OrderStatus.PARTIALLY_SHIPPED]
    return shipped_ones(bench.place.warehouse.states(in_part)) if in_part else frozenset()


def _decode(texts: Iterable[tuple[str, bytes]], known: _Known) -> tuple[list[Order], list[Order], dict[str, Judgement]]:
    """The orders; what can be read of broken ones; and how each broken one is held, unless it is settled.

    The units of a broken order are sold all the same, and an order that is not to be shipped any more need not be
    whole.
    """
    orders: list[Order] = []
    broken: list[Order] = []
    held: dict[str, Judgement] = {}
    for order_id, text in texts:
        try:
            orders.append(decode_order(text))
        except DataError as error:
            is_nameless = order_id.startswith(MADE_UP)
            remedy = NAMELESS.format(order_id) if is_nameless else error.remedy
            reason = Reason("invalid_payload", error.message, remedy)
            held[order_id] = _held(order_id, known, (reason,), (), Standing(), is_due=False)
            # Without an id, each version counts as another order here: its units would be promised again each time.
            if not is_nameless and (legible := legible_order(order_id, text)):
                broken.append(legible)
    return orders, broken, held


def _held(
    order_id: str, known: _Known, reasons: tuple[Reason, ...], warnings: tuple[Reason, ...],
    standing: Standing, *, is_due: bool,
) -> Judgement:  # fmt: skip
    """Held; but an order that the warehouse has stays there, and its newest version is kept out with a warning."""
    if order_id in known.in_warehouse:
        noted = warnings + reasons
        return Judgement(order_id, Outcome.UNCHANGED, None, (), noted, standing, is_due, kept_out=reasons)
    if order_id in known.rows and known.rows[order_id].status == OrderStatus.DISMISSED:
        reason = settlement_reason("dismissed")
        return Judgement(order_id, Outcome.IGNORED, OrderStatus.DISMISSED, (reason,), (), standing)
    return Judgement(order_id, Outcome.HELD, OrderStatus.HELD, reasons, warnings, standing, is_due)


def _settled(order: Order, code: str, known: _Known, standing: Standing) -> Judgement:
    order_id = order.order_id
    settlement = SETTLEMENTS[code]
    reason = settlement_reason(code)
    in_warehouse = order_id in known.in_warehouse
    if settlement.outcome == Outcome.HELD:
        return _held(order_id, known, (reason,), (), standing, is_due=False)
    if settlement.outcome == Outcome.CANCELLED:
        # What the warehouse has is cancelled there first, by the load; then its status moves.
        moved, reasons = None if in_warehouse else settlement.status, (cancelled_reason(order),)
        return Judgement(order_id, Outcome.CANCELLED, moved, reasons, (), standing)
    if in_warehouse:
        # The remaining units never left: Amazon cancelled them.
        is_whole = code == ALREADY_SHIPPED and order_id in known.left
        return Judgement(order_id, Outcome.UNCHANGED, settlement.status if is_whole else None, (), (), standing)
    return Judgement(order_id, settlement.outcome, settlement.status, (reason,), (), standing)


def judge_without_text(order_ids: Iterable[str], tracked: Mapping[str, Row[Any]]) -> list[Judgement]:
    """Judge orders whose text was removed: nothing is done with them, and nothing is claimed that is not known.

    Args:
        order_ids: Orders of the batch that no longer have a text.
        tracked: What the ledger knows of them.
    """
    reason = settlement_reason("data_removed")
    judgements = []
    for order_id in order_ids:
        status = tracked[order_id].status if order_id in tracked else None
        if status in IN_WAREHOUSE:
            judgements.append(Judgement(order_id, Outcome.UNCHANGED, None))
        elif status == OrderStatus.CANCELLED:
            judgements.append(Judgement(order_id, Outcome.CANCELLED, None))
        else:
            moved = OrderStatus.IGNORED if status in (None, *WAITING) else None
            judgements.append(Judgement(order_id, Outcome.IGNORED, moved, (reason,)))
    return judgements


def _check_due(
    bench: Bench, due: Due, known: _Known, standings: Sequence[Standing]
) -> tuple[list[Judgement], QualityReport]:
    frame, lines = checked_frames(bench, due)
    report, hits = check([(ORDERS, frame), (LINES, lines)])
    report.assert_ran("orders", undone="Nothing was loaded.")
    found = explain(hits, frame, lines, due.components, bench.context)
    judgements = []
    for position, order_id in zip(frame.index.tolist(), frame["order_id"].tolist(), strict=True):
        reasons, warnings = found.get(order_id, NOTHING)
        if decision := due.decisions.get(order_id):
            reasons = [decision, *reasons]
        judgements.append(_verdict(order_id, known, standings[position], reasons, warnings))
    return judgements, report


def _verdict(
    order_id: str, known: _Known, standing: Standing, reasons: Sequence[Reason], warnings: Sequence[Reason]
) -> Judgement:
    is_there = order_id in known.in_warehouse
    if reasons and reasons[0].code == SKIPPED and not is_there:
        return Judgement(order_id, Outcome.IGNORED, OrderStatus.IGNORED, (reasons[0],), (), standing, is_due=True)
    if released := known.released.get(order_id):
        warnings = [*warnings, *(reason for reason in reasons if (reason.code, reason.detail) in released)]
        reasons = [reason for reason in reasons if (reason.code, reason.detail) not in released]
    if is_there:
        # A buyer's request is passed on to the warehouse; any other reason would hold only a new order.
        warnings = [*warnings, *(reason for reason in reasons if reason.code == BUYER_CANCELS)]
        reasons = [reason for reason in reasons if reason.code != BUYER_CANCELS]
    if reasons:
        return _held(order_id, known, tuple(reasons), tuple(warnings), standing, is_due=True)
    return Judgement(order_id, READY, None if is_there else READY, (), tuple(warnings), standing, is_due=True)


def is_payment_pending(reasons: str | None) -> bool:
    """Whether an ignored order keeps its units reserved, by its reasons as they are stored in the ledger."""
    return any(reason.code == PAYMENT_PENDING for reason in read_reasons(reasons))
