"""`mfn skus`: the account's listings against the warehouse's item master; nothing is written anywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from mfn.amazon.marketplaces import BY_ID
from mfn.amazon.quantities import MERCHANT_CHANNEL
from mfn.rules.sku_matching import compare_skus
from mfn.steps.workplace import open_workplace

if TYPE_CHECKING:
    from mfn.settings import Settings


def compare_skus_of(settings: Settings, connection: str) -> dict[str, Any]:
    """Amazon's SKUs compared with the warehouse's.

    All listings are read, marketplace by marketplace: twenty a call, or from a report if there are more than a
    thousand, which Amazon takes minutes to make.

    Returns:
        `connection`, `marketplaces` (names); the numbers `seller_skus` = `matched` + those missing in the warehouse,
        `kits`, `fba` (listings that Amazon fulfils, not compared), `channels` (listings by channel), `items`,
        `items_listed`; the lists `missing_in_warehouse`, `missing_on_amazon`, `near_misses`, one document a row, all
        explained in `mfn.rules.sku_matching.SkuComparison`; `api_calls` by operation.

    Raises:
        ConfigurationError: The connections file or the mappings are wrong.
        RetriableError: Amazon, the ledger or the warehouse cannot be reached.
        FatalError: A role is missing, the credentials are refused, or the warehouse has not the tables it should.
    """
    place = open_workplace(settings, connection)
    aliases, items = place.mappings.sku_aliases, place.warehouse.items()
    marketplace_ids = place.connection.marketplace_ids
    listings = pd.concat(
        [
            place.listings.listings(marketplace_id).frame.assign(marketplace_id=marketplace_id)
            for marketplace_id in marketplace_ids
        ],
        ignore_index=True,
    )
    compared = compare_skus(listings, items, aliases, connection=connection, marketplace_ids=marketplace_ids)
    return {
        "connection": connection,
        "marketplaces": [BY_ID[marketplace_id].name for marketplace_id in marketplace_ids],
        "seller_skus": compared.seller_skus,
        "matched": compared.matched,
        "kits": compared.kits,
        "fba": sum(count for channel, count in compared.channels.items() if channel != MERCHANT_CHANNEL),
        "channels": compared.channels,
        "items": compared.items,
        "items_listed": compared.items_listed,
        "missing_in_warehouse": _documents(compared.missing_in_warehouse),
        "missing_on_amazon": _documents(compared.missing_on_amazon),
        "near_misses": _documents(compared.near_misses),
        "api_calls": dict(sorted(place.session.calls.items())),
    }


def _documents(frame: pd.DataFrame) -> list[dict[str, Any]]:
    names = list(frame.columns)
    return [dict(zip(names, row, strict=True)) for row in frame.itertuples(index=False, name=None)]
