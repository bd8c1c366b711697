"""Amazon's SKUs compared with the warehouse's, through aliases and kits: what matches, is missing, or nearly fits."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from mfn.amazon.marketplaces import BY_ID
from mfn.amazon.quantities import MERCHANT_CHANNEL
from mfn.mappings.csv_file import broken_by_a_spreadsheet
from mfn.mappings.tables import SKU_ALIASES
from mfn.rules.nearest_skus import can_be_aliased, nearest_skus, propose_alias_row
from mfn.rules.skus import aliases_without_listing, offer_components

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from mfn.rules.nearest_skus import NearSku

MISSING_IN_WAREHOUSE = ("seller_sku", "marketplaces", "asin", "title", "warehouse_skus", "is_inactive", "detail")
MISSING_ON_AMAZON = ("warehouse_sku", "description", "seller_sku", "warehouse_skus", "detail")
NEAR_MISSES = (
    "seller_sku", "marketplace", "marketplaces", "asin", "title", "warehouse_sku", "description", "difference",
    "detail", "is_matched", "is_only", "alias_row",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class SkuComparison:
    """The outcome for every SKU: `seller_skus` = `matched` + the rows of `missing_in_warehouse`.

    Attributes:
        seller_skus: Distinct SKUs of listings that the seller fulfils, over all marketplaces.
        matched: Those that lead to active items of the warehouse wherever they are listed.
        kits: Those of the matched that are several items, or several units of one.
        channels: How many listings there are of each channel.
        items: Active items of the warehouse.
        items_listed: Those that a listing is made of, whoever fulfils it.
        missing_in_warehouse: One row for each SKU that leads to no active item, or whose kit lacks one, sorted by SKU:

            ================= =======================================================================================
            seller_sku        Amazon's
            marketplaces      tuple of names: where it does
            asin, title       in the first of them; empty where Amazon leaves them out
            warehouse_skus    tuple: what it leads to and the warehouse does not have as active
            is_inactive       bool: the warehouse has all of these, but as inactive
            detail            why, to be read; with the marketplaces, if it is not so wherever the SKU is listed
            ================= =======================================================================================
        missing_on_amazon: One row for each SKU that Amazon lists in no marketplace of the connection, whoever fulfils
            it: active items that no listing is made of, and aliases; sorted by the warehouse's SKU:

            ================= =======================================================================================
            warehouse_sku     the warehouse's; of a kit, the first of its components
            description       of this item, or None
            seller_sku        the SKU that a listing would have: that of the alias, or the warehouse's own
            warehouse_skus    tuple: all components
            detail            why, to be read
            ================= =======================================================================================
        near_misses: Up to three rows for each SKU of `missing_in_warehouse` that no alias speaks of, the most likely
            first, sorted by SKU:

            ================= =======================================================================================
            seller_sku        Amazon's
            marketplace       name of the marketplace that the alias is for; empty: any
            marketplaces      tuple of names: where it leads to no active item
            asin, title       in the first of them
            warehouse_sku     the active item that may be meant
            description       of the item, or None
            difference        in a word, see `mfn.rules.nearest_skus.KINDS`
            detail            what differs, to be read after the warehouse's SKU
            is_matched        bool: something else that the seller lists is made of this item
            is_only           bool: nothing else resembles the SKU; rows for several items would together be a kit
            alias_row         for sku_aliases.csv, without a line end
            ================= =======================================================================================
    """

    seller_skus: int
    matched: int
    kits: int
    channels: dict[str, int]
    items: int
    items_listed: int
    missing_in_warehouse: pd.DataFrame
    missing_on_amazon: pd.DataFrame
    near_misses: pd.DataFrame


@dataclass(frozen=True)
class _Context:
    """The data that every row draws on.

    Attributes:
        connection: The connection's name.
        marketplace_ids: Its marketplaces, in its order.
        is_active: By SKU of the warehouse.
        descriptions: By SKU of the warehouse.
        lines: The line of sku_aliases.csv, by seller SKU and what it is mapped to.
        kits: The seller's SKUs that are kits somewhere; a kit is no component of itself.
    """

    connection: str
    marketplace_ids: Sequence[str]
    is_active: Mapping[str, bool]
    descriptions: Mapping[str, str | None]
    lines: Mapping[tuple[str, str], int]
    kits: Collection[str]


def compare_skus(
    listings: pd.DataFrame,
    items: pd.DataFrame,
    aliases: pd.DataFrame,
    *,
    connection: str,
    marketplace_ids: Sequence[str],
) -> SkuComparison:
    """Compare every SKU of either side with the other, exactly.

    Listings that Amazon fulfils, even in part, are counted and not compared; their components count as listed.

    Args:
        listings: Every listing: `marketplace_id`, `seller_sku` (unique within a marketplace), `asin`, `title`,
            `channel`.
        items: The warehouse's items: `sku` (unique), `description`, `is_active`.
        aliases: `Mappings.sku_aliases`.
        connection: The connection's name.
        marketplace_ids: Its marketplaces, in its order.
    """
    listings = listings.reset_index(drop=True)
    active = items.loc[items["is_active"].astype(bool), "sku"]
    parts = offer_components(listings, aliases, connection=connection)
    parts = parts.join(listings, on="offer")
    ours = parts[parts["channel"] == MERCHANT_CHANNEL]
    is_there = ours["sku"].isin(active)
    bad = ours[~is_there]
    kits = ours[ours["offer"].duplicated(keep=False) | (ours["units"] > 1)]["seller_sku"]
    matched = ours[~ours["seller_sku"].isin(bad["seller_sku"])]
    unlisted = aliases_without_listing(
        aliases, listings["seller_sku"], connection=connection, marketplace_ids=marketplace_ids
    )
    context = _Context(
        connection=connection,
        marketplace_ids=marketplace_ids,
        is_active=dict(zip(items["sku"], items["is_active"].astype(bool), strict=True)),
        descriptions=dict(zip(items["sku"], items["description"], strict=True)),
        lines=_alias_lines(aliases, connection, {*bad["seller_sku"], *unlisted["seller_sku"]}),
        kits=frozenset(kits),
    )
    taken = frozenset(ours.loc[is_there, "sku"])
    near = nearest_skus(bad["sku"], items, taken=taken)
    concerned = ours[ours["seller_sku"].isin(bad["seller_sku"])]
    listed_in = Counter(concerned.drop_duplicates("offer")["seller_sku"].tolist())
    missing = _missing_in_warehouse(bad, listed_in, near, context)
    near_misses = _near_misses(missing, listed_in, near, taken, context)
    unlisted_items = active[~active.isin(parts["sku"]) & ~active.isin(unlisted["warehouse_sku"])]
    return SkuComparison(
        seller_skus=ours["seller_sku"].nunique(),
        matched=matched["seller_sku"].nunique(),
        kits=kits[~kits.isin(bad["seller_sku"])].nunique(),
        channels={str(channel): int(count) for channel, count in listings["channel"].value_counts().items()},
        items=len(active),
        items_listed=int(active.isin(parts["sku"]).sum()),
        missing_in_warehouse=missing,
        missing_on_amazon=_missing_on_amazon(unlisted_items, unlisted, missing, near_misses, context),
        near_misses=near_misses,
    )


def _alias_lines(aliases: pd.DataFrame, connection: str, seller_skus: Collection[str]) -> dict[tuple[str, str], int]:
    is_needed = aliases["connection"].isin(["", connection]) & aliases["seller_sku"].isin(list(seller_skus))
    # Of several lines, the last one that fits wins.
    needed = aliases[is_needed].sort_values(["connection", "marketplace"])
    pairs = zip(needed["seller_sku"], needed["warehouse_sku"], strict=True)
    return dict(zip(pairs, needed["line"], strict=True))


def _missing_in_warehouse(
    bad: pd.DataFrame, listed_in: Mapping[str, int], near: Mapping[str, list[NearSku]], context: _Context
) -> pd.DataFrame:
    place_of = {marketplace_id: place for place, marketplace_id in enumerate(context.marketplace_ids)}
    bad = bad.assign(place=bad["marketplace_id"].map(place_of)).sort_values(["seller_sku", "place", "sku"])
    columns = (bad[name].tolist() for name in ("seller_sku", "marketplace_id", "asin", "title", "sku"))
    first: dict[str, tuple[str, str]] = {}
    found: defaultdict[str, defaultdict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for seller_sku, marketplace_id, asin, title, sku in zip(*columns, strict=True):
        first.setdefault(seller_sku, (asin, title))
        found[seller_sku][sku].append(BY_ID[marketplace_id].name)
    rows = []
    for seller_sku, places in found.items():
        reasons = []
        for sku, names in places.items():
            where = "" if len(names) == listed_in[seller_sku] else f"in {', '.join(names)}: "
            reasons.append(where + _why(seller_sku, sku, near.get(sku, []), context))
        marketplaces = tuple(dict.fromkeys(name for names in places.values() for name in names))
        is_inactive = all(sku in context.is_active for sku in places)
        rows.append((seller_sku, marketplaces, *first[seller_sku], tuple(places), is_inactive, "; ".join(reasons)))
    return pd.DataFrame(rows, columns=list(MISSING_IN_WAREHOUSE), dtype="object")


def _why(seller_sku: str, sku: str, near: Sequence[NearSku], context: _Context) -> str:
    """Why a SKU leads to no active item, by one of the SKUs that it leads to."""
    line = context.lines.get((seller_sku, sku))
    is_known = sku in context.is_active
    if line is None:
        text = "the warehouse has it, but it is inactive" if is_known else "the warehouse does not have this item"
        return text + _broken(sku)
    fault = "has, but as inactive" if is_known else "does not have"
    itself = {sku, seller_sku} if seller_sku in context.kits else {sku}
    nearest = "; ".join(f"{one.warehouse_sku!r} {one.difference}" for one in near if one.warehouse_sku not in itself)
    text = f" (nearest: {nearest})" if nearest else ""
    return f"line {line} of {SKU_ALIASES.file} maps it to {sku!r}, which the warehouse {fault}{text}" + _broken(sku)


def _broken(sku: str) -> str:
    """What a spreadsheet did to a SKU, as the end of a sentence; empty if nothing."""
    broken = broken_by_a_spreadsheet(sku)
    return f"; {sku!r} {broken[0]}" if broken else ""


def _near_misses(
    missing: pd.DataFrame,
    listed_in: Mapping[str, int],
    near: Mapping[str, list[NearSku]],
    taken: Collection[str],
    context: _Context,
) -> pd.DataFrame:
    ids = {BY_ID[marketplace_id].name: marketplace_id for marketplace_id in context.marketplace_ids}
    rows: list[tuple[Any, ...]] = []
    columns = (missing[name].tolist() for name in ("seller_sku", "marketplaces", "asin", "title", "warehouse_skus"))
    for seller_sku, marketplaces, asin, title, warehouse_skus in zip(*columns, strict=True):
        is_mapped = warehouse_skus != (seller_sku,) or (seller_sku, seller_sku) in context.lines
        if is_mapped or not can_be_aliased(seller_sku):
            continue
        others = (one for one in near.get(seller_sku, ()) if one.warehouse_sku != seller_sku)
        proposed = [one for one in others if can_be_aliased(one.warehouse_sku)]
        # If the SKU leads to something in another marketplace, the alias must not apply there.
        places = [""] if len(marketplaces) == listed_in[seller_sku] else marketplaces
        rows += [
            (
                seller_sku,
                place,
                marketplaces,
                asin,
                title,
                one.warehouse_sku,
                context.descriptions[one.warehouse_sku],
                one.kind,
                one.difference,
                one.warehouse_sku in taken,
                len(proposed) == 1,
                propose_alias_row(
                    seller_sku, one.warehouse_sku, connection=context.connection, marketplace_id=ids.get(place)
                ),
            )
            for one in proposed
            for place in places
        ]
    return pd.DataFrame(rows, columns=list(NEAR_MISSES), dtype="object")


def _missing_on_amazon(
    items: pd.Series[str], unlisted: pd.DataFrame, missing: pd.DataFrame, near_misses: pd.DataFrame, context: _Context
) -> pd.DataFrame:
    resembled: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for seller_sku, sku in near_misses[["seller_sku", "warehouse_sku"]].itertuples(index=False, name=None):
        resembled[sku][repr(seller_sku)] = None
    rows: list[tuple[Any, ...]] = []
    for sku in items.tolist():
        near = f", but similar: {', '.join(resembled[sku])}" if sku in resembled else ""
        text = f"listed neither on its own nor in a kit{near}{_broken(sku)}"
        rows.append((sku, context.descriptions[sku], sku, (sku,), text))
    components: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for seller_sku, sku in zip(unlisted["seller_sku"].tolist(), unlisted["warehouse_sku"].tolist(), strict=True):
        components[seller_sku][sku] = None
    # If an alias is spelled nearly like a listing, that is probably why neither has a partner.
    listed = pd.DataFrame({"sku": missing["seller_sku"], "is_active": True})
    near_listings = nearest_skus(components, listed)
    for seller_sku, skus in components.items():
        first = next(iter(skus))
        near = "; ".join(f"{one.warehouse_sku!r} {one.difference}" for one in near_listings[seller_sku])
        text = f"Amazon has no {seller_sku!r}, which line {context.lines[seller_sku, first]} of {SKU_ALIASES.file} maps"
        text += f" (nearest: {near})" if near else ""
        gone = [repr(sku) for sku in skus if not context.is_active.get(sku)]
        text += f"; the warehouse has no active {', '.join(gone)}" if gone else ""
        rows.append((first, context.descriptions.get(first), seller_sku, tuple(skus), text))
    rows.sort(key=lambda row: (row[0], row[2]))
    return pd.DataFrame(rows, columns=list(MISSING_ON_AMAZON), dtype="object")
