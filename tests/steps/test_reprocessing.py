"""Orders that the ledger has, processed again: cut into parts, carried on, and never against an import."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from mfn.errors import ConfigurationError, LeaseLostError, RetriableError, RunFailedError
from mfn.ledger.batch_listing import list_batches
from mfn.ledger.batches import get_batch
from mfn.ledger.leases import is_held
from mfn.ledger.orders import batch_orders
from mfn.ledger.reprocessing import cut_part, new_plan
from mfn.steps.rerunning.reprocessed import failed_parts
from mfn.steps.rerunning.reprocessing import do_part, part_run, reprocess, reprocess_parameters, reprocessing_of
from mfn.steps.rerunning.reruns import failed_batches, rerun_batch
from mfn.warehouse.sql import SqlWarehouse
from tests.world import an_order

if TYPE_CHECKING:
    from tests.world import World

OTHERS = "connection,program,service_level,marketplace,warehouse_code,note\n,,STANDARD,,TWO_DAY,\n"
ALL = reprocess_parameters()


def change_mappings(world: World) -> None:
    """Standard orders leave by another method from now on."""
    (world.home / "mappings" / "shipping_methods.csv").write_text(OTHERS, encoding="utf-8")


def methods(world: World) -> list[str]:
    """By which method the orders leave, by their numbers."""
    return [row["ship_method_code"] for row in world.rows()]


def parts(world: World) -> list[set[str]]:
    """The orders of each batch that was processed again, newest first."""
    again = [row.batch_id for row in list_batches(world.ledger) if "reprocess" in row.parameters]
    return [{row.order_id for row in batch_orders(world.ledger, batch_id)} for batch_id in again]


def test_a_changed_mapping_reaches_what_the_warehouse_has_not_begun_without_a_call_to_amazon(world: World) -> None:
    _, begun = world.put(an_order(), an_order())
    world.run()
    world.warehouse_moves(begun, "picking")
    change_mappings(world)
    calls = len(world.amazon.calls)
    done = reprocess(world.settings, "us", ALL)
    assert (done["orders"], done["loaded"], done["unchanged"], done["failed"]) == (2, 1, 1, [])
    assert methods(world) == ["TWO_DAY", "GROUND"]
    assert reprocess(world.settings, "us", ALL)["unchanged"] == 2
    assert len(world.amazon.calls) == calls


def test_other_files_beside_the_mappings_neither_stop_nor_restart_anything(world: World) -> None:
    world.put(an_order(), an_order())
    world.run()
    with reprocessing_of(world.settings, "us", ALL, size=1) as work, work.wave() as token:
        begun = work.next_part(token)
    beside = world.home / "mappings"
    (beside / ".#rules.yaml").symlink_to("somebody@somewhere.1234")  # how an editor locks a file
    (beside / "old.csv").mkdir()
    (beside / "notes.csv").write_text("to do\n", encoding="utf-8")
    done = reprocess(world.settings, "us", ALL, size=1)
    assert (done["orders"], len(done["batches"]), done["batches"][0]) == (2, 2, begun)


def test_orders_are_cut_into_disjoint_parts_each_a_batch_with_a_report_of_its_own(world: World) -> None:
    placed = world.put(*(an_order() for _ in range(5)))
    world.run()
    done = reprocess(world.settings, "us", ALL, size=2)
    assert [len(part) for part in parts(world)] == [1, 2, 2]
    assert set().union(*parts(world)) == set(placed)
    assert len({get_batch(world.ledger, batch_id).report for batch_id in done["batches"]}) == 3
    assert (done["orders"], done["unchanged"]) == (5, 5)


def test_only_orders_of_the_period_and_of_the_status_are_meant(world: World) -> None:
    old, new, gone = world.put(an_order(minutes_ago=5000), an_order(minutes_ago=30), an_order(minutes_ago=40))
    world.run()
    world.change(gone, fulfillment={"fulfillmentStatus": "CANCELLED"})
    world.run()
    moment = world.amazon.orders.get(new)["lastUpdatedTime"].replace("Z", "+00:00")
    before = reprocess_parameters(before=datetime.fromisoformat(moment))
    reprocess(world.settings, "us", before)
    reprocess(world.settings, "us", reprocess_parameters(status="cancelled"))
    assert parts(world) == [{gone}, {old}]


def test_what_the_warehouse_never_had_is_read_again_from_amazon_by_an_import_before_it_is_loaded(world: World) -> None:
    world.write_connections(not_before="2099-01-01")
    due, shipped = world.put(an_order(), an_order())
    world.run()
    world.write_connections()
    world.change(shipped, fulfillment={"fulfillmentStatus": "SHIPPED"})
    done = reprocess(world.settings, "us", ALL)
    assert (done["held"], done["loaded"], world.rows()) == (2, 0, [])
    assert world.reasons(due) == ["read_again_first"]
    world.run()
    assert world.statuses() == {due: "loaded", shipped: "shipped"}


def test_a_rehearsal_says_what_would_be_loaded_again_and_changes_nothing(world: World) -> None:
    world.put(an_order())
    world.run()
    change_mappings(world)
    done = reprocess(world.settings, "us", reprocess_parameters(dry_run=True))
    assert (done["loaded"], methods(world)) == (1, ["GROUND"])
    assert reprocess(world.settings, "us", ALL)["loaded"] == 1


def test_killed_between_two_parts_it_goes_on_with_what_is_left_and_no_import_takes_that_for_its_own(
    world: World,
) -> None:
    placed = world.put(*(an_order() for _ in range(6)))
    world.run()
    with reprocessing_of(world.settings, "us", ALL, size=2) as work, work.wave() as token:
        first, begun = work.next_part(token), work.next_part(token)
        assert first is not None
        assert do_part(world.settings, first, token) is None
    imported = world.run()
    assert (imported["released"], imported["still_held"]) == (0, 0)
    assert get_batch(world.ledger, str(begun)).status == "failed"
    done = reprocess(world.settings, "us", ALL, size=2)
    assert done["batches"][0] == begun
    assert sorted(order for part in parts(world) for order in part) == sorted(placed)
    assert reprocess(world.settings, "us", ALL, size=10)["orders"] == 6


def test_an_interrupted_part_starts_over_if_the_mappings_have_changed_since(world: World) -> None:
    world.put(an_order(), an_order())
    world.run()
    with reprocessing_of(world.settings, "us", ALL, size=1) as work, work.wave() as token:
        assert do_part(world.settings, str(work.next_part(token)), token) is None
    change_mappings(world)
    assert reprocess(world.settings, "us", ALL, size=1)["loaded"] == 2
    assert methods(world) == ["TWO_DAY", "TWO_DAY"]


def test_a_part_that_failed_does_not_stop_the_others_and_is_run_again_like_any_batch(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.put(an_order(), an_order())
    world.run()
    change_mappings(world)
    load = SqlWarehouse.load

    def lost_once(*_: Any) -> Any:
        monkeypatch.setattr(SqlWarehouse, "load", load)
        raise RetriableError("the warehouse of us cannot be used.", remedy="Start it.")

    monkeypatch.setattr(SqlWarehouse, "load", lost_once)
    with pytest.raises(RunFailedError) as failed:
        reprocess(world.settings, "us", ALL, size=1)
    assert (failed.value.summary["loaded"], len(failed.value.summary["failed"])) == (1, 1)
    assert failed_batches(world.settings) == failed.value.summary["failed"]
    (part,) = failed.value.summary["failed"]
    calls = len(world.amazon.calls)
    assert rerun_batch(world.settings, part, from_stage="extract")["loaded"] == 1
    assert (methods(world), len(world.amazon.calls)) == (["TWO_DAY", "TWO_DAY"], calls)
    assert not get_batch(world.ledger, part).is_window_open, "a scheduled import would leave its work to this batch"


def test_a_wave_that_has_ended_starts_none_of_its_parts(world: World) -> None:
    world.put(an_order())
    world.run()
    with reprocessing_of(world.settings, "us", ALL) as work:
        with work.wave() as token:
            batch_id = str(work.next_part(token))
        with pytest.raises(LeaseLostError, match="has ended"), part_run(world.settings, batch_id, token):
            pass


def test_an_import_waits_for_the_end_of_a_wave(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    (order_id,) = world.put(an_order())
    asked = threading.Event()

    def is_reported(*arguments: Any) -> bool:
        asked.set()
        return is_held(*arguments)

    monkeypatch.setattr("mfn.steps.waiting.is_held", is_reported)
    with ThreadPoolExecutor(1) as pool, reprocessing_of(world.settings, "us", ALL) as work:
        with work.wave():
            imported = pool.submit(world.run)
            assert asked.wait(60)
            assert not imported.done()
        assert imported.result()["loaded"] == 1
    assert world.statuses() == {order_id: "loaded"}


def test_held_orders_are_left_to_the_imports(world: World) -> None:
    with pytest.raises(ConfigurationError, match="every import checks"):
        reprocess_parameters(status="held")
    with pytest.raises(ConfigurationError, match="no status"):
        reprocess_parameters(status="lost")
    world.put(an_order(level="EXPRESS"))
    world.run()
    assert reprocess(world.settings, "us", ALL)["batches"] == []


def test_a_plan_is_cut_under_the_lease_only(world: World) -> None:
    world.put(an_order())
    world.run()
    with pytest.raises(LeaseLostError):
        cut_part(world.ledger, new_plan(world.ledger, "us", ALL), lease="somebody else's", size=1)
    assert parts(world) == []


def test_of_parts_that_failed_it_is_said_what_became_of_the_others_where_there_are_any() -> None:
    assert failed_parts("us", ["a: lost"], ["a", "b"]).remedy.startswith("The others are done. Run it again")
    assert failed_parts("us", ["a: lost"], ["a"]).remedy.startswith("Run it again")
