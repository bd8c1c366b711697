"""`mfn notifications` and the queue in `mfn check`, as a script uses them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from mfn.cli.application import run
from mfn.errors import FatalError
from mfn.steps.checking.findings import Status
from mfn.steps.checking.notifications import queue_findings
from mfn.steps.checking.place import open_check_place
from tests.notifications.notified import a_notification, change_of
from tests.world import an_order

if TYPE_CHECKING:
    from tests.notifications.notified import Notified


def called(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, Any]:
    status = run([*words, "--json"])
    return status, json.loads(capsys.readouterr().out)


def test_the_state_shows_the_queue_waiting_orders_and_unusable_messages(
    notified: Notified, capsys: pytest.CaptureFixture[str]
) -> None:
    (order_id,) = notified.world.put(an_order())
    broken = a_notification()
    del change_of(broken)["AmazonOrderId"]
    notified.queue.send(broken)
    notified.read()
    notified.queue.send(a_notification())

    status, document = called(capsys, "notifications", "us")

    assert status == 0
    assert document["queue_url"] == notified.queue_url
    assert document["queue"] == {"waiting": 1, "in_flight": 0}
    changed = notified.world.amazon.orders.get(order_id)["lastUpdatedTime"]
    assert document["orders"] == {"waiting": 1, "oldest_changed_at": changed}
    (refused,) = document["refused"]
    assert not refused["is_left"]
    assert "AmazonOrderId" in refused["why"]
    assert change_of(refused["shape"])["SellerId"] == "text"
    assert run(["notifications", "us"]) == 0
    shown = capsys.readouterr().out
    assert refused["message_id"] in shown
    assert "not landed yet: 1" in shown
    assert notified.queue.depth().waiting == 1, "it only looks"


def test_the_command_says_how_to_configure_a_queue_if_there_is_none(
    notified: Notified, capsys: pytest.CaptureFixture[str]
) -> None:
    notified.world.write_connections()
    status, document = called(capsys, "notifications", "us")
    assert status == 2
    assert "notifications.queue_url" in document["error"]
    assert "docs/notifications.md" in document["remedy"]


def test_a_check_says_whether_the_queue_answers_and_takes_nothing_from_it(notified: Notified) -> None:
    notified.queue.send(a_notification())
    (found,) = queue_findings(open_check_place(notified.world.settings, "us"))
    assert (found.status, "1 message to read" in found.detail) == (Status.OK, True)
    notified.queue.send({"no": "notification"})
    notified.read()
    _, unused = queue_findings(open_check_place(notified.world.settings, "us"))
    assert (unused.status, "mfn notifications us" in unused.remedy) == (Status.WARNING, True)
    notified.write_connections(queue_url=f"{notified.queue_url}-gone")
    with pytest.raises(FatalError, match="NonExistentQueue"):
        queue_findings(open_check_place(notified.world.settings, "us"))
    notified.world.write_connections()
    assert queue_findings(open_check_place(notified.world.settings, "us")) == []
