"""The rules on `inventory.push`, applied to offers: what they keep back, and what they decide; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mfn.models import OfferStatus
from mfn.rules.fields import UNITS_AT_MOST
from mfn.rules.rule_running import apply_rules
from mfn.rules.stock_levels import LIMITS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mfn.connection import Inventory
    from mfn.rules.rule import Rule

EVENT = "inventory.push"
OUTCOMES = {
    "hold": (OfferStatus.HELD.value, "rule_hold"),
    "skip": (OfferStatus.HELD.value, "rule_skip"),
    "fail": (OfferStatus.FAILED.value, "rule_fail"),
}
"""The outcome of an offer by a rule's decision, and the code of the reason."""


def limits_of(inventory: Inventory, offers: int) -> pd.DataFrame:
    """Buffer, minimum and maximum of the connection, for a number of offers.

    Args:
        inventory: The connection's inventory section; more than a million units count as a million.
        offers: How many.

    Returns:
        Index 0…n-1: `mfn.rules.stock_levels.LIMITS`.
    """
    most = inventory.maximum_units
    return pd.DataFrame(
        {
            "buffer_units": np.full(offers, min(inventory.buffer_units, UNITS_AT_MOST), dtype="int64"),
            "buffer_percent": np.full(offers, inventory.buffer_percent, dtype="float64"),
            "minimum_units": np.full(offers, min(inventory.minimum_units, UNITS_AT_MOST), dtype="int64"),
            "maximum_units": np.full(offers, np.nan if most is None else min(most, UNITS_AT_MOST), dtype="float64"),
        }
    )


def rule_offers(
    rules: Sequence[Rule], limits: pd.DataFrame, records: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Offers as the rules leave them.

    Args:
        rules: The rules on this event, in their order.
        limits: What `limits_of` returned.
        records: The records of some of these offers (`mfn.rules.records.stock_records`), with their index.

    Returns:
        The limits with what was set, and `decision`, `message`, `rule` of the records, each "" if no rule decided.
    """
    ran = apply_rules(rules, records)
    ruled = limits.copy()
    for name in LIMITS:
        ruled.loc[records.index, name] = ran.records[f"stock.{name}"].astype(limits[name].dtype)
    return ruled, ran.decisions
