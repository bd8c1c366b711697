"""From a change at Amazon to the warehouse by way of the queue: an ordinary import takes what was named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mfn.notifications.sqs import Depth
from tests.notifications.notified import a_notification
from tests.world import an_order

if TYPE_CHECKING:
    import pytest

    from tests.notifications.notified import Notified


def test_an_order_that_no_search_finds_yet_is_loaded_once_a_notification_names_it(notified: Notified) -> None:
    (order_id,) = notified.world.put(an_order(minutes_ago=0))
    notified.queue.send(a_notification("111-9999999-0000001"))  # which Amazon does not know after all
    summary = notified.world.run()
    assert (summary["fetched"], summary["loaded"], summary["api_calls"]["getOrder"]) == (1, 1, 2)
    assert notified.world.statuses() == {order_id: "loaded"}
    assert notified.queue.depth() == Depth(0, 0)
    assert notified.named() == [], "the one is loaded, the other is asked for again a minute later"
    again = notified.world.run()
    assert (again["fetched"], again["api_calls"].get("getOrder", 0)) == (0, 0)


def test_the_search_goes_on_if_the_queue_cannot_be_read(notified: Notified, caplog: pytest.LogCaptureFixture) -> None:
    notified.world.put(an_order())
    notified.write_connections(queue_url=f"{notified.queue_url}-gone")
    assert notified.world.run()["loaded"] == 1
    assert "NonExistentQueue" in caplog.text


def test_named_orders_that_amazon_denies_do_not_stop_the_others(
    notified: Notified, caplog: pytest.LogCaptureFixture
) -> None:
    denied = [f"111-{number}" for number in range(2)]
    (order_id,) = notified.world.put(an_order(minutes_ago=0))
    for name in denied:
        notified.queue.send(a_notification(name))
    notified.world.amazon.faults.answer("getOrder", 403, times=4)  # each is tried again with another token
    assert notified.world.run()["loaded"] == 1
    assert notified.world.statuses() == {order_id: "loaded"}
    assert all(f"named order {name}:" in caplog.text for name in denied)
    assert notified.world.run()["api_calls"].get("getOrder", 0) == 0, "they are not asked for again at once"
