"""A batch in the ledger: reading it, and changing it by the run that holds its lease."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select, update

from mfn.database.bulk import among
from mfn.errors import ConfigurationError
from mfn.ledger.leases import assert_held
from mfn.ledger.schema import Batch
from mfn.models import Parameters

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy import Connection, Row

    from mfn.ledger.opening import Ledger
    from mfn.models import BatchRef

OPENED = "opened"
"""The stage of a batch that has not finished any."""


_CHANGE = update(Batch).where(Batch.batch_id == bindparam("changed"))
"""Sets the columns that it is given values for; built once, because every page of a search changes its batch."""


def get_batch(ledger: Ledger, batch_id: str) -> Row[Any]:
    """The row of a batch.

    Raises:
        ConfigurationError: There is no such batch.
    """
    with ledger.reading() as database:
        row = database.execute(select(Batch).where(Batch.batch_id == batch_id)).one_or_none()
    if row is None:
        raise ConfigurationError(f"there is no batch {batch_id!r}.", remedy="See mfn batches for the ids.")
    return row


def taken_up_since(ledger: Ledger, batch_ids: Collection[str], since: datetime) -> frozenset[str]:
    """Those of some batches on which a run has begun to work since a moment."""
    if not batch_ids:
        return frozenset()
    with ledger.reading() as database:
        found = database.execute(
            select(Batch.batch_id).where(among(database, Batch.batch_id, batch_ids), Batch.taken_up_at >= since)
        )
        return frozenset(found.scalars())


def parameters_of(ledger: Ledger, batch: BatchRef) -> Parameters:
    """The parameters of a batch."""
    return Parameters.of(get_batch(ledger, batch.batch_id).parameters)


def update_batch(database: Connection, batch: BatchRef, **values: Any) -> None:
    """Change a batch inside an open transaction, which its lease must still hold."""
    assert_held(database, batch.lease)
    database.execute(_CHANGE, {"changed": batch.batch_id, **values})


def add_findings(database: Connection, batch: BatchRef, **found: Any) -> None:
    """Store what a stage found, next to what other stages found.

    What was found is plain data for the report, without buyers' data.
    """
    assert_held(database, batch.lease)  # the batch exists if its lease is held
    before = database.execute(select(Batch.findings).where(Batch.batch_id == batch.batch_id)).scalar_one()
    update_batch(database, batch, findings={**before, **found})
