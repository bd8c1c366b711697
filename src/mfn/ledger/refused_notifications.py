"""Messages on a queue that could not be used: which, why and of what shape, without what they said."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import delete, select

from mfn.database.bulk import among, merge, utc_text
from mfn.ledger.schema import RefusedNotification, table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import Connection, Row

    from mfn.ledger.opening import Ledger

COLUMNS = ("connection", "message_id", "refused_at", "is_left", "why", "shape")

KEPT = timedelta(days=30)
"""How long a message that could not be used is remembered."""


class Refused(NamedTuple):
    """A message that could not be used.

    Attributes:
        message_id: The id that SQS gave it.
        why: What is wrong with it, without a word of what it said.
        shape: Which of the known keys it has, and the kinds of their values.
        is_left: Whether it stays on the queue, since it is somebody else's.
    """

    message_id: str
    why: str
    shape: Mapping[str, Any]
    is_left: bool


def note_refused(database: Connection, connection: str, refused: Iterable[Refused], *, at: datetime) -> list[Refused]:
    """Note messages that could not be used, and forget those that were refused longer than `KEPT` ago.

    Args:
        database: The open transaction on the ledger.
        connection: Whose queue they stood on.
        refused: As many as there are, or none.
        at: When, aware.

    Returns:
        Those that had not been noted before; one that was left on the queue comes again.
    """
    mine = RefusedNotification.connection == connection
    database.execute(delete(RefusedNotification).where(mine, RefusedNotification.refused_at < at - KEPT))
    by_id = {one.message_id: one for one in refused}
    if not by_id:
        return []
    noted = select(RefusedNotification.message_id).where(mine, among(database, RefusedNotification.message_id, by_id))
    known = set(database.execute(noted).scalars())
    rows = [
        (connection, message_id, utc_text(at), one.is_left, one.why, json.dumps(one.shape))
        for message_id, one in sorted(by_id.items())
    ]
    merge(database, table(RefusedNotification), COLUMNS, rows)
    return [one for message_id, one in by_id.items() if message_id not in known]


def refused_notifications(ledger: Ledger, connection: str) -> Sequence[Row[Any]]:
    """The messages on a connection's queue that could not be used within the time that is `KEPT`, newest first.

    Returns:
        Every column of `refused_notification`.
    """
    since = datetime.now(UTC) - KEPT  # where no message comes, nobody removes what is older
    statement = (
        select(RefusedNotification)
        .where(RefusedNotification.connection == connection, RefusedNotification.refused_at >= since)
        .order_by(RefusedNotification.refused_at.desc(), RefusedNotification.message_id)
    )
    return ledger.rows(statement)
