"""Many levels in one feed: followed to its report, found again after a broken-off run, never landing too late."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from mfn.amazon.answers import Words
from mfn.amazon.feed_reports import FeedReport
from mfn.amazon.feeds import AmazonFeeds
from mfn.steps.runs import inventory_parameters, new_run
from mfn.steps.stages import INVENTORY_STEPS, perform
from tests.steps.pushing import everywhere

if TYPE_CHECKING:
    from mfn.amazon.feeds import FeedState
    from tests.steps.pushing import Pushing


@pytest.fixture
def feeding(pushing: Pushing, monkeypatch: pytest.MonkeyPatch) -> Pushing:
    """Stock runs that take a feed for two levels, and wait for none that is not done at once."""
    pushing.make_patches_dear()
    monkeypatch.setattr("mfn.steps.stock.feeds.FOLLOWED_SECONDS", 0.0)
    return pushing


def end(pushing: Pushing) -> None:
    """Amazon works off the feed that it was still working on."""
    feeds = pushing.stock.world.amazon.feeds
    (feed,) = (feed for feed in feeds.feeds.values() if feed.status == "IN_PROGRESS")
    feeds._finish(feed, datetime.now(UTC))


def test_many_levels_go_in_one_feed_and_are_seen_at_amazon(feeding: Pushing) -> None:
    summary = feeding.run()
    assert (summary["pushed"], summary["under_way"], summary["verified"]) == (4, 0, 4)
    assert feeding.shown() == everywhere(10)
    assert (feeding.calls("createFeed"), feeding.calls("patchListingsItem")) == (1, 0)
    assert {feeding.stock.handling_days(sku) for sku in feeding.shown()} == {2}
    assert feeding.run()["unchanged"] == 4


def test_a_refused_message_fails_its_own_sku_in_amazons_words_and_no_other(feeding: Pushing) -> None:
    feeding.stock.world.amazon.faults.refused_skus["LAMP"] = "The product type is not valid."
    error, summary = feeding.run_that_fails()
    assert "1 of 4 stock levels failed" in error.message
    assert (summary["pushed"], summary["failed"]) == (3, 1)
    assert feeding.shown() == everywhere(10) | {"LAMP": 5}
    assert "The product type is not valid." in feeding.reasons("LAMP")
    feeding.stock.world.amazon.faults.refused_skus.clear()
    summary = feeding.run()
    assert (summary["pushed"], summary["failed"], feeding.stock.shown("LAMP")) == (1, 0, 10)


def test_an_offer_in_a_feed_under_way_waits_and_its_newer_level_lands_last(feeding: Pushing) -> None:
    feeding.stock.world.amazon.faults.feed_endings.append("IN_PROGRESS")
    summary = feeding.run()
    assert (summary["pushed"], summary["under_way"]) == (4, 4)
    feeding.stock.receive("BOWL", 12)
    feeding.stock.receive("VASE", 7)
    summary = feeding.run()
    assert (summary["under_way"], feeding.calls()) == (4, 1)
    end(feeding)
    summary = feeding.run()
    assert (summary["pushed"], summary["under_way"]) == (2, 0)
    assert feeding.shown() == everywhere(10) | {"BOWL": 12, "VASE": 7}


def test_a_level_that_falls_below_what_amazon_shows_does_not_wait_for_its_feed(
    feeding: Pushing, monkeypatch: pytest.MonkeyPatch
) -> None:
    feeding.stock.world.amazon.faults.feed_endings.append("IN_PROGRESS")
    feeding.run()
    feeding.stock.receive("BOWL", 2)
    assert feeding.run(dry_run=True)["pushed"] == 1
    assert feeding.stock.shown("BOWL") == 5
    assert feeding.run()["pushed"] == 1
    assert feeding.stock.shown("BOWL") <= 2, "nobody may buy what is not there"
    for _ in range(2):
        _run_a_quarter_of_an_hour_later(feeding)
    assert feeding.shown() == everywhere(5) | {"BOWL": 2}
    end(feeding)
    assert feeding.stock.shown("BOWL") == 10, "the feed came after the newer level"
    monkeypatch.setattr("mfn.steps.stock.push.READ_BACK", 0)  # a small part of a large catalogue
    _run_a_quarter_of_an_hour_later(feeding)
    assert feeding.shown() == everywhere(10) | {"BOWL": 2}


def test_what_a_late_feed_would_lower_is_sent_without_it(feeding: Pushing) -> None:
    feeding.run()
    feeding.stock.receive("BOWL", 7)
    feeding.stock.receive("LAMP", 12)
    feeding.stock.receive("VASE", 5)
    feeding.stock.world.amazon.faults.feed_endings.append("IN_PROGRESS")
    feeding.run()
    feeding.stock.minutes_pass(29)
    feeding.stock.world.run()
    feeding.stock.receive("VASE", 6)
    assert feeding.run()["pushed"] == 1, "its level has changed, and Amazon shows more"
    _run_a_quarter_of_an_hour_later(feeding)
    assert feeding.shown() == everywhere(10) | {"BOWL": 7, "VASE": 6}
    end(feeding)
    for _ in range(2):  # what the feed has lowered may have been sold, until an import has found no order
        _run_a_quarter_of_an_hour_later(feeding)
    assert feeding.shown() == everywhere(10) | {"BOWL": 7, "LAMP": 12, "VASE": 6}
    assert feeding.run()["pushed"] == 0


def _run_a_quarter_of_an_hour_later(feeding: Pushing) -> None:
    feeding.stock.minutes_pass(16)
    feeding.stock.world.run()
    feeding.run()


def test_a_newer_level_is_sent_in_the_run_in_which_the_feed_ends(feeding: Pushing) -> None:
    feeding.stock.world.amazon.faults.feed_endings.append("IN_PROGRESS")
    feeding.run()
    feeding.stock.receive("BOWL", 12)
    settings = feeding.stock.world.settings
    *others, verify = INVENTORY_STEPS
    with new_run(settings, "us", "inventory", inventory_parameters()) as batch:
        for step in others:
            batch = perform(step, batch, settings)  # noqa: PLW2901 - as the runs do it
        assert (batch.counts["pushed"], batch.counts["under_way"]) == (0, 4)
        end(feeding)
        batch = perform(verify, batch, settings)  # noqa: PLW2901
    assert batch.counts["pushed"] == 1
    assert feeding.shown() == everywhere(10) | {"BOWL": 12}


def test_a_feed_whose_answer_was_lost_is_found_again_and_not_handed_in_twice(feeding: Pushing) -> None:
    feeding.stock.world.amazon.faults.drop("createFeed", after_deed=True)
    feeding.run_that_fails()
    (feed,) = feeding.feeds()
    assert (feed.status, feed.feed_id) == ("submitting", None)
    summary = feeding.run()
    assert (summary["failed"], feeding.calls("createFeed")) == (0, 1)
    (feed,) = feeding.feeds()
    assert feed.status == "done"
    assert feeding.shown() == everywhere(10)


def test_a_feed_that_never_reached_amazon_is_lost_and_its_levels_are_sent_again(feeding: Pushing) -> None:
    feeding.stock.world.amazon.faults.drop("createFeed")
    feeding.run_that_fails()
    assert feeding.shown() == everywhere(5)
    assert feeding.run()["pushed"] == 4
    assert [feed.status for feed in feeding.feeds()] == ["lost", "done"]
    assert feeding.shown() == everywhere(10)


def test_a_feed_that_amazon_does_not_take_is_lost_and_its_levels_are_sent_again(feeding: Pushing) -> None:
    refusal = {"errors": [{"code": "InvalidInput", "message": "no such feed type"}]}
    feeding.stock.world.amazon.faults.answer("createFeed", 400, refusal)
    error, summary = feeding.run_that_fails()
    assert ("no such feed type" in error.message, summary["failed"], summary["under_way"]) == (True, 4, 0)
    assert feeding.run()["pushed"] == 4
    assert [feed.status for feed in feeding.feeds()] == ["lost", "done"]
    assert feeding.shown() == everywhere(10)


def test_a_dry_run_hands_in_no_feed(feeding: Pushing) -> None:
    summary = feeding.run(dry_run=True)
    assert (summary["pushed"], feeding.calls(), feeding.feeds()) == (4, 0, [])
    assert feeding.shown() == everywhere(5)


def test_a_feed_of_which_amazon_takes_nothing_fails_its_levels_in_amazons_words(
    feeding: Pushing, monkeypatch: pytest.MonkeyPatch
) -> None:
    feeding.stock.world.amazon.faults.feed_endings.append("FATAL")
    words = (Words("4000", "The feed is no JSON."),)
    of_the_feed = FeedReport(refused={}, general=words, accepted=0, invalid=0)
    with monkeypatch.context() as patch:
        of_amazon = AmazonFeeds.feed
        patch.setattr(AmazonFeeds, "report", lambda _amazon, _document: of_the_feed)
        patch.setattr(
            AmazonFeeds,
            "feed",
            lambda amazon, feed_id: replace(of_amazon(amazon, feed_id), status="DONE", document_id="D"),
        )
        _, summary = feeding.run_that_fails()
    assert (summary["failed"], "The feed is no JSON." in feeding.reasons("BOWL")) == (4, True)
    assert feeding.run()["pushed"] == 4
    assert feeding.shown() == everywhere(10)


def test_a_feed_that_comes_to_nothing_fails_its_levels_and_the_next_run_sends_them(feeding: Pushing) -> None:
    feeding.stock.world.amazon.faults.feed_endings.append("FATAL")
    _, summary = feeding.run_that_fails()
    assert (summary["failed"], feeding.shown()) == (4, everywhere(5))
    assert "FATAL" in feeding.reasons("BOWL")
    assert feeding.run()["pushed"] == 4
    assert feeding.shown() == everywhere(10)


def test_a_feed_that_comes_to_nothing_releases_its_levels_although_its_report_is_gone(feeding: Pushing) -> None:
    feeding.stock.world.amazon.faults.feed_endings.append("IN_PROGRESS")
    feeding.run()
    (feed,) = feeding.stock.world.amazon.feeds.feeds.values()
    feed.status, feed.result_document_id = "FATAL", "expired"
    assert feeding.run()["pushed"] == 4
    assert [feed.status for feed in feeding.feeds()] == ["fatal", "done"]
    assert feeding.shown() == everywhere(10)


def test_a_feed_that_is_not_done_within_a_day_is_given_up(feeding: Pushing) -> None:
    feeding.stock.world.amazon.faults.feed_endings.append("IN_PROGRESS")
    feeding.run()
    feeding.stock.minutes_pass(25 * 60)
    assert feeding.run()["pushed"] == 4
    assert [feed.status for feed in feeding.feeds()] == ["stuck", "done"]
    assert feeding.shown() == everywhere(10)


def test_a_feed_whose_report_cannot_be_read_holds_up_its_own_offers_only(feeding: Pushing) -> None:
    feeding.stock.world.amazon.faults.answer(
        "getFeedDocument", 404, {"errors": [{"code": "NotFound", "message": "?"}]}, times=9
    )
    assert feeding.run()["under_way"] == 4
    feeding.stock.world.add_items("JUG")
    feeding.stock.receive("JUG", 3)
    feeding.stock.list_offer("JUG")
    feeding.run()
    assert feeding.stock.shown("JUG") == 3
    assert feeding.feeds()[0].status == "submitted"


def test_a_feed_that_is_done_is_not_followed_for_longer_than_an_hour_for_its_report(feeding: Pushing) -> None:
    refusal = {"errors": [{"code": "NotFound", "message": "no such document"}]}
    feeding.stock.world.amazon.faults.answer("getFeedDocument", 404, refusal, times=99)
    feeding.run()
    feeding.stock.receive("BOWL", 12)
    feeding.stock.minutes_pass(50)
    assert feeding.run()["under_way"] == 4
    feeding.stock.minutes_pass(11)
    feeding.stock.world.amazon.faults.answer("getFeedDocument", 404, refusal, times=99)
    summary = feeding.run()
    assert (summary["pushed"], summary["failed"], feeding.feeds()[0].status) == (1, 0, "done")
    assert "no such document" in str(feeding.feeds()[0].errors)
    assert feeding.shown() == everywhere(10) | {"BOWL": 12}


def test_a_feed_that_is_done_without_a_report_fails_nothing_and_its_levels_are_looked_for(
    feeding: Pushing, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_amazon = AmazonFeeds.feed

    def without_report(amazon: AmazonFeeds, feed_id: str) -> FeedState:
        return replace(of_amazon(amazon, feed_id), document_id=None)  # the model does not require it

    monkeypatch.setattr(AmazonFeeds, "feed", without_report)
    summary = feeding.run()
    assert (summary["pushed"], summary["failed"], summary["verified"]) == (4, 0, 4)
    assert feeding.feeds()[0].status == "done"
