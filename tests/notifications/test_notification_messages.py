"""What a message says of which order changed; of one that cannot be used nothing but its shape is kept."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from mfn.amazon.client import STATUSES as SEARCHED
from mfn.amazon.marketplaces import BY_NAME
from mfn.connection import Connection
from mfn.errors import DataError
from mfn.ledger.named_orders import OrderName
from mfn.notifications.messages import STATUSES, OtherNotificationError, names_for, read_message, shape_of
from mfn.simulator.order_changes import order_change
from tests.notifications.notified import SELLER, US, a_notification, change_of
from tests.world import address, an_item, an_order, cancellation

HERE = Connection.model_validate({"name": "us", "seller_id": SELLER, "marketplaces": ["US"]})
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def read(document: Any) -> Any:
    return read_message(json.dumps(document))


def test_a_message_names_the_order_and_when_it_changed() -> None:
    change = read(a_notification())
    assert (change.order_id, change.seller_id, change.marketplace_id) == ("111-0000001-0000001", SELLER, US)
    assert change.changed_at == NOON.replace(microsecond=284_000)
    assert names_for(HERE, [change]) == [OrderName(change.order_id, change.changed_at, "UNSHIPPED")]


def test_a_message_through_eventbridge_is_read_the_same_way() -> None:
    inner = a_notification()
    outer = {"version": "0", "detail-type": "ORDER_CHANGE", "source": "aws.partner/x", "region": "eu-west-1"}
    assert read({**outer, "detail": inner}) == read(inner) == read_message(json.dumps(inner).encode())


def test_without_the_time_of_the_change_the_time_of_the_notification_counts() -> None:
    document = a_notification()
    change_of(document)["OrderChangeTrigger"]["TimeOfOrderChange"] = None
    assert read(document).changed_at == NOON.replace(second=2, microsecond=109_000)


@pytest.mark.parametrize(
    "summary",
    [
        {"FulfillmentType": "AFN"},
        {"MarketplaceId": BY_NAME["CA"].marketplace_id},
        {"OrderStatus": "Shipped"},
        {"OrderStatus": "PendingAvailability"},
        {"OrderStatus": "AStatusOfTomorrow"},
    ],
)
def test_orders_that_an_import_does_not_ask_for_are_not_named(summary: dict[str, Any]) -> None:
    assert names_for(HERE, [read(a_notification(**summary))]) == []


def test_orders_of_other_sellers_are_not_named() -> None:
    elsewhere = HERE.model_copy(update={"seller_id": "A2OTHERSELLER01"})
    assert names_for(elsewhere, [read(a_notification())]) == []


def test_the_statuses_that_are_named_are_those_that_a_search_asks_for() -> None:
    assert set(STATUSES.values()) == set(SEARCHED)


def without(*path: str) -> dict[str, Any]:
    document = a_notification()
    part = document
    for key in path[:-1]:
        part = part[key]
    del part[path[-1]]
    return document


CHANGE = ("Payload", "OrderChangeNotification")
BROKEN = [
    without("NotificationType"),
    without("EventTime"),
    without("Payload"),
    without(*CHANGE, "AmazonOrderId"),
    without(*CHANGE, "SellerId"),
    without(*CHANGE, "OrderChangeTrigger"),
    without(*CHANGE, "Summary", "MarketplaceId"),
    a_notification("the order of Jane Roe"),
    a_notification(OrderStatus=7),
    {**a_notification(), "EventTime": "yesterday"},
    {**a_notification(), "EventTime": "2026-03-02T12:00:02"},
    {**a_notification(), "EventTime": "0001-01-01T00:00:00+14:00", "Payload": None},
    {"detail": "1 Example Street"},
    ["1 Example Street"],
    None,
]


@pytest.mark.parametrize("document", BROKEN)
def test_anything_else_is_refused_without_quoting_it(document: Any) -> None:
    with pytest.raises(DataError) as caught:
        read(document)
    assert not isinstance(caught.value, OtherNotificationError)
    assert caught.value.remedy
    assert not any(word in caught.value.message for word in ("Example", "Jane", "yesterday", "98101"))


@pytest.mark.parametrize("body", ["", "{", "1 Example Street", "\ud800", "[" * 100_000, "\x00"])
def test_invalid_json_is_refused(body: str) -> None:
    with pytest.raises(DataError):
        read_message(body)
    assert set(shape_of(body)) == {"no JSON"}


def test_errors_in_a_notification_are_reported_by_their_place() -> None:
    with pytest.raises(DataError, match=r"missing required field `SellerId` - at `.*OrderChangeNotification`"):
        read(without(*CHANGE, "SellerId"))


def test_a_time_that_cannot_be_expressed_in_utc_is_refused() -> None:
    document = a_notification()
    change_of(document)["OrderChangeTrigger"]["TimeOfOrderChange"] = "0001-01-01T00:00:00+14:00"
    with pytest.raises(DataError, match="OverflowError"):
        read(document)


def test_a_notification_of_another_type_belongs_to_somebody_else() -> None:
    with pytest.raises(OtherNotificationError, match="the type ANY_OFFER_CHANGED"):
        read({**a_notification(), "NotificationType": "ANY_OFFER_CHANGED"})
    with pytest.raises(OtherNotificationError, match="another type"):
        read({**a_notification(), "NotificationType": "for Jane Roe, 1 Example Street"})


def nested(inmost: str, *, times: int) -> Any:
    return [nested(inmost, times=times - 1), "1 of them"] if times else inmost


def deep(levels: int) -> Any:
    return {"detail": deep(levels - 1)} if levels else "more"


def test_a_shape_keeps_only_known_keys_and_kinds_of_values() -> None:
    document = a_notification(DestinationPostalCode="98101", IsGift=True) | {"Jane Roe": "1 Example Street"}
    shape = shape_of(json.dumps(document))
    summary = change_of(shape)["Summary"]
    items = {"OrderItemId": "text", "Quantity": "number", "QuantityShipped": "number"}
    assert (summary["DestinationPostalCode"], summary["OrderItems"]) == ("text", [items, "1 of them"])
    assert (summary["other keys"], shape["other keys"]) == (1, 1)
    assert not any(word in json.dumps(shape) for word in ("98101", "Jane", "Example", SELLER, "111-"))
    assert shape_of("[[1, null]]") == {"no object": [["number", "2 of them"], "1 of them"]}
    assert shape_of("[]") == {"no object": []}
    assert shape_of('{"detail": ' * 9 + "1" + "}" * 9) == deep(6)
    assert shape_of("[" * 9 + "]" * 9) == {"no object": nested("more", times=6)}


def test_notifications_of_the_local_amazon_are_read_correctly() -> None:
    asked = an_item(units=3, shipped=1, cancellation=cancellation())
    order = an_order(asked, status="PARTIALLY_SHIPPED", programs=["PRIME"], recipient={"deliveryAddress": address()})
    notified = order_change(order, seller_id=SELLER, at=datetime.now(UTC))
    change = read(notified)
    assert (change.order_id, change.status, change.fulfilled_by) == (order["orderId"], "PartiallyShipped", "MFN")
    assert change.changed_at.isoformat() == order["lastUpdatedTime"].replace("Z", "+00:00")
    summary = change_of(notified)["Summary"]
    assert (summary["NumberOfItemsShipped"], summary["NumberOfItemsUnshipped"]) == (1, 2)
    assert (summary["OrderPrograms"], change_of(notified)["OrderChangeType"]) == (["Prime"], "BuyerRequestedChange")
    assert "other keys" not in json.dumps(shape_of(json.dumps(notified)))
