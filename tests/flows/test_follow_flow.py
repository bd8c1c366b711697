"""Following as a Prefect flow: it goes on until it is cancelled, and what is set up wrongly is told at once."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from flows.follow_orders import follow_orders
from mfn.ledger.batch_listing import list_batches
from mfn.steps.importing import following
from tests.flows.flow_runs import ON_PREFECT, run_flow
from tests.world import an_item, an_order

if TYPE_CHECKING:
    from tests.world import World

pytestmark = ON_PREFECT


def test_a_missing_connection_fails_the_run_with_what_to_do(world: World) -> None:
    state = run_flow(follow_orders, connection="nowhere")
    assert state.is_failed()
    assert state.message.startswith("Nothing was started:")
    assert list_batches(world.ledger) == []


def test_each_import_is_a_batch_until_the_run_is_cancelled(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    order_id, held = world.put(an_order(), an_order(an_item(sku="MUG-GREEN")))
    world.write_connections(hold_alarm_percent=10)
    asked_to_end = lambda _seconds: signal.raise_signal(signal.SIGINT)  # noqa: E731
    monkeypatch.setattr(
        following.follow, "__kwdefaults__", {**(following.follow.__kwdefaults__ or {}), "wait": asked_to_end}
    )
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    try:
        with pytest.raises(KeyboardInterrupt):
            run_flow(follow_orders, connection="us")
    finally:
        signal.signal(signal.SIGINT, before)
    assert world.statuses() == {order_id: "loaded", held: "held"}
    (batch,) = list_batches(world.ledger)
    assert (batch.status, batch.parameters["pages"]) == ("failed", 1)
    assert f"{batch.batch_id}: failed: {batch.error} {batch.remedy}" in caplog.messages
