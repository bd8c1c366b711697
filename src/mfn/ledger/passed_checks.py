"""Which connections have passed `mfn check`: their schedules may run, and an alert is sent when they do not."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import select

from mfn.database.bulk import merge, utc_text
from mfn.ledger.schema import PassedCheck, table

if TYPE_CHECKING:
    from mfn.ledger.opening import Ledger


def has_passed(ledger: Ledger, connection: str) -> bool:
    """Whether a connection has ever passed `mfn check`."""
    with ledger.reading() as database:
        found = database.execute(select(PassedCheck.passed_at).where(PassedCheck.connection == connection))
        return found.one_or_none() is not None


def note_passed(ledger: Ledger, connection: str) -> None:
    """Note that a connection has just passed `mfn check`."""
    with ledger.writing() as database:
        merge(database, table(PassedCheck), ("connection", "passed_at"), [(connection, utc_text(datetime.now(UTC)))])
