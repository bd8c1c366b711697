"""Telling the warehouse of many orders at once, where it may refuse one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from mfn.errors import DataError
from mfn.warehouse.locking import LockedError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Entry = TypeVar("Entry")
    Result = TypeVar("Result")


def each_taken(
    tell: Callable[[Sequence[Entry]], Result], entries: Sequence[Entry], *, order_id_of: Callable[[Entry], str]
) -> tuple[list[Result], list[tuple[Entry, DataError]]]:
    """Tell of orders; where the warehouse refuses a row, halve until the bad order stands alone: the others go on.

    Args:
        tell: Tells of some of them in one transaction.
        entries: The orders.
        order_id_of: What each of them is called.

    Returns:
        What `tell` returned of the parts that were taken, and the orders that were refused, or are locked there.
    """
    if not entries:
        return [], []
    try:
        return [tell(entries)], []
    except LockedError as error:  # it was waited for, and each half would wait anew
        kept = [entry for entry in entries if order_id_of(entry) in error.order_numbers]
        taken, refused = each_taken(tell, [entry for entry in entries if entry not in kept], order_id_of=order_id_of)
        return taken, refused + [(entry, error) for entry in kept]
    except DataError as error:
        if len(entries) == 1:
            return [], [(entries[0], error)]
    middle = len(entries) // 2
    taken, refused = each_taken(tell, entries[:middle], order_id_of=order_id_of)
    more_taken, more_refused = each_taken(tell, entries[middle:], order_id_of=order_id_of)
    return taken + more_taken, refused + more_refused
