"""Reconciliations from their beginning to their report."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from mfn.errors import ConfigurationError
from mfn.moments import in_utc
from mfn.steps.runs import carried_out, moment_text, new_run

if TYPE_CHECKING:
    from mfn.settings import Settings

KEPT_BY_AMAZON = timedelta(days=730)
"""Amazon returns no orders that are older than two years."""


def reconcile_parameters(*, since: datetime | None = None) -> dict[str, Any]:
    """The parameters of a reconciliation, as they are stored with its batch.

    Args:
        since: Compare the orders that were placed since then rather than those of the last three days; without a zone
            it is UTC.

    Raises:
        ConfigurationError: Since is not a time in UTC, is in the future, or before what Amazon keeps.
    """
    text, now = moment_text(since), datetime.now(UTC)
    if since is not None and not now - KEPT_BY_AMAZON <= in_utc(since) <= now:
        raise ConfigurationError(
            f"since: {since} is in the future, or so far back that Amazon returns no orders.",
            remedy="Give a time within the last two years.",
        )
    return {"since": text}


def run_reconcile(settings: Settings, connection: str, **asked: Any) -> dict[str, Any]:
    """A reconciliation without Prefect, `asked` as `reconcile_parameters` takes it.

    Returns:
        What `mfn reconcile --json` prints.

    Raises:
        MfnError: As `new_run` and `carried_out`; also where it found differences.
    """
    return carried_out(settings, new_run(settings, connection, "reconcile", reconcile_parameters(**asked)))
