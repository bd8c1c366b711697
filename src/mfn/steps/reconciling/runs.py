"""Reconciliations from their beginning to their report."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mfn.connections import find_connection
from mfn.errors import ConfigurationError
from mfn.moments import in_utc
from mfn.steps.oldest_orders import oldest_orders
from mfn.steps.runs import carried_out, moment_text, new_run

if TYPE_CHECKING:
    from mfn.settings import Settings


def reconcile_parameters(settings: Settings, connection: str, *, since: datetime | None = None) -> dict[str, Any]:
    """The parameters of a reconciliation, as they are stored with its batch.

    Args:
        settings: The settings in force.
        connection: The connection's name: how far back Amazon shows orders depends on its marketplaces.
        since: Compare the orders that were placed since then rather than those of the last three days; without a zone
            it is UTC.

    Raises:
        ConfigurationError: Since is not a time in UTC, is in the future, or before what Amazon keeps; or the
            connections file is wrong.
    """
    text, now = moment_text(since), datetime.now(UTC)
    if since is not None:
        oldest = oldest_orders(find_connection(settings, connection).marketplace_ids, now)
        if not oldest <= in_utc(since) <= now:
            raise ConfigurationError(
                f"since: {since} is in the future, or so far back that Amazon returns no orders.",
                remedy=f"Give a time in the past, {oldest.date()} or later.",
            )
    return {"since": text}


def run_reconcile(settings: Settings, connection: str, **asked: Any) -> dict[str, Any]:
    """A reconciliation without Prefect, `asked` as `reconcile_parameters` takes it.

    Returns:
        What `mfn reconcile --json` prints.

    Raises:
        MfnError: As `new_run` and `carried_out`; also where it found differences.
    """
    return carried_out(
        settings, new_run(settings, connection, "reconcile", reconcile_parameters(settings, connection, **asked))
    )
