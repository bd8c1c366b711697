"""What may be sold, computed once more from the warehouse's plain rows: slowly, SKU by SKU, as the contract reads.

Nothing of the project's own arithmetic is used here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Rows = "Sequence[Mapping[str, Any]]"


@dataclass(frozen=True)
class Limits:
    """What a connection, or a rule, says of a level.

    Attributes:
        buffer_units: Kept back of every SKU.
        buffer_percent: Or so much of what is left, rounded up.
        minimum_units: Below it nothing is offered.
        maximum_units: And never more than this.
    """

    buffer_units: int = 0
    buffer_percent: float = 0
    minimum_units: int = 0
    maximum_units: int | None = None


@dataclass(frozen=True)
class Promise:
    """Units of a warehouse SKU that an order accepted from Amazon takes.

    Attributes:
        order_number: Amazon's order id.
        sku: The warehouse's.
        units: Of this SKU.
    """

    order_number: str
    sku: str
    units: int


@dataclass
class Shelves:
    """A warehouse at one moment, and what was accepted from Amazon by then.

    Attributes:
        inventory: Rows of `wms_inventory`; a column that the warehouse lacks is absent.
        orders: Rows of `wms_order`.
        items: Rows of `wms_item`.
        promises: What the accepted and pending orders of every connection take.
    """

    inventory: Sequence[Mapping[str, Any]]
    orders: Sequence[Mapping[str, Any]]
    items: Sequence[Mapping[str, Any]]
    promises: Sequence[Promise] = field(default_factory=tuple)

    def left(self, sku: str) -> int:
        """On hand where it may be sold, less what is allocated, less what is accepted and not allocated yet."""
        rows = [row for row in self.inventory if row["sku"] == sku and is_sellable(row)]
        on_hand = sum(int(row["on_hand"]) for row in rows)
        allocated = sum(int(row["allocated"] or 0) for row in rows)
        return on_hand - allocated - sum(p.units for p in self.promises if p.sku == sku and self._is_open(p))

    def _is_open(self, promise: Promise) -> bool:
        """Whether the warehouse's own `allocated` lacks it still."""
        order = next((row for row in self.orders if row["order_number"] == promise.order_number), None)
        if order is None:
            return True
        if order["status"] in {"shipped", "cancelled"}:
            return False
        if any(row["allocated_at"] is not None for row in self.orders):
            return bool(order["allocated_at"] is None)
        return bool(order["status"] == "new")

    def level(self, components: Sequence[tuple[str, int]], limits: Limits) -> int:
        """What may be offered of something that is made of components.

        Args:
            components: The warehouse's SKUs and how many of each go into one.
            limits: What is kept back, and the bounds.
        """
        whole = min(self._free(sku, limits) // units for sku, units in components)
        if limits.maximum_units is not None:
            whole = min(whole, limits.maximum_units)
        return whole if whole >= limits.minimum_units else 0

    def _free(self, sku: str, limits: Limits) -> int:
        active = {row["sku"] for row in self.items if row["is_active"] is not False and row["is_active"] != 0}
        if sku not in active:
            return 0
        left = max(self.left(sku), 0)
        percent = ceil(Fraction(str(limits.buffer_percent)) * left / 100)
        return max(left - max(limits.buffer_units, percent), 0)


def is_sellable(row: Mapping[str, Any]) -> bool:
    """Whether a row of stock may be sold; a column that is missing, and NULL, say yes."""
    value = row.get("is_sellable")
    return value is None or bool(value)


def components_of(
    seller_sku: str, aliases: Sequence[Mapping[str, Any]], *, connection: str, marketplace: str
) -> list[tuple[str, int]]:
    """What a SKU on Amazon is made of: the alias that fills the earliest match column wins, else the SKU itself.

    Args:
        seller_sku: Amazon's SKU.
        aliases: Rows of sku_aliases.csv as dictionaries of texts.
        connection: The connection's name.
        marketplace: The marketplace's name, e.g. `US`.
    """
    for of_connection in (connection, ""):
        for of_marketplace in (marketplace, ""):
            found = [
                (str(row["warehouse_sku"]), int(row["units"]))
                for row in aliases
                if (row["connection"], row["marketplace"], row["seller_sku"])
                == (of_connection, of_marketplace, seller_sku)
            ]
            if found:
                return found
    return [(seller_sku, 1)]
