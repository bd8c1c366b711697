"""The task that follows a connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.logging import get_run_logger

from mfn.settings import load_settings
from mfn.steps.importing.following import follow as follow_connections

if TYPE_CHECKING:
    from collections.abc import Mapping


@task(name="follow", task_run_name="follow {connection}", cache_policy=NO_CACHE, persist_result=False)
def follow(connection: str) -> None:
    """Import whenever the plan says so, until the flow run is cancelled.

    Args:
        connection: The connection's name.

    Raises:
        ConfigurationError: The connection does not exist, or is set up wrongly.
    """
    logger = get_run_logger()

    def log(run: Mapping[str, Any]) -> None:
        if run["error"] is None:
            logger.info("%s: %s", run["batch_id"], run["status"])
        else:
            logger.error("%s: %s: %s %s", run["batch_id"], run["status"], run["error"], run["remedy"])

    follow_connections(load_settings(), [connection], on_import=log)
