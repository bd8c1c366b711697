"""Many entries worked on some at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    Entry = TypeVar("Entry")


def in_parts(entries: Sequence[Entry], size: int) -> Iterator[Sequence[Entry]]:
    """Entries in their order, at most `size` at a time."""
    for start in range(0, len(entries), size):
        yield entries[start : start + size]
