"""Every kind of fault."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.faults.matrix import databases, disks, networks
from tests.faults.matrix.killing import killing
from tests.faults.matrix.twice import twice

if TYPE_CHECKING:
    from tests.faults.matrix.trials import Fault


def all_faults(seeds: int, database: str) -> tuple[Fault, ...]:
    """Every kind of fault that a database can meet.

    Args:
        seeds: How many random moments where a fault strikes at random.
        database: `sqlite` or `postgresql`.
    """
    of_database = (
        (*databases.ON_SQLITE, *disks.ON_SQLITE, *networks.ON_SQLITE)
        if database == "sqlite"
        else (
            *(disks.ON_SMALL_DISK if disks.may_mount() else ()),
            *databases.ON_POSTGRESQL,
            *disks.ON_POSTGRESQL,
            *networks.ON_POSTGRESQL,
        )
    )
    return (*killing(seeds), *of_database, *twice(max(1, seeds // 4)))
