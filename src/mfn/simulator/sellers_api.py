"""getMarketplaceParticipations, version 1.

Form: Amazon's model sellers.json of 2025-02-26.
"""

from starlette.requests import Request
from starlette.responses import Response

from mfn.amazon.marketplaces import MARKETPLACES
from mfn.simulator.markets import MARKETS
from mfn.simulator.operations import local_amazon, operations
from mfn.simulator.replies import json_reply

OF_ANOTHER_KIND = {
    "marketplace": {
        "id": "A1MQXOICRS2Z7M",
        "name": "SI CA Prod Marketplace",
        "countryCode": "CA",
        "defaultCurrencyCode": "CAD",
        "defaultLanguageCode": "en_CA",
        "domainName": "siprod.stores.amazon.ca",
    },
    "storeName": "Example Store",
    "participation": {"isParticipating": True, "hasSuspendedListings": False},
}
"""A marketplace that no order comes from; Amazon lists such ones beside the others."""

router = operations()


@router.get("/sellers/v1/marketplaceParticipations", operation_id="getMarketplaceParticipations")
async def get_marketplace_participations(request: Request) -> Response:
    """Every marketplace of the seller's region, and whether the seller takes part in it."""
    amazon = local_amazon(request)
    participations = [
        {
            "marketplace": {
                "id": place.marketplace_id,
                "name": MARKETS[place.name].domain.removeprefix("www.").capitalize(),
                "countryCode": place.country_code,
                "defaultCurrencyCode": MARKETS[place.name].currency,
                "defaultLanguageCode": MARKETS[place.name].language,
                "domainName": MARKETS[place.name].domain,
            },
            "storeName": "Example Store",
            "participation": {
                "isParticipating": place in amazon.sells_in,
                "hasSuspendedListings": place.marketplace_id in amazon.suspended,
            },
        }
        for place in MARKETPLACES
        if place.region == amazon.marketplaces[0].region
    ]
    return json_reply({"payload": [*participations, OF_ANOTHER_KIND]})
