"""The tasks of a purge, in order: `purge`, `scrub`; and the purge of one connection, its report included."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect import task
from prefect.logging import get_run_logger

from mfn.connections import load_connections
from mfn.errors import MfnError
from mfn.settings import load_settings
from mfn.steps.privacy.purge import purge as purge_step
from mfn.steps.privacy.purges import connections_to_purge, purge_parameters, purge_unlisted
from mfn.steps.privacy.scrub import scrub as scrub_step
from mfn.steps.summaries import failure_of, outcome_of
from tasks.endings import Ending, NothingToDoError
from tasks.report import report
from tasks.running import STEP, carry_out
from tasks.runs import held_batch

if TYPE_CHECKING:
    from mfn.models import BatchRef


@task(name="purge", task_run_name="purge {batch.batch_id}", **STEP)
def purge(batch: BatchRef) -> BatchRef:
    """Remove buyers' data past its retention from the ledger.

    Args:
        batch: The batch, just opened.

    Returns:
        The batch after this step.
    """
    return carry_out(purge_step, batch)


@task(name="scrub", task_run_name="scrub {batch.batch_id}", **STEP)
def scrub(batch: BatchRef) -> BatchRef:
    """Remove buyers' data from the warehouse's tables, if the connection is configured so.

    Args:
        batch: The batch after the step before.

    Returns:
        The batch after this step.
    """
    return carry_out(scrub_step, batch)


def every_connection() -> list[str]:
    """The connections of connections.yaml, and those no longer in it of which the ledger still has texts.

    Raises:
        ConfigurationError: The file is wrong.
    """
    return connections_to_purge(load_settings())


def purge_one(connection: str, *, dry_run: bool) -> str | None:
    """Purge one connection, including its report; what stops it does not stop others.

    Args:
        connection: One of `every_connection`.
        dry_run: Show what would be removed; nothing changes.

    Returns:
        How it failed, for people, or None.
    """
    end = Ending()
    try:
        if connection not in load_connections(load_settings()):
            done = purge_unlisted(load_settings(), connection, dry_run=dry_run)
            get_run_logger().info("%s, not in connections.yaml: purged %s", connection, done["purged"])
            return None
        with held_batch(end, connection, "purge", purge_parameters(dry_run=dry_run)) as batch:
            try:
                batch = purge(batch)  # noqa: PLW2901 - each step hands on the batch as it left it
                batch = scrub(batch)  # noqa: PLW2901
            finally:
                report(batch)
        get_run_logger().info("%s", outcome_of(load_settings(), batch.batch_id))
    except NothingToDoError as nothing:
        get_run_logger().info("%s: %s", connection, nothing)
    except MfnError as error:
        if end.batch_id is not None:
            return failure_of(load_settings(), end.batch_id, error)
        return f"The purge of {connection} was not started: {error.message}\n{error.remedy}"
    return None
