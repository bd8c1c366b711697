"""Amazon fails in the middle of a window: what has landed stays, and the next run goes on where it broke off."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest
from sqlalchemy import select, update

from mfn.amazon.calling import ATTEMPTS
from mfn.errors import FatalError, RetriableError, RunFailedError
from mfn.ledger.batch_listing import list_batches
from mfn.ledger.orders import batch_orders
from mfn.ledger.schema import ArrivedPage, Batch, LandedOrder
from mfn.ledger.watermarks import get_watermark
from mfn.simulator.faults import LOGIN
from tests.faults.copies import assert_at_rest
from tests.world import an_item, an_order

if TYPE_CHECKING:
    from collections.abc import Callable

    from mfn.simulator.faults import Faults
    from tests.world import World

pytestmark = pytest.mark.usefixtures("no_pauses")

QUOTA = {"errors": [{"code": "QuotaExceeded", "message": "slow down"}]}
DENIED = {"errors": [{"code": "Unauthorized", "message": "Access to requested resource is denied."}]}


def three_pages(world: World) -> list[str]:
    return world.put(*(an_order() for _ in range(205)))


def searches(world: World) -> list[str | None]:
    """The page token of each search so far; None for a first page."""
    queries = [parse_qs(call.query) for call in world.amazon.calls if call.operation == "searchOrders"]
    return [query.get("paginationToken", [None])[0] for query in queries]


def fails(world: World) -> RunFailedError:
    with pytest.raises(RunFailedError) as failed:
        world.run()
    assert failed.value.remedy
    assert failed.value.summary["loaded"] == 0
    return failed.value


def landed(world: World) -> int:
    with world.ledger.reading() as database:
        arrived = database.execute(select(ArrivedPage.orders)).scalars()
        on_new_pages = {order_id for orders in arrived for order_id, _ in orders}
        return len(on_new_pages.union(database.execute(select(LandedOrder.order_id)).scalars()))


def change_batch(world: World, **values: Any) -> None:
    with world.ledger.writing() as database:
        database.execute(update(Batch).values(**values))


def refuse_a_renewed_login(faults: Faults) -> None:
    faults.answer("searchOrders", 403, DENIED)
    faults.let_pass(LOGIN)
    faults.refuse_login()


FAULTS: list[tuple[int, Callable[[Faults], None], type[Exception], str]] = [
    (1, lambda f: f.answer("searchOrders", 503, times=ATTEMPTS), RetriableError, "HTTP 503, an empty body"),
    (2, lambda f: f.truncate("searchOrders", times=ATTEMPTS), RetriableError, "no complete answer"),
    (1, lambda f: f.answer("searchOrders", 403, DENIED, times=2), FatalError, "A role is missing"),
    (2, refuse_a_renewed_login, FatalError, "It refuses SP_API_REFRESH_TOKEN"),
]


@pytest.mark.parametrize(("pages", "plant", "kind", "said"), FAULTS, ids=["503", "truncated", "403", "login"])
def test_an_interrupted_window_keeps_its_pages_and_resumes_at_the_next_one(
    world: World, pages: int, plant: Callable[[Faults], None], kind: type[Exception], said: str
) -> None:
    orders = three_pages(world)
    world.amazon.faults.let_pass("searchOrders", pages)
    plant(world.amazon.faults)
    error = fails(world)
    assert isinstance(error.__cause__, kind)
    assert said in error.message
    assert landed(world) == pages * 100
    assert get_watermark(world.ledger, "us") is None
    assert world.rows() == []
    asked = len(searches(world))
    summary = world.run()
    rest = searches(world)[asked:]
    assert None not in rest[: 3 - pages], "a page that had landed was asked for again"
    assert len(set(rest[: 3 - pages])) == 3 - pages
    assert summary["batch_id"] == error.summary["batch_id"]
    assert (summary["fetched"], summary["loaded"]) == (205, 205)
    assert summary["api_calls"]["searchOrders"] == len(searches(world))
    assert sorted(row["order_number"] for row in world.rows()) == sorted(orders)
    assert_at_rest(world)


def broken_off(world: World) -> int:
    three_pages(world)
    world.amazon.faults.let_pass("searchOrders", 2)
    world.amazon.faults.answer("searchOrders", 503, times=ATTEMPTS)
    fails(world)
    return len(searches(world))


def test_a_page_token_older_than_a_day_is_not_tried(world: World) -> None:
    asked = broken_off(world)
    change_batch(world, page_token_at=datetime.now(UTC) - timedelta(hours=23, minutes=31))
    assert world.run()["fetched"] == 205
    assert searches(world)[asked] is None
    assert len(world.rows()) == 205


def test_a_page_token_that_amazon_forgot_costs_one_call_and_restarts_the_window(world: World) -> None:
    asked = broken_off(world)
    world.amazon.clock.move(hours=25)
    assert world.run()["fetched"] == 205
    refused, first, *_ = searches(world)[asked:]
    assert refused is not None
    assert first is None
    assert len(world.rows()) == 205
    assert_at_rest(world)


def test_transient_faults_are_ridden_out_within_one_run(world: World) -> None:
    three_pages(world)
    faults = world.amazon.faults
    faults.let_pass("searchOrders")
    faults.answer("searchOrders", 503)
    faults.drop("searchOrders")
    faults.answer("searchOrders", 429, QUOTA)
    faults.let_pass("searchOrders")
    faults.truncate("searchOrders")
    faults.answer("searchOrders", 200, "<html>a proxy speaks</html>", media_type="text/html")
    summary = world.run()
    assert (summary["fetched"], summary["loaded"]) == (205, 205)
    assert summary["api_calls"]["searchOrders"] == 8


def test_orders_that_change_before_a_window_resumes_arrive_in_their_newest_version(world: World) -> None:
    orders = three_pages(world)
    world.amazon.faults.let_pass("searchOrders", 1)
    world.amazon.faults.answer("searchOrders", 503, times=ATTEMPTS)
    fails(world)
    world.change(orders[0], fulfillment={"fulfillmentStatus": "CANCELLED"})
    world.change(orders[1], orderItems=[an_item(units=7)])
    summary = world.run()
    assert (summary["fetched"], summary["loaded"], summary["cancelled"]) == (205, 204, 1)
    assert world.statuses()[orders[0]] == "cancelled"
    assert world.lines(orders[1]) == [("MUG-BLUE", 7)]


def test_an_interrupted_window_of_another_kind_of_request_is_left_to_its_own_next_run(world: World) -> None:
    three_pages(world)
    world.amazon.faults.let_pass("searchOrders", 1)
    world.amazon.faults.answer("searchOrders", 503, times=ATTEMPTS)
    since = datetime.now(UTC) - timedelta(hours=3)
    with pytest.raises(RunFailedError) as failed:
        world.run(since=since)
    whole = world.run()
    assert whole["batch_id"] != failed.value.summary["batch_id"]
    assert (whole["fetched"], whole["loaded"]) == (205, 205)
    again = world.run(since=since)
    assert again["batch_id"] == failed.value.summary["batch_id"]
    assert (again["fetched"], again["loaded"], again["unchanged"]) == (205, 0, 205)


def test_orders_that_a_batch_left_undecided_are_taken_over_once_and_not_by_every_later_run(world: World) -> None:
    three_pages(world)
    world.amazon.faults.let_pass("searchOrders", 1)
    world.amazon.faults.answer("searchOrders", 503, times=ATTEMPTS)
    with pytest.raises(RunFailedError):
        world.run(since=datetime.now(UTC) - timedelta(days=20))
    world.run()
    third = world.run()
    assert list(batch_orders(world.ledger, third["batch_id"])) == []
    assert len(list_batches(world.ledger)) == 3


def test_a_failing_get_order_leaves_orders_held_and_the_next_run_releases_them(world: World) -> None:
    (order_id,) = world.put(an_order(an_item(sku="MUG-GREEN"), minutes_ago=600))
    world.run()
    world.add_items("MUG-GREEN")
    world.amazon.faults.answer("getOrder", 503, times=ATTEMPTS)
    assert world.run()["still_held"] == 1
    assert world.statuses() == {order_id: "held"}
    assert world.run()["released"] == 1


def test_a_held_order_whose_id_amazon_rejects_stays_held_and_stops_nothing(world: World) -> None:
    (order_id,) = world.put(an_order(an_item(sku="MUG-GREEN"), minutes_ago=600))
    world.run()
    world.add_items("MUG-GREEN")
    world.put(an_order(minutes_ago=10))
    errors = {"errors": [{"code": "InvalidInput", "message": "no such order"}]}
    world.amazon.faults.answer("getOrder", 400, errors)
    summary = world.run()
    assert (summary["loaded"], summary["released"], summary["still_held"]) == (1, 0, 1)
    assert world.statuses()[order_id] == "held"


def a_page(*orders: dict[str, Any], token: str) -> dict[str, Any]:
    return {"orders": list(orders), "pagination": {"nextToken": token}, "lastUpdatedBefore": "2026-11-01T00:00:00Z"}


@pytest.mark.parametrize("token", ["the same", "token {}"])
def test_pages_that_repeat_end_the_run_and_the_next_one_starts_over(world: World, token: str) -> None:
    order = an_order()
    for number in range(4):
        world.amazon.faults.answer("searchOrders", 200, a_page(order, token=token.format(number)))
    assert "does not end: the last of 4 pages" in fails(world).message
    asked = searches(world)
    assert asked == [None, *(token.format(number) for number in range(3))]
    world.put(order)
    assert world.run()["loaded"] == 1
    assert searches(world)[len(asked)] is None


def test_page_tokens_that_amazon_always_refuses_end_the_run(world: World) -> None:
    refused = {"errors": [{"code": "InvalidInput", "message": "The paginationToken is not valid."}]}
    for _ in range(2):
        world.amazon.faults.answer("searchOrders", 200, a_page(an_order(), token="token"))
        world.amazon.faults.answer("searchOrders", 400, refused)
    error = fails(world)
    assert "paginationToken" in error.message
    assert "mfn rerun --failed" in error.remedy
    assert searches(world) == [None, "token", None, "token"]
