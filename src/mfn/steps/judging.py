"""Judging a chunk of orders: decode, settle, check with Great Expectations, explain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mfn.amazon.orders import decode_order
from mfn.errors import DataError, FatalError
from mfn.ledger.orders import IN_WAREHOUSE, read_reasons
from mfn.models import OrderStatus, Outcome, Reason, Standing
from mfn.quality.lines import LINES
from mfn.quality.orders import ORDERS
from mfn.quality.runner import check
from mfn.rules.addresses import check_addresses
from mfn.rules.explaining import Context, explain
from mfn.rules.frames import address_frame, line_frame, order_frame, time_texts
from mfn.rules.programs import is_sfp, unsupported_programs
from mfn.rules.settling import SETTLEMENTS, settle, settlement_reason
from mfn.rules.shipping_methods import resolve_shipping_methods
from mfn.rules.skus import resolve_skus

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd
    from numpy.typing import NDArray
    from sqlalchemy import Row

    from mfn.amazon.orders import Order
    from mfn.quality.model import QualityReport
    from mfn.steps.workplace import Workplace

READY = OrderStatus.READY.value
"""The outcome of an order that may be loaded, until the load has happened."""

CANCEL_REQUESTED = "buyer_cancel_requested"

MAY_RESERVE = ("", "payment_pending", "channel_missing", "status_unknown")
"""Due orders, and those settled in a way that keeps units promised to them."""

NOTHING: tuple[list[Reason], list[Reason]] = ([], [])
"""Neither a reason nor a warning."""


@dataclass(frozen=True)
class Judgement:
    """What the checks say of one order.

    Attributes:
        order_id: Amazon's order id.
        outcome: `ready`, or how the run counts it.
        status: Where it stands now; None: where it stood, since the warehouse has it.
        reasons: Why it is held or ignored.
        warnings: What a person should look at.
        standing: What the ledger's list of orders shows of it.
        is_due: Whether Amazon expects it to be shipped.
    """

    order_id: str
    outcome: str
    status: str | None
    reasons: tuple[Reason, ...] = ()
    warnings: tuple[Reason, ...] = ()
    standing: Standing = Standing()  # noqa: RUF009 - a tuple, which nobody changes
    is_due: bool = False


@dataclass(frozen=True, eq=False)
class Kept:
    """The frames of the orders that may be loaded or have units promised to them, one row an order or order item.

    Attributes:
        orders: The order frame, with `warehouse_code`.
        lines: The line frame.
        addresses: The address frame.
    """

    orders: pd.DataFrame
    lines: pd.DataFrame
    addresses: pd.DataFrame


@dataclass(frozen=True, eq=False)
class Judged:
    """What came out for a chunk.

    Attributes:
        judgements: One an order.
        report: What the expectations found.
        kept: What the transform needs of the orders.
    """

    judgements: list[Judgement]
    report: QualityReport
    kept: Kept


@dataclass(frozen=True)
class Bench:
    """What every chunk of a run is judged against.

    Attributes:
        place: The workplace.
        items: The warehouse's items.
        ship_methods: The warehouse's shipping methods.
    """

    place: Workplace
    items: pd.DataFrame
    ship_methods: pd.DataFrame

    @property
    def context(self) -> Context:
        """What explanations draw on."""
        methods = self.place.mappings.shipping_methods
        return Context(self.place.connection.name, methods, self.ship_methods, self.items)


@dataclass(frozen=True)
class _Known:
    """What is known of a chunk's orders: the ledger's rows, and which of them the warehouse has."""

    rows: Mapping[str, Row[Any]]
    in_warehouse: frozenset[str]


def judge(bench: Bench, texts: Iterable[tuple[str, bytes]], tracked: Mapping[str, Row[Any]]) -> Judged:
    """Judge a chunk of landed orders.

    Args:
        bench: What they are judged against.
        texts: (order id, JSON text) of each.
        tracked: What the ledger knows of them.

    Raises:
        FatalError: A check that holds orders could not run at all: nothing may be loaded unchecked.
    """
    known = _Known(tracked, _in_warehouse(bench, tracked))
    orders, judgements = _decode(texts, known)
    frame = order_frame(orders)
    connection = bench.place.connection
    settled = settle(
        frame,
        marketplace_ids=connection.marketplace_ids,
        not_before=connection.orders.not_before,
        in_warehouse=known.in_warehouse,
        dismissed=[order_id for order_id, row in tracked.items() if row.status == OrderStatus.DISMISSED],
    ).to_numpy()
    standings = standings_of(frame)
    for position in (settled != "").nonzero()[0]:
        judgements.append(_settled(orders[position].order_id, settled[position], known, standings[position]))
    is_kept = np.isin(settled, MAY_RESERVE)
    kept = _kept(bench, frame, orders, is_kept)
    checked, report = _check_due(bench, kept, settled[is_kept] == "", known, standings)
    return Judged(judgements + checked, report, kept)


def _kept(bench: Bench, frame: pd.DataFrame, orders: Sequence[Order], is_kept: NDArray[np.bool]) -> Kept:
    chosen = [order for order, keep in zip(orders, is_kept, strict=True) if keep]
    place = bench.place
    return Kept(
        resolve_shipping_methods(frame[is_kept], place.mappings.shipping_methods, connection=place.connection.name),
        line_frame(chosen),
        address_frame(chosen),
    )


def _in_warehouse(bench: Bench, tracked: Mapping[str, Row[Any]]) -> frozenset[str]:
    """Which orders the warehouse has, also those of a run that died before it could note them in the ledger."""
    ready = [order_id for order_id, row in tracked.items() if row.status == OrderStatus.READY]
    unnoted = bench.place.warehouse.states(ready) if ready else {}
    return frozenset(unnoted).union(order_id for order_id, row in tracked.items() if row.status in IN_WAREHOUSE)


def _decode(texts: Iterable[tuple[str, bytes]], known: _Known) -> tuple[list[Order], list[Judgement]]:
    orders: list[Order] = []
    held: list[Judgement] = []
    for order_id, text in texts:
        try:
            orders.append(decode_order(text))
        except DataError as error:
            reason = Reason("invalid_payload", error.message, error.remedy)
            held.append(_held(order_id, known, (reason,), (), Standing(), is_due=False))
    return orders, held


def _held(
    order_id: str, known: _Known, reasons: tuple[Reason, ...], warnings: tuple[Reason, ...],
    standing: Standing, *, is_due: bool,
) -> Judgement:  # fmt: skip
    """Held; but what the warehouse has stays there, and what is wrong with its newest version becomes a warning."""
    if order_id in known.in_warehouse:
        return Judgement(order_id, Outcome.UNCHANGED, None, (), warnings + reasons, standing, is_due)
    if order_id in known.rows and known.rows[order_id].status == OrderStatus.DISMISSED:
        reason = settlement_reason("dismissed")
        return Judgement(order_id, Outcome.IGNORED, OrderStatus.DISMISSED, (reason,), (), standing)
    return Judgement(order_id, Outcome.HELD, OrderStatus.HELD, reasons, warnings, standing, is_due)


def _settled(order_id: str, code: str, known: _Known, standing: Standing) -> Judgement:
    settlement = SETTLEMENTS[code]
    reason = settlement_reason(code)
    in_warehouse = order_id in known.in_warehouse
    if settlement.outcome == Outcome.HELD:
        return _held(order_id, known, (reason,), (), standing, is_due=False)
    if settlement.outcome == Outcome.CANCELLED:
        # What the warehouse has is cancelled there first, by the load; then its status moves.
        return Judgement(order_id, Outcome.CANCELLED, None if in_warehouse else settlement.status, (), (), standing)
    if in_warehouse:
        return Judgement(order_id, Outcome.UNCHANGED, None, (), (), standing)
    return Judgement(order_id, settlement.outcome, settlement.status, (reason,), (), standing)


def _check_due(
    bench: Bench, kept: Kept, is_due: NDArray[np.bool], known: _Known, standings: Sequence[Standing]
) -> tuple[list[Judgement], QualityReport]:
    frame, lines, components = _checked_frames(bench, kept, is_due)
    report, hits = check([(ORDERS, frame), (LINES, lines)])
    if report.not_run:
        raise FatalError(
            "checks that hold orders could not run: "
            + "; ".join(f"{finding.meaning} ({finding.problem})" for finding in report.not_run),
            remedy="Nothing was loaded. Run it with --debug and report what it prints.",
        )
    found = explain(hits, frame, lines, components, bench.context)
    judgements = []
    for position, order_id in zip(frame.index.tolist(), frame["order_id"].tolist(), strict=True):
        standing = standings[position]
        reasons, warnings = found.get(order_id, NOTHING)
        if order_id in known.in_warehouse:
            # A buyer's request is passed on to the warehouse; everything else would hold a new order only.
            passed_on = [reason for reason in reasons if reason.code == CANCEL_REQUESTED]
            reasons = [reason for reason in reasons if reason.code != CANCEL_REQUESTED]
            warnings = warnings + passed_on
        if reasons:
            judgements.append(_held(order_id, known, tuple(reasons), tuple(warnings), standing, is_due=True))
        else:
            status = None if order_id in known.in_warehouse else READY
            judgements.append(Judgement(order_id, READY, status, (), tuple(warnings), standing, is_due=True))
    return judgements, report


def _checked_frames(
    bench: Bench, kept: Kept, is_due: NDArray[np.bool]
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Due orders as the frames that the suites check: orders, lines, and the lines as the warehouse gets them."""
    place = bench.place
    frame = kept.orders[is_due]
    lines = kept.lines[np.repeat(is_due, kept.orders["item_count"])]
    lines = lines.drop(columns=["gift_message", "customization_url"]).reset_index(drop=True)
    components = resolve_skus(
        lines,
        place.mappings.sku_aliases,
        bench.items,
        connection=place.connection.name,
        marketplaces=dict(zip(frame["order_id"], frame["marketplace_id"], strict=True)),
    )
    active = bench.ship_methods.loc[bench.ship_methods["is_active"].astype(bool), "code"]
    addresses = check_addresses(kept.addresses[is_due])
    frame = frame.assign(
        mapped_code=frame["warehouse_code"],
        warehouse_code=frame["warehouse_code"].where(frame["warehouse_code"].isin(active), None),
        missing_address_fields=addresses["missing_fields"].to_numpy(),
        address_warning=addresses["warning"].to_numpy(),
        unsupported_programs=unsupported_programs(frame, allow_programs=place.connection.orders.allow_programs),
    )
    unknown = components.loc[~components["is_known"], ["order_id", "order_item_id"]].drop_duplicates()
    keys = set(zip(unknown["order_id"], unknown["order_item_id"], strict=True))
    known = [key not in keys for key in zip(lines["order_id"], lines["order_item_id"], strict=True)]
    # One SKU on two lines is no duplicate; one order item id is.
    is_duplicate = lines.duplicated(["order_id", "order_item_id"], keep=False)
    return frame, lines.assign(is_sku_known=known, is_duplicate_item=is_duplicate), components


def is_payment_pending(reasons: str | None) -> bool:
    """Whether an ignored order, by its reasons as the ledger keeps them, keeps its units reserved."""
    return any(reason.code == "payment_pending" for reason in read_reasons(reasons))


def standings_of(frame: pd.DataFrame) -> list[Standing]:
    """What the ledger's list of orders shows of each order of an order frame."""
    return list(
        map(
            Standing,
            is_sfp(frame).tolist(),
            time_texts(frame["ship_by"]),
            frame["marketplace_id"].tolist(),
            frame["service_level"].tolist(),
            [",".join(programs) or None for programs in frame["programs"]],
        )
    )
