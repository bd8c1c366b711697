"""Components shared by several offers that together promise more of them than there are; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("marketplace_id", "sku", "left", "promised_by_offers", "offers")


def oversold_components(entries: pd.DataFrame, components: pd.DataFrame, items: pd.DataFrame) -> pd.DataFrame:
    """Components of kits of which the offers of a marketplace promise more than is left.

    Each offer's level is right by itself: whichever is sold first lowers the others with the next run. Until then more
    may be sold than there is, which a buffer prevents.

    Args:
        entries: Offers, with any unique index: `marketplace_id`, `seller_sku`, `is_kit`, `level`.
        components: `offer` (that index), `sku`, `units` (`mfn.rules.skus.offer_components`).
        items: `left`, by SKU (`mfn.rules.stock_levels.item_stock`).

    Returns:
        Sorted by marketplace and SKU: `marketplace_id`, `sku`, `left` (int64, never below zero), `promised_by_offers`
        (int64, in units of the SKU), `offers` (tuple of the seller SKUs that promise some, sorted).
    """
    of_kits = components.loc[entries["is_kit"].reindex(components["offer"]).to_numpy(dtype=bool), "sku"]
    parts = components[components["sku"].isin(of_kits)]
    parts = parts.join(entries[["marketplace_id", "seller_sku", "is_kit", "level"]], on="offer")
    parts = parts[parts["level"] > 0]
    parts = parts.assign(promised=parts["level"] * parts["units"]).sort_values("seller_sku", kind="stable")
    shared = parts.groupby(["marketplace_id", "sku"]).agg(
        is_of_kit=("is_kit", "any"), promised_by_offers=("promised", "sum"), offers=("seller_sku", tuple)
    )
    shared = shared[shared["is_of_kit"]].reset_index()
    shared["left"] = items["left"].reindex(shared["sku"], fill_value=0).clip(lower=0).to_numpy(dtype="int64")
    shared = shared[shared["promised_by_offers"] > shared["left"]]
    kinds = {"left": "int64", "promised_by_offers": "int64"}
    return shared[list(COLUMNS)].astype(kinds).reset_index(drop=True)
