"""Every kind of fault."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.faults.matrix.killing import killing

if TYPE_CHECKING:
    from tests.faults.matrix.trials import Fault


def all_faults(seeds: int, database: str) -> tuple[Fault, ...]:
    """Every kind of fault that a database can meet.

    Args:
        seeds: How many random moments where a fault strikes at random.
        database: `sqlite` or `postgresql`.
    """
    return killing(seeds)
