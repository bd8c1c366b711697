"""The order items that are confirmed to Amazon for each parcel, in the units that the buyer ordered; pure.

An order item counts as shipped in whole kits; one that is no kit is a kit of one component. Its parcels are taken in
the order in which they left (`shipped_at`, those without one last, then `shipment_id`), and each is credited with the
kits that it completes together with those before it. So a parcel's items do not depend on later parcels. What was
confirmed before stays, though, whatever is written later (`mfn.rules.confirmed_units`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mfn.rules.confirmed_units import Confirmed, share_out
from mfn.rules.parcel_faults import UNKNOWN, explain_parcels

if TYPE_CHECKING:
    from collections.abc import Callable

OPEN, VOID = "open", "void"
LEFT_ALONE = (OPEN, VOID)
MOST_UNITS = 1_000_000_000
"""The most units of a line, so that sums stay exact."""


NOTHING_CONFIRMED = Confirmed()


def parcel_items(
    shipments: pd.DataFrame,
    shipment_lines: pd.DataFrame,
    order_lines: pd.DataFrame,
    confirmed: Confirmed = NOTHING_CONFIRMED,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The order items of each parcel, and what holds others back.

    Parcels that are `open` or `void` are in neither result, and their units do not count. The units of every other
    parcel of a known order count, even if it is held back, because it left. The rows may come in any order.

    Args:
        shipments: What `mfn.warehouse.shipments.shipments` returns, with every parcel of each order.
        shipment_lines: The lines of these parcels (`mfn.warehouse.shipments.shipment_lines`).
        order_lines: The lines of their orders (`mfn.warehouse.shipments.order_lines`).
        confirmed: What was confirmed of these orders before.

    Returns:
        (items, faults), both by parcel in the order in which they left; each parcel is in exactly one of them.

        items: `shipment_id`, `order_item_id`, `quantity` (int64, above zero, in units that the buyer ordered); an order
        item occurs once for each parcel. Over all parcels, and with what was confirmed of others, an order item
        never has more than was ordered.

        faults: `shipment_id`, `code` (once a parcel; see `mfn.rules.parcel_faults.REMEDIES`), `detail`, `remedy`.
    """
    parcels = _in_shipping_order(shipments, confirmed)
    components = _components(order_lines)
    lines = _placed(shipment_lines, parcels, components)
    progress = _progress(lines, components)
    kits = share_out(_whole_kits(progress), progress, components, parcels, confirmed)
    faults = explain_parcels(parcels, components, lines, progress, kits)
    due = kits[(kits["quantity"] > 0) & ~kits["position"].isin(faults["position"])].sort_values(["position", "item"])
    order_items = components.drop_duplicates("item").set_index("item")["order_item_id"]
    items = pd.DataFrame(
        {
            "shipment_id": parcels["shipment_id"].reindex(due["position"]).to_numpy(),
            "order_item_id": order_items.reindex(due["item"]).to_numpy(),
            "quantity": due["quantity"].to_numpy(dtype="int64"),
        }
    ).astype({"shipment_id": "object", "order_item_id": "object"})
    return items, faults[["shipment_id", "code", "detail", "remedy"]]


def _in_shipping_order(shipments: pd.DataFrame, confirmed: Confirmed) -> pd.DataFrame:
    """The parcels that are neither open nor void, by their position.

    `is_judged`: whether their lines can be examined; `standing`: how certain it is that they left, lowest is surest.
    """
    parcels = shipments[~shipments["status"].isin(LEFT_ALONE)]
    parcels = parcels.sort_values(["shipped_at", "shipment_id"], ignore_index=True)
    is_judged = (
        parcels["is_order_known"] & (parcels["status"] == "closed")
        & ~parcels["is_id_missing"] & ~parcels["is_id_ambiguous"]
    )  # fmt: skip
    known = [each.shipment_id for each in confirmed.units]
    standing = 2 - parcels["shipment_id"].isin(known) - 2 * parcels["shipment_id"].isin(list(confirmed.settled))
    return parcels.assign(is_judged=is_judged, standing=standing.clip(lower=0))


def _components(order_lines: pd.DataFrame) -> pd.DataFrame:
    """One row for each SKU of an order item, sorted by order and line; `item` counts the order items."""
    addressed = order_lines[order_lines["order_item_id"].notna() & order_lines["sku"].notna()]
    components = (
        addressed.fillna({"seller_sku": ""})
        .sort_values(["order_number", "line_number"])
        .groupby(["order_number", "order_item_id", "sku"], sort=False, as_index=False)
        .agg({"seller_sku": "first", "quantity": "sum", "units_per_kit": "max"})
        .rename(columns={"quantity": "ordered"})
    )
    item = components.groupby(["order_number", "order_item_id"], sort=False).ngroup()
    return components.assign(item=item.astype("int64"))


def _placed(shipment_lines: pd.DataFrame, parcels: pd.DataFrame, components: pd.DataFrame) -> pd.DataFrame:
    """The lines of judged parcels, each with its parcel's `position` and its `component`, and whether it `is_whole`."""
    judged = parcels[parcels["is_judged"]]
    positions = dict(zip(judged["shipment_id"], judged.index, strict=True))
    lines = shipment_lines.assign(position=shipment_lines["shipment_id"].map(positions))
    lines = lines[lines["position"].notna()].sort_values(["position", "line_number"], kind="stable")
    lines = lines.astype({"position": "int64", "order_item_id": "object", "sku": "object"})
    for name in ("order_item_id", "sku"):
        lines[name] = lines[name].where(lines[name].notna(), None)
    component_of = _matcher(components)
    named = zip(
        parcels["order_number"].reindex(lines["position"]).tolist(),
        lines["order_item_id"].tolist(),
        lines["sku"].tolist(),
        strict=True,
    )
    quantity = lines["quantity"]
    return lines.assign(
        component=np.array([component_of(*names) for names in named], dtype="int64"),
        is_whole=(quantity >= 0) & (quantity <= MOST_UNITS) & (quantity % 1 == 0),
    )


def _matcher(components: pd.DataFrame) -> Callable[[str, str | None, str | None], int]:
    """The component that a line refers to by its order, order item id and SKU, or `UNKNOWN`."""
    exact: dict[tuple[str, str, str], int] = {}
    of_item: dict[tuple[str, str], int] = {}
    of_sku: dict[tuple[str, str], int] = {}
    names = (components[name].tolist() for name in ("order_number", "order_item_id", "sku"))
    for component, (order_number, order_item_id, sku) in enumerate(zip(*names, strict=True)):
        exact[order_number, order_item_id, sku] = component
        for only, key in ((of_item, (order_number, order_item_id)), (of_sku, (order_number, sku))):
            only[key] = UNKNOWN if key in only else component
    units_per_kit = components["units_per_kit"].tolist()

    def component_of(order_number: str, order_item_id: str | None, sku: str | None) -> int:
        if order_item_id is None:
            return of_sku.get((order_number, sku or ""), UNKNOWN)
        found = exact.get((order_number, order_item_id, sku or ""))
        if found is not None:
            return found
        found = of_item.get((order_number, order_item_id), UNKNOWN)
        # A different SKU may be a substitute, unless it belongs to another item of the order or its units are unknown.
        is_doubtful = found != UNKNOWN and sku and ((order_number, sku) in of_sku or units_per_kit[found] != 1)
        return UNKNOWN if is_doubtful else found

    return component_of


def _progress(lines: pd.DataFrame, components: pd.DataFrame) -> pd.DataFrame:
    """Each parcel with something of an order item, for every component of that item.

    Returns:
        By component and position: `component`, `item`, `position`, `units` in the parcel (0 too), `so_far` with all
        before it, `ordered`, `units_per_kit`, and the `kits` that this component alone would make.
    """
    counted = lines[lines["is_whole"] & (lines["quantity"] > 0) & (lines["component"] != UNKNOWN)]
    counted = counted[["component", "position"]].assign(units=counted["quantity"].astype("int64"))
    units = counted.groupby(["component", "position"], as_index=False).sum()
    items = components["item"].reindex(units["component"]).to_numpy(dtype="int64")
    parcels = units[["position"]].assign(item=items).drop_duplicates()
    parts = components[["item", "ordered", "units_per_kit"]].assign(component=components.index)
    progress = parcels.merge(parts, on="item").merge(units, on=["component", "position"], how="left")
    progress = progress.fillna({"units": 0}).astype({"units": "int64"})
    progress = progress.sort_values(["component", "position"], ignore_index=True)
    so_far = progress.groupby("component")["units"].cumsum()
    kits = np.minimum(so_far, progress["ordered"]) // progress["units_per_kit"]
    return progress.assign(so_far=so_far, kits=kits)


def _whole_kits(progress: pd.DataFrame) -> pd.DataFrame:
    """By item and position: `kits` that are whole with this parcel, and the `quantity` of them that it completes."""
    kits = progress[["item", "position", "kits"]].groupby(["item", "position"], as_index=False).min()
    before: pd.Series[Any] = kits.groupby("item")["kits"].shift(fill_value=0)
    return kits.assign(quantity=kits["kits"] - before)
