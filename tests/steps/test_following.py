"""Following connections: what the plan says is carried out, nothing is left out, and nobody stops another."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, update

from mfn.amazon.marketplaces import BY_NAME
from mfn.errors import ConfigurationError, RetriableError
from mfn.ledger.batch_listing import list_batches
from mfn.ledger.named_orders import ASK_AGAIN_AFTER, OrderName, note_asked, note_named, waiting_names
from mfn.ledger.schema import NamedOrder, RateBudget, SearchGap, Watermark
from mfn.ledger.search_gaps import note_gap, search_gaps
from mfn.ledger.watermarks import get_watermark
from mfn.rules.lanes import Flow
from mfn.rules.next_call import Fetch, Search, WorkGap
from mfn.simulator.clock import Clock
from mfn.simulator.plans import UsagePlans
from mfn.steps.importing.backfill import backfill
from mfn.steps.importing.followed import Followed
from mfn.steps.importing.following import HELD_SECONDS, follow, look
from mfn.steps.importing.following import _carry_out as carry_out
from mfn.steps.importing.following import _take_turn as take_turn
from mfn.steps.oldest_orders import oldest_orders
from mfn.steps.runs import new_run
from mfn.steps.workplace import open_workplace
from tests.world import an_order

if TYPE_CHECKING:
    from mfn.steps.workplace import Workplace
    from tests.world import World


class Patience:
    """Lets a connection be followed until it would wait for the first time, or for so many times."""

    def __init__(self, waits: int = 1) -> None:
        self.waits = waits
        self.waited: list[float] = []

    def wait(self, seconds: float) -> None:
        self.waited.append(seconds)

    def is_over(self) -> bool:
        return len(self.waited) >= self.waits


def followed(world: World, *names: str, **options: Any) -> Patience:
    patience = Patience()
    follow(world.settings, names or ["us"], wait=patience.wait, is_over=patience.is_over, **options)
    return patience


def name_orders(world: World, *order_ids: str) -> None:
    """Notifications have named orders, as they are now."""
    with world.ledger.writing() as database:
        names = [OrderName(order_id, datetime.now(UTC) - timedelta(minutes=1), "UNSHIPPED") for order_id in order_ids]
        note_named(database, "us", names)


def asked(world: World) -> list[tuple[dict[str, Any], dict[str, Any], str]]:
    """What each run was asked for, what it counted, and how it ended; the first one first."""
    rows = reversed(list_batches(world.ledger))
    return [(row.parameters, row.counts, row.status) for row in rows]


def searches(world: World) -> int:
    return sum(call.operation == "searchOrders" for call in world.amazon.calls)


def carried_out(world: World, action: Fetch | Search | WorkGap) -> Followed:
    place = open_workplace(world.settings, "us")
    one = Followed("us")
    carry_out(world.settings, one, look(place, one), action, lambda _run: None)
    return one


def test_a_name_that_was_asked_for_in_vain_sends_no_search_back_to_its_moment(world: World) -> None:
    world.run()
    (asked_for,) = world.put(an_order(minutes_ago=40))
    name_orders(world, asked_for)
    with world.ledger.writing() as database:
        note_asked(database, "us", [asked_for])
        database.execute(update(NamedOrder).values(asked_at=datetime.now(UTC) - 2 * ASK_AGAIN_AFTER))
        later = datetime.now(UTC).replace(microsecond=0)
        note_named(database, "us", [OrderName("111-0000000-0000001", later, "UNSHIPPED")])

    state = look(open_workplace(world.settings, "us"), Followed("us"))

    assert (state.names, state.oldest_name_at) == (2, later), "it is asked for again, and that is all"


def test_paused_work_is_not_planned_and_orders_nobody_may_ship_send_no_search_back(world: World) -> None:
    place, one, now = open_workplace(world.settings, "us"), Followed("us"), datetime.now(UTC)

    def standing() -> tuple[bool, bool, int]:
        state = look(place, one)
        return state.has_gaps, state.is_backfilled, state.names

    assert standing() == (False, False, 0)
    with world.ledger.writing() as database:
        note_gap(database, "us", "passed", now - timedelta(hours=2), now)
        note_named(database, "us", [OrderName("111-0000000-0000001", now - timedelta(hours=1), "CANCELLED")])
    assert standing() == (True, False, 1)
    state = look(place, one)
    assert (state.settled_names, state.oldest_name_at) == (0, None)
    with world.ledger.writing() as database:
        note_gap(database, "us", "backfill", now - timedelta(days=2), now - timedelta(days=1))
    assert standing() == (True, True, 1)
    one.notified_at = now
    assert look(place, one).is_notified
    one.queue.failures = 1
    assert not look(place, one).is_notified
    one.queue.failures = 0
    one.gaps.begin()
    assert (standing(), look(place, one).is_notified) == ((False, False, 1), True)
    one.names.begin()
    assert (standing(), look(place, one).is_notified) == ((False, False, 0), False)


def test_a_full_page_is_not_followed_and_what_was_passed_is_searched_to_its_end_later(world: World) -> None:
    ids = world.put(*(an_order(minutes_ago=300 - number) for number in range(150)))
    assert carried_out(world, Search(None)).flow.per_second > 0
    (gap,) = search_gaps(world.ledger, "us")
    assert (gap.kind, gap.before) == ("passed", get_watermark(world.ledger, "us"))
    assert abs(gap.before - (datetime.now(UTC) - timedelta(minutes=201))) < timedelta(minutes=1)
    carried_out(world, Search(gap.before))
    assert world.statuses() == dict.fromkeys(ids, "loaded")
    assert len(search_gaps(world.ledger, "us")) == 1
    carried_out(world, WorkGap())
    assert search_gaps(world.ledger, "us") == []
    first, second, third = asked(world)
    assert (first[0]["pages"], first[1]["fetched"]) == (1, 100)
    assert (second[1]["fetched"], second[1]["unchanged"]) == (51, 1)  # the second in which the page ended comes again
    assert (third[0]["gap"], third[1]["fetched"], third[1]["unchanged"]) == (True, 100, 100)
    assert searches(world) == 3
    again = carried_out(world, Search(datetime.now(UTC) - timedelta(minutes=280)))
    assert again.flow.searched_at is not None
    assert again.flow.per_second == 0, "what was seen before makes no orders come faster"


def test_in_a_backlog_page_follows_page_until_all_is_there(world: World) -> None:
    world.run(since=datetime.now(UTC) - timedelta(days=8))
    with world.ledger.writing() as database:
        database.execute(update(Watermark).values(before=datetime.now(UTC) - timedelta(hours=6)))
    ids = world.put(*(an_order(minutes_ago=360 - number) for number in range(250)))
    patience = followed(world)
    assert len(world.statuses()) >= 200
    assert set(world.statuses()) <= set(ids)
    assert 0 < patience.waited[0] <= 60


def test_a_page_of_orders_that_had_landed_does_not_hide_the_new_ones_behind_it(world: World) -> None:
    world.put(*(an_order(minutes_ago=20 - number / 20) for number in range(150)))
    world.run(since=datetime.now(UTC) - timedelta(days=8))
    with world.ledger.writing() as database:
        database.execute(update(Watermark).values(before=datetime.now(UTC) - timedelta(minutes=12)))
    (new,) = world.put(an_order(minutes_ago=5))
    followed(world)
    assert world.statuses()[new] == "loaded"


def test_orders_out_of_sequence_on_a_page_are_followed_to_the_end_of_the_window(world: World) -> None:
    late, early = an_order(minutes_ago=10), an_order(minutes_ago=20)
    more = {"orders": [late, early], "pagination": {"nextToken": "there is more"}}
    world.amazon.faults.answer("searchOrders", 200, more)
    world.answer_page(an_order(minutes_ago=15))
    carried_out(world, Search(None))
    assert len(world.statuses()) == 3
    assert searches(world) == 2
    assert search_gaps(world.ledger, "us") == []


def test_orders_that_nobody_waits_for_are_left_out_where_calls_are_short_and_made_up_for_later(world: World) -> None:
    world.run(since=datetime.now(UTC) - timedelta(days=8))
    with world.ledger.writing() as database:
        database.execute(update(Watermark).values(before=datetime.now(UTC) - timedelta(minutes=20)))
    before = get_watermark(world.ledger, "us")
    assert before is not None
    pending, due = an_order(minutes_ago=9), an_order(minutes_ago=5)
    pending["fulfillment"]["fulfillmentStatus"] = "PENDING"
    waits_for_payment, is_due = world.put(pending, due)

    carried_out(world, Search(before, is_due_only=True))
    assert world.statuses() == {is_due: "loaded"}
    (gap,) = search_gaps(world.ledger, "us")
    assert (gap.after, gap.before) == (before, get_watermark(world.ledger, "us"))

    carried_out(world, WorkGap())
    assert world.statuses() == {is_due: "loaded", waits_for_payment: "pending"}
    assert search_gaps(world.ledger, "us") == []


def test_a_search_for_an_order_that_was_named_late_takes_one_call_and_leaves_the_watermark(world: World) -> None:
    late, *_ = world.put(*(an_order(minutes_ago=60 - number / 10) for number in range(250)))
    world.run(since=datetime.now(UTC) - timedelta(days=8))
    watermark, before = get_watermark(world.ledger, "us"), searches(world)

    carried_out(world, Search(datetime.now(UTC) - timedelta(minutes=61), is_due_only=True))

    assert searches(world) == before + 1
    assert get_watermark(world.ledger, "us") == watermark
    assert search_gaps(world.ledger, "us") == []
    assert world.statuses()[late] == "loaded"


def test_getorder_asks_for_the_names_of_a_second_together_and_leaves_a_call(world: World) -> None:
    world.amazon.plans = UsagePlans(Clock(), 1.0)
    world.run()
    ids = sorted(world.put(*(an_order(minutes_ago=1) for _ in range(5))))
    first = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=1)
    moments = (first, *[first + timedelta(seconds=1)] * 4)
    with world.ledger.writing() as database:
        names = [OrderName(order_id, at, "UNSHIPPED") for order_id, at in zip(ids, moments, strict=True)]
        note_named(database, "us", names)
        place = open_workplace(world.settings, "us")
    assert look(place, Followed("us")).get.tokens > 5
    with world.ledger.writing() as database:
        database.execute(update(RateBudget).where(RateBudget.operation == "getOrder").values(tokens=4.0))
    carried_out(world, Fetch())
    assert world.statuses() == {ids[0]: "loaded"}, "three calls are left, and one of them stays"


def test_what_getorder_has_brought_is_left_out_and_noted(world: World) -> None:
    world.put(an_order(minutes_ago=30))
    world.run()
    with world.ledger.writing() as database:
        database.execute(update(Watermark).values(before=datetime.now(UTC) - timedelta(minutes=20)))
    before = get_watermark(world.ledger, "us")
    begin = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=5)
    carried_out(world, Search(begin, leaves_gap=True))
    (gap,) = search_gaps(world.ledger, "us")
    assert (gap.kind, gap.after, gap.before) == ("named", before, begin)
    watermark = get_watermark(world.ledger, "us")
    assert watermark is not None
    assert watermark > begin


def test_named_orders_are_loaded_by_a_run_without_a_window_and_their_names_forgotten(world: World) -> None:
    world.run()
    ids = world.put(an_order(minutes_ago=1), an_order(minutes_ago=1))
    name_orders(world, *ids)
    followed(world)
    assert world.statuses() == dict.fromkeys(ids, "loaded")
    parameters, counts, status = next(run for run in asked(world) if run[0].get("named"))
    assert (counts["fetched"], counts["loaded"], status) == (2, 2, "done")
    assert parameters == {"named": True, "dry_run": False}
    assert waiting_names(world.ledger, "us").orders == 0


def test_one_held_order_of_a_named_run_is_not_a_failure(world: World) -> None:
    world.write_connections(hold_alarm_percent=50)
    world.run()
    name_orders(world, *world.put(an_order(minutes_ago=1, level="NOBODY-MAPS-IT")))
    followed(world)
    assert [status for _, _, status in asked(world)] == ["done"] * len(asked(world))
    assert list(world.statuses().values()) == ["held"]


def test_a_search_that_brings_too_many_held_orders_is_no_reason_to_pause(world: World) -> None:
    world.write_connections(hold_alarm_percent=50)
    world.put(an_order(level="NOBODY-MAPS-IT"))
    one = Followed("us")
    take_turn(world.settings, one, lambda _place: None, lambda _run: None)
    assert [(counts["held"], status) for _, counts, status in asked(world)] == [(1, "failed")]
    assert one.everything.failures == 0


def test_a_connection_that_another_import_holds_is_left_to_it_for_a_moment(world: World) -> None:
    one, before = Followed("us"), datetime.now(UTC)
    with new_run(world.settings, "us", "import", {"dry_run": False}):
        take_turn(world.settings, one, lambda _place: None, lambda _run: None)
    assert one.next_at - before >= timedelta(seconds=HELD_SECONDS)
    assert one.everything.failures == 0
    assert len(list_batches(world.ledger)) == 1


def test_a_connection_that_fails_rests_and_stops_no_other(world: World) -> None:
    world.add_connection("ca", marketplaces="[CA]")
    (order_id,) = world.put(an_order())
    world.amazon.faults.answer("searchOrders", 403, {"errors": [{"code": "Unauthorized", "message": "no"}]}, times=2)
    imports: list[tuple[str, str]] = []
    followed(world, "ca", "us", on_import=lambda run: imports.append((run["connection"], run["status"])))
    assert imports[:2] == [("ca", "failed"), ("us", "done")]
    assert world.statuses() == {order_id: "loaded"}


def test_a_missing_connection_is_reported_before_anything_begins(world: World) -> None:
    with pytest.raises(ConfigurationError):
        follow(world.settings, ["us", "nowhere"])
    assert list_batches(world.ledger) == []


def test_a_queue_is_read_every_few_seconds_and_relied_upon_while_it_delivers(world: World) -> None:
    def silent(_place: Workplace) -> int:
        return 0

    world.run()
    assert followed(world, read_names=silent).waited[0] <= 10
    place = open_workplace(world.settings, "us")
    now = datetime.now(UTC)
    assert look(place, Followed("us", notified_at=now)).is_notified
    assert not look(place, Followed("us", notified_at=now - timedelta(hours=2))).is_notified
    unread = Followed("us", notified_at=now)
    unread.queue.begin()
    assert not look(place, unread).is_notified, "it tells nothing as long as nobody can read it"


def test_a_queue_that_cannot_be_read_rests_and_the_search_goes_on(world: World) -> None:
    looks: list[str] = []

    def lost(place: Workplace) -> int:
        looks.append(place.connection.name)
        raise RetriableError("the queue does not answer.", remedy="Look at it.")

    (order_id,) = world.put(an_order())
    followed(world, read_names=lost)
    assert world.statuses() == {order_id: "loaded"}
    assert looks == ["us"], "it was asked once, although the connection had more than one turn"


def test_a_backfill_is_worked_off_by_ordinary_imports_which_keep_calls_for_what_is_new(world: World) -> None:
    world.amazon.plans = UsagePlans(Clock(), 1.0)  # calls come back as slowly as they really do
    old = world.put(*(an_order(minutes_ago=60 * 24 * 20 + 30 + number) for number in range(230)))
    world.run()
    assert world.statuses() == {}
    since = datetime.now(UTC) - timedelta(days=21)
    done = backfill(world.settings, "us", since=since, before=since + timedelta(days=2))
    assert len(done["gaps"]) == 2
    with world.ledger.writing() as database:
        half = update(RateBudget).where(RateBudget.operation == "searchOrders")
        database.execute(half.values(tokens=12.5))
    assert world.run()["fetched"] == 0  # one call for what is new, one for a day that had no orders
    assert len(search_gaps(world.ledger, "us")) == 1
    with world.ledger.writing() as database:
        database.execute(half.values(tokens=20.0))
    world.run()
    assert set(world.statuses()) == set(old)
    assert backfill(world.settings, "us")["gaps"] == []


@pytest.mark.parametrize("lost", ["long ago", "not taken any more"])
def test_a_gap_goes_on_at_its_page_and_from_its_beginning_once_that_has_expired(world: World, lost: str) -> None:
    ids = world.put(*(an_order(minutes_ago=60 * 24 * 20 + number) for number in range(130)))
    world.run()
    since = datetime.now(UTC) - timedelta(days=21)
    backfill(world.settings, "us", since=since, before=since + timedelta(days=1))
    backfill(world.settings, "us", since=since, before=since + timedelta(days=1))
    world.amazon.faults.let_pass("searchOrders", times=2)
    world.amazon.faults.answer("searchOrders", 403, {"errors": [{"code": "Unauthorized", "message": "no"}]}, times=2)
    world.run()
    (gap,) = search_gaps(world.ledger, "us")
    assert gap.page_token
    with world.ledger.writing() as database:
        came = {"page_token_at": datetime.now(UTC) - timedelta(days=2)} if lost == "long ago" else {"page_token": lost}
        database.execute(update(SearchGap).values(came))
    summary = world.run()
    assert set(world.statuses()) == set(ids)
    assert search_gaps(world.ledger, "us") == []
    assert summary["fetched"] == 130


def test_named_orders_that_amazon_does_not_answer_for_stop_no_new_one(world: World) -> None:
    world.run()
    named = world.put(*(an_order(minutes_ago=1) for _ in range(4)))
    name_orders(world, *named)
    (new,) = world.put(an_order(minutes_ago=5))
    world.amazon.faults.answer("getOrder", 503, times=40)
    assert world.run()["loaded"] == 1
    assert world.statuses() == {new: "loaded"}
    assert waiting_names(world.ledger, "us").orders == 4


def test_where_amazon_denies_getorder_the_search_brings_what_was_named(world: World) -> None:
    world.run()
    ids = world.put(an_order(minutes_ago=5), an_order(minutes_ago=6))
    name_orders(world, *ids)
    world.amazon.faults.denied.add("getOrder")
    followed(world)
    assert world.statuses() == dict.fromkeys(ids, "loaded")
    (new,) = world.put(an_order(minutes_ago=4))
    name_orders(world, new)
    world.run()
    assert world.statuses()[new] == "loaded"


def test_a_named_order_that_amazon_never_answers_for_holds_up_no_search(world: World) -> None:
    world.run()
    name_orders(world, *world.put(an_order(minutes_ago=1)))
    (new,) = world.put(an_order(minutes_ago=5))
    world.amazon.faults.answer("getOrder", 503, times=40)
    patience = followed(world)
    assert world.statuses() == {new: "loaded"}
    assert patience.waited[0] > 0
    assert waiting_names(world.ledger, "us").orders == 1


def test_a_refusal_for_the_rate_lets_what_was_named_rest(world: World) -> None:
    world.run()
    name_orders(world, *world.put(an_order(minutes_ago=1)))
    (new,) = world.put(an_order(minutes_ago=5))
    world.amazon.faults.answer("getOrder", 429, times=40)
    followed(world)
    assert world.statuses() == {new: "loaded"}
    assert sum(bool(parameters.get("named")) for parameters, _, _ in asked(world)) == 1


def test_orders_that_changed_before_notifications_came_do_not_wait_for_these(world: World) -> None:
    old = world.put(*(an_order(minutes_ago=300 - number) for number in range(101)))
    one = Followed("us")
    for _turn in range(2):
        take_turn(world.settings, one, lambda _place: 1, lambda _run: None)
    assert len(world.statuses()) == len(old)


def test_a_backlog_longer_than_is_counted_is_not_refused_and_named_orders_are_not_paused(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mfn.steps.importing.following.MANY_NAMES", 2)
    world.run()
    world.amazon.plans = UsagePlans(Clock(), 1.0)  # getOrder has thirty calls at once
    name_orders(world, *world.put(*(an_order(minutes_ago=1) for _ in range(80))))
    one = Followed("us", flow=Flow(searched_at=datetime.now(UTC)))
    take_turn(world.settings, one, lambda _place: None, lambda _run: None)
    assert 24 <= len(world.statuses()) < 80, "some calls come back meanwhile, and some are left"
    assert one.names.failures == 0


def test_amazon_has_orders_of_two_years_and_in_japan_since_2016() -> None:
    now = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
    us, japan = BY_NAME["US"].marketplace_id, BY_NAME["JP"].marketplace_id
    assert oldest_orders([us], now) <= datetime(2024, 3, 2, tzinfo=UTC)
    assert oldest_orders([us], now) > datetime(2024, 2, 28, tzinfo=UTC)
    assert oldest_orders([us, japan], now) == datetime(2016, 1, 1, tzinfo=UTC)


def test_an_empty_period_or_one_before_amazon_has_orders_cannot_be_backfilled(world: World) -> None:
    now = datetime.now(UTC)
    with pytest.raises(ConfigurationError, match=r"the period from .* is empty"):
        backfill(world.settings, "us", since=now)
    with pytest.raises(ConfigurationError, match="its start is missing"):
        backfill(world.settings, "us", before=now)
    with pytest.raises(ConfigurationError, match="the oldest are from"):
        backfill(world.settings, "us", since=datetime(1, 1, 1, tzinfo=UTC))
    with world.ledger.reading() as database:
        assert database.execute(select(SearchGap)).all() == []
