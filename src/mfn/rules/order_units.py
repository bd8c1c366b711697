"""How many units of each order item the warehouse was given to ship; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def units_to_ship(order_lines: pd.DataFrame) -> dict[str, dict[str, int]]:
    """The units of each order item, in units that the buyer ordered.

    Args:
        order_lines: What `mfn.warehouse.shipments.order_lines` returns.

    Returns:
        Units by order number and order item id; of a kit, the whole kits that its components make.
    """
    lines = order_lines[order_lines["order_item_id"].notna()]
    components = lines.groupby(["order_number", "order_item_id", "sku"], dropna=False).agg(
        {"quantity": "sum", "units_per_kit": "max"}
    )
    kits = components["quantity"] // components["units_per_kit"]
    units = kits.groupby(level=["order_number", "order_item_id"]).min()
    found: dict[str, dict[str, int]] = {}
    for order_number, order_item_id, count in units.reset_index(name="units").itertuples(index=False, name=None):
        found.setdefault(order_number, {})[order_item_id] = int(count)
    return found
