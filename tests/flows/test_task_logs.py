"""What the log of a flow run says of a task that failed: words for people, and a traceback only where it tells more."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from prefect import flow, task

from flows.import_orders import import_orders
from mfn.errors import RetriableError
from tasks.running import STEP
from tests.flows.flow_runs import ON_PREFECT, run_flow
from tests.world import an_item, an_order

if TYPE_CHECKING:
    import pytest

    from tests.world import World

pytestmark = ON_PREFECT

AT_ONCE: dict[str, Any] = {**STEP, "retry_delay_seconds": 0, "retry_jitter_factor": None}


@task(**AT_ONCE)
def unlucky() -> None:
    raise RetriableError("the warehouse of us is gone.", remedy="Start it.")


@task
def broken() -> None:
    raise ValueError("nobody foresaw this")


def run_of(failing: Any) -> Any:
    """A flow run of one task, as its state."""

    @flow
    async def once() -> None:
        failing()

    return run_flow(once)


def of_tasks(caplog: pytest.LogCaptureFixture) -> str:
    """What the logs of tasks say, as it is handed on to Prefect's UI."""
    written = logging.Formatter()
    return "\n".join(written.format(record) for record in caplog.records if record.name == "prefect.task_runs")


def test_a_run_stopped_by_its_gate_logs_why_without_a_traceback(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.write_connections(hold_alarm_percent=10)
    world.put(*[an_order(an_item(sku="MUG-GREEN")) for _ in range(3)])
    assert run_flow(import_orders, connection="us").is_failed()
    assert "3 of 3 due orders are held" in of_tasks(caplog)
    assert "Traceback" not in of_tasks(caplog)


def test_a_step_that_failed_on_every_attempt_logs_why_without_a_traceback(caplog: pytest.LogCaptureFixture) -> None:
    assert run_of(unlucky).is_failed()
    assert "the warehouse of us is gone.') - Retries are exhausted" in of_tasks(caplog)
    assert "Traceback" not in of_tasks(caplog)


def test_an_unexpected_error_keeps_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    assert run_of(broken).is_failed()
    assert "Traceback" in of_tasks(caplog)
