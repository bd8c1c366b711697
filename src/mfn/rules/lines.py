"""What order items say of the order as a whole: lines that stand twice."""

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
