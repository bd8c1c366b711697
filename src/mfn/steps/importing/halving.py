"""Telling the warehouse of many orders at once, where it may refuse one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from mfn.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Entry = TypeVar("Entry")
    Result = TypeVar("Result")


def each_taken(
    tell: Callable[[Sequence[Entry]], Result], entries: Sequence[Entry]
) -> tuple[list[Result], list[tuple[Entry, DataError]]]:
    """Tell of orders; where the warehouse refuses a row, halve until the bad order stands alone: the others go on.

    Args:
        tell: Tells of some of them in one transaction.
        entries: The orders.

    Returns:
        What `tell` returned of the parts that were taken, and the orders that were refused.
    """
    if not entries:
        return [], []
    try:
        return [tell(entries)], []
    except DataError as error:
        if len(entries) == 1:
            return [], [(entries[0], error)]
    middle = len(entries) // 2
    taken, refused = each_taken(tell, entries[:middle])
    more_taken, more_refused = each_taken(tell, entries[middle:])
    return taken + more_taken, refused + more_refused
