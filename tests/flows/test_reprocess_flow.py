"""What is processed again, under Prefect: handed out in parts to workers, or done by the planning run itself."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterName
from prefect.exceptions import ObjectAlreadyExists
from prefect.flow_engine import run_flow

from flows.reprocess_orders import reprocess_orders
from flows.reprocess_part import reprocess_part
from mfn.ledger.batch_listing import list_batches
from mfn.steps.rerunning.reprocessing import reprocessing_of
from tests.steps.test_reprocessing import change_mappings, methods
from tests.world import an_order

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.world import World

pytestmark = [
    pytest.mark.usefixtures("prefect", "one_order_a_part"),
    pytest.mark.filterwarnings("default", "ignore::ResourceWarning"),
]


@pytest.fixture
def one_order_a_part(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each order is a part of its own."""
    monkeypatch.setattr("tasks.reprocess.reprocessing_of", partial(reprocessing_of, size=1))
    monkeypatch.setattr("tasks.dispatching.LOOK_AGAIN_SECONDS", 0.05)


async def _flow_runs(client: Any) -> list[Any]:
    parts = DeploymentFilter(name=DeploymentFilterName(any_=["default"]))
    found: list[Any] = await client.read_flow_runs(deployment_filter=parts)
    return found


async def _reprocess(*, with_worker: bool, once_deleted: Callable[[], None] | None = None) -> tuple[Any, list[Any]]:
    """The state of the flow run and the flow runs of its parts, which a worker carries out where there is one.

    With `once_deleted` somebody deletes those that are handed out; it is called then.
    """
    planning: Any = reprocess_orders
    part: Any = reprocess_part
    async with get_client() as client:
        with suppress(ObjectAlreadyExists):
            await client.create_work_pool(WorkPoolCreate(name="parts", type="process"))
        flow_id = await client.create_flow(part)
        deployment = await client.create_deployment(flow_id, "default", work_pool_name="parts")
        planned = asyncio.ensure_future(planning(return_state=True))
        while with_worker and not planned.done():
            for found in await _flow_runs(client):
                if found.state.is_scheduled():
                    ending: Any = run_flow(part, flow_run=found, parameters=found.parameters, return_type="state")
                    await ending
            await asyncio.wait([planned], timeout=0.05)
        while once_deleted is not None and not planned.done():
            for found in await _flow_runs(client):
                if found.state.is_scheduled():
                    await client.delete_flow_run(found.id)
                    once_deleted()
            await asyncio.wait([planned], timeout=0.05)
        state = await planned
        runs = await _flow_runs(client)
        await client.delete_deployment(deployment)
    return state, runs


def test_each_part_is_a_separate_flow_run_on_any_worker_of_the_pool(world: World) -> None:
    world.put(an_order(), an_order(), an_order())
    world.run()
    change_mappings(world)
    state, runs = asyncio.run(_reprocess(with_worker=True))
    assert (state.type.value, state.message) == ("COMPLETED", "Done: us.")
    assert methods(world) == ["TWO_DAY"] * 3
    batches = list_batches(world.ledger)[:3]
    assert {run.name: str(run.id) for run in runs} == {batch.batch_id: batch.flow_run_id for batch in batches}
    assert all(run.parent_task_run_id for run in runs)
    assert {run.state.message for run in runs} == {
        f"{batch.batch_id}: fetched 1, loaded 1, held 0, unchanged 0, cancelled 0, ignored 0" for batch in batches
    }


def test_the_planning_run_does_the_parts_itself_if_no_worker_starts_and_none_starts_later(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.dispatching.BEGIN_SECONDS", 0.0)
    world.put(an_order(), an_order())
    world.run()
    change_mappings(world)
    state, runs = asyncio.run(_reprocess(with_worker=False))
    assert state.is_completed()
    assert methods(world) == ["TWO_DAY"] * 2
    assert {run.state.type.value for run in runs} == {"CANCELLED"}
    part: Any = reprocess_part
    late = asyncio.run(part(**runs[0].parameters, return_state=True))
    assert (late.name, "has ended" in late.message) == ("Skipped", True)


def test_parts_whose_flow_runs_were_deleted_are_done_by_the_planning_run(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.dispatching.BEGIN_SECONDS", float("inf"))
    world.put(an_order())
    world.run()
    change_mappings(world)
    give_up = partial(monkeypatch.setattr, "tasks.dispatching.BEGIN_SECONDS", 0.0)
    state, runs = asyncio.run(_reprocess(with_worker=False, once_deleted=give_up))
    assert (state.type.value, state.message, runs) == ("COMPLETED", "Done: us.", [])
    assert methods(world) == ["TWO_DAY"]
