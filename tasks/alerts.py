"""The alerts of a run, as events that Prefect's automations react to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect.events import emit_event
from prefect.logging import get_run_logger

from mfn.alerts.events import resource_id
from mfn.errors import MfnError
from mfn.steps.alerts import alerts_of

if TYPE_CHECKING:
    from mfn.settings import Settings


def send_alerts(batch_id: str, settings: Settings, report: str) -> None:
    """Emit the alerts of a run.

    A failure to find them out does not make the run a failed one.

    Args:
        batch_id: The batch, its report written.
        settings: The settings in force.
        report: The URL of its report.
    """
    try:
        for alert in alerts_of(batch_id, settings, report):
            resource = {"prefect.resource.id": resource_id(alert.connection), "prefect.resource.name": alert.connection}
            emit_event(alert.event, resource=resource, payload=alert.payload)
    except MfnError as error:
        get_run_logger().warning("not all alerts about %s could be sent: %s %s", batch_id, error.message, error.remedy)
