"""Validate: every order of the batch, and every one that earlier runs left unfinished, gets its verdict."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from mfn.database.bulk import among
from mfn.ledger.batches import add_findings, get_batch, parameters_of, update_batch
from mfn.ledger.buyers_data import CHUNK_ORDERS, places_of, texts_at
from mfn.ledger.chunks import drop_chunks, write_pieces
from mfn.ledger.earlier_orders import take_in_earlier_orders
from mfn.ledger.landing import index_pages
from mfn.ledger.met_orders import landed_batch_orders
from mfn.ledger.orders import (
    read_reasons,
    reasons_text,
    tracked_orders,
    write_left_behind,
    write_outcomes,
    write_standing,
)
from mfn.ledger.schema import LandedOrder
from mfn.models import PASSED, OrderStatus, Outcome, Reason
from mfn.quality.model import QualityReport
from mfn.steps.conflicts import Conflicts
from mfn.steps.importing.chunking import one_by_one
from mfn.steps.importing.judging import PAYMENT_PENDING, READY, Judgement, judge, judge_without_text
from mfn.steps.importing.kept_out import KeptOut
from mfn.steps.importing.order_frames import Bench
from mfn.steps.importing.rereading import read_again
from mfn.steps.importing.validated import VALIDATED, pieces_of
from mfn.steps.parts import in_parts
from mfn.steps.workplace import keep_calls, open_workplace, writing_under_lease

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from sqlalchemy import Row

    from mfn.ledger.landed_pages import Place
    from mfn.models import BatchRef
    from mfn.settings import Settings
    from mfn.steps.importing.validated import ValidatedPiece
    from mfn.steps.workplace import Workplace


READ_AGAIN_FIRST = Reason(
    "read_again_first",
    "it now passes every check, but its data may be out of date.",
    "Nothing to do: the next import reads it again from Amazon and loads it if it is still to be shipped.",
)
"""The reason of an order that was not loaded when it came, and would be now that it is processed again."""


def validate(batch: BatchRef, settings: Settings) -> BatchRef:
    """Give every order of the batch its verdict.

    Orders that earlier runs left held are examined too. One that would now pass is read again from Amazon before it is
    released, so that what was shipped or cancelled meanwhile is settled and not loaded. The same goes for newest
    versions that were kept out of the warehouse, which has an older one; those kept out now are reported as conflicts.

    Args:
        batch: The batch, its window landed.
        settings: The settings in force.

    Returns:
        The batch with `due` and `due_held`, both of the orders of its window.

    Raises:
        RetriableError: The ledger, the warehouse or Amazon could not be reached.
        FatalError: A check could not run, or a table of the warehouse is not as agreed.
    """
    place = open_workplace(settings, batch.connection, lease=batch.lease)
    asked = parameters_of(place.ledger, batch)
    bench = Bench(place, place.warehouse.items(), place.warehouse.ship_methods())
    index_pages(place.ledger, batch)
    is_again = asked.reprocess is not None
    if asked.order_id is None and not is_again:
        with place.ledger.writing() as database:
            take_in_earlier_orders(database, batch)
    with writing_under_lease(place.ledger, batch.lease) as database:
        drop_chunks(database, batch)
    met = landed_batch_orders(place.ledger, batch.batch_id)
    kept_out = KeptOut(place, batch, is_asked_for=asked.order_id is not None)
    waiting = _read_before_release(bench, batch, met.earlier, kept_out.before)
    bounds = met.bounds(CHUNK_ORDERS) if place.ledger.engine.dialect.name == "sqlite" else None
    tally = _Tally()
    for number, chunk in enumerate(one_by_one(met.chunks(CHUNK_ORDERS))):
        loaded = set() if asked.dry_run else chunk.loaded
        tracked = tracked_orders(place.ledger, batch.connection, chunk.order_ids)
        judged = judge(bench, _texts(place, batch, chunk.earlier, chunk.places), tracked)
        judgements = [_still_held(one, tracked) if one.order_id in waiting else one for one in judged.judgements]
        judgements = [_left_to_an_import(one) for one in judgements] if is_again else judgements
        without_text = set(chunk.order_ids) - {one.order_id for one in judgements}
        # What this batch had loaded stays loaded by it.
        judgements += judge_without_text(without_text - loaded, tracked)
        tally.add(judgements, chunk.earlier, judged.report)
        lacking = kept_out.look(judgements, tracked)
        judgements = [_loaded_before(one) if one.order_id in loaded else one for one in judgements]
        behind = [(order_id, tracked[order_id].loaded_digest) for order_id in lacking]
        pieces = pieces_of(number, judged.kept, {one.order_id: _is_passed(one) for one in judgements}, bounds)
        _write(place, batch, judgements, behind, pieces=pieces, judged_before=chunk.judged, is_dry_run=asked.dry_run)
        del judged, judgements, tracked  # as in load
    counts = {"due": tally.due, "due_held": tally.due_held}
    with place.ledger.writing() as database:
        before = get_batch(place.ledger, batch.batch_id)
        update_batch(database, batch, counts={**before.counts, **counts})
        add_findings(
            database,
            batch,
            conflicts=kept_out.among(Conflicts(before)).for_report(),
            quality=tally.report.to_dict(),
            warnings=dict(tally.warnings),
            ignored=dict(tally.ignored),
            items=len(bench.items),
        )
        if not asked.dry_run:
            kept_out.write(database)
    return replace(batch, counts={**batch.counts, **counts})


class _Tally:
    """What is summed up over the chunks."""

    def __init__(self) -> None:
        self.due = 0
        self.due_held = 0
        self.warnings: Counter[str] = Counter()
        self.ignored: Counter[str] = Counter()
        self.report = QualityReport()

    def add(self, judgements: Sequence[Judgement], earlier: Collection[str], report: QualityReport) -> None:
        """Add a chunk's judgements; only orders of the window count as due, and none that was met earlier."""
        for judged in judgements:
            is_reported_before = judged.kept_out and judged.order_id in earlier
            if judged.warnings and not is_reported_before:
                self.warnings.update(warning.code for warning in judged.warnings)
            if judged.order_id in earlier:
                continue
            if judged.outcome == Outcome.IGNORED:
                self.ignored.update(reason.code for reason in judged.reasons)
            if judged.is_due or judged.outcome == Outcome.HELD:
                self.due += 1
                self.due_held += judged.outcome == Outcome.HELD
        self.report = self.report.merged(report)


def _read_before_release(bench: Bench, batch: BatchRef, earlier: list[str], kept_out: Collection[str]) -> set[str]:
    """Read orders from Amazon again that were held or kept out and would now pass; held ones that are not read wait."""
    place = bench.place
    waiting: set[str] = set()
    for chunk in in_parts(earlier, CHUNK_ORDERS):
        tracked = tracked_orders(place.ledger, batch.connection, chunk)
        held = {order_id for order_id, known in tracked.items() if known.status == OrderStatus.HELD}
        waits = [order_id for order_id in chunk if order_id in held or order_id in kept_out]
        judgements = judge(bench, _texts(place, batch, waits), tracked).judgements
        passing = {one.order_id for one in judgements if one.outcome == READY} - _landed_by(place, batch, waits)
        urgent_first = sorted(
            passing, key=lambda order_id: (tracked[order_id].ship_by is None, tracked[order_id].ship_by)
        )
        try:
            waiting |= held & passing - read_again(place, batch, urgent_first)
        finally:
            keep_calls(place, batch)
    return waiting


def _texts(
    place: Workplace, batch: BatchRef, order_ids: Collection[str], places: Sequence[Place] = ()
) -> Iterator[tuple[str, bytes]]:
    """The texts of orders, page by page: of some by their ids, of others by the places where they are known to be."""
    where = sorted([*places, *places_of(place.ledger, batch.connection, order_ids)])
    return texts_at(place.ledger, batch.connection, where, purpose=validate.__name__, batch_id=batch.batch_id)


def _landed_by(place: Workplace, batch: BatchRef, order_ids: Sequence[str]) -> set[str]:
    """The orders that this batch itself has read from Amazon."""
    statement = select(LandedOrder.order_id).where(
        LandedOrder.connection == batch.connection, LandedOrder.batch_id == batch.batch_id
    )
    with place.ledger.reading() as database:
        wanted = among(database, LandedOrder.order_id, order_ids)
        return set(database.execute(statement.where(wanted)).scalars())


def _still_held(judged: Judgement, tracked: dict[str, Row[Any]]) -> Judgement:
    reasons = read_reasons(tracked[judged.order_id].reasons)
    return judged._replace(outcome=Outcome.HELD, status=OrderStatus.HELD, reasons=reasons)


def _left_to_an_import(judged: Judgement) -> Judgement:
    """Leave an order that the warehouse does not have to an import, which reads it again: its text may be stale."""
    if judged.status != OrderStatus.READY:
        return judged
    return judged._replace(outcome=Outcome.HELD, status=OrderStatus.HELD, reasons=(READ_AGAIN_FIRST,))


def _loaded_before(judged: Judgement) -> Judgement:
    """What this batch had loaded before it was interrupted or run again stays loaded by it."""
    return judged._replace(outcome=Outcome.LOADED) if judged.outcome == READY else judged


def _is_passed(judged: Judgement) -> bool | None:
    """True if an order goes to the warehouse, False if it only has units promised to it, None if neither."""
    if judged.outcome in PASSED:  # also those that this batch has loaded before
        return True
    is_promised = judged.outcome == Outcome.HELD or any(reason.code == PAYMENT_PENDING for reason in judged.reasons)
    return False if is_promised else None


def _write(
    place: Workplace,
    batch: BatchRef,
    judgements: Sequence[Judgement],
    behind: Sequence[tuple[str, str | None]],
    *,
    pieces: Iterable[tuple[int, ValidatedPiece]],
    judged_before: Collection[str],
    is_dry_run: bool,
) -> None:
    """Write a chunk to the ledger; the standing of ready orders follows in the transform, in the order of their key."""
    judgements = sorted(judgements, key=attrgetter("order_id"))  # in the order of their key, rows are written faster
    texts = {one.order_id: reasons_text(one.reasons) for one in judgements if one.reasons}
    outcomes = [
        (one.order_id, one.outcome, texts.get(one.order_id), reasons_text(one.warnings))
        for one in judgements
        if one.outcome != READY or one.warnings or one.order_id in judged_before
    ]
    standings = [
        (one.order_id, one.status, texts.get(one.order_id), *one.standing)
        for one in judgements
        if one.status not in (None, OrderStatus.READY)
    ]
    with writing_under_lease(place.ledger, batch.lease) as database:
        write_pieces(place.ledger, database, batch, pieces, stage=VALIDATED)
        write_outcomes(database, batch, outcomes)
        if not is_dry_run:
            write_standing(database, batch, standings)
            write_left_behind(database, batch, behind)
