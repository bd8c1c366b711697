"""Amazon's marketplaces, by name and id, and the region each belongs to.

Source: Selling Partner API documentation, "Marketplace IDs" and "SP-API endpoints", as of November 2026.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Region = Literal["na", "eu", "fe"]

ENDPOINTS: dict[Region, str] = {
    "na": "https://sellingpartnerapi-na.amazon.com",
    "eu": "https://sellingpartnerapi-eu.amazon.com",
    "fe": "https://sellingpartnerapi-fe.amazon.com",
}


@dataclass(frozen=True)
class Marketplace:
    """One marketplace.

    Attributes:
        name: The short name that sellers use, e.g. `UK`.
        marketplace_id: Amazon's id.
        region: Which endpoint serves it.
        country_code: ISO 3166 code; differs from the name for the United Kingdom only.
    """

    name: str
    marketplace_id: str
    region: Region
    country_code: str


MARKETPLACES: tuple[Marketplace, ...] = (
    Marketplace("US", "ATVPDKIKX0DER", "na", "US"),
    Marketplace("CA", "A2EUQ1WTGCTBG2", "na", "CA"),
    Marketplace("MX", "A1AM78C64UM0Y8", "na", "MX"),
    Marketplace("BR", "A2Q3Y263D00KWC", "na", "BR"),
    Marketplace("UK", "A1F83G8C2ARO7P", "eu", "GB"),
    Marketplace("DE", "A1PA6795UKMFR9", "eu", "DE"),
    Marketplace("FR", "A13V1IB3VIYZZH", "eu", "FR"),
    Marketplace("IT", "APJ6JRA9NG5V4", "eu", "IT"),
    Marketplace("ES", "A1RKKUPIHCS9HS", "eu", "ES"),
    Marketplace("NL", "A1805IZSGTT6HS", "eu", "NL"),
    Marketplace("BE", "AMEN7PMS3EDWL", "eu", "BE"),
    Marketplace("IE", "A28R8C7NBKEWEA", "eu", "IE"),
    Marketplace("SE", "A2NODRKZP88ZB9", "eu", "SE"),
    Marketplace("PL", "A1C3SOZRARQ6R3", "eu", "PL"),
    Marketplace("TR", "A33AVAJ2PDY3EV", "eu", "TR"),
    Marketplace("AE", "A2VIGQ35RCS4UG", "eu", "AE"),
    Marketplace("SA", "A17E79C6D8DWNP", "eu", "SA"),
    Marketplace("EG", "ARBP9OOSHTCHU", "eu", "EG"),
    Marketplace("IN", "A21TJRUUN4KGV", "eu", "IN"),
    Marketplace("ZA", "AE08WJ6YKNBMC", "eu", "ZA"),
    Marketplace("JP", "A1VC38T7YXB528", "fe", "JP"),
    Marketplace("AU", "A39IBJ37TRP1C6", "fe", "AU"),
    Marketplace("SG", "A19VAU5U5O7RUS", "fe", "SG"),
)

BY_NAME = {marketplace.name: marketplace for marketplace in MARKETPLACES}
BY_ID = {marketplace.marketplace_id: marketplace for marketplace in MARKETPLACES}


def find_marketplace(name_or_id: str) -> Marketplace | None:
    """The marketplace of a short name (any case; GB means UK) or of an id, or None."""
    wanted = name_or_id.strip()
    name = "UK" if wanted.upper() == "GB" else wanted.upper()
    return BY_ID.get(wanted) or BY_NAME.get(name)
