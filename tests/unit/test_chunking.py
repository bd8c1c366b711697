"""A batch a chunk at a time."""

from __future__ import annotations

import gc
import weakref
from typing import TYPE_CHECKING

import pytest

from mfn.steps.importing.chunking import one_by_one

if TYPE_CHECKING:
    from collections.abc import Iterator


class Frame:
    """What refers to itself, as frames do."""

    def __init__(self) -> None:
        self.index = self


@pytest.fixture(autouse=True)
def python_looks_for_no_rubbish() -> Iterator[None]:
    gc.disable()
    gc.freeze()  # what other tests have loaded is not looked at in each search: seconds, beside Prefect
    yield
    gc.enable()


def test_what_a_chunk_leaves_behind_is_gone_before_the_next_one() -> None:
    left: list[weakref.ref[Frame]] = []
    for number in one_by_one(range(3)):
        assert [frame() for frame in left] == [None] * number
        left.append(weakref.ref(Frame()))
    assert [frame() for frame in left] == [None] * 3
