"""What the last stock run that was believed found in the warehouse: what the next one is compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from sqlalchemy import delete, insert, select

from mfn.ledger.leases import assert_held
from mfn.ledger.schema import StockLocation

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from mfn.ledger.opening import Ledger
    from mfn.models import BatchRef

COLUMNS = ["location", "skus", "units"]


def believed_stock(ledger: Ledger, connection: str) -> pd.DataFrame:
    """What the last believed run of a connection found: `location` ("": as a whole), `skus`, `units`; may be empty."""
    mine = StockLocation.connection == connection
    with ledger.reading() as database:
        rows = database.execute(
            select(StockLocation.location, StockLocation.skus, StockLocation.units).where(mine)
        ).all()
    return pd.DataFrame([tuple(row) for row in rows], columns=COLUMNS).astype({"skus": "int64", "units": "int64"})


def believe(database: Connection, batch: BatchRef, found: pd.DataFrame) -> None:
    """Take what a run found for what the next one is compared with."""
    assert_held(database, batch.lease)
    database.execute(delete(StockLocation).where(StockLocation.connection == batch.connection))
    rows = [
        {"connection": batch.connection, "location": location, "skus": skus, "units": units, "batch_id": batch.batch_id}
        for location, skus, units in zip(*(found[name].tolist() for name in COLUMNS), strict=True)
    ]
    if rows:
        database.execute(insert(StockLocation), rows)
