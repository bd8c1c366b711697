"""getMarketplaceParticipations, version 1.

Form: Amazon's model sellers.json of 2025-02-26.
"""

from starlette.requests import Request
from starlette.responses import Response

from mfn.simulator.markets import MARKETS
from mfn.simulator.operations import local_amazon, operations
from mfn.simulator.replies import json_reply

router = operations()


@router.get("/sellers/v1/marketplaceParticipations", operation_id="getMarketplaceParticipations")
async def get_marketplace_participations(request: Request) -> Response:
    """Where the seller takes part."""
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
            "participation": {"isParticipating": True, "hasSuspendedListings": False},
        }
        for place in local_amazon(request).marketplaces
    ]
    return json_reply({"payload": participations})
