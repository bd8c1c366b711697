"""The stock as the report of an inventory run shows it, from the ledger."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, or_, select

from mfn.amazon.marketplaces import BY_ID
from mfn.ledger.feeds import UNDER_WAY
from mfn.ledger.orders import read_reasons
from mfn.ledger.schema import Batch, BatchOffer, Feed, Offer
from mfn.models import OfferStatus, Parameters
from mfn.reports.stock import (
    Brake,
    Drift,
    FeedProgress,
    HeldSku,
    HeldSkus,
    Movement,
    Oversold,
    Sold,
    StockHistory,
    StockRun,
)
from mfn.rules.stock_brake import Loss
from mfn.steps.stock.judging import NOT_BELIEVED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import ColumnElement, Connection, Row, Select

    from mfn.ledger.opening import Ledger

READ_HELD = 200
"""How many held SKUs of a reason are read in full; the others are only counted."""

SHOWN = 20
"""Rows of every other list."""

SHOWN_HISTORIES = 6
HISTORY = timedelta(days=7)
RANKED_RUNS = 30
RANKED_ROWS = 20_000
"""What moved most is sought among the newest runs that sent anything: at most this many runs, with this many rows."""

MOST_CHANGES = 5_000
WAITING = (OfferStatus.HELD, OfferStatus.FAILED)
CODES = re.compile(r'"code":"(\w+)"')
IS_CHANGE = (BatchOffer.outcome == OfferStatus.PUSHED) & BatchOffer.level.is_distinct_from(BatchOffer.before)
"""Whether a different level than before was sent to Amazon; a full run repeats many that it knows."""


def stock_facts(ledger: Ledger, batch: Row[Any]) -> dict[str, Any]:
    """The parts of a `RunReport` that only inventory runs have.

    Args:
        ledger: The open ledger.
        batch: The row of the batch, closed.

    Returns:
        `stock`: what happened to the levels; `ignored`: listings that are not the seller's to ship, and `warnings`:
        items and rows that are worth a look, both by reason code.
    """
    found: Mapping[str, Any] = batch.findings
    brake = _brake(found.get("brake"))
    since = (batch.finished_at or datetime.now(UTC)) - HISTORY
    with ledger.reading() as database:
        histories = _histories(database, batch, since)
        sold = _sold(database, batch)
        stock = StockRun(
            brake=brake,
            held=_held(database, batch, is_braked=brake is not None and not brake.is_forced),
            moved=_moved(database, batch),
            drift=_drift(database, batch),
            oversold=tuple(_oversold(one) for one in found.get("oversold", ())[:SHOWN]),
            sold=sold[:SHOWN],
            sold_listings=len(sold),
            sold_units=sum(one.units for one in sold),
            feeds=_feeds(database, batch),
            histories=histories,
            since=_beginning(histories, since),
        )
    return {"stock": stock, "warnings": found.get("warnings", {}), "ignored": found.get("ignored", {})}


def _brake(found: Mapping[str, Any] | None) -> Brake | None:
    if not found:
        return None
    losses = found["losses"]
    return Brake(
        losses=tuple(
            Loss(loss["location"], loss["what"], loss["before"], loss["now"]) for loss in losses if loss["before"] > 0
        ),
        why=next((loss["why"] for loss in losses if loss.get("why")), ""),
        is_forced=found["is_forced"],
    )


def _oversold(found: Mapping[str, Any]) -> Oversold:
    return Oversold(
        sku=found["sku"],
        marketplace=_marketplace(found["marketplace_id"]),
        left=found["left"],
        promised=found["promised"],
        offers=tuple(found["offers"]),
        further=found["further"],
    )


def _marketplace(marketplace_id: str) -> str:
    known = BY_ID.get(marketplace_id)
    return known.name if known else marketplace_id


def _held(database: Connection, batch: Row[Any], *, is_braked: bool) -> tuple[HeldSkus, ...]:
    """Held and failed SKUs by reason; of those that the brake holds, only how many.

    None for a run that was interrupted before it compared: what is in the ledger then was found by an earlier run.
    """
    if "skus" not in batch.counts:
        return ()
    held: Any
    if Parameters.of(batch.parameters).dry_run:
        held, sent = BatchOffer, BatchOffer.before
        waiting = (BatchOffer.batch_id == batch.batch_id) & BatchOffer.outcome.in_(WAITING)
    else:
        held, sent = Offer, Offer.level_sent
        waiting = (Offer.connection == batch.connection) & Offer.status.in_(WAITING)
    listed: Select[Any] = (
        select(held.marketplace_id, held.seller_sku, sent.label("sent"), held.reasons)
        .where(waiting)
        .order_by(sent.desc().nulls_last(), held.marketplace_id, held.seller_sku)
    )
    groups: tuple[HeldSkus, ...] = ()
    if is_braked:
        by_brake = held.reasons.contains(f'"{NOT_BELIEVED}"', autoescape=True)
        count = database.execute(select(func.count()).where(waiting, by_brake)).scalar_one()
        groups = (HeldSkus(NOT_BELIEVED, count, ()),)
        listed = listed.where(~by_brake)
    return (*groups, *_by_reason(database.execute(listed)))


def _by_reason(rows: Iterable[Any]) -> list[HeldSkus]:
    counts: Counter[str] = Counter()
    first: defaultdict[str, list[HeldSku]] = defaultdict(list)
    for marketplace_id, sku, sent, text in rows:
        codes = CODES.findall(text or "")
        counts.update(codes)
        if all(len(first[code]) >= READ_HELD for code in codes):
            continue
        for reason in read_reasons(text):
            if len(first[reason.code]) < READ_HELD:
                place = _marketplace(marketplace_id) if marketplace_id else None
                first[reason.code].append(HeldSku(sku, place, sent, reason.detail, reason.remedy))
    return [HeldSkus(code, count, tuple(first[code])) for code, count in counts.most_common()]


def _moved(database: Connection, batch: Row[Any]) -> tuple[Movement, ...]:
    moved = func.abs(BatchOffer.level - func.coalesce(BatchOffer.before, 0))
    statement = (
        select(
            BatchOffer.seller_sku, BatchOffer.marketplace_id, BatchOffer.before, BatchOffer.level, BatchOffer.shown,
            BatchOffer.sold,
        )
        .where(BatchOffer.batch_id == batch.batch_id, IS_CHANGE)
        .order_by(moved.desc(), BatchOffer.marketplace_id, BatchOffer.seller_sku)
        .limit(SHOWN)
    )  # fmt: skip
    rows: Iterable[Any] = database.execute(statement)
    return tuple(Movement(sku, _marketplace(place), *figures) for sku, place, *figures in rows)


def _drift(database: Connection, batch: Row[Any]) -> tuple[Drift, ...]:
    off = func.abs(BatchOffer.shown - BatchOffer.before)
    statement = (
        select(
            BatchOffer.seller_sku, BatchOffer.marketplace_id, BatchOffer.before, BatchOffer.shown, BatchOffer.level,
            BatchOffer.outcome,
        )
        .where(BatchOffer.batch_id == batch.batch_id, BatchOffer.is_drift)
        .order_by(off.desc(), BatchOffer.marketplace_id, BatchOffer.seller_sku)
        .limit(SHOWN)
    )  # fmt: skip
    rows: Iterable[Any] = database.execute(statement)
    return tuple(
        Drift(sku, _marketplace(place), before, shown, level if outcome == OfferStatus.PUSHED else None)
        for sku, place, before, shown, level, outcome in rows
    )


def _sold(database: Connection, batch: Row[Any]) -> tuple[Sold, ...]:
    units = Offer.sold_not_imported
    statement = (
        select(Offer.seller_sku, Offer.marketplace_id, units, Offer.sold_seen_at)
        .where(Offer.connection == batch.connection, units > 0)
        .order_by(units.desc(), Offer.marketplace_id, Offer.seller_sku)
    )
    return tuple(
        Sold(sku, _marketplace(place), count, seen_at) for sku, place, count, seen_at in database.execute(statement)
    )


def _feeds(database: Connection, batch: Row[Any]) -> tuple[FeedProgress, ...]:
    is_of_run = (Feed.batch_id == batch.batch_id) | (Feed.done_at >= batch.started_at)
    statement = (
        select(
            Feed.feed_id, Feed.marketplace_id, func.json_array_length(Feed.messages), Feed.status, Feed.created_at,
            Feed.done_at, Feed.errors,
        )
        .where(Feed.connection == batch.connection, or_(is_of_run, Feed.status.in_(UNDER_WAY)))
        .order_by(Feed.number.desc())
        .limit(SHOWN)
    )  # fmt: skip
    return tuple(
        FeedProgress(
            feed_id, _marketplace(place), skus, status, created_at, done_at,
            refused=(errors or {}).get("invalid", 0), words=(errors or {}).get("general", ""),
        )
        for feed_id, place, skus, status, created_at, done_at, errors in database.execute(statement)
    )  # fmt: skip


def _histories(database: Connection, batch: Row[Any], since: datetime) -> tuple[StockHistory, ...]:
    is_mine = (Batch.connection == batch.connection) & (Batch.kind == batch.kind) & (Batch.started_at >= since)
    is_rehearsed = Batch.parameters["dry_run"].as_boolean()
    rehearsed = database.execute(select(Batch.batch_id).where(is_mine, is_rehearsed)).scalars().all()
    ranked = _ranked(database, is_mine & is_rehearsed.is_not(True))
    units = func.sum(func.abs(BatchOffer.level - func.coalesce(BatchOffer.before, 0)))
    key = (BatchOffer.marketplace_id, BatchOffer.seller_sku)
    most = database.execute(
        select(*key)
        .where(BatchOffer.batch_id.in_(ranked), IS_CHANGE)
        .group_by(*key)
        .order_by(units.desc(), *key)
        .limit(SHOWN_HISTORIES)
    ).all()
    histories = []
    for marketplace_id, sku in most:
        is_this = (BatchOffer.marketplace_id == marketplace_id) & (BatchOffer.seller_sku == sku)
        changes = database.execute(
            select(BatchOffer.at, BatchOffer.level, BatchOffer.before)
            .where(BatchOffer.connection == batch.connection, is_this, BatchOffer.at >= since, IS_CHANGE)
            .where(BatchOffer.batch_id.not_in(rehearsed))
            .order_by(BatchOffer.at.desc())
            .limit(MOST_CHANGES)
        ).all()[::-1]
        points = tuple((change.at, change.level) for change in changes)
        histories.append(StockHistory(sku, _marketplace(marketplace_id), changes[0].before, points))
    return tuple(histories)


def _beginning(histories: Sequence[StockHistory], since: datetime) -> datetime:
    """When the histories begin: with the first level sent to Amazon, if none of them was sent before."""
    is_sent_before = any(history.first is not None for history in histories)
    return since if is_sent_before or not histories else min(history.changes[0][0] for history in histories)


def _ranked(database: Connection, is_meant: ColumnElement[bool]) -> Sequence[str]:
    """The newest runs that sent anything, as many as a report can afford to read."""
    pushed = Batch.counts["pushed"].as_integer()
    runs = database.execute(
        select(Batch.batch_id, pushed)
        .where(is_meant, pushed > 0)
        .order_by(Batch.started_at.desc(), Batch.batch_id)
        .limit(RANKED_RUNS)
    ).all()
    rows, ranked = 0, list[str]()
    for batch_id, count in runs:
        rows += count
        if ranked and rows > RANKED_ROWS:
            break
        ranked.append(batch_id)
    return ranked
