"""A batch processed one chunk at a time, so that it needs no more memory than a chunk does."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    Chunk = TypeVar("Chunk")


def one_by_one(chunks: Iterable[Chunk]) -> Iterator[Chunk]:
    """Yield chunks, and collect the garbage of each before the next.

    Frames refer to themselves, and while a step works Python seldom searches for such garbage by itself: over a hundred
    chunks much of it would pile up.

    Args:
        chunks: The chunks, or what identifies them.
    """
    for chunk in chunks:
        yield chunk
        gc.collect()
