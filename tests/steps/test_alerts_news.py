"""What people are notified of after an import: each time it is news, and not in every run."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from ruamel.yaml import YAML
from sqlalchemy import delete, text, update

from mfn.alerts.events import orders_held
from mfn.alerts.news import LastAlert, WaitingOrder, is_news, is_past_threshold
from mfn.errors import MfnError, RunFailedError
from mfn.ledger.batch_listing import list_batches
from mfn.ledger.schema import Batch, SeenSecret, SentAlert, TrackedOrder
from mfn.simulator.clock import amazon_time
from mfn.steps.alerts import alerts_of
from mfn.steps.rerunning.reruns import rerun_batch
from tests.world import an_item, an_order

if TYPE_CHECKING:
    from mfn.alerts.events import Alert
    from tests.world import World

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def set_alerts(world: World, **alerts: float) -> None:
    path = world.home / "connections.yaml"
    document = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    document["connections"]["us"]["alerts"] = alerts
    with path.open("w", encoding="utf-8") as file:
        YAML(typ="safe").dump(document, file)


def alerts_after(world: World, **options: Any) -> dict[str, Alert]:
    """An import, and the alerts after it, by the events' names."""
    return sent_after(world, world.run(**options)["batch_id"])


def sent_after(world: World, batch_id: str) -> dict[str, Alert]:
    alerts = alerts_of(batch_id, world.settings, "https://reports.example/1")
    return {alert.event: alert for alert in alerts}


def wait(world: World, **time: float) -> None:
    """Let the alerts that were sent have been sent so long ago."""
    with world.ledger.writing() as database:
        database.execute(update(SentAlert).values(told_at=datetime.now(UTC) - timedelta(**time)))


def unknown(**changes: Any) -> dict[str, Any]:
    return an_order(an_item(sku="MUG-GREEN"), minutes_ago=5, **changes)


def leaving_in(**time: float) -> dict[str, Any]:
    return {"fulfillment": {"shipByWindow": {"latestDateTime": amazon_time(datetime.now(UTC) + timedelta(**time))}}}


@pytest.mark.parametrize(
    ("held", "last", "expected"),
    [
        (20, None, True),
        (39, LastAlert(20, NOW - timedelta(hours=23, minutes=59)), False),
        (40, LastAlert(20, NOW - timedelta(minutes=15)), True),
        (20, LastAlert(20, NOW - timedelta(hours=24)), True),
    ],
)
def test_held_orders_are_news_at_first_when_they_double_and_after_a_day(
    held: int, last: LastAlert | None, expected: bool
) -> None:
    assert is_news(held, last, NOW) is expected


def test_a_threshold_of_none_means_any() -> None:
    assert not is_past_threshold(0, 0)
    assert is_past_threshold(1, 0)
    assert not is_past_threshold(19, 20)
    assert is_past_threshold(20, 20)


def test_a_message_names_the_most_urgent_and_counts_the_others() -> None:
    orders = [WaitingOrder(f"111-0000000-{number:07d}", ("sku_unknown",), None) for number in range(12)]
    alert = orders_held("us", orders, threshold=5, report="https://reports.example/1")
    text = alert.payload["message"]
    assert "12 orders of us are held" in text
    assert "alert threshold: 5" in text
    assert "111-0000000-0000009, ship-by unknown: sku_unknown" in text
    assert "111-0000000-0000010" not in text
    assert "- and 2 more" in text
    assert len(alert.payload["orders"]) == 10


def test_held_orders_are_notified_once_and_again_after_falling_below_the_threshold(world: World) -> None:
    set_alerts(world, held_orders=2, ship_by_hours=0)
    world.put(unknown())
    assert "mfn.orders.held" not in alerts_after(world)
    world.put(unknown())
    assert alerts_after(world)["mfn.orders.held"].payload["count"] == 2
    assert "mfn.orders.held" not in alerts_after(world)
    wait(world, hours=25)
    assert "mfn.orders.held" in alerts_after(world)
    world.add_items("MUG-GREEN")
    assert "mfn.orders.held" not in alerts_after(world)
    world.put(*(an_order(an_item(sku="MUG-GREY"), minutes_ago=5) for _ in range(2)))
    assert alerts_after(world)["mfn.orders.held"].payload["count"] == 2


def test_an_order_is_notified_once_when_its_ship_by_comes_close_together_with_late_ones(world: World) -> None:
    set_alerts(world, held_orders=99, ship_by_hours=12)
    (later,) = world.put(unknown(**leaving_in(hours=13)))
    world.put(an_order(**leaving_in(hours=1)))
    assert "mfn.orders.due-soon" not in alerts_after(world)
    (close, late) = world.put(unknown(**leaving_in(hours=11)), unknown(**leaving_in(hours=-1)))
    alert = alerts_after(world)["mfn.orders.due-soon"]
    assert [order["order_id"] for order in alert.payload["orders"]] == [late, close]
    assert "1 is already late" in alert.payload["message"]
    assert alert.payload["command"] == f"mfn orders show {late}"
    assert "mfn.orders.due-soon" not in alerts_after(world)
    set_alerts(world, held_orders=99, ship_by_hours=14)
    assert [order["order_id"] for order in alerts_after(world)["mfn.orders.due-soon"].payload["orders"]] == [later]
    newest = list_batches(world.ledger)[0].batch_id
    set_alerts(world, held_orders=99, ship_by_hours=0)
    assert "mfn.orders.due-soon" not in sent_after(world, newest)
    set_alerts(world, held_orders=99, ship_by_hours=14)
    again = sent_after(world, newest)["mfn.orders.due-soon"].payload["orders"]
    assert [order["order_id"] for order in again] == [close, later], "what was over is news when it comes back"


def test_only_an_order_that_the_warehouse_keeps_past_its_ship_by_is_notified_and_once(world: World) -> None:
    (late, _, shipped) = world.put(*(an_order(**leaving_in(hours=hours)) for hours in (-1.1, -0.9, -2)))
    world.put(an_order(**leaving_in(days=-8)))
    assert [order["order_id"] for order in alerts_after(world)["mfn.orders.overdue"].payload["orders"]] == [
        shipped,
        late,
    ]
    assert "mfn.orders.overdue" not in alerts_after(world)
    with world.ledger.writing() as database:
        database.execute(delete(SentAlert))
        database.execute(update(TrackedOrder).where(TrackedOrder.order_id == shipped).values(status="shipped"))
    alert = alerts_after(world)["mfn.orders.overdue"]
    assert [order["order_id"] for order in alert.payload["orders"]] == [late]
    assert "1 order of us is in the warehouse and past the ship-by" in alert.payload["message"]
    assert f"mfn orders show {late}" in alert.payload["message"]


def test_a_done_import_is_announced_even_with_a_closed_gate_but_not_a_dry_run_or_a_single_order(world: World) -> None:
    set_alerts(world, held_orders=0)
    (order_id,) = world.put(unknown())
    assert alerts_after(world, dry_run=True) == {}
    assert alerts_after(world, order_id=order_id) == {}
    done = alerts_after(world)
    assert done["mfn.import.done"].payload["status"] == "done"
    assert done["mfn.orders.held"].payload["count"] == 1
    batch_id = done["mfn.import.done"].payload["batch_id"]
    with world.ledger.writing() as database:
        database.execute(delete(SentAlert))
        database.execute(update(Batch).where(Batch.batch_id == batch_id).values(kind="confirm"))
    assert sent_after(world, batch_id) == {}


def test_an_old_import_that_a_person_reruns_does_not_count_as_one_that_came(world: World) -> None:
    world.put(an_order())
    batch_id = world.run()["batch_id"]
    rerun_batch(world.settings, batch_id, from_stage="load")
    assert sent_after(world, batch_id) == {}
    assert set(alerts_after(world)) == {"mfn.import.done"}


def test_a_failed_import_is_not_announced_as_done_but_its_held_orders_are_still_notified(world: World) -> None:
    set_alerts(world, held_orders=0)
    world.put(unknown())
    world.run()
    world.put(*(an_order(minutes_ago=5) for _ in range(4)))
    world.amazon.faults.without_recipients = True
    with pytest.raises(RunFailedError):
        world.run()
    (failed,) = list_batches(world.ledger, failed=True)
    alerts = alerts_of(failed.batch_id, world.settings, "https://reports.example/1")
    assert [alert.event for alert in alerts] == ["mfn.orders.held"]


def test_news_is_sent_although_the_ledger_is_lost_before_all_of_it_is(world: World) -> None:
    set_alerts(world, held_orders=0)
    world.put(unknown())
    batch_id = world.run()["batch_id"]
    with world.ledger.writing() as database:
        database.execute(text("ALTER TABLE seen_secret RENAME TO lost"))
    alerts = alerts_of(batch_id, world.settings, "https://reports.example/1")
    assert [next(alerts).event, next(alerts).event] == ["mfn.import.done", "mfn.orders.held"]
    with pytest.raises(MfnError, match="seen_secret"):
        next(alerts)


def test_an_expiring_secret_is_notified_once_a_week_until_there_is_a_new_one(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert "mfn.secret.expiring" not in alerts_after(world)
    with world.ledger.writing() as database:
        database.execute(update(SeenSecret).values(first_seen_at=datetime.now(UTC) - timedelta(days=151)))
    (alert,) = [alert for event, alert in alerts_after(world).items() if event == "mfn.secret.expiring"]
    assert alert.payload["subject"] == "mfn us: a secret is expiring"
    assert alert.payload["message"].startswith("The LWA_CLIENT_SECRET of us is at least 151 days old")
    assert "rotate it in Seller Central" in alert.payload["message"]
    wait(world, days=6.9)
    caplog.clear()
    assert "mfn.secret.expiring" not in alerts_after(world)
    assert "151 days old" in caplog.text, "every run logs it"
    wait(world, days=7)
    assert "mfn.secret.expiring" in alerts_after(world)
    monkeypatch.setenv("LWA_CLIENT_SECRET", "another one")
    wait(world, days=7)
    assert "mfn.secret.expiring" not in alerts_after(world)
