"""Feeds of levels: submitted once, followed to their processing report, each refusal tied to its SKU."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from tenacity import Retrying, retry_if_result, stop_after_delay, wait_exponential

from mfn.amazon.failures import AmazonUnavailableError, BudgetExhaustedError
from mfn.amazon.quantities import MOST_MESSAGES
from mfn.errors import FatalError
from mfn.ledger.feeds import (
    DONE,
    FATAL,
    LOST,
    STUCK,
    SUBMITTED,
    SUBMITTING,
    UNDER_WAY,
    end_feed,
    feeds,
    known_feed_ids,
    note_feed,
    note_submitted,
)
from mfn.ledger.offers import offers_of, write_offers, write_outcomes
from mfn.ledger.orders import reasons_text
from mfn.models import OfferStatus, Reason
from mfn.rules.sending_choice import FEED
from mfn.rules.sold_units import STATE, after_failing
from mfn.steps.stock.rows import kept_rows
from mfn.steps.stock.sending import REFUSED

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from sqlalchemy import Row

    from mfn.amazon.feeds import FeedState
    from mfn.models import BatchRef
    from mfn.steps.stock.sending import Sending
    from mfn.steps.workplace import Workplace

FOLLOWED_SECONDS = 240.0
"""How long a run waits for its feeds; the next run follows those that are not done by then."""

STUCK_AFTER = timedelta(hours=24)
REPORT_AWAITED = timedelta(hours=1)
"""How old a feed is when its report is no longer waited for: once it is done, the listings show what it did."""
CLOCKS_APART = timedelta(minutes=5)
"""How much earlier than in the ledger a feed may have been created according to Amazon."""

REMEDY = "Correct in Seller Central what Amazon's message says; the next run sends the level again."
AGAIN = "Nothing to do: the next run sends its levels again."


log = logging.getLogger(__name__)


def hand_in(sending: Sending, marketplace_id: str, levels: pd.DataFrame) -> None:
    """Submit levels of a marketplace to Amazon as feeds.

    A feed is recorded before it is submitted, so that a run that is killed in between neither forgets it nor submits it
    twice.

    Args:
        sending: The run.
        marketplace_id: Where.
        levels: What `Sending.to_send` returned, recorded.

    Raises:
        RetriableError: Amazon did not say whether it took a feed; the next run finds out.
        FatalError: A role is missing, or the credentials or the request are refused.
    """
    place, batch = sending.place, sending.batch
    for start in range(0, len(levels), MOST_MESSAGES):
        some = levels.iloc[start : start + MOST_MESSAGES]
        if sending.is_dry_run:
            sending.note_sent(marketplace_id, some, sent_by=FEED)
            continue
        columns = (some[name].tolist() for name in ("target", "level", "before_limits"))
        messages = list(zip(some.index.tolist(), *columns, strict=True))
        document_id = place.feeds.upload([(sku, target) for sku, target, *_ in messages])
        with place.ledger.writing() as database:
            number = note_feed(database, batch, marketplace_id, document_id, messages)
        sending.note_sent(marketplace_id, some, sent_by=FEED, feed_number=number)
        try:
            feed_id = place.feeds.create_feed(marketplace_id, document_id)
        except (BudgetExhaustedError, FatalError) as error:
            _fail(place, batch, _feed(place, batch, number), LOST, error.message)
            raise
        with place.ledger.writing() as database:
            note_submitted(database, batch, number, feed_id)


def _feed(place: Workplace, batch: BatchRef, number: int) -> Row[Any]:
    return next(feed for feed in feeds(place.ledger, batch.connection) if feed.number == number)


def follow_earlier_feeds(place: Workplace, batch: BatchRef) -> None:
    """Look once at the feeds that earlier runs left under way.

    One that was recorded and perhaps never submitted is searched for at Amazon: a feed that the ledger does not know is
    that one. One that cannot be followed stays under way.

    Raises:
        RetriableError: Amazon did not answer.
        FatalError: A role is missing, or the credentials are refused.
    """
    for feed in feeds(place.ledger, batch.connection, statuses=(SUBMITTING,)):
        _find(place, batch, feed)
    for feed in feeds(place.ledger, batch.connection, statuses=(SUBMITTED,)):
        try:
            _look_at(place, batch, feed)
        except (AmazonUnavailableError, FatalError) as error:
            # It blocks only its own offers, and for no longer than a day.
            log.warning("feed %s cannot be followed: %s", feed.feed_id, error.message)
            _give_up_when_old(place, batch, feed)


def follow_feeds(place: Workplace, batch: BatchRef) -> None:
    """Follow every feed under way to its end, or as long as a run waits for one.

    Raises:
        RetriableError: Amazon did not answer.
        FatalError: A role is missing, or the credentials are refused.
    """
    patiently = Retrying(
        retry=retry_if_result(bool),
        wait=wait_exponential(multiplier=1, min=1, max=15),
        stop=stop_after_delay(FOLLOWED_SECONDS),
        retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
    )
    patiently(lambda: _any_under_way(place, batch))


def _any_under_way(place: Workplace, batch: BatchRef) -> bool:
    follow_earlier_feeds(place, batch)
    return bool(feeds(place.ledger, batch.connection, statuses=UNDER_WAY))


def _find(place: Workplace, batch: BatchRef, feed: Row[Any]) -> None:
    """Find the feed at Amazon that a killed run may have submitted."""
    known = known_feed_ids(place.ledger, batch.connection)
    ours = [
        state
        for state in place.feeds.feeds_since(feed.created_at - CLOCKS_APART)
        if state.feed_id not in known and feed.marketplace_id in state.marketplace_ids
    ]
    if not ours:
        _fail(place, batch, feed, LOST, "the run ended before the feed was sent to Amazon")
        return
    since = [state for state in ours if state.created_at >= feed.created_at]
    found = min(since, key=attrgetter("created_at")) if since else max(ours, key=attrgetter("created_at"))
    with place.ledger.writing() as database:
        note_submitted(database, batch, feed.number, found.feed_id)


def _look_at(place: Workplace, batch: BatchRef, feed: Row[Any]) -> None:
    state = place.feeds.feed(feed.feed_id)
    if state.is_under_way:
        _give_up_when_old(place, batch, feed)
    elif state.status == "DONE" and state.document_id is not None:
        _done(place, batch, feed, state)
    elif state.status == "DONE":  # treated as processed: the listings show whether its levels are in force
        _settle(place, batch, feed, {}, status=DONE, errors={"general": "Amazon created no report for the feed"})
    else:
        _fail(place, batch, feed, FATAL, f"Amazon ended the feed as {state.status}{_words(place, state)}")


def _give_up_when_old(place: Workplace, batch: BatchRef, feed: Row[Any]) -> None:
    if datetime.now(UTC) - feed.created_at > STUCK_AFTER:
        _fail(place, batch, feed, STUCK, "Amazon did not report the outcome of the feed within a day")


def _words(place: Workplace, state: FeedState) -> str:
    if state.document_id is None:
        return ""
    try:
        said = "; ".join(map(str, place.feeds.report(state.document_id).general))
    except (AmazonUnavailableError, FatalError):  # the report of a feed that was not processed may have any form
        return ""
    return f": {said}" if said else ""


def _done(place: Workplace, batch: BatchRef, feed: Row[Any], state: FeedState) -> None:
    try:
        report = place.feeds.report(str(state.document_id))
    except (AmazonUnavailableError, FatalError) as error:
        if datetime.now(UTC) - feed.created_at < REPORT_AWAITED:
            raise
        _settle(place, batch, feed, {}, status=DONE, errors={"general": f"its report cannot be read: {error.message}"})
        return
    general = "; ".join(map(str, report.general))
    if general and not report.accepted:
        _fail(place, batch, feed, FATAL, general)
        return
    skus = [message[0] for message in feed.messages]
    refused = {
        skus[message_id - 1]: "; ".join(map(str, words))
        for message_id, words in report.refused.items()
        if 0 < message_id <= len(skus)
    }
    figures = {"accepted": report.accepted, "invalid": report.invalid, "general": general}
    _settle(place, batch, feed, refused, status=DONE, errors=figures)


def _fail(place: Workplace, batch: BatchRef, feed: Row[Any], status: str, why: str) -> None:
    """Record that nothing of a feed took effect, or that nobody knows: its levels are due again."""
    refused = {message[0]: why for message in feed.messages}
    _settle(place, batch, feed, refused, status=status, errors={"general": why})


def _settle(
    place: Workplace,
    batch: BatchRef,
    feed: Row[Any],
    refused: Mapping[str, str],
    *,
    status: str,
    errors: Mapping[str, Any],
) -> None:
    """Record how a feed ended and which of its offers Amazon refused; those of this batch are its failures."""
    state = offers_of(place.ledger, batch.connection, (*STATE, "feed_number"), feed.marketplace_id, list(refused))
    state = state[state["feed_number"] == feed.number]
    is_mine = feed.batch_id == batch.batch_id
    remedy = REMEDY if status == DONE else AGAIN
    rows, outcomes = [], []
    kept = kept_rows(feed.marketplace_id, after_failing(state))
    for row, level in zip(kept, state["level_sent"].astype("int64").tolist(), strict=True):
        why = refused[row[1]]
        text = reasons_text([Reason(REFUSED, why, remedy)])
        # What an earlier run could not submit is simply due in this one.
        standing = (
            (OfferStatus.FAILED.value, text, why) if is_mine or status not in (LOST, STUCK) else (None, None, None)
        )
        rows.append((*row, *standing, feed.batch_id))
        outcomes.append((*row[:2], OfferStatus.FAILED.value, level, None, None, 0, False, FEED, text))
    with place.ledger.writing() as database:
        write_offers(database, batch, (*STATE, "status", "reasons", "answer", "batch_id"), rows)
        if is_mine:
            write_outcomes(database, batch, outcomes)
        end_feed(database, batch, feed, status=status, errors=errors)
