"""Recording who reads buyers' data, and for what purpose, before anything is decrypted."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import psutil
from sqlalchemy import insert

from mfn.ledger.schema import DataAccess

if TYPE_CHECKING:
    from mfn.ledger.opening import Ledger

ACCESS_KEPT_DAYS = 365
"""How long an access stays in the audit trail; a purge may remove older ones."""


@dataclass(frozen=True)
class Access:
    """One access to buyers' data; `note_access` creates it once it is in the audit trail.

    Attributes:
        connection: Whose orders they are; None for several connections.
    """

    connection: str | None


def note_access(
    ledger: Ledger,
    purpose: str,
    *,
    connection: str | None,
    orders: int,
    batch_id: str | None = None,
    order_id: str | None = None,
) -> Access:
    """Write an access into the audit trail, in a transaction of its own, before anything is decrypted.

    It says by whom: the operating system's name of the user, and the machine.

    Args:
        ledger: The open ledger; no transaction that writes to it may be open in this thread.
        purpose: The step or the command, e.g. `validate`, `rules test`.
        connection: Whose orders they are; None: of several connections.
        orders: How many orders are read, or how many at most.
        batch_id: The batch that needs them.
        order_id: The order, if it is a single one.

    Returns:
        The access, as the functions that decrypt require it.

    Raises:
        RetriableError: The ledger cannot be written: nothing may be decrypted.
    """
    said = {"purpose": purpose, "connection": connection, "batch_id": batch_id, "order_id": order_id, "orders": orders}
    by = f"{psutil.Process().username()}@{platform.node()}"
    with ledger.writing() as database:
        database.execute(insert(DataAccess), {**said, "at": datetime.now(UTC), "by": by})
    return Access(connection)
