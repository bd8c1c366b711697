"""Purges of one connection and of every one, without Prefect; also of those no longer in connections.yaml."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from mfn.connection import Privacy
from mfn.connections import load_connections
from mfn.database.forgetting import empty_log
from mfn.errors import MfnError, RunFailedError
from mfn.ledger.landing import index_pages
from mfn.ledger.leases import lease
from mfn.ledger.opening import open_ledger
from mfn.ledger.order_ends import note_known_ends
from mfn.ledger.removal import Removing
from mfn.ledger.retention import count_texts, due_orders
from mfn.ledger.schema import LandedPage
from mfn.models import BatchRef
from mfn.steps.privacy.purge import CHUNKS_KEPT, WHY_SETTLED, purge
from mfn.steps.runs import carried_out, new_run
from mfn.steps.waiting import imports_at_rest
from mfn.steps.workplace import writing_under_lease

if TYPE_CHECKING:
    from mfn.settings import Settings

LONGEST = timedelta(days=Privacy().retention_days)
"""How long buyers' data is kept unless a connection says otherwise."""


def purge_parameters(*, dry_run: bool = False) -> dict[str, Any]:
    """The parameters of a purge, as they are stored with its batch.

    Args:
        dry_run: Say what would be removed, and change nothing.
    """
    return {"dry_run": dry_run}


def connections_to_purge(settings: Settings) -> list[str]:
    """Every connection of connections.yaml, and those no longer in it of which the ledger still has texts.

    Raises:
        ConfigurationError: The connections file is wrong.
    """
    listed = list(load_connections(settings))
    with open_ledger(settings).reading() as database:
        landed = database.execute(select(LandedPage.connection).distinct()).scalars().all()
    return [*listed, *sorted(set(landed) - set(listed))]


def purge_unlisted(settings: Settings, connection: str, *, dry_run: bool = False) -> dict[str, Any]:
    """A purge of the ledger for a connection that is no longer in connections.yaml, by the longest retention.

    It has no batch and no report: the connection's settings and its warehouse are no longer known.

    Args:
        settings: The settings in force.
        connection: The connection's name.
        dry_run: Say what would be removed, and change nothing.

    Returns:
        As `run_purge`; `batch_id` and `report` are None.

    Raises:
        LeaseHeldError: Another purge works on this connection.
        RetriableError: The ledger could not be reached.
        FatalError: Pages cannot be decrypted; everything else has been purged.
    """
    ledger, now = open_ledger(settings), datetime.now(UTC)
    with lease(ledger, connection, "purge"), imports_at_rest(ledger, connection) as token:
        index_pages(ledger, BatchRef("", connection, "import", "", token))
        with writing_under_lease(ledger, token) as database:
            noted = database.begin_nested()
            note_known_ends(database, connection, now)
            orders = count_texts(database, connection)
            due = due_orders(database, connection, now=now, retention=LONGEST)
            if dry_run:
                noted.rollback()
        if not dry_run:
            removing = Removing(ledger, connection, token, now, WHY_SETTLED, purge.__name__)
            removing.remove(due)
            removing.drop_old_chunks(now - CHUNKS_KEPT)
    empty_log(ledger.engine)
    figures = {"orders": orders, "purged": len(due), "kept": orders - len(due), "scrubbed": 0}
    return {"batch_id": None, "connection": connection, "status": "done", **figures, "report": None}


def run_purge(settings: Settings, connection: str, **asked: Any) -> dict[str, Any]:
    """A purge of one connection, `asked` as `purge_parameters` takes it; returns what `mfn purge --json` prints of it.

    Raises:
        MfnError: As `new_run` and `carried_out`.
    """
    return carried_out(settings, new_run(settings, connection, "purge", purge_parameters(**asked)))


def purge_all(settings: Settings, **asked: Any) -> tuple[dict[str, Any], list[MfnError]]:
    """A purge of every connection; one that fails does not stop the others.

    Args:
        settings: The settings in force.
        asked: As `purge_parameters` takes it.

    Returns:
        What `mfn purge --json` prints: `purged`, `kept` and `scrubbed` over all, and `connections`, what each run did;
        and the errors.

    Raises:
        ConfigurationError: The connections file is wrong; nothing was started.
    """
    results: list[dict[str, Any]] = []
    errors: list[MfnError] = []
    listed = load_connections(settings)
    for connection in connections_to_purge(settings):
        run = run_purge if connection in listed else purge_unlisted
        try:
            results.append(run(settings, connection, **asked))
        except MfnError as error:
            did = error.summary if isinstance(error, RunFailedError) else {"connection": connection, "batch_id": None}
            results.append({**did, "status": "failed", "error": error.message, "remedy": error.remedy})
            errors.append(error)
    figures = {name: sum(result.get(name, 0) for result in results) for name in ("purged", "kept", "scrubbed")}
    return {**figures, "connections": results}, errors
