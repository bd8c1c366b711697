"""The report of all listings, GET_MERCHANT_LISTINGS_ALL_DATA: tab-separated, in a marketplace's language and encoding.

Its columns differ between marketplaces and accounts, some occur several times as `Deprecated column`, and no field is
quoted: only the column names help. English names are requested; the others are those that Amazon uses when it ignores
that. Sources: Amazon's documentation "Inventory reports" as of November 2026; amzn/selling-partner-api-models, issues
3999, 4140, 4864 (columns), 2748, 545 (encodings), 5303 (locale). What the report's encoding lacks, Amazon writes
as a question mark; such a SKU is not the seller's, and is found by looking up the right one.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING

import pandas as pd

from mfn.amazon.answers import clipped
from mfn.amazon.listing_items import COLUMNS, UNKNOWN_CHANNEL, channel_of, typed
from mfn.amazon.marketplaces import BY_NAME
from mfn.amazon.quantities import MERCHANT_CHANNEL, MOST_SHOWN
from mfn.amazon.reports import read_report
from mfn.errors import FatalError, RetriableError

if TYPE_CHECKING:
    from mfn.amazon.documents import Document
    from mfn.amazon.session import Session

REPORT_TYPE = "GET_MERCHANT_LISTINGS_ALL_DATA"
ENGLISH = {"preferredReportDocumentLocale": "en_US"}

NAMES = {
    "seller_sku": (
        *("seller-sku", "händler-sku", "sku-vendeur", "sku venditore", "sku del vendedor"),
        *("出品者sku", "卖家 sku"),
    ),
    "channel": (
        *("fulfillment-channel", "fulfilment-channel", "versender", "canal-traitement", "canale di gestione"),
        *("canal de gestión logística", "フルフィルメント・チャンネル", "配送渠道"),
    ),
    "quantity": ("quantity", "menge", "quantité", "quantità", "cantidad", "数量"),
    "asin": ("asin1", "asin 1", "asin"),
    "title": (
        *("item-name", "artikelbezeichnung", "nom-produit", "nome dell'articolo", "título del producto"),
        *("商品名", "商品名称"),
    ),
}
"""Amazon's names of each column, in lower case."""

NEEDED = ("seller_sku", "channel", "quantity")
MOST_BROKEN = 0.01
"""The share of a report's lines that may be broken; with more, something is wrong with the report itself."""

REPLACED = "\ufffd"
WESTERN = ("utf-8", "cp1252")
JAPANESE = ("utf-8", "cp932")
JAPAN = BY_NAME["JP"].marketplace_id

logger = logging.getLogger(__name__)


def read_listings_report(session: Session, marketplace_id: str) -> Document:
    """Have the report made, and read it.

    Raises:
        RetriableError: See `read_report`.
        FatalError: The same.
    """
    return read_report(session, REPORT_TYPE, marketplace_id, ENGLISH)


def listings_in(report: Document, marketplace_id: str) -> pd.DataFrame:
    """The listings in a report, as `ListingsRead.frame` has them.

    Raises:
        FatalError: It lacks a required column; names it, and the columns that it has.
        RetriableError: It cannot be read.
    """
    where = f"the report {REPORT_TYPE} in {marketplace_id}"
    header, *lines = _text(report, marketplace_id).split("\n")
    names = header.split("\t")
    places = _places(where, names)
    rows = [line.rstrip("\r").split("\t") for line in lines if line.strip()]
    reach, sku = max(places.values()), places["seller_sku"]
    whole = [fields for fields in rows if reach < len(fields) <= len(names) and REPLACED not in fields[sku]]
    broken = len(rows) - len(whole)
    if broken > MOST_BROKEN * len(rows):
        raise RetriableError(
            f"{where}: {broken} of {len(rows)} lines do not have the fields named in the first line.",
            remedy="The next run requests it again; if it still fails, check it in Seller Central > Inventory Reports.",
        )
    if broken:
        logger.warning("%s: %d of %d lines cannot be read and are skipped", where, broken, len(rows))
    raw = pd.DataFrame({name: [fields[place] for fields in whole] for name, place in places.items()}, dtype="str")
    return _merged(raw[raw["seller_sku"] != ""])


def _places(where: str, names: list[str]) -> dict[str, int]:
    """The position of each of our columns; optional ones may be missing."""
    said = [name.strip().partition(" (")[0].casefold() for name in names]
    found = {ours: next((name for name in known if name in said), None) for ours, known in NAMES.items()}
    places = {ours: said.index(name) for ours, name in found.items() if name is not None}
    missing = [NAMES[ours][0] for ours in NEEDED if ours not in places]
    if missing:
        shown = clipped(", ".join(names))
        raise FatalError(
            f"{where} has no column {', '.join(missing)}; its first line is: {shown or 'empty'}.",
            remedy="In Seller Central > Inventory Reports, reset the columns of the All Listings Report to Amazon's "
            "defaults; if they are, report that first line as a bug in mfn.",
        )
    return places


def _merged(raw: pd.DataFrame) -> pd.DataFrame:
    """One row for each SKU, merged from its channels if it has several."""
    own = raw["channel"].str.strip().str.upper() == MERCHANT_CHANNEL
    quantity = pd.to_numeric(raw["quantity"].where(own), errors="coerce")
    frame = pd.DataFrame(
        {
            "seller_sku": raw["seller_sku"],
            "asin": raw.get("asin", ""),
            "title": raw.get("title", ""),
            "channel": raw["channel"].str.strip().str.upper().replace("", UNKNOWN_CHANNEL),
            "quantity": quantity.where((quantity % 1 == 0) & quantity.between(0, MOST_SHOWN)),
        }
    )
    if frame["seller_sku"].duplicated().any():
        groups = frame.groupby("seller_sku", sort=False)
        frame = groups.first().assign(channel=groups["channel"].agg(channel_of)).reset_index()[list(COLUMNS)]
    return typed(frame).reset_index(drop=True)


def _text(report: Document, marketplace_id: str) -> str:
    """The report's text, in the encoding that its store names or else the first of the usual ones that fits."""
    usual = JAPANESE if marketplace_id == JAPAN else WESTERN
    for charset in (report.charset, *usual):
        with suppress(LookupError, UnicodeDecodeError):
            return report.content.decode(charset).removeprefix("\ufeff")
    return report.content.decode(usual[-1], errors="replace")
