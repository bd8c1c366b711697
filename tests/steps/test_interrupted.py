"""Runs that are ended from outside: what they had not done is done by the next one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mfn.errors import FatalError, RetriableError, RunFailedError
from mfn.ledger.batch_listing import list_batches
from mfn.ledger.batches import get_batch
from mfn.ledger.chunks import drop_chunks
from mfn.steps.importing import load as load_step
from mfn.steps.importing import validate as validate_step
from mfn.steps.importing.extract import extract
from mfn.steps.importing.loading import load_chunk
from mfn.steps.importing.transform import transform
from mfn.steps.report import report
from mfn.steps.runs import import_parameters, new_run
from mfn.steps.stages import perform
from tests.world import SKUS, address, an_item, an_order

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mfn.models import BatchRef
    from mfn.settings import Settings
    from mfn.steps.importing.loading import Chunk, Loading
    from tests.world import World


class Terminated(BaseException):
    """What a supervisor makes of SIGTERM; no Exception, as Prefect's TerminationSignal."""


def validate(_batch: BatchRef, _settings: Settings) -> BatchRef:
    raise Terminated


def import_until_terminated(settings: Settings) -> None:
    with new_run(settings, "us", "import", import_parameters()) as batch:
        try:
            perform(validate, perform(extract, batch, settings), settings)
        finally:
            report(batch, settings)


def test_a_run_that_is_terminated_is_not_done_even_once_it_has_a_report(world: World) -> None:
    (order_id,) = world.put(an_order())
    with pytest.raises(Terminated):
        import_until_terminated(world.settings)
    (batch,) = list_batches(world.ledger)
    assert (batch.status, batch.error) == ("failed", "interrupted in validate.")
    assert world.run()["batch_id"] == batch.batch_id
    assert world.statuses() == {order_id: "loaded"}


def test_a_run_that_is_ended_between_two_steps_is_not_done(world: World) -> None:
    (order_id,) = world.put(an_order())
    with new_run(world.settings, "us", "import", import_parameters()) as batch:
        perform(extract, batch, world.settings)
        report(batch, world.settings)
    assert get_batch(world.ledger, batch.batch_id).status == "failed"
    assert world.run()["batch_id"] == batch.batch_id
    assert world.statuses() == {order_id: "loaded"}


def test_what_a_run_had_read_again_before_it_broke_off_is_not_read_once_more(world: World) -> None:
    (order_id,) = world.put(an_order(an_item(sku="MUG-GREEN"), minutes_ago=600))
    world.run()
    world.add_items("MUG-GREEN")
    with new_run(world.settings, "us", "import", import_parameters()) as batch:
        perform(validate_step.validate, perform(extract, batch, world.settings), world.settings)
        report(batch, world.settings)
    summary = world.run()
    assert (summary["batch_id"], summary["released"]) == (batch.batch_id, 1)
    assert summary["api_calls"]["getOrder"] == 1
    assert world.statuses() == {order_id: "loaded"}


def test_a_mapping_that_changes_while_a_run_is_at_work_loads_nothing_that_it_no_longer_fits(world: World) -> None:
    world.add_items("MUG-GREEN")
    changed, other = world.put(an_order(an_item(sku="MUG-GREEN")), an_order())

    def import_meanwhile() -> None:
        with new_run(world.settings, "us", "import", import_parameters()) as batch:
            batch = perform(extract, batch, world.settings)  # noqa: PLW2901 - each step hands on the batch
            batch = perform(validate_step.validate, batch, world.settings)  # noqa: PLW2901
            world.forget_items()
            world.add_items(*SKUS)
            perform(transform, batch, world.settings)

    with pytest.raises(FatalError, match="orders that had passed no longer match it"):
        import_meanwhile()
    assert world.rows() == []
    world.run()
    assert world.statuses() == {changed: "held", other: "loaded"}


def load_one_and_break(loading: Loading, number: int, chunk: Chunk) -> None:
    load_chunk(loading, number, chunk)
    raise RetriableError("the warehouse is gone.", remedy="Start it.")


def test_what_the_warehouse_refused_before_a_run_broke_off_counts_at_the_quality_gate(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.write_connections(hold_alarm_percent=40)
    world.put(an_order(recipient={"deliveryAddress": address(city="Nowhere")}), an_order())
    world.refuse_city("Nowhere")

    with monkeypatch.context() as planted:
        planted.setattr(validate_step, "CHUNK_ORDERS", 1)
        planted.setattr(load_step, "load_chunk", load_one_and_break)
        with pytest.raises(RunFailedError, match="the warehouse is gone"):
            world.run()
    with pytest.raises(RunFailedError, match="1 of 2 due orders are held"):
        world.run()


def test_a_change_that_amazon_takes_back_after_a_run_broke_off_is_taken_back_in_the_warehouse(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RetriableError("the ledger is gone.", remedy="Start it.")

    (order_id,) = world.put(an_order())
    world.run()
    before = world.amazon.orders.get(order_id)["recipient"]
    world.change(order_id, recipient={"deliveryAddress": address(city="Tacoma")})
    with monkeypatch.context() as planted:
        planted.setattr("mfn.steps.importing.loading._note", broken)
        with pytest.raises(RunFailedError, match="the ledger is gone"):
            world.run()
    assert world.rows()[0]["city"] == "Tacoma"
    world.change(order_id, recipient=before)
    world.run()
    assert world.rows()[0]["city"] == "Seattle"


def test_a_load_that_leaves_orders_without_an_outcome_is_not_done(world: World) -> None:
    order_id, _ = world.put(an_order(), an_order())

    def import_without_chunks() -> None:
        with new_run(world.settings, "us", "import", import_parameters()) as batch:
            for step in (extract, validate_step.validate, transform):
                batch = perform(step, batch, world.settings)  # noqa: PLW2901 - each step hands on the batch
            with world.ledger.writing() as database:
                drop_chunks(database, batch)
            perform(load_step.load, batch, world.settings)

    with pytest.raises(FatalError, match="2 orders of this batch were neither loaded, held nor ignored"):
        import_without_chunks()
    world.run()
    assert world.statuses()[order_id] == "loaded"


def test_what_a_failed_import_had_done_adds_up_with_what_it_had_not(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.put(an_order(), an_order(level="SAME_DAY"), an_order(), an_order(status="PENDING"))
    with monkeypatch.context() as planted:
        planted.setattr(validate_step, "CHUNK_ORDERS", 1)
        planted.setattr(load_step, "load_chunk", load_one_and_break)
        with pytest.raises(RunFailedError) as failed:
            world.run()
    assert counts_of(failed.value.summary) == (4, 1, 1, 1, 1)
    assert counts_of(world.run()) == (4, 2, 1, 1, 0)


def test_what_had_landed_before_a_search_broke_off_is_reported(world: World) -> None:
    first = {"orders": [an_order(), an_order()], "pagination": {"nextToken": "more"}}
    world.amazon.faults.answer("searchOrders", 200, first)
    world.amazon.faults.answer("searchOrders", 403, times=2)
    with pytest.raises(RunFailedError, match="HTTP 403") as failed:
        world.run()
    assert counts_of(failed.value.summary) == (2, 0, 0, 0, 2)


def counts_of(summary: Mapping[str, Any]) -> tuple[int, ...]:
    return tuple(summary[name] for name in ("fetched", "loaded", "held", "ignored", "not_decided"))
