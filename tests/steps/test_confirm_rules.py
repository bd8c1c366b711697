"""Rules on shipment.notification, as a confirm run carries them out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from mfn.errors import RunFailedError
from tests.world import an_order

if TYPE_CHECKING:
    from tests.steps.shipping import Shipping


def write_rule(shipping: Shipping, *lines: str) -> None:
    """One rule on shipments of a carrier."""
    rule = ["shipment.notification:", "  - name: the vans", '    when: shipment.carrier == "Vans"', *lines, ""]
    (shipping.world.home / "mappings" / "rules.yaml").write_text("\n".join(rule), encoding="utf-8")


def test_a_rule_skips_parcels_and_says_why(shipping: Shipping) -> None:
    write_rule(shipping, "    then:", "      - skip: they confirm themselves")
    first, second = shipping.loaded(an_order(), an_order())
    shipping.ship(first, shipment_id="VANS", carrier="Vans")
    shipping.ship(second, shipment_id="UPS")
    summary = shipping.run()
    assert (summary["sent"], summary["skipped"]) == (1, 1)
    assert shipping.reasons("VANS") == ["rule_skip"]
    assert "they confirm themselves" in shipping.parcel("VANS").reasons


def test_a_rule_holds_parcels_until_it_is_gone(shipping: Shipping) -> None:
    write_rule(shipping, "    then:", "      - hold: ask the warehouse")
    (order_id,) = shipping.loaded()
    shipping.ship(order_id, shipment_id="VANS", carrier="Vans")
    assert shipping.run()["held"] == 1
    assert shipping.reasons("VANS") == ["rule_hold"]
    (shipping.world.home / "mappings" / "rules.yaml").unlink()
    assert shipping.run()["released"] == 1
    assert shipping.statuses() == {"VANS": "sent"}


def test_a_rule_fails_parcels_for_good_and_once(shipping: Shipping) -> None:
    write_rule(shipping, "    then:", "      - fail: nobody drives there")
    (order_id,) = shipping.loaded()
    shipping.ship(order_id, shipment_id="VANS", carrier="Vans")
    with pytest.raises(RunFailedError, match="1 of 1 parcels failed"):
        shipping.run()
    assert shipping.reasons("VANS") == ["rule_fail"]
    assert shipping.run()["shipments"] == 0
    (shipping.world.home / "mappings" / "rules.yaml").unlink()
    assert shipping.run()["sent"] == 1


def test_a_rule_sets_what_goes_to_amazon(shipping: Shipping) -> None:
    write_rule(
        shipping,
        "    then:",
        "      - set: {shipment.carrier_code: OnTrac, shipment.shipping_method: By van}",
    )
    (order_id,) = shipping.loaded()
    shipment_id = shipping.ship(order_id, carrier="Vans")
    assert shipping.run()["sent"] == 1
    (package,) = shipping.packages(order_id)
    assert (package["carrier"], package["shippingService"]) == ("OnTrac", "By van")
    assert "carrier_unlisted" not in shipping.warnings(shipment_id)


def test_a_carrier_code_that_a_rule_sets_goes_without_the_name_that_the_warehouse_wrote(shipping: Shipping) -> None:
    write_rule(shipping, "    then:", "      - set: {shipment.carrier_code: DHL}")
    (order_id,) = shipping.loaded()
    shipment_id = shipping.ship(order_id, carrier="Vans")
    assert shipping.run()["sent"] == 1
    parcel = shipping.parcel(shipment_id)
    assert (parcel.carrier_code, parcel.carrier_name) == ("DHL", None)


def test_a_ship_date_that_a_rule_sets_sends_a_refused_parcel_again(shipping: Shipping) -> None:
    (order_id,) = shipping.loaded()
    shipment_id = shipping.ship(order_id, carrier="Vans")
    refusal = {"errors": [{"code": "InvalidInput", "message": "shipDate"}]}
    shipping.world.amazon.faults.answer("confirmShipment", 400, refusal)
    with pytest.raises(RunFailedError):
        shipping.run()
    noon = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=5)
    write_rule(shipping, "    then:", f"      - set: {{shipment.shipped_at: {noon:%Y-%m-%dT%H:%M:%SZ}}}")
    assert shipping.run()["sent"] == 1
    assert shipping.parcel(shipment_id).ship_date_sent == noon
    assert shipping.run()["shipments"] == 0


def test_the_units_of_a_parcel_count_in_a_rule_before_it_has_a_tracking_number(shipping: Shipping) -> None:
    write_rule(shipping, "    then:", "      - skip: a letter")
    rules = shipping.world.home / "mappings" / "rules.yaml"
    rules.write_text(
        rules.read_text(encoding="utf-8").replace('"Vans"', '"Vans" and shipment.units == 1'), encoding="utf-8"
    )
    (order_id,) = shipping.loaded()
    shipment_id = shipping.ship(order_id, carrier="Vans", tracking_number=None)
    assert shipping.run()["skipped"] == 1
    assert shipping.reasons(shipment_id) == ["rule_skip"]


def test_a_carrier_that_a_rule_sets_is_normalized_as_if_the_warehouse_had_written_it(shipping: Shipping) -> None:
    write_rule(shipping, "    then:", '      - set: {shipment.carrier: "u.p.s", shipment.tracking_number: T0000000042}')
    (order_id,) = shipping.loaded()
    shipment_id = shipping.ship(order_id, carrier="Vans", tracking_number=None)
    assert shipping.run()["sent"] == 1
    (package,) = shipping.packages(order_id)
    assert (package["carrier"], package["trackingNumber"]) == ("UPS", "T0000000042")
    assert shipping.warnings(shipment_id) == []
