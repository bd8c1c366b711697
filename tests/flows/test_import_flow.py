"""The import as a Prefect flow: the same ledger, warehouse and report as without Prefect, and what the UI shows."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from prefect.client.orchestration import get_client
from prefect.states import Failed

from flows.import_orders import import_orders
from flows.rerun_batches import rerun_batches
from mfn.errors import FatalError, RetriableError
from mfn.ledger.batch_listing import list_batches
from mfn.ledger.batches import get_batch
from mfn.ledger.leases import lease
from mfn.ledger.orders import batch_orders
from mfn.steps.late_runs import was_just_fetched
from mfn.warehouse.tables import wms_order, wms_order_line
from tasks.extract import extract
from tasks.running import is_retriable
from tasks.runs import show_window
from tests.flows.flow_runs import ON_PREFECT, artifacts, run_flow
from tests.world import an_item, an_order

if TYPE_CHECKING:
    from mfn.models import BatchRef
    from tests.world import World

pytestmark = ON_PREFECT


def rerun_failed() -> Any:
    """A run of the rerun flow, as its state."""
    return run_flow(rerun_batches, failed=True)


def a_day(world: World) -> None:
    world.put(
        an_order(an_item(sku="BREAKFAST", units=2), programs=["PRIME"]),
        an_order(an_item(sku="MUG-GREEN")),
        an_order(level="SAME_DAY"),
        an_order(status="CANCELLED"),
        an_order(status="PENDING"),
    )


def without_identity(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {name: value for name, value in row.items() if name not in {"batch_id", "loaded_at", "updated_at"}}
        for row in rows
    ]


def what_is_there(world: World, batch_id: str) -> dict[str, Any]:
    """The warehouse, the ledger and the report of a batch, but for what differs from run to run."""
    row = get_batch(world.ledger, batch_id)
    page = (world.home / ".mfn" / "reports" / f"{batch_id}.html").read_text(encoding="utf-8")
    page = re.sub(rf"{batch_id}|\d\d:\d\d(:\d\d)?|, for [^<]+|\d+ [A-Z][a-z]{{2}} (\d\d:\d\d|\d{{4}})", "…", page)
    return {
        "orders": without_identity(world.rows(wms_order)),
        "lines": world.rows(wms_order_line),
        "statuses": world.statuses(),
        "outcomes": [tuple(order) for order in batch_orders(world.ledger, batch_id)],
        "batch": (row.status, row.stage, row.counts, row.api_calls, row.findings),
        "report": page.splitlines(),
    }


def test_a_flow_run_and_a_run_without_prefect_have_the_same_effects(world: World) -> None:
    a_day(world)
    assert run_flow(import_orders, connection="us").is_completed()
    by_flow = what_is_there(world, list_batches(world.ledger)[0].batch_id)
    world.start_over()
    summary = world.run()
    assert what_is_there(world, summary["batch_id"]) == by_flow


def test_the_ui_shows_the_report_the_held_orders_and_the_window(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MFN_REPORTS_URL", "http://127.0.0.1:8400/")
    a_day(world)
    state = run_flow(import_orders, connection="us")
    report = artifacts("import-report-us")[-1].data
    assert "2 orders need attention" in report
    assert "MUG-GREEN" in report
    page = f"http://127.0.0.1:8400/runs/{list_batches(world.ledger)[0].batch_id}"
    assert page in report
    assert f"]({page})" in artifacts("import-page-us")[-1].data
    assert "MUG-GREEN" in artifacts("held-orders-us")[-1].data

    async def name() -> str:
        async with get_client() as client:
            return (await client.read_flow_run(state.state_details.flow_run_id)).name

    assert re.fullmatch(r"us 20\d\d-\d\d-\d\d \d\d:\d\d to .*\d\d:\d\d UTC", asyncio.run(name()))


def test_a_flow_run_that_prefect_has_forgotten_is_still_carried_out(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (order_id,) = world.put(an_order())

    def not_there(**_words: str) -> None:
        with get_client(sync_client=True) as client:
            client.read_flow_run(uuid4())

    class Deleted:
        id = uuid4()

    async def show_window_of_none(batch: BatchRef) -> None:
        with monkeypatch.context() as patch:
            patch.setattr("tasks.runs.this_flow_run", Deleted)
            await show_window(batch)

    monkeypatch.setattr("flows.import_orders.show_window", show_window_of_none)
    monkeypatch.setattr("tasks.report.create_link_artifact", not_there)
    assert run_flow(import_orders, connection="us").is_completed()
    (batch,) = list_batches(world.ledger)
    assert (batch.status, world.statuses()) == ("done", {order_id: "loaded"})
    assert (world.home / ".mfn" / "reports" / f"{batch.batch_id}.html").exists()
    assert [message for message in caplog.messages if "could not show" in message] == [
        "Prefect could not show the window of the run: PrefectHTTPStatusError",
        "Prefect could not show the report: ObjectNotFound",
    ]


def test_a_run_that_fails_says_why_and_has_its_report(world: World) -> None:
    world.put(*(an_order() for _ in range(4)))
    world.amazon.faults.without_recipients = True
    state = run_flow(import_orders, connection="us")
    assert state.is_failed()
    assert "Direct-to-Consumer Delivery" in state.message
    (batch,) = list_batches(world.ledger)
    assert (batch.status, batch.stage) == ("failed", "opened")
    assert "Direct-to-Consumer Delivery" in (world.home / ".mfn" / "reports" / f"{batch.batch_id}.html").read_text(
        "utf-8"
    )
    assert "Direct-to-Consumer Delivery" in artifacts("import-report-us")[-1].data


def test_the_class_of_an_error_decides_whether_a_task_is_retried() -> None:
    passing: Any = Failed(data=RetriableError("gone for a moment", remedy="wait"))
    lasting: Any = Failed(data=FatalError("a role is missing", remedy="grant it"))
    assert is_retriable(extract, None, passing)  # type: ignore[arg-type]
    assert not is_retriable(extract, None, lasting)  # type: ignore[arg-type]


def test_a_flow_run_that_meets_another_one_ends_as_failed_and_starts_nothing(world: World) -> None:
    with lease(world.ledger, "us", "import"):
        state = run_flow(import_orders, connection="us")
    assert state.is_failed()
    assert "another import run is working on connection us" in state.message
    assert list_batches(world.ledger) == []


def test_a_failed_batch_is_run_again_by_the_rerun_flow(world: World) -> None:
    world.write_connections(hold_alarm_percent=10)
    (order_id,) = world.put(an_order(an_item(sku="MUG-GREEN")))
    assert run_flow(import_orders, connection="us").is_failed()
    world.add_items("MUG-GREEN")
    state = rerun_failed()
    assert state.is_completed(), state.message
    assert world.statuses() == {order_id: "loaded"}
    assert rerun_failed().message == "Nothing to run again."


def test_a_run_that_a_person_started_is_never_skipped(world: World) -> None:
    world.run()
    assert was_just_fetched(world.settings, "us")
    assert run_flow(import_orders, connection="us").name == "Completed"
    assert len(list_batches(world.ledger)) == 2


@pytest.mark.parametrize(
    ("broken", "task"), [("mfn.steps.importing.validate.judge", "validate"), ("tasks.report.render_markdown", "report")]
)
def test_an_unexpected_error_reaches_prefect_without_its_message(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, broken: str, task: str
) -> None:
    def breaks(*_: Any, **__: Any) -> None:
        raise ValueError("7 Planted Lane")

    monkeypatch.setattr(broken, breaks)
    world.put(an_order())
    state = run_flow(import_orders, connection="us")
    assert f"{task} failed unexpectedly: ValueError" in state.message
    assert "Planted" not in state.message
    assert "Planted" not in caplog.text


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"since": "2099-01-01T00:00:00Z"}, "since: 2099-01-01 00:00:00+00:00 is in the future: it is now "),
        ({"order": " "}, "order is empty.\nGive Amazon's order id"),
    ],
)
def test_the_form_refuses_what_the_command_refuses(world: World, asked: dict[str, str], expected: str) -> None:
    state = run_flow(import_orders, connection="us", **asked)
    assert state.is_failed()
    assert f"Nothing was started: {expected}" in state.message
    assert list_batches(world.ledger) == []


def test_an_order_id_pasted_with_spaces_is_recognized(world: World) -> None:
    wanted = an_order()
    world.put(wanted, an_order())
    state = run_flow(import_orders, connection="us", order=f" {wanted['orderId']}\n")
    assert state.is_completed(), state.message
    assert [row["order_number"] for row in world.rows(wms_order)] == [wanted["orderId"]]
