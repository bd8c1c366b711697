"""The small world with a queue: what is sent to it, and what reading it makes of that."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3

from mfn.connection import Connection, Notifications
from mfn.connections import find_connection, load_connections
from mfn.ledger.named_orders import named_orders
from mfn.notifications.reading import Read, open_queue, read_notifications

if TYPE_CHECKING:
    from mfn.notifications.sqs import Queue
    from tests.world import World

REGION = "us-east-1"
NUMBERS = itertools.count(1)
SELLER = "A2TESTSELLER001"
US = "ATVPDKIKX0DER"


def a_queue(endpoint: str) -> str:
    """The URL of a new queue of a local SQS."""
    client = boto3.session.Session().client("sqs", region_name=REGION, endpoint_url=endpoint)
    return client.create_queue(QueueName=f"orders-{next(NUMBERS)}", Attributes={"VisibilityTimeout": "0"})["QueueUrl"]


@dataclass
class Notified:
    """The world and its queue.

    Attributes:
        world: The world.
        endpoint: The local SQS.
        queue_url: The queue of its connection `us`; what is not deleted there is handed out again at once.
    """

    world: World
    endpoint: str
    queue_url: str

    def write_connections(self, **section: Any) -> None:
        """Write connections.yaml with the queue, or with another section `notifications`."""
        self.world.write_connections()
        path = self.world.home / "connections.yaml"
        given = {"queue_url": self.queue_url, "region": REGION, "endpoint": self.endpoint} | section
        listed = "".join(f"      {name}: {value}\n" for name, value in given.items() if value is not None)
        path.write_text(f"{path.read_text(encoding='utf-8')}    notifications:\n{listed}", encoding="utf-8")

    @property
    def queue(self) -> Queue:
        """The queue."""
        return open_queue(Notifications(queue_url=self.queue_url, region=REGION, endpoint=self.endpoint))

    def hide_what_is_read(self) -> None:
        """From now on what was handed out is not handed out again at once, as the queues of AWS do it."""
        client = boto3.session.Session().client("sqs", region_name=REGION, endpoint_url=self.endpoint)
        client.set_queue_attributes(QueueUrl=self.queue_url, Attributes={"VisibilityTimeout": "30"})

    def connection(self, name: str = "us") -> Connection:
        """A connection."""
        return find_connection(self.world.settings, name)

    def read(self, name: str = "us") -> Read:
        """Read what is on the queue."""
        listed = load_connections(self.world.settings).values()
        return read_notifications(self.world.ledger, self.connection(name), listed)

    def named(self, name: str = "us") -> list[str]:
        """The orders that were named and have not landed yet."""
        return [row.order_id for row in named_orders(self.world.ledger, name, 100)]


def a_notification(order_id: str = "111-0000001-0000001", **summary: Any) -> dict[str, Any]:
    """An ORDER_CHANGE notification of one order, as Amazon's model has it."""
    change = {
        "NotificationLevel": "OrderLevel",
        "SellerId": SELLER,
        "AmazonOrderId": order_id,
        "OrderChangeType": "OrderStatusChange",
        "OrderChangeTrigger": {"TimeOfOrderChange": "2026-03-02T12:00:00.284Z", "ChangeReason": "Order is Unshipped"},
        "Summary": {
            "MarketplaceId": US,
            "OrderStatus": "Unshipped",
            "PurchaseDate": "2026-03-02T11:00:00.000Z",
            "DestinationPostalCode": "98101",
            "FulfillmentType": "MFN",
            "OrderType": "StandardOrder",
            "OrderItems": [{"OrderItemId": "10000000000001", "Quantity": 1, "QuantityShipped": 0}],
            **summary,
        },
    }
    return {
        "NotificationVersion": "1.0",
        "NotificationType": "ORDER_CHANGE",
        "PayloadVersion": "1.0",
        "EventTime": "2026-03-02T12:00:02.109Z",
        "Payload": {"OrderChangeNotification": change},
        "NotificationMetadata": {"NotificationId": "00000000-0000-0000-0000-000000000001"},
    }


def change_of(notification: dict[str, Any]) -> dict[str, Any]:
    """The part of a notification that says what changed."""
    change: dict[str, Any] = notification["Payload"]["OrderChangeNotification"]
    return change
