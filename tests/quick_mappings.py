"""Mapping files as quick as tests need them: what one run has read and checked, the next one takes as it was."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from mfn.mappings import load_mappings
from mfn.steps import workplace

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from mfn.mappings import Mappings

Read = tuple[frozenset[tuple[str, bytes]], frozenset[str] | None]

read: dict[Read, Mappings] = {}
"""By what every file of the directory holds, and the connections that rows may name."""


def quickly(directory: Path, *, connections: Collection[str] | None = None) -> Mappings:
    """Every mapping file of a directory; what is wrong with them is found again each time.

    Args:
        directory: The mappings directory.
        connections: Names of the connections that rows may name; None: any name.
    """
    try:
        files = frozenset((path.name, path.read_bytes()) for path in directory.iterdir())
    except OSError:
        return load_mappings(directory, connections=connections)
    key = files, None if connections is None else frozenset(connections)
    if key not in read:
        read[key] = load_mappings(directory, connections=connections)
    known = read[key]
    return replace(
        known,
        directory=directory,
        shipping_methods=known.shipping_methods.copy(deep=False),
        sku_aliases=known.sku_aliases.copy(deep=False),
        carriers=known.carriers.copy(deep=False),
        accepted_carriers=known.accepted_carriers.copy(deep=False),
    )


@contextmanager
def read_once() -> Iterator[None]:
    """Let the steps of this process, and of its forks, read mapping files of one content once.

    A run of a few orders reads them in each of its steps: a tenth of what it costs.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(workplace, "load_mappings", quickly)
        yield
