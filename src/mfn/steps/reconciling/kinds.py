"""The kinds of differences between Amazon, the ledger and the warehouse."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """Each kind of difference; docs/runbook.md explains them."""

    MISSING_IN_LEDGER = "missing_in_ledger"
    MISSING_IN_WAREHOUSE = "missing_in_warehouse"
    MISSING_ON_AMAZON = "missing_on_amazon"
    CANCELLED_ON_AMAZON = "cancelled_on_amazon"
    SHIPPED_ON_AMAZON = "shipped_on_amazon"
    SHIPMENT_NOT_CONFIRMED = "shipment_not_confirmed"
    STATUS_DIFFERS = "status_differs"
    UNITS_DIFFER = "units_differ"
    UNKNOWN_TO_LEDGER = "unknown_to_ledger"


class Difference(NamedTuple):
    """What Amazon, the ledger and the warehouse disagree about in one order: what has to be fixed first.

    Attributes:
        kind: Which kind it is.
        detail: What differs, without any buyer's data.
        remedy: What fixes it, in sentences; a line that ends with a colon is followed by the command.
    """

    kind: Kind
    detail: str
    remedy: str
