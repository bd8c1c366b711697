"""Reading a queue of SQS: every order that it names is in the ledger before a message is gone, whatever happens."""

from __future__ import annotations

import os
import signal
import sys
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, update

from mfn.connection import Notifications
from mfn.errors import ConfigurationError, FatalError, RetriableError
from mfn.ledger.refused_notifications import refused_notifications
from mfn.ledger.schema import RefusedNotification
from mfn.notifications import reading
from mfn.notifications.reading import open_queue
from mfn.notifications.sqs import Depth, Queue
from tests.faults.processes import in_child
from tests.notifications.notified import REGION, a_notification, change_of
from tests.world import an_order

if TYPE_CHECKING:
    from tests.notifications.notified import Notified


def somebody_elses() -> dict[str, Any]:
    other = a_notification()
    change_of(other)["SellerId"] = "A2OTHERSELLER01"
    return other


def test_a_change_at_amazon_is_noticed_within_one_read(notified: Notified) -> None:
    placed, paid, _elsewhere = notified.world.put(
        an_order(minutes_ago=20),
        an_order(status="PENDING", minutes_ago=10),
        an_order(fulfillment={"fulfilledBy": "AMAZON"}),
    )
    notified.world.change(paid, fulfillment={"fulfillmentStatus": "UNSHIPPED"})
    read = notified.read()
    assert (read.messages, read.named, read.unneeded, read.news) == (4, 3, 1, 2)
    assert notified.named() == [placed, paid]
    assert notified.queue.depth() == Depth(0, 0)
    assert notified.read().messages == 0


def test_more_messages_than_one_batch_holds_are_read_in_one_go(notified: Notified) -> None:
    order_ids = notified.world.put(*(an_order(minutes_ago=60 - number) for number in range(23)))
    assert notified.read().news == 23
    assert notified.named() == order_ids


def test_repeated_and_late_messages_change_nothing(notified: Notified) -> None:
    early, late = a_notification(OrderStatus="Pending"), a_notification(OrderStatus="Unshipped")
    change_of(late)["OrderChangeTrigger"]["TimeOfOrderChange"] = "2026-03-02T12:30:00.000Z"
    notified.queue.send(late)
    notified.read()
    for message in (late, early, late):
        notified.queue.send(message)
    read = notified.read()
    assert (read.messages, read.named, read.news) == (3, 3, 0)
    assert notified.named() == ["111-0000001-0000001"]


def test_a_malformed_message_is_set_aside_and_never_stops_the_others(
    notified: Notified, caplog: pytest.LogCaptureFixture
) -> None:
    broken = a_notification()
    del change_of(broken)["Summary"]["OrderStatus"]
    change_of(broken)["Summary"]["Jane Roe"] = "1 Example Street"
    notified.queue.send(broken)
    notified.world.put(an_order())
    read = notified.read()
    assert (read.messages, read.named, read.refused, read.left) == (2, 1, 1, 0)
    assert notified.queue.depth() == Depth(0, 0)
    (noted,) = refused_notifications(notified.world.ledger, "us")
    assert "OrderStatus" in noted.why
    kept = f"{noted.why} {noted.shape} {caplog.text}"
    assert not any(word in kept for word in ("98101", "Jane", "Example"))
    assert noted.message_id in caplog.text


def test_set_aside_messages_are_reported_for_a_month_and_then_forgotten_with_the_next_one(notified: Notified) -> None:
    notified.queue.send({"NotificationType": "ORDER_CHANGE"})
    notified.read()
    ledger = notified.world.ledger
    with ledger.writing() as database:
        database.execute(update(RefusedNotification).values(refused_at=datetime.now(UTC) - timedelta(days=31)))
    assert refused_notifications(ledger, "us") == []
    notified.queue.send(a_notification("111-0000001-0000001"))
    notified.read()
    with ledger.reading() as database:
        assert database.execute(select(RefusedNotification)).all() == []


def test_messages_for_somebody_else_are_left_on_the_queue_and_reported_once(
    notified: Notified, caplog: pytest.LogCaptureFixture
) -> None:
    notified.queue.send(somebody_elses())
    assert notified.read().left == 1, "this queue hands it out again at once"
    assert notified.read().left == 1
    assert sum("left there" in line for line in caplog.messages) == 1
    assert notified.queue.depth().waiting == 1
    (noted,) = refused_notifications(notified.world.ledger, "us")
    assert noted.is_left


def test_messages_for_somebody_else_do_not_block_those_behind_them(
    notified: Notified, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MOST_AT_A_TIME", 5)
    notified.hide_what_is_read()
    for _ in range(11):
        notified.queue.send(somebody_elses())
    (order_id,) = notified.world.put(an_order())
    read = notified.read()
    assert (read.left, read.named) == (11, 1)
    assert notified.named() == [order_id]


def test_connections_sharing_a_queue_get_their_own_messages(notified: Notified) -> None:
    path = notified.world.home / "connections.yaml"
    entry = path.read_text(encoding="utf-8").split("connections:\n")[1]
    more = entry.replace("  us:", "  ca:").replace("[US]", "[CA]")
    path.write_text(f"connections:\n{entry}{more}", encoding="utf-8")
    notified.queue.send(a_notification("111-0000001-0000001"))
    notified.queue.send(a_notification("111-0000002-0000001", MarketplaceId="A2EUQ1WTGCTBG2"))
    assert notified.read("us").named == 2
    assert notified.named("us") == ["111-0000001-0000001"]
    assert notified.named("ca") == ["111-0000002-0000001"]


def test_a_reader_that_is_killed_before_it_deletes_costs_nothing(
    notified: Notified, monkeypatch: pytest.MonkeyPatch
) -> None:
    order_ids = notified.world.put(an_order(minutes_ago=20), an_order(minutes_ago=10))

    def die(_queue: Queue, _messages: Any) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    with monkeypatch.context() as patched:
        patched.setattr(Queue, "delete", die)
        assert in_child(notified.read).is_killed
    assert notified.queue.depth().waiting == 2
    assert notified.named() == order_ids, "they were committed first"
    read = notified.read()
    assert (read.named, read.news) == (2, 0)
    assert notified.queue.depth() == Depth(0, 0)


def test_messages_stay_on_the_queue_if_the_ledger_cannot_be_written(
    notified: Notified, monkeypatch: pytest.MonkeyPatch
) -> None:
    notified.world.put(an_order())

    def refuse(*_arguments: Any) -> int:
        raise RetriableError("the ledger cannot be reached.", remedy="Wait.")

    with monkeypatch.context() as patched:
        patched.setattr(reading, "note_named", refuse)
        with pytest.raises(RetriableError):
            notified.read()
    assert notified.queue.depth().waiting == 1
    assert notified.read().news == 1


def asked(notifications: Notifications) -> Any:
    return open_queue(notifications).receive()


def test_a_missing_queue_is_reported_with_what_to_do(notified: Notified) -> None:
    gone = Notifications(queue_url=f"{notified.queue_url}-gone", region=REGION, endpoint=notified.endpoint)
    with pytest.raises(FatalError, match="NonExistentQueue") as caught:
        asked(gone)
    assert "notifications.queue_url" in caught.value.remedy


def test_an_unreachable_sqs_is_a_transient_fault(notified: Notified) -> None:
    away = Notifications(queue_url=notified.queue_url, region=REGION, endpoint="http://127.0.0.1:1")
    with pytest.raises(RetriableError, match="does not answer"):
        asked(away)


def test_anything_else_answering_in_place_of_sqs_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with HTTPServer(("127.0.0.1", 0), SignInPage) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        queue = Queue(Notifications(queue_url=f"{address}/123456789012/orders", region=REGION, endpoint=address))
        for ask in (queue.receive, queue.depth):
            with pytest.raises(RetriableError, match="is not SQS"):
                ask()
        server.shutdown()


class SignInPage(BaseHTTPRequestHandler):
    """A proxy that answers everything by itself."""

    def do_POST(self) -> None:
        answer = b'{"Messages": [{"please": "sign in"}]}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_arguments: object) -> None:
        pass


def test_missing_credentials_are_reported_before_any_request(
    notified: Notified, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(notified.world.home / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    nobody = Notifications(queue_url=f"{notified.queue_url}-nobody", region=REGION, endpoint=notified.endpoint)
    with pytest.raises(ConfigurationError, match="credentials") as caught:
        asked(nobody)
    assert "AWS_ACCESS_KEY_ID" in caught.value.remedy


@pytest.mark.parametrize("missing", ["boto3", "botocore"])
def test_without_boto3_a_configured_queue_is_wrong_usage(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    monkeypatch.delitem(sys.modules, "mfn.notifications.sqs", raising=False)
    with pytest.raises(ConfigurationError, match="boto3 is not installed") as caught:
        open_queue(
            Notifications(queue_url=f"https://sqs.us-east-1.amazonaws.com/123456789012/{missing}", region=REGION)
        )
    assert "pip install mfn[sqs]" in caught.value.remedy


def test_another_missing_module_is_not_mistaken_for_boto3(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "msgspec", None)
    monkeypatch.delitem(sys.modules, "mfn.notifications.sqs", raising=False)
    with pytest.raises(ModuleNotFoundError, match="msgspec"):
        open_queue(Notifications(queue_url="https://sqs.us-east-1.amazonaws.com/123456789012/another", region=REGION))
