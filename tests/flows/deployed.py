"""Flow runs of a deployment, run here as a worker's process would: scheduled, started by hand, and tried again."""

from __future__ import annotations

import asyncio
import itertools
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from prefect import State
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId, DeploymentFilter, DeploymentFilterId
from prefect.client.schemas.objects import StateType
from prefect.client.schemas.schedules import IntervalSchedule
from prefect.client.schemas.sorting import FlowRunSort
from prefect.flow_engine import run_flow

if TYPE_CHECKING:
    from uuid import UUID

NUMBERS = itertools.count(1)


async def _deploy(flow: Any, parameters: dict[str, Any], schedules: list[Any]) -> UUID:
    async with get_client() as client:
        flow_id = await client.create_flow(flow)
        return await client.create_deployment(
            flow_id, f"test-{next(NUMBERS)}", parameters=parameters, schedules=schedules
        )


async def _run(flow: Any, flow_run: Any) -> State[Any]:
    state: State[Any] = await run_flow(flow, flow_run=flow_run, parameters=flow_run.parameters, return_type="state")  # type: ignore[misc]
    return state


def started_by_hand(flow: Any, **parameters: Any) -> State[Any]:
    """A run of a deployment that a person started, to its end."""

    async def start() -> State[Any]:
        deployment = await _deploy(flow, parameters, [])
        async with get_client() as client:
            return await _run(flow, await client.create_flow_run_from_deployment(deployment))

    return asyncio.run(start())


def tried_again(flow: Any, ended: State[Any]) -> State[Any]:
    """The same flow run once more, by the very request that the button Retry of the UI makes."""

    async def retry() -> State[Any]:
        async with get_client() as client:
            flow_run_id: Any = ended.state_details.flow_run_id
            proposed: State[Any] = State(type=StateType.SCHEDULED, name="AwaitingRetry", message="Retry from the UI")
            answer = await client.set_flow_run_state(flow_run_id, proposed, force=False)
            assert answer.state is not None
            assert answer.state.name == "AwaitingRetry"
            return await _run(flow, await client.read_flow_run(flow_run_id))

    return asyncio.run(retry())


def run_late(flow: Any, **parameters: Any) -> list[State[Any]]:
    """The five runs that a schedule has made for a weekend without a worker, to their ends, the oldest first."""
    until = datetime.now(UTC) - timedelta(hours=1)
    since, every = until - timedelta(hours=50), timedelta(hours=12)

    async def run_all() -> list[State[Any]]:
        schedule = DeploymentScheduleCreate(schedule=IntervalSchedule(interval=every, anchor_date=since))
        deployment = await _deploy(flow, parameters, [schedule])
        async with get_client() as client:
            body = {"start_time": since.isoformat(), "end_time": until.isoformat(), "min_runs": 100, "max_runs": 100}
            await client._client.post(f"/deployments/{deployment}/schedule", json=body)
            runs = await client.read_flow_runs(
                deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=[deployment])),
                sort=FlowRunSort.EXPECTED_START_TIME_ASC,
            )
            return [
                await _run(flow, run) for run in runs if run.expected_start_time and run.expected_start_time <= until
            ]

    return asyncio.run(run_all())


def links_of(state: State[Any]) -> list[Any]:
    """The artifacts of a flow run."""

    async def read() -> list[Any]:
        flow_run_id: Any = state.state_details.flow_run_id
        async with get_client() as client:
            mine = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[flow_run_id]))
            return await client.read_artifacts(artifact_filter=mine)

    return asyncio.run(read())
