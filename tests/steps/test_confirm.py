"""What a confirm run does with parcels, from a warehouse on SQLite to a local Amazon."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.steps.shipping import Shipping


def test_a_parcel_that_has_left_is_told_to_amazon_with_all_that_it_needs(shipping: Shipping) -> None:
    (order_id,) = shipping.loaded()
    shipment_id = shipping.ship(order_id, carrier="U.P.S.", service="Ground")
    summary = shipping.run()
    assert (summary["shipments"], summary["sent"], summary["unverified"]) == (1, 1, 1)
    assert summary["api_calls"] == {"confirmShipment": 1}
    (package,) = shipping.packages(order_id)
    assert (package["carrier"], package["shippingService"]) == ("UPS", "Ground")
    assert package["trackingNumber"] == shipping.parcel(shipment_id).tracking_number
    item = shipping.world.amazon.orders.get(order_id)["orderItems"][0]["orderItemId"]
    assert package["packageItems"] == [{"orderItemId": item, "quantity": 1}]
    assert shipping.statuses() == {shipment_id: "sent"}
    assert shipping.world.statuses() == {order_id: "shipped"}
