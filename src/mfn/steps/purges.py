"""Purges of one connection and of every one, without Prefect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mfn.connections import load_connections
from mfn.errors import MfnError, RunFailedError
from mfn.steps.runs import carried_out, new_run

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from mfn.models import BatchRef
    from mfn.settings import Settings


def purge_parameters(*, dry_run: bool = False) -> dict[str, Any]:
    """What a purge is asked for, as its batch keeps it.

    Args:
        dry_run: Say what would be removed, and change nothing.
    """
    return {"dry_run": dry_run}


def purge_run(
    settings: Settings, connection: str, *, flow_run_id: str | None = None, **asked: Any
) -> AbstractContextManager[BatchRef]:
    """Hold the lease of a connection's purges, and a batch to work on; see `mfn.steps.runs.new_run`.

    Args:
        settings: The settings in force.
        connection: The connection's name.
        flow_run_id: The flow run that it belongs to, where Prefect runs it.
        asked: As `purge_parameters` takes it.
    """
    return new_run(settings, connection, "purge", purge_parameters(**asked), flow_run_id=flow_run_id)


def run_purge(settings: Settings, connection: str, **asked: Any) -> dict[str, Any]:
    """One purge of a connection.

    Args:
        settings: The settings in force.
        connection: The connection's name.
        asked: As `purge_parameters` takes it.

    Returns:
        What `mfn purge --json` prints of a connection.

    Raises:
        ConfigurationError: Something is set up wrongly; nothing was started.
        LeaseHeldError: Another purge works on this connection.
        RunFailedError: It failed; it has what the run did all the same.
    """
    return carried_out(settings, purge_run(settings, connection, **asked))


def purge_all(settings: Settings, **asked: Any) -> tuple[dict[str, Any], list[MfnError]]:
    """A purge of every connection; one that fails does not stop the others.

    Args:
        settings: The settings in force.
        asked: As `purge_parameters` takes it.

    Returns:
        What `mfn purge --json` prints: `purged`, `kept` and `scrubbed` over all, and `connections`, what each run did;
        and what went wrong.

    Raises:
        ConfigurationError: The connections file is wrong; nothing was started.
    """
    results: list[dict[str, Any]] = []
    errors: list[MfnError] = []
    for connection in load_connections(settings):
        try:
            results.append(run_purge(settings, connection, **asked))
        except MfnError as error:
            did = error.summary if isinstance(error, RunFailedError) else {"connection": connection, "batch_id": None}
            results.append({**did, "status": "failed", "error": error.message, "remedy": error.remedy})
            errors.append(error)
    figures = {name: sum(result.get(name, 0) for result in results) for name in ("purged", "kept", "scrubbed")}
    return {**figures, "connections": results}, errors
