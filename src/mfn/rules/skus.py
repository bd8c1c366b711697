"""From Amazon's SKUs to the warehouse's: aliases, and kits as their components."""

from __future__ import annotations

from collections import defaultdict
from itertools import chain, product
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def resolve_skus(
    lines: pd.DataFrame,
    aliases: pd.DataFrame,
    items: pd.DataFrame,
    *,
    connection: str,
    marketplaces: Mapping[str, str | None],
) -> pd.DataFrame:
    """One row for each line that the warehouse gets: one for each component of a kit, none for an empty line.

    Of several aliases of a SKU, one for the connection wins over one for any, then one for the marketplace over one for
    any; a kit wins or loses as a whole. A SKU without an alias is the warehouse's own. SKUs must match exactly.

    Args:
        lines: A line frame (`mfn.rules.frames`): `order_id`, `order_item_id`, `item_number`, `seller_sku`,
            `quantity_to_ship`.
        aliases: `Mappings.sku_aliases`.
        items: The warehouse's items: `sku`, `is_active`.
        connection: The connection's name.
        marketplaces: Amazon's marketplace id, or None, by order id.

    Returns:
        Index 0…n-1; sorted by item within the order of the lines, components by their SKU: `order_id`, `order_item_id`,
        `item_number`, `seller_sku`, `warehouse_sku` (None where Amazon sent no SKU), `units_per_kit`, `quantity` (units
        of the warehouse's SKU that are left to ship), `is_known` (an active item of the warehouse), `line_number` (from
        1 within the order; a line that is left out leaves a gap, so that a number means the same in every run), `line`
        (where the order item stands among the lines, from 0).
    """
    placed = [marketplaces.get(order_id) for order_id in lines["order_id"].tolist()]
    pairs = list(zip(placed, lines["seller_sku"].tolist(), strict=True))
    aliased = _components(set(pairs), aliases, connection)
    components = {pair: aliased.get(pair) or ((pair[1] or None, 1),) for pair in set(pairs)}
    found = [components[pair] for pair in pairs]
    position = np.repeat(np.arange(len(found)), [len(parts) for parts in found])
    resolved = lines[["order_id", "order_item_id", "item_number", "seller_sku"]].take(position).reset_index(drop=True)
    resolved["line"] = position
    parts = list(chain.from_iterable(found))
    resolved["warehouse_sku"] = pd.Series([sku for sku, _ in parts], dtype="object")
    resolved["units_per_kit"] = pd.Series([units for _, units in parts], dtype="int64")
    resolved["quantity"] = lines["quantity_to_ship"].to_numpy()[position] * resolved["units_per_kit"]
    known = set(items.loc[items["is_active"].astype(bool), "sku"].tolist())
    resolved["is_known"] = pd.Series([sku in known for sku, _ in parts], dtype="bool")
    resolved["line_number"] = resolved.groupby("order_id", sort=False).cumcount() + 1
    return resolved[resolved["quantity"] > 0].reset_index(drop=True)


def offer_components(offers: pd.DataFrame, aliases: pd.DataFrame, *, connection: str) -> pd.DataFrame:
    """The components of each offer in the warehouse, by the same aliases as for the lines of orders.

    Args:
        offers: `marketplace_id`, `seller_sku` (both text); index 0…n-1.
        aliases: `Mappings.sku_aliases`.
        connection: The connection's name.

    Returns:
        Sorted by offer, then by SKU; every offer has at least one row: `offer` (int64, its index), `sku` (the
        warehouse's), `units` (int64, in one unit of the offer).
    """
    is_aliased = offers["seller_sku"].isin(aliases["seller_sku"]).to_numpy()
    aliased = offers[is_aliased]
    pairs = list(zip(aliased["marketplace_id"].tolist(), aliased["seller_sku"].tolist(), strict=True))
    components = _components(set(pairs), aliases, connection)
    found = [components[pair] or ((pair[1], 1),) for pair in pairs]
    repeats = np.ones(len(offers), dtype="int64")
    repeats[is_aliased] = [len(parts) for parts in found]
    offer = np.repeat(np.arange(len(offers)), repeats)
    skus, units = offers["seller_sku"].to_numpy(dtype=object)[offer], np.ones(len(offer), dtype="int64")
    if found:
        is_part = is_aliased[offer]
        parts = list(chain.from_iterable(found))
        skus[is_part], units[is_part] = [sku for sku, _ in parts], [count for _, count in parts]
    return pd.DataFrame({"offer": offer, "sku": pd.Series(skus, dtype="object"), "units": units})


def mapped_by_now(reservations: pd.DataFrame, aliases: pd.DataFrame, items: pd.DataFrame) -> pd.DataFrame:
    """Reservations of SKUs that the warehouse does not have but an alias now maps, as reservations of what they map to.

    Their orders wait for such an alias; once it exists, the units are taken, even before an import examines them again.

    Args:
        reservations: `connection`, `order_id`, `marketplace_id` (text or None), `sku`, `units`.
        aliases: `Mappings.sku_aliases`.
        items: The warehouse's items: `sku`.

    Returns:
        `order_id`, `sku`, `units`.
    """
    is_mapped = reservations["sku"].isin(aliases["seller_sku"]) & ~reservations["sku"].isin(items["sku"])
    taken = [reservations.loc[~is_mapped, ["order_id", "sku", "units"]]]
    for connection, some in reservations[is_mapped].groupby("connection"):
        offers = some.rename(columns={"sku": "seller_sku"}).reset_index(drop=True)
        parts = offer_components(offers, aliases, connection=str(connection))
        of = offers.take(parts["offer"].to_numpy()).reset_index(drop=True)
        taken.append(
            pd.DataFrame({"order_id": of["order_id"], "sku": parts["sku"], "units": of["units"] * parts["units"]})
        )
    return pd.concat(taken, ignore_index=True) if len(taken) > 1 else taken[0]


def aliases_without_listing(
    aliases: pd.DataFrame, listed: pd.Series[str], *, connection: str, marketplace_ids: Sequence[str]
) -> pd.DataFrame:
    """The aliases of SKUs that a connection could list and does not list anywhere.

    Args:
        aliases: `Mappings.sku_aliases`.
        listed: Every SKU that it lists, in any marketplace.
        connection: The connection's name.
        marketplace_ids: Its marketplaces.

    Returns:
        Rows of the aliases, sorted by seller SKU, then by the warehouse's.
    """
    is_here = aliases["connection"].isin(["", connection]) & aliases["marketplace"].isin(["", *marketplace_ids])
    return aliases[is_here & ~aliases["seller_sku"].isin(listed)].sort_values(["seller_sku", "warehouse_sku"])


def _components(
    pairs: set[tuple[str | None, str | None]], aliases: pd.DataFrame, connection: str
) -> dict[tuple[str | None, str | None], tuple[tuple[str | None, int], ...]]:
    """The warehouse's SKUs and units for each marketplace and seller SKU that has an alias."""
    wanted = aliases[aliases["seller_sku"].isin({sku for _, sku in pairs})].sort_values("warehouse_sku")
    columns = (wanted[name].tolist() for name in ("connection", "marketplace", "seller_sku", "warehouse_sku", "units"))
    by_match: defaultdict[tuple[str, str, str], list[tuple[str | None, int]]] = defaultdict(list)
    for of_connection, of_marketplace, seller_sku, warehouse_sku, units in zip(*columns, strict=True):
        by_match[of_connection, of_marketplace, seller_sku].append((warehouse_sku, units))
    aliased = {seller_sku for _, _, seller_sku in by_match}
    return {
        # The product runs through the combinations in the order in which rows win.
        (marketplace, sku): next(
            (
                tuple(by_match[match])
                for match in product((connection, ""), (marketplace or "", ""), (sku,))
                if match in by_match
            ),
            (),
        )
        for marketplace, sku in pairs
        if sku in aliased
    }
