"""`mfn batches` and `mfn rerun`: at which stage a batch failed and why, and what cannot be run again, all at once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mfn.cli.application import run
from mfn.errors import FatalError, RunFailedError
from mfn.ledger.batch_listing import list_batches
from mfn.models import STAGES
from mfn.steps.runs import run_confirm
from mfn.steps.stages import STEPS
from mfn.warehouse.sql import SqlWarehouse
from tests.world import an_item, an_order

if TYPE_CHECKING:
    from tests.cli.conftest import Mfn
    from tests.world import World


def lose_the_warehouse(monkeypatch: pytest.MonkeyPatch, function: str) -> None:
    """The warehouse refuses a call until `monkeypatch` is undone."""

    def lost(*_: Any, **__: Any) -> None:
        raise FatalError("the warehouse of us is gone.", remedy="Start it.")

    monkeypatch.setattr(SqlWarehouse, function, lost)


@pytest.mark.parametrize(
    ("function", "stage", "failed_at"), [("items", "extract", "validate"), ("load", "transform", "load")]
)
def test_a_batch_that_failed_says_at_which_stage_and_why(
    world: World, mfn: Mfn, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    *, function: str, stage: str, failed_at: str,
) -> None:  # fmt: skip
    world.put(an_order())
    with monkeypatch.context() as lost:
        lose_the_warehouse(lost, function)
        status, document = mfn("import", "us")
    assert (status, document["error"]) == (1, "the warehouse of us is gone.")
    assert f"What happened at {failed_at}</h2>" in Path(document["report"]).read_text(encoding="utf-8")
    (batch,) = mfn("batches", "--failed")[1]["batches"]
    assert (batch["status"], batch["stage"], batch["failed_at"]) == ("failed", stage, failed_at)
    assert (batch["error"], batch["remedy"], batch["flow_run_id"]) == (
        "the warehouse of us is gone.",
        "Start it.",
        None,
    )
    assert run(["batches"]) == 0
    shown = capsys.readouterr().out
    assert f"failed at {failed_at}" in shown
    assert "the warehouse of us is gone." in shown


def test_a_batch_stopped_by_the_gate_failed_at_its_report_and_a_finished_one_nowhere(world: World, mfn: Mfn) -> None:
    world.run()
    world.write_connections(hold_alarm_percent=0)
    world.put(an_order(an_item(sku="MUG-GREEN"), minutes_ago=5))
    assert mfn("import", "us")[0] == 1
    assert [batch["failed_at"] for batch in mfn("batches")[1]["batches"]] == ["report", None]


def test_everything_that_cannot_be_run_again_is_reported_together_and_nothing_is_started(
    world: World, mfn: Mfn
) -> None:
    world.write_carriers()
    imported, confirmed = world.run()["batch_id"], run_confirm(world.settings, "us")["batch_id"]
    before = list_batches(world.ledger)
    status, document = mfn("rerun", imported, "nope", confirmed, "neither", "--from-stage", "collect")
    assert status == 2
    assert "there is no batch 'nope'." in document["error"]
    assert "there is no batch 'neither'." in document["error"]
    assert f"{imported}: a batch of kind import has no stage 'collect'; its stages are: extract" in document["error"]
    assert confirmed not in document["error"]
    assert "mfn batches" in document["remedy"]
    assert list_batches(world.ledger) == before


def test_a_stage_that_some_of_the_failed_batches_lack_starts_none_of_them(
    world: World, mfn: Mfn, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.put(an_order())
    with monkeypatch.context() as lost:
        lose_the_warehouse(lost, "load")
        lose_the_warehouse(lost, "written_shipments")
        assert mfn("import", "us")[0] == 1
        with pytest.raises(RunFailedError):
            run_confirm(world.settings, "us")
    status, document = mfn("rerun", "--failed", "--from-stage", "validate")
    assert status == 2
    assert "a batch of kind confirm has no stage 'validate'" in document["error"]
    assert world.rows() == []
    assert mfn("rerun", "--failed")[0] == 0
    assert {batch["status"] for batch in mfn("batches")[1]["batches"]} == {"done"}


def test_an_unknown_stage_is_wrong_usage_even_if_nothing_failed(world: World, mfn: Mfn) -> None:
    world.run()
    status, document = mfn("rerun", "--failed", "--from-stage", "validat")
    assert status == 2
    assert "'validat'" in document["error"]
    assert mfn("rerun", "--failed", "--from-stage", "validate") == (0, {"batches": []})


def test_a_rerun_that_fails_again_ends_with_1_and_keeps_the_others(
    world: World, mfn: Mfn, monkeypatch: pytest.MonkeyPatch
) -> None:
    (order_id,) = world.put(an_order())
    with monkeypatch.context() as lost:
        lose_the_warehouse(lost, "load")
        assert mfn("import", "us")[0] == 1
        status, document = mfn("rerun", "--failed")
        assert (status, document["batches"][0]["status"], document["remedy"]) == (1, "failed", "Start it.")
    assert mfn("rerun", "--failed")[1]["batches"][0]["loaded"] == 1
    assert world.statuses() == {order_id: "loaded"}


def test_the_stages_that_can_be_named_are_the_steps_that_run() -> None:
    assert {kind: tuple(step.__name__ for step in steps) for kind, steps in STEPS.items()} == STAGES
