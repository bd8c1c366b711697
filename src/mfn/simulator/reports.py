"""Reports: requested, made after a while, and downloaded as a document.

Stages: Amazon's model reports_2021-06-30.json of 2026-04-01. The columns and letters of the report of all listings:
documentation "Inventory reports", and what sellers show in amzn/selling-partner-api-models, issues 3999, 4864 and 2748.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from mfn.amazon.marketplaces import BY_ID
from mfn.simulator.listings import AVAILABILITY, CHANNEL, MERCHANT_CHANNEL, Listing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from mfn.simulator.clock import Agenda
    from mfn.simulator.documents import Documents
    from mfn.simulator.faults import Faults
    from mfn.simulator.listings import Listings

ALL_LISTINGS = "GET_MERCHANT_LISTINGS_ALL_DATA"
QUEUED_FOR = timedelta(seconds=30)
MADE_FOR = timedelta(seconds=60)
"""How long a report waits and is made at the speed of 1."""

ENGLISH = {"preferredReportDocumentLocale": "en_US"}
COLUMNS = (
    *("item-name", "item-description", "listing-id", "seller-sku", "price", "quantity", "open-date"),
    *("Deprecated column", "item-is-marketplace", "product-id-type", "Deprecated column", "item-note"),
    *("item-condition", "Deprecated column", "Deprecated column", "Deprecated column", "asin1", "Deprecated column"),
    *("product-id", "pending-quantity", "fulfillment-channel", "merchant-shipping-group", "status"),
)
JAPANESE = {
    "item-name": "商品名",
    "listing-id": "出品ID",
    "seller-sku": "出品者SKU",
    "price": "価格",
    "quantity": "数量",
    "open-date": "出品日",
    "asin1": "ASIN 1",
    "product-id": "商品ID",
    "fulfillment-channel": "フルフィルメント・チャンネル",
    "status": "ステータス",
}


@dataclass
class Report:
    """One report.

    Attributes:
        report_id: Amazon's id.
        report_type: Which kind.
        marketplace_ids: Where.
        options: What else was requested.
        created: When it was ordered.
        status: IN_QUEUE, IN_PROGRESS, DONE, CANCELLED or FATAL.
        started: When it was begun.
        ended: When it was done.
        document_id: What it says.
    """

    report_id: str
    report_type: str
    marketplace_ids: list[str]
    options: dict[str, str]
    created: datetime
    status: str = "IN_QUEUE"
    started: datetime | None = None
    ended: datetime | None = None
    document_id: str | None = None


class Reports:
    """Every report of the seller.

    Args:
        listings: What the reports tell of.
        documents: Where they are.
        faults: What is to go wrong.
        agenda: Where the work is entered.
        speed: What its pace is multiplied with.
    """

    def __init__(
        self, listings: Listings, documents: Documents, faults: Faults, *, agenda: Agenda, speed: float
    ) -> None:
        self._listings = listings
        self._documents = documents
        self._faults = faults
        self._agenda = agenda
        self._speed = speed
        self._last_number = 60_000_000_000
        self.reports: dict[str, Report] = {}

    def order(self, report_type: str, marketplace_ids: list[str], options: dict[str, str], now: datetime) -> Report:
        """Take in an order; the report waits, is made, and is then done.

        Args:
            report_type: Which kind; all but GET_MERCHANT_LISTINGS_ALL_DATA end as FATAL.
            marketplace_ids: Where.
            options: What else is requested.
            now: The present moment.
        """
        self._last_number += 1
        report = Report(str(self._last_number), report_type, marketplace_ids, options, now)
        self.reports[report.report_id] = report
        begins = now + QUEUED_FOR / self._speed
        self._agenda.at(begins, partial(_begin, report))
        self._agenda.at(begins + MADE_FOR / self._speed, partial(self._finish, report))
        return report

    def _finish(self, report: Report, now: datetime) -> None:
        listings = self._listings.within(report.marketplace_ids)
        # Amazon cancels a report for which it has no data.
        status = "FATAL" if report.report_type != ALL_LISTINGS else "DONE" if listings else "CANCELLED"
        if self._faults.report_endings:
            status = self._faults.report_endings.popleft()
        report.status = status
        report.ended = None if status == "IN_PROGRESS" else now
        if status == "DONE":
            content, charset = _all_listings(listings, report)
            report.document_id = self._documents.make(now, content, f"text/plain; charset={charset}").document_id


def _begin(report: Report, now: datetime) -> None:
    report.started, report.status = now, "IN_PROGRESS"


def _all_listings(listings: Sequence[Listing], report: Report) -> tuple[bytes, str]:
    """The report of all listings, and its letters; what these cannot write is a question mark, as at Amazon."""
    place = BY_ID[report.marketplace_ids[0]]
    names: Sequence[str] = COLUMNS
    if place.name == "JP" and report.options != ENGLISH:
        names = [JAPANESE.get(name, name) for name in COLUMNS]
    elif place.region == "eu":
        names = [name.replace("fulfillment", "fulfilment") for name in COLUMNS]
    lines = ["\t".join(names), *("\t".join(_fields(listing)) for listing in listings)]
    charset = "Shift_JIS" if place.name == "JP" else "Cp1252"
    return "".join(f"{line}\r\n" for line in lines).encode(charset, errors="replace"), charset


def _fields(listing: Listing) -> list[str]:
    entries = listing.attributes.get(AVAILABILITY, [])
    own = next((entry for entry in entries if entry[CHANNEL] == MERCHANT_CHANNEL), None)
    entry = own or (entries[0] if entries else {})
    known = {
        "item-name": listing.title,
        "item-description": f"{listing.title}.",
        "listing-id": f"1102L{listing.asin}",
        "seller-sku": listing.sku,
        "price": str(listing.attributes["list_price"][0]["value"]),
        "quantity": str(entry.get("quantity", "")) if own else "",
        "open-date": f"{listing.created:%Y-%m-%d %H:%M:%S} UTC",
        "item-is-marketplace": "y",
        "product-id-type": "1",
        "item-condition": "11",
        "asin1": listing.asin,
        "product-id": listing.asin,
        "fulfillment-channel": str(entry.get(CHANNEL, "")),
        "merchant-shipping-group": "Migrated Template" if own else "",
        "status": "Active" if not own or listing.quantity else "Inactive",
    }
    return [known.get(name, "") for name in COLUMNS]
