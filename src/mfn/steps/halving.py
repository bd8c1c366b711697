"""Many orders written to the warehouse at once, halved until one that it refuses is alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from mfn.errors import DataError
from mfn.warehouse.locking import LockedError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Entry = TypeVar("Entry")
    Result = TypeVar("Result")


def each_taken(
    write: Callable[[Sequence[Entry]], Result], entries: Sequence[Entry], *, order_id_of: Callable[[Entry], str]
) -> tuple[list[Result], list[tuple[Entry, DataError]]]:
    """Write orders; where the warehouse refuses a row, halve until the bad order is alone; the others get through.

    Args:
        write: Writes some of them in one transaction.
        entries: The orders.
        order_id_of: Returns the order id of an entry.

    Returns:
        What `write` returned for the parts that were taken, and the orders that were refused or are locked there.
    """
    if not entries:
        return [], []
    try:
        return [write(entries)], []
    except LockedError as error:  # the lock was waited for once; each half would wait again
        kept = [entry for entry in entries if order_id_of(entry) in error.order_numbers]
        taken, refused = each_taken(write, [entry for entry in entries if entry not in kept], order_id_of=order_id_of)
        return taken, refused + [(entry, error) for entry in kept]
    except DataError as error:
        if len(entries) == 1:
            return [], [(entries[0], error)]
    middle = len(entries) // 2
    taken, refused = each_taken(write, entries[:middle], order_id_of=order_id_of)
    more_taken, more_refused = each_taken(write, entries[middle:], order_id_of=order_id_of)
    return taken + more_taken, refused + more_refused
