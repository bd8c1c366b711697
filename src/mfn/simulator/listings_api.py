"""getListingsItem, searchListingsItems and patchListingsItem, version 2021-08-01.

Rules: Amazon's model listingsItems_2021-08-01.json of 2026-07-30.
"""

import base64
import binascii
import uuid
from datetime import timedelta
from functools import partial
from operator import attrgetter
from typing import Any, Literal

import msgspec
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from mfn.simulator.clock import amazon_time
from mfn.simulator.listings import AVAILABILITY, CHANNEL, Listing, apply_patches, patch_faults
from mfn.simulator.operations import local_amazon, operations
from mfn.simulator.queries import choice, values
from mfn.simulator.replies import invalid_input, json_reply, not_found

DATA_SETS = frozenset(
    {
        "summaries",
        "attributes",
        "issues",
        "offers",
        "fulfillmentAvailability",
        "procurement",
        "relationships",
        "productTypes",
    }
)
MOST_IDENTIFIERS = 20
MOST_PER_PAGE = 20
MOST_PAGED = 1_000
"""Listings that can be paged through; their full number is given all the same."""

SORTING = {"sku": attrgetter("sku"), "createdDate": attrgetter("created"), "lastUpdatedDate": attrgetter("updated")}
USUAL_PAGE = 10
PRODUCT_TYPE = "PRODUCT"
PATCH_TAKES = timedelta(minutes=1)

router = operations()


class Patch(msgspec.Struct):
    """One operation of a patch."""

    op: Literal["add", "replace", "merge", "delete"]
    path: str
    value: list[dict[str, Any]] | None = None


class PatchRequest(msgspec.Struct, rename="camel"):
    """What patchListingsItem is sent."""

    product_type: str
    patches: list[Patch]


@router.get("/listings/2021-08-01/items/{seller_id}/{sku:path}", operation_id="getListingsItem")
async def get_listings_item(request: Request) -> Response:
    """One listing."""
    query = request.query_params
    included = _included(query)
    sku = request.path_params["sku"]
    found = _listings(request, [sku])
    if not found:
        raise not_found(f"SKU '{sku}', in marketplace {', '.join(values(query, 'marketplaceIds'))},")
    return json_reply(_item(found, included))


@router.get("/listings/2021-08-01/items/{seller_id}", operation_id="searchListingsItems")
async def search_listings_items(request: Request) -> Response:
    """One page of listings: those of some SKUs, or all."""
    query = request.query_params
    included, identifiers = _included(query), values(query, "identifiers")
    if bool(identifiers) != bool(query.get("identifiersType")):
        raise invalid_input("identifiers and identifiersType must be given together.")
    if identifiers and query.get("identifiersType") != "SKU":
        raise invalid_input("This local Amazon finds listings by SKU only.")
    if len(identifiers) > MOST_IDENTIFIERS:
        raise invalid_input(f"identifiers holds at most {MOST_IDENTIFIERS} values, not {len(identifiers)}.")
    size = query.get("pageSize") or str(USUAL_PAGE)
    if not size.isdigit() or not 1 <= int(size) <= MOST_PER_PAGE:
        raise invalid_input(f"pageSize must be between 1 and {MOST_PER_PAGE}, not {size}.")
    start = _offset(query.get("pageToken"))
    listings = _sorted(query, _listings(request, identifiers or None))
    by_sku: dict[str, list[Listing]] = {}
    for listing in listings:
        by_sku.setdefault(listing.sku, []).append(listing)
    skus, end = list(by_sku), min(start + int(size), MOST_PAGED)
    body: dict[str, Any] = {
        "numberOfResults": len(skus),
        "items": [_item(by_sku[sku], included) for sku in skus[start:end]],
    }
    if end < min(len(skus), MOST_PAGED):
        body["pagination"] = {"nextToken": base64.urlsafe_b64encode(str(end).encode()).decode()}
    return json_reply(body)


@router.patch("/listings/2021-08-01/items/{seller_id}/{sku:path}", operation_id="patchListingsItem")
async def patch_listings_item(request: Request) -> Response:
    """Accept a change of a listing, which is made a minute later; a bad one is INVALID, with status 200."""
    amazon, query, sku = local_amazon(request), request.query_params, request.path_params["sku"]
    mode = query.get("mode")
    if mode not in {None, "VALIDATION_PREVIEW"}:
        raise invalid_input(f"mode has no value {mode}.", "Possible values: VALIDATION_PREVIEW.")
    try:
        asked = msgspec.json.decode(await request.body(), type=PatchRequest)
    except msgspec.DecodeError as error:
        raise invalid_input("The request body is not valid.", str(error)) from None
    if not asked.patches:
        raise invalid_input("patches must not be empty.")
    patches: list[dict[str, Any]] = msgspec.to_builtins(asked.patches)
    listings = _listings(request, [sku])
    faults = patch_faults(patches) + amazon.faults.refusals(sku, is_listed=bool(listings))
    if not faults and mode is None:
        for listing in listings:
            change = partial(apply_patches, listing, patches)
            amazon.agenda.at(amazon.clock.now() + PATCH_TAKES / amazon.speed, change)
    status = "INVALID" if faults else "ACCEPTED" if mode is None else "VALID"
    issues = [
        {"code": "4000001", "message": fault, "severity": "ERROR", "categories": ["INVALID_ATTRIBUTE"]}
        for fault in faults
    ]
    return json_reply({"sku": sku, "status": status, "submissionId": uuid.uuid4().hex, "issues": issues})


def _listings(request: Request, skus: list[str] | None) -> list[Listing]:
    amazon = local_amazon(request)
    marketplace_ids = values(request.query_params, "marketplaceIds")
    if not marketplace_ids:
        raise invalid_input("marketplaceIds is required.")
    if request.path_params["seller_id"] != amazon.seller_id:
        raise not_found(f"Seller {request.path_params['seller_id']}")
    if skus is None:
        return amazon.listings.within(marketplace_ids)
    found = [amazon.listings.find(marketplace_id, sku) for sku in skus for marketplace_id in marketplace_ids]
    return [listing for listing in found if listing is not None]


def _sorted(query: QueryParams, listings: list[Listing]) -> list[Listing]:
    """By the last change, the latest first, unless something else is requested."""
    by, order = query.get("sortBy", "lastUpdatedDate"), query.get("sortOrder", "DESC")
    if by not in SORTING or order not in {"ASC", "DESC"}:
        raise invalid_input(f"There is no order by {by}, {order}.")
    return sorted(sorted(listings, key=SORTING["sku"]), key=SORTING[by], reverse=order == "DESC")


def _included(query: QueryParams) -> frozenset[str]:
    return choice(query, "includedData", DATA_SETS) or frozenset({"summaries"})


def _offset(token: str | None) -> int:
    try:
        return int(base64.urlsafe_b64decode(token)) if token else 0
    except (binascii.Error, ValueError):
        raise invalid_input("pageToken is not valid.") from None


def _item(listings: list[Listing], included: frozenset[str]) -> dict[str, Any]:
    first = listings[0]
    data: dict[str, Any] = {
        "summaries": [_summary(listing) for listing in listings],
        "attributes": {
            name: [entry | {"marketplace_id": first.marketplace_id} for entry in entries]
            for name, entries in first.attributes.items()
        },
        "issues": [],
        "offers": [],
        "fulfillmentAvailability": [
            {"fulfillmentChannelCode": entry[CHANNEL]}
            | ({"quantity": entry["quantity"]} if "quantity" in entry else {})
            for entry in first.attributes.get(AVAILABILITY, [])
        ],
        "procurement": [],
        "relationships": [],
        "productTypes": [
            {"marketplaceId": listing.marketplace_id, "productType": PRODUCT_TYPE} for listing in listings
        ],
    }
    return {"sku": first.sku} | {name: value for name, value in data.items() if name in included}


def _summary(listing: Listing) -> dict[str, Any]:
    summary: dict[str, Any] = {
        "marketplaceId": listing.marketplace_id,
        "asin": listing.asin,
        "productType": PRODUCT_TYPE,
        "conditionType": "new_new",
        "status": ["BUYABLE", "DISCOVERABLE"] if listing.quantity else ["DISCOVERABLE"],
        "itemName": listing.title,
        "createdDate": amazon_time(listing.created),
        "lastUpdatedDate": amazon_time(listing.updated),
    }
    return summary | ({"fnSku": listing.fn_sku} if listing.fn_sku else {})
