"""`mfn confirm` as a person and as a script use it, and what other commands show of parcels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mfn.cli.application import run
from mfn.ledger.leases import lease
from tests.steps.shipping import Shipping
from tests.world import an_order

if TYPE_CHECKING:
    from tests.cli.conftest import Mfn
    from tests.world import World

CONFIRM_KEYS = {
    "batch_id", "shipments", "sent", "held", "skipped", "failed", "pending", "verified", "unverified", "api_calls",
    "report", "seconds",
}  # fmt: skip


@pytest.fixture
def shipping(world: World) -> Shipping:
    """Confirm runs in a small world."""
    world.write_carriers()
    return Shipping(world)


def test_a_confirm_run_prints_the_keys_of_the_contract_and_held_parcels_are_no_failure(
    shipping: Shipping, mfn: Mfn
) -> None:
    good, bad = shipping.loaded(an_order(), an_order())
    shipping.ship(good)
    shipping.ship(bad, tracking_number=None)
    status, document = mfn("confirm", "us")
    assert status == 0
    assert set(document) >= CONFIRM_KEYS
    assert (document["shipments"], document["sent"], document["held"]) == (2, 1, 1)
    assert document["api_calls"] == {"confirmShipment": 1}


def test_a_parcel_that_failed_for_good_ends_the_command_with_1_and_says_what_to_do(
    shipping: Shipping, mfn: Mfn
) -> None:
    (order_id,) = shipping.loaded()
    shipping.ship(order_id)
    said = {"errors": [{"code": "InvalidInput", "message": "no such carrier"}]}
    shipping.world.amazon.faults.answer("confirmShipment", 400, said)
    status, document = mfn("confirm", "us")
    assert status == 1
    assert document["failed"] == 1
    assert document["error"]
    assert document["remedy"]
    assert mfn("confirm", "us")[0] == 0


def test_a_concurrent_confirm_run_ends_with_3_and_an_unknown_connection_with_2(shipping: Shipping, mfn: Mfn) -> None:
    with lease(shipping.world.ledger, "us", "confirm"):
        assert mfn("confirm", "us")[0] == 3
    assert mfn("confirm", "nowhere")[0] == 2


def test_a_confirm_run_prints_its_sum_and_where_to_look_for_a_person(
    shipping: Shipping, capsys: pytest.CaptureFixture[str]
) -> None:
    (order_id,) = shipping.loaded()
    shipping.ship(order_id)
    assert run(["confirm", "us"]) == 0
    said = capsys.readouterr().out
    assert "1 shipments = 1 sent + 0 held + 0 skipped + 0 failed + 0 pending" in said
    assert "report: " in said


def test_an_order_is_shown_with_its_parcels(shipping: Shipping, mfn: Mfn, capsys: pytest.CaptureFixture[str]) -> None:
    (order_id,) = shipping.loaded()
    shipment_id = shipping.ship(order_id, carrier="U.P.S.")
    shipping.run()
    status, document = mfn("orders", "show", order_id)
    assert (status, document["status"]) == (0, "shipped")
    (parcel,) = document["parcels"]
    assert (parcel["shipment_id"], parcel["status"], parcel["carrier"], parcel["carrier_code"]) == (
        shipment_id,
        "sent",
        "U.P.S.",
        "UPS",
    )
    assert [(moment["kind"], moment["outcome"]) for moment in document["timeline"]] == [
        ("import", "loaded"),
        ("confirm", "sent"),
    ]
    assert run(["orders", "show", order_id]) == 0
    assert f"parcel {shipment_id} sent" in capsys.readouterr().out


def test_confirm_batches_are_listed_and_run_again(
    shipping: Shipping, mfn: Mfn, capsys: pytest.CaptureFixture[str]
) -> None:
    (order_id,) = shipping.loaded()
    shipping.ship(order_id)
    batch_id = shipping.run()["batch_id"]
    _, document = mfn("batches")
    assert [(row["kind"], row["stage"]) for row in document["batches"]] == [("confirm", "verify"), ("import", "load")]
    assert run(["batches"]) == 0
    assert batch_id in capsys.readouterr().out
    status, document = mfn("rerun", batch_id, "--from-stage", "verify")
    assert (status, document["batches"][0]["sent"]) == (0, 1)
    assert mfn("rerun", batch_id, "--from-stage", "extract")[0] == 2
