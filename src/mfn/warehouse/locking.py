"""Locking orders while this project changes them, and noticing orders that others have locked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError

from mfn.database.failures import LOCKED
from mfn.errors import DataError
from mfn.warehouse.sql_parts import states

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

FOR_CHANGE = "FOR NO KEY UPDATE OF wms_order"
"""A lock that does not conflict with the writing of rows of the warehouse's own that refer to an order."""


class LockedError(DataError):
    """Another program keeps rows of some orders locked for longer than a run waits; others may be written."""

    def __init__(self, order_numbers: frozenset[str]) -> None:
        super().__init__(
            "another program kept its row in wms_order locked for too long.",
            remedy="Have that program end its transaction; pg_stat_activity names it. A transaction must not stay open"
            " while somebody picks.",
        )
        self.order_numbers = order_numbers


def locked(connection: Connection, order_numbers: Iterable[str]) -> dict[str, str]:
    """The status of each order that the warehouse knows, kept from other writers until the transaction ends.

    Raises:
        LockedError: Another program does not release some of them; the transaction must not commit.
    """
    numbers = list(order_numbers)
    if connection.dialect.name == "sqlite":
        return states(connection, numbers)
    try:
        with connection.begin_nested():
            return states(connection, numbers, lock=FOR_CHANGE)
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != LOCKED:
            raise
    free = states(connection, numbers, lock=f"{FOR_CHANGE} SKIP LOCKED")
    if kept := states(connection, numbers).keys() - free.keys():
        raise LockedError(frozenset(kept))
    return free
