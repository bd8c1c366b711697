"""The carriers of a connection's parcels as Amazon accepts them, by its mappings and settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mfn.rules.carriers import normalize_carriers

if TYPE_CHECKING:
    import pandas as pd

    from mfn.steps.workplace import Workplace


def carriers_of(place: Workplace, parcels: pd.DataFrame) -> pd.DataFrame:
    """What `mfn.rules.carriers.normalize_carriers` returns of a connection's parcels.

    Args:
        place: The workplace.
        parcels: `carrier`, `service`.
    """
    return normalize_carriers(
        parcels,
        place.mappings.carriers,
        place.mappings.accepted_carriers,
        connection=place.connection.name,
        unlisted_carrier=place.connection.shipments.unlisted_carrier,
    )
