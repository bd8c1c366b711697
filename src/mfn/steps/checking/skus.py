"""Step `SKUs`: Amazon's listings compared with the warehouse's items, through aliases and kits."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pandas as pd

from mfn.amazon.failures import AccessDeniedError
from mfn.errors import FatalError, shown_path
from mfn.ledger.listings import listings_read_at
from mfn.ledger.offers import NOT_LISTED, read_offers
from mfn.mappings.against_warehouse import check_skus
from mfn.mappings.tables import SKU_ALIASES
from mfn.rules.sku_matching import compare_skus
from mfn.steps.checking.findings import SHOWN, counted, failed, mapping_findings, more, ok, warning
from mfn.steps.stock.listings import KNOWN_FOR

if TYPE_CHECKING:
    from mfn.rules.sku_matching import SkuComparison
    from mfn.steps.checking.findings import Finding
    from mfn.steps.checking.place import CheckPlace

COLUMNS = ("marketplace_id", "seller_sku", "asin", "title", "channel", "quantity")


def read_listings(place: CheckPlace) -> pd.DataFrame:
    """All listings of the account in the connection's marketplaces.

    Those that a stock run has read within a day are taken from the ledger; otherwise Amazon is asked, and makes a
    report if there are more than a search can page through.

    Returns:
        `marketplace_id`, `seller_sku`, `asin`, `title`, `channel` (texts), `quantity` (units, NA where not known).

    Raises:
        AccessDeniedError: A role is missing.
        RetriableError: Amazon did not answer with all of them.
        FatalError: The credentials or the request are refused.
    """
    read_at = listings_read_at(place.ledger, place.connection.name)
    parts = []
    for marketplace_id in place.connection.marketplace_ids:
        before = read_at.get(marketplace_id)
        if before is not None and datetime.now(UTC) - before < KNOWN_FOR:
            parts.append(_known(place, marketplace_id))
            continue
        try:
            frame = place.listings.listings(marketplace_id).frame.astype("object")
        except AccessDeniedError:
            raise
        except FatalError as error:
            seller = f"Check that seller_id {place.connection.seller_id} is the account's merchant token."
            raise FatalError(error.message, remedy=f"{seller} {error.remedy}") from None
        parts.append(frame.assign(marketplace_id=marketplace_id)[list(COLUMNS)])
    return pd.concat(parts, ignore_index=True)


def _known(place: CheckPlace, marketplace_id: str) -> pd.DataFrame:
    names = ("marketplace_id", "seller_sku", "asin", "title", "channel", "shown")
    offers = read_offers(
        place.ledger, place.connection.name, names, where="marketplace_id = :place", place=marketplace_id
    )
    offers = offers[offers["channel"] != NOT_LISTED].rename(columns={"shown": "quantity"})
    texts = offers[["asin", "title"]].fillna("")
    return offers.assign(**texts).astype("object")[list(COLUMNS)]


def sku_findings(place: CheckPlace, listings: pd.DataFrame, items: pd.DataFrame) -> list[Finding]:
    """Which listings lead to an item, and which do not.

    Args:
        place: The workplace.
        listings: What `read_listings` returned.
        items: The warehouse's items.
    """
    compared = compare_skus(
        listings,
        items,
        place.mappings.sku_aliases,
        connection=place.connection.name,
        marketplace_ids=place.connection.marketplace_ids,
    )
    if not compared.seller_skus:
        return [
            warning(
                "the seller fulfils no listings in these marketplaces",
                "List the items under the channel Fulfilled by Merchant, or correct seller_id and marketplaces.",
            )
        ]
    text = (
        f"{compared.matched} of {counted(compared.seller_skus, 'seller SKU')} match active items of the warehouse"
        f" ({counted(compared.kits, 'kit')})"
    )
    return [ok(text), *_missing(place, compared)] if compared.matched else [_none(place, compared)]


def _none(place: CheckPlace, compared: SkuComparison) -> Finding:
    return failed(
        f"none of {counted(compared.seller_skus, 'seller SKU')} matches any of the warehouse's"
        f" {counted(compared.items, 'active item')}",
        f"Run mfn skus {place.connection.name} to see what differs, and map it in sku_aliases.csv."
        f" {_rows(place, compared)}".rstrip(),
    )


def _missing(place: CheckPlace, compared: SkuComparison) -> list[Finding]:
    missing = compared.missing_in_warehouse["seller_sku"].tolist()
    if not missing:
        return []
    near = compared.near_misses["seller_sku"].nunique()
    text = f"{counted(len(missing), 'seller SKU')} missing in the warehouse: {', '.join(missing[:SHOWN])}"
    text += more(len(missing))
    text += f"; {near} of them almost match an item" if near else ""
    remedy = "Their orders are held: add the items to wms_item, or map the SKUs in sku_aliases.csv"
    return [warning(text, f"{remedy} (mfn skus {place.connection.name}). {_rows(place, compared)}".strip())]


def _rows(place: CheckPlace, compared: SkuComparison) -> str:
    """Rows to paste for near misses with only one candidate."""
    near = compared.near_misses
    rows = near.loc[near["is_only"].astype(bool) & ~near["is_matched"].astype(bool), "alias_row"].tolist()
    if not rows:
        return ""
    path = shown_path(place.settings.mappings / SKU_ALIASES.file)
    return f"Rows for {path}, to check first: {'; '.join(rows[:SHOWN])}{more(len(rows))}."


def item_findings(place: CheckPlace, items: pd.DataFrame) -> list[Finding]:
    """Whether the warehouse has any items, and whether every alias leads to one.

    Args:
        place: The workplace.
        items: The warehouse's items.
    """
    found = mapping_findings(place.problems_of(SKU_ALIASES.file))
    if not items["is_active"].astype(bool).any():
        text = "is empty" if items.empty else "has no active row"
        return [*found, failed(f"wms_item {text}", "Have the warehouse fill wms_item with its items.")]
    name, marketplace_ids = place.connection.name, place.connection.marketplace_ids
    problems = check_skus(place.mappings, items, connection=name, marketplace_ids=marketplace_ids)
    return [*found, *mapping_findings(problems)]
