"""A batch a chunk at a time, so that its memory is that of a chunk."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    Chunk = TypeVar("Chunk")


def one_by_one(chunks: Iterable[Chunk]) -> Iterator[Chunk]:
    """Chunks, and after each of them an end of what it left behind.

    Frames refer to themselves, and while a step works Python seldom looks for such rubbish by itself: of a hundred
    chunks it would keep much.

    Args:
        chunks: What names a chunk, or has its orders.
    """
    for chunk in chunks:
        yield chunk
        gc.collect()
