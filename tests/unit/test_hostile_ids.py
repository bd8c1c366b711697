"""Ids and moments that lead somewhere else: into another address, out of a folder, out of the calendar."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from mfn.amazon.listings import AmazonListings
from mfn.amazon.refusals import ListingMissingError
from mfn.errors import ConfigurationError
from mfn.moments import parse_moment
from mfn.settings import load_settings
from mfn.steps.reconciling.runs import reconcile_parameters
from mfn.steps.runs import import_parameters
from tests.faults.adapter import Clock, adapter
from tests.faults.scripted_amazon import ScriptedAmazon, answer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mfn.amazon.client import AmazonOrders


@pytest.fixture
def amazon() -> Iterator[ScriptedAmazon]:
    with ScriptedAmazon() as server:
        server.api = [answer(404, {"errors": []})]
        yield server


@pytest.fixture
def orders(amazon: ScriptedAmazon, tmp_path: Path) -> Iterator[AmazonOrders]:
    with adapter(amazon.endpoint, tmp_path, Clock()) as made:
        yield made


@pytest.mark.parametrize("order_id", ["..", ".", "", " ", "a b", "1\n", "é", "1" * 65])
def test_what_is_not_an_order_id_is_not_requested(amazon: ScriptedAmazon, orders: AmazonOrders, order_id: str) -> None:
    assert orders.get_order(order_id) is None
    assert amazon.requests == []


@pytest.mark.parametrize("order_id", ["../../x", "a/b?c=d#e", "%2e%2e%2f", "a;b&c"])
def test_an_order_id_stays_one_part_of_the_address(amazon: ScriptedAmazon, orders: AmazonOrders, order_id: str) -> None:
    assert orders.get_order(order_id) is None
    path = amazon.requests[-1].path
    assert path.startswith("/orders/2026-01-01/orders/")
    assert path.count("/") == 4
    assert list(amazon.requests[-1].query) == ["includedData"]


@pytest.mark.parametrize("sku", ["..", ".", " . ", "", "A\nB", "X" * 41])
def test_what_is_not_a_sku_is_not_patched(amazon: ScriptedAmazon, orders: AmazonOrders, sku: str) -> None:
    listings = AmazonListings(orders._session)
    with pytest.raises(ListingMissingError) as caught:
        listings.patch_quantity("ATVPDKIKX0DER", sku, 1)
    assert caught.value.message.isprintable()
    assert listings.listings_of("ATVPDKIKX0DER", [sku]).frame.empty
    assert amazon.requests == []


@pytest.mark.parametrize(
    "moment",
    [
        datetime.max.replace(tzinfo=timezone(-timedelta(hours=14))),
        datetime.min.replace(tzinfo=timezone(timedelta(hours=14))),
    ],
)
def test_a_moment_outside_of_the_calendar_is_refused(moment: datetime) -> None:
    with pytest.raises(ConfigurationError, match="is not a date or a time"):
        parse_moment(moment.isoformat(), option="--since")
    with pytest.raises(ConfigurationError, match="is not a valid time in UTC"):
        import_parameters(since=moment)
    with pytest.raises(ConfigurationError, match="is not a valid time in UTC"):
        reconcile_parameters(load_settings(), "us", since=moment)
    assert import_parameters(since=datetime(2026, 1, 29, tzinfo=UTC))["since"] == "2026-01-29T00:00:00+00:00"
