"""What the local Amazon tells of its orders, and to whom."""

from __future__ import annotations

import queue
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mfn.amazon.marketplaces import BY_NAME
from mfn.cli import setup
from mfn.notifications.messages import read_message
from mfn.notifications.sqs import Depth
from mfn.simulator.clock import Clock
from mfn.simulator.server import SimulatorServer, open_amazon
from tests.notifications.notified import REGION, change_of

if TYPE_CHECKING:
    import pytest

    from tests.notifications.notified import Notified

SKU = "MUG-0001-BLU"


def test_it_notifies_every_change_but_not_the_orders_it_started_with() -> None:
    clock = Clock(datetime(2026, 3, 2, 12, 0, tzinfo=UTC))
    amazon = open_amazon(orders=3, seed=1, clock=clock)
    heard: list[dict[str, Any]] = []
    amazon.notify = heard.append
    order_id = amazon.check_out(BY_NAME["US"], SKU)
    clock.move(hours=1)
    amazon.agenda.catch_up()
    mine = [change_of(one) for one in heard if change_of(one)["AmazonOrderId"] == order_id]
    assert [one["Summary"]["OrderStatus"] for one in mine] == ["Pending", "Unshipped"]
    assert mine[1]["OrderChangeTrigger"]["TimeOfOrderChange"] == "2026-03-02T12:30:00Z"
    assert mine[1]["SellerId"] == amazon.seller_id


def test_when_served_it_notifies_changes_without_being_asked() -> None:
    clock = Clock(datetime(2026, 3, 2, 12, 0, tzinfo=UTC))
    amazon = open_amazon(orders=0, seed=1, clock=clock)
    order_id = amazon.check_out(BY_NAME["US"], SKU)
    heard: queue.Queue[dict[str, Any]] = queue.Queue()
    amazon.notify = heard.put
    clock.move(hours=1)
    with SimulatorServer(amazon):
        change = change_of(heard.get(timeout=60))
    assert (change["AmazonOrderId"], change["Summary"]["OrderStatus"]) == (order_id, "Unshipped")


def test_the_command_puts_notifications_on_a_queue_and_goes_on_if_it_cannot(
    notified: Notified, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    heard: list[dict[str, Any]] = []
    notified.world.amazon.notify = heard.append
    notified.world.amazon.check_out(BY_NAME["US"], SKU)
    setup._sender(notified.queue_url, notified.endpoint)(heard[0])
    (message,) = notified.queue.receive()
    assert read_message(message.body).order_id == change_of(heard[0])["AmazonOrderId"]
    setup._sender(f"{notified.queue_url}-gone", notified.endpoint)(heard[0])
    assert "was not sent" in caplog.text
    assert notified.queue.depth() == Depth(1, 0)
