"""How the parts of a reprocessing reach the workers of the pool, and what is done if they have no room."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import WorkerStatus
from prefect.deployments import arun_deployment
from prefect.exceptions import ObjectNotFound
from prefect.logging import get_run_logger
from prefect.states import Cancelled

from mfn.ledger.leases import LEASE_SECONDS
from mfn.steps.rerunning.reprocessed import failure_of_part
from mfn.steps.rerunning.reprocessing import WAVE_SECONDS, do_part

if TYPE_CHECKING:
    from uuid import UUID

    from prefect import State
    from prefect.client.orchestration import PrefectClient
    from prefect.client.schemas.objects import FlowRun

    from mfn.settings import Settings
    from mfn.steps.rerunning.reprocessing import Reprocessing

PART = "reprocess-part/default"
PARTS_A_WORKER = 2
"""How many parts are handed out for each worker: one may be at work while the next one starts."""
LOOK_AGAIN_SECONDS = 1.0
BEGIN_SECONDS = 60.0
"""If no part starts within this time, no worker has room: the run that planned them does them itself."""


@dataclass
class Dispatcher:
    """Has the parts done by the workers of the pool or, if they have no room, does them itself.

    Attributes:
        client: The Prefect API.
        settings: The settings in force.
        work: The reprocessing.
        pool: The work pool of the parts; None to do them here.
        failures: How parts failed.
    """

    client: PrefectClient
    settings: Settings
    work: Reprocessing
    pool: str | None
    failures: list[str] = field(default_factory=list)
    _out: dict[UUID, str] = field(default_factory=dict)

    async def do_wave(self, token: str) -> None:
        """Have parts done until the wave has lasted long enough or none is left.

        Args:
            token: The token of the wave.
        """
        ends_at = time.monotonic() + WAVE_SECONDS
        if self.pool is not None:
            await self._by_workers(token, ends_at)
        while self.pool is None and time.monotonic() < ends_at:
            batch_id = self.work.next_part(token)
            if batch_id is None:
                return
            self._note(do_part(self.settings, batch_id, token))

    async def _by_workers(self, token: str, ends_at: float) -> None:
        """Hand parts out, and wait until all of them have ended."""
        begun_at, room = time.monotonic(), await self._room()
        while True:
            while len(self._out) < room and time.monotonic() < ends_at:
                batch_id = self.work.next_part(token)
                if batch_id is None:
                    break
                await self._hand_out(batch_id, token)
            if not self._out:
                return
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
            if await self._look():
                begun_at = time.monotonic()
            elif time.monotonic() - begun_at > BEGIN_SECONDS:
                await self._take_back()
                return

    async def _room(self) -> int:
        workers = await self.client.read_workers_for_work_pool(str(self.pool))
        return PARTS_A_WORKER * max(1, sum(worker.status == WorkerStatus.ONLINE for worker in workers))

    async def _hand_out(self, batch_id: str, token: str) -> None:
        parameters = {"batch": batch_id, "lease": token}
        flow_run = await arun_deployment(PART, client=self.client, parameters=parameters, timeout=0)
        self._out[flow_run.id] = batch_id

    async def _look(self) -> bool:
        """Check the parts that are out; returns whether one of them has begun."""
        meant = FlowRunFilter(id=FlowRunFilterId(any_=list(self._out)))
        has_begun = False
        for flow_run in await self.client.read_flow_runs(flow_run_filter=meant):
            has_begun = has_begun or _is_begun(flow_run)
            if (flow_run.state is not None and flow_run.state.is_final()) or self._is_dead(flow_run):
                self._note(failure_of_part(self.settings, self._out.pop(flow_run.id)))
        return has_begun

    def _is_dead(self, flow_run: FlowRun) -> bool:
        """Whether it began long ago and its process shows no sign of life in the ledger."""
        if flow_run.start_time is None or datetime.now(UTC) - flow_run.start_time < timedelta(seconds=LEASE_SECONDS):
            return False
        return not self.work.is_at_work(self._out[flow_run.id])

    async def _take_back(self) -> None:
        """No worker has room: take back what is handed out, and do it and the rest here."""
        get_run_logger().warning("no worker of %s starts any part: this run does all parts itself", self.pool)
        for flow_run_id, batch_id in self._out.items():
            cancelled: State[Any] = Cancelled(
                message="No worker was free: the run that planned this part does it itself."
            )
            with suppress(ObjectNotFound):  # somebody has deleted it
                await self.client.set_flow_run_state(flow_run_id, cancelled, force=True)
            self.work.put_back(batch_id)
        self._out.clear()
        self.pool = None

    def _note(self, failure: str | None) -> None:
        if failure is not None:
            self.failures.append(failure)


def _is_begun(flow_run: FlowRun) -> bool:
    return flow_run.start_time is not None or (flow_run.state is not None and flow_run.state.is_final())


async def dispatcher_of(client: PrefectClient, settings: Settings, work: Reprocessing) -> Dispatcher:
    """The dispatcher of a reprocessing, for the work pool of the deployment of its parts.

    Args:
        client: The Prefect API.
        settings: The settings in force.
        work: The reprocessing.
    """
    try:
        deployment = await client.read_deployment_by_name(PART)
    except ObjectNotFound:
        get_run_logger().warning("there is no deployment %s (mfn deploy creates it): this run does all itself", PART)
        return Dispatcher(client, settings, work, None)
    return Dispatcher(client, settings, work, deployment.work_pool_name)
