"""What order items say of the order as a whole: lines that stand twice, and orders with nothing left to ship."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def is_duplicate_line(lines: pd.DataFrame) -> pd.Series[bool]:
    """Which order items bear an order item id that their order has more than once; one SKU on two lines is none.

    Args:
        lines: A line frame (`mfn.rules.frames`): `order_id`, `order_item_id`.

    Returns:
        True for every line of such an id, with the frame's index.
    """
    return lines.duplicated(["order_id", "order_item_id"], keep=False)


def has_no_quantity(orders: pd.DataFrame, lines: pd.DataFrame) -> pd.Series[bool]:
    """Which orders have no unit left to ship on any line.

    Args:
        orders: An order frame: `order_id`.
        lines: Its line frame: `order_id`, `quantity_to_ship`.

    Returns:
        True or False with the order frame's index; an order without a line has none.
    """
    return ~orders["order_id"].isin(lines.loc[lines["quantity_to_ship"] > 0, "order_id"])
