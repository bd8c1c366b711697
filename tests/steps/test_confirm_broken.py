"""Confirm runs that break off: what was answered stays, what was not is still pending, and no parcel is doubled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import delete, update

from mfn.amazon.client import AmazonOrders
from mfn.amazon.failures import AccessDeniedError, AmazonUnavailableError
from mfn.errors import RunFailedError
from mfn.steps.confirming.collect import collect
from mfn.steps.rerunning.reruns import failed_batches, rerun_batch
from mfn.steps.runs import new_run, run_steps
from mfn.steps.stages import perform
from mfn.warehouse.tables import wms_shipment
from tests.steps.shipping import confirmed
from tests.world import an_item, an_order

if TYPE_CHECKING:
    from tests.steps.shipping import Shipping


def test_a_reply_that_is_lost_after_the_deed_doubles_nothing(shipping: Shipping) -> None:
    (order_id,) = shipping.loaded()
    shipping.ship(order_id)
    shipping.world.amazon.faults.drop("confirmShipment", after_deed=True)
    summary = shipping.run()
    assert (summary["sent"], shipping.calls()) == (1, 2)
    assert len(shipping.packages(order_id)) == 1


def test_what_amazon_did_not_answer_is_pending_and_the_next_run_carries_the_batch_on(shipping: Shipping) -> None:
    orders = shipping.loaded(*(an_order(minutes_ago=60 + number) for number in range(3)))
    for order_id in orders:
        shipping.ship(order_id, shipment_id=order_id)
    shipping.world.amazon.faults.answer("confirmShipment", 500, times=200)
    with pytest.raises(RunFailedError, match="HTTP 500") as failed:
        shipping.run()
    broken = failed.value.summary
    assert (broken["shipments"], broken["pending"], broken["status"]) == (3, 3, "failed")
    assert failed_batches(shipping.world.settings) == [broken["batch_id"]]
    shipping.world.amazon.faults = type(shipping.world.amazon.faults)()
    summary = shipping.run()
    assert summary["batch_id"] == broken["batch_id"]
    assert (summary["shipments"], summary["sent"], summary["pending"]) == (3, 3, 0)
    assert [len(shipping.packages(order_id)) for order_id in orders] == [1, 1, 1]


@pytest.mark.parametrize(
    ("status", "body", "media_type"),
    [(400, "<html>blocked</html>", "text/html"), (400, "{}", "application/json"), (302, "", "text/plain")],
)
def test_a_parcel_whose_call_something_in_between_refuses_stops_no_other(
    shipping: Shipping, status: int, body: str, media_type: str
) -> None:
    orders = shipping.loaded(*(an_order(minutes_ago=60 + number) for number in range(4)))
    for order_id in orders:
        shipping.ship(order_id, shipment_id=order_id)
    shipping.world.amazon.faults.answer("confirmShipment", status, body, media_type=media_type)
    with pytest.raises(RunFailedError, match=f"HTTP {status}") as failed:
        shipping.run()
    assert (failed.value.summary["sent"], failed.value.summary["pending"]) == (3, 1)
    assert shipping.run()["sent"] == 4
    assert shipping.calls() == 5


def test_a_failed_batch_is_run_again_by_hand(shipping: Shipping) -> None:
    (order_id,) = shipping.loaded()
    shipping.ship(order_id)
    shipping.world.amazon.faults.answer("confirmShipment", 403, times=2)
    with pytest.raises(RunFailedError, match="Inventory and Order Tracking") as failed:
        shipping.run()
    summary = rerun_batch(shipping.world.settings, failed.value.summary["batch_id"])
    assert (summary["status"], summary["sent"]) == ("done", 1)


def test_a_batch_can_be_run_again_from_any_of_its_stages(shipping: Shipping) -> None:
    (order_id,) = shipping.loaded()
    shipping.ship(order_id)
    batch_id = shipping.run()["batch_id"]
    for stage in ("collect", "normalize", "confirm", "verify"):
        summary = rerun_batch(shipping.world.settings, batch_id, from_stage=stage)
        assert (summary["status"], summary["shipments"], summary["sent"]) == ("done", 1, 1)
    assert shipping.calls() == 1


@pytest.mark.parametrize("stage", [None, "normalize", "confirm"])
def test_what_the_warehouse_took_back_or_corrected_since_goes_out_in_no_run_of_the_batch(
    shipping: Shipping, stage: str | None
) -> None:
    since: list[tuple[dict[str, Any], list[str]]] = [
        ({"status": "void"}, []),
        ({"status": "open"}, []),
        ({"tracking_number": "T-NEW"}, ["T-NEW"]),
    ]
    orders = shipping.loaded(*(an_order() for _ in since))
    parcels = [shipping.ship(order_id) for order_id in orders]
    shipping.world.amazon.faults.answer("confirmShipment", 403, times=2 * len(since))
    with pytest.raises(RunFailedError) as failed:
        shipping.run()
    assert shipping.calls() == 2 * len(since)
    for shipment_id, (change, _) in zip(parcels, since, strict=True):
        shipping.warehouse.change(shipment_id, **change)
    summary = rerun_batch(shipping.world.settings, failed.value.summary["batch_id"], from_stage=stage)
    assert (summary["status"], summary["sent"], summary["pending"]) == ("done", 1, 0)
    sent = [[package["trackingNumber"] for package in shipping.packages(order_id)] for order_id in orders]
    assert sent == [numbers for _, numbers in since]


def test_a_parcel_voided_while_nobody_knows_whether_amazon_took_it_is_reported(shipping: Shipping) -> None:
    (order_id,) = shipping.loaded()
    shipment_id = shipping.ship(order_id)
    shipping.world.amazon.faults.drop("confirmShipment", after_deed=True, times=5)
    with pytest.raises(RunFailedError):
        shipping.run()
    shipping.warehouse.void(shipment_id)
    summary = shipping.run()
    assert summary["skipped"] == 1
    assert shipping.reasons(shipment_id) == ["voided"]
    page = (shipping.world.home / ".mfn" / "reports" / f"{summary['batch_id']}.html").read_text("utf-8")
    assert f"parcel {shipment_id} may have been confirmed to Amazon" in page


@pytest.mark.parametrize("is_known", [False, True])
def test_a_parcel_that_the_warehouse_takes_back_during_a_run_is_left_to_the_next(
    shipping: Shipping, is_known: bool
) -> None:
    (order_id,) = shipping.loaded()
    shipment_id = shipping.ship(order_id)
    if is_known:
        shipping.run()
        shipping.warehouse.change(shipment_id, carrier="FedEx")
    before = shipping.calls()
    with new_run(shipping.world.settings, "us", "confirm", {}) as batch:
        collected = perform(collect, batch, shipping.world.settings)
        shipping.warehouse.change(shipment_id, status="open")
        run_steps(collected, shipping.world.settings)
    assert shipping.calls() == before
    assert shipping.statuses() == {shipment_id: "pending"}
    shipping.warehouse.close(shipment_id)
    assert shipping.run()["sent"] == 1
    assert shipping.statuses() == {shipment_id: "sent"}


@pytest.mark.parametrize("change", ["void", "deleted", "another order's"])
def test_a_parcel_that_the_warehouse_takes_back_while_a_broken_run_is_carried_on_goes_out_no_more(
    shipping: Shipping, change: str
) -> None:
    order_id, other = shipping.loaded(an_order(), an_order())
    for each in (order_id, other):
        shipping.ship(each, shipment_id=each)
    shipping.world.amazon.faults.answer("confirmShipment", 403, times=4)
    with pytest.raises(RunFailedError):
        shipping.run()
    with new_run(shipping.world.settings, "us", "confirm", {}) as batch:
        collected = perform(collect, batch, shipping.world.settings)
        with shipping.warehouse.working() as connection:
            mine = wms_shipment.c.shipment_id == order_id
            if change == "deleted":
                connection.execute(delete(wms_shipment).where(mine))
            else:
                news = {"status": "void"} if change == "void" else {"order_number": other}
                connection.execute(update(wms_shipment).where(mine).values(news))
        run_steps(collected, shipping.world.settings)
    assert (len(shipping.packages(order_id)), len(shipping.packages(other))) == (0, 1)
    assert shipping.statuses() == {order_id: "pending", other: "sent"}


def test_answers_are_written_down_a_few_at_a_time(shipping: Shipping, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mfn.steps.confirming.confirm.NOTED_AT_ONCE", 2)
    orders = shipping.loaded(*(an_order(minutes_ago=60 + number) for number in range(5)))
    for order_id in orders:
        shipping.ship(order_id, shipment_id=order_id)
    assert shipping.run()["sent"] == 5
    assert set(shipping.statuses().values()) == {"sent"}
    assert set(shipping.world.statuses().values()) == {"shipped"}


def silent_about(
    monkeypatch: pytest.MonkeyPatch,
    call: str,
    *order_ids: str,
    error: type[AmazonUnavailableError | AccessDeniedError] = AmazonUnavailableError,
) -> None:
    """Amazon never answers a call that is about one of these orders, or denies it."""
    of_amazon = getattr(AmazonOrders, call)

    def answers(self: AmazonOrders, asked: str, *arguments: Any, **options: Any) -> Any:
        if asked in order_ids:
            raise error(f"{call} {asked}: HTTP 500.", remedy="Wait.")
        return of_amazon(self, asked, *arguments, **options)

    monkeypatch.setattr(AmazonOrders, call, answers)


def test_an_order_for_which_amazon_never_answers_stops_no_other(shipping: Shipping) -> None:
    orders = shipping.loaded(*(an_order(an_item(units=4), minutes_ago=600 - 60 * number) for number in range(6)))
    for order_id in orders:
        for part in ("a", "b", "c", "d"):
            shipping.ship(order_id, shipment_id=f"{order_id}{part}", units={1: 1})
    with pytest.MonkeyPatch.context() as amazon:
        silent_about(amazon, "confirm_shipment", orders[0])
        for _ in range(2):
            with pytest.raises(RunFailedError, match=f"{orders[0]}: HTTP 500") as failed:
                shipping.run()
    summary = failed.value.summary
    assert (summary["shipments"], summary["sent"], summary["pending"]) == (24, 20, 4)
    assert [len(shipping.packages(order_id)) for order_id in orders] == [0, 4, 4, 4, 4, 4]
    assert shipping.run()["sent"] == 24
    assert len(shipping.packages(orders[0])) == 4


def test_an_amazon_that_is_down_is_not_asked_for_every_parcel(shipping: Shipping) -> None:
    for order_id in shipping.loaded(*(an_order() for _ in range(12))):
        shipping.ship(order_id)
    shipping.world.amazon.faults.answer("confirmShipment", 503, times=200)
    with pytest.raises(RunFailedError, match="HTTP 503"):
        shipping.run()
    assert shipping.calls() <= 6 * 5


def test_an_order_that_amazon_cannot_read_back_stops_no_other(shipping: Shipping) -> None:
    orders = shipping.loaded(*(an_order() for _ in range(4)))
    for order_id in orders:
        shipping.ship(order_id, shipment_id=order_id)
    shipping.run()
    shipping.an_hour_passes()
    with pytest.MonkeyPatch.context() as amazon:
        silent_about(amazon, "get_order", orders[0])
        with pytest.raises(RunFailedError, match=f"{orders[0]}: HTTP 500") as failed:
            shipping.run()
    assert (failed.value.summary["verified"], failed.value.summary["unverified"]) == (3, 1)
    assert shipping.run()["verified"] == 4


@pytest.mark.parametrize("error", [AccessDeniedError, AmazonUnavailableError])
def test_several_orders_at_the_head_that_amazon_denies_keep_the_others_waiting_for_one_run(
    shipping: Shipping, error: type[AccessDeniedError | AmazonUnavailableError]
) -> None:
    orders = shipping.loaded(*(an_order(minutes_ago=900 - 60 * number) for number in range(12)))
    for order_id in orders:
        shipping.ship(order_id, shipment_id=order_id)
    with pytest.MonkeyPatch.context() as amazon:
        silent_about(amazon, "confirm_shipment", *orders[:3], error=error)
        with pytest.raises(RunFailedError):
            shipping.run()
        assert shipping.calls() < 9, "it is not asked for every parcel"
        with pytest.raises(RunFailedError) as failed:
            shipping.run()
    assert (failed.value.summary["sent"], failed.value.summary["pending"]) == (9, 3)
    assert shipping.run()["sent"] == 12


def test_several_orders_that_amazon_does_not_show_keep_no_other_from_being_verified(shipping: Shipping) -> None:
    orders = shipping.loaded(*(an_order() for _ in range(5)))
    for order_id in orders:
        shipping.ship(order_id, shipment_id=order_id)
    shipping.run()
    shipping.an_hour_passes()
    with pytest.MonkeyPatch.context() as amazon:
        silent_about(amazon, "get_order", *orders[:3], error=AccessDeniedError)
        verified = []
        for _ in range(2):
            with pytest.raises(RunFailedError) as failed:
                shipping.run()
            verified.append(failed.value.summary["verified"])
    assert verified == [0, 2]


def test_a_parcel_that_amazon_denies_keeps_no_other_from_being_verified(shipping: Shipping) -> None:
    first, second = shipping.loaded(an_order(), an_order())
    shipping.ship(first)
    shipping.run()
    shipping.an_hour_passes()
    shipping.ship(second)
    with pytest.MonkeyPatch.context() as amazon:
        silent_about(amazon, "confirm_shipment", second, error=AccessDeniedError)
        with pytest.raises(RunFailedError, match=second) as failed:
            shipping.run()
    assert (failed.value.summary["verified"], failed.value.summary["pending"]) == (1, 1)


def killed(*_: Any, **__: Any) -> None:
    raise KeyboardInterrupt


def test_what_has_left_of_an_order_whose_load_was_killed_is_not_taken_for_what_others_had_shipped(
    shipping: Shipping,
) -> None:
    (order_id,) = shipping.world.put(an_order(an_item(units=3)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mfn.steps.importing.loading._note", killed)
        with pytest.raises(KeyboardInterrupt):
            shipping.world.run()
    shipping.ship(order_id, shipment_id="S1", tracking_number="T-S1", units={1: 1})
    shipping.world.warehouse_moves(order_id, "new")
    shipping.run()
    shipping.world.run(order_id=order_id)
    assert shipping.world.lines(order_id) == [("MUG-BLUE", 3)]
    shipping.ship(order_id, shipment_id="S2", tracking_number="T-S2", units={1: 2})
    shipping.run()
    assert confirmed(shipping, order_id) == {"T-S1": 1, "T-S2": 2}
