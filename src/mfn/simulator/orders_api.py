"""searchOrders and getOrder, version 2026-01-01.

Parameter rules: Amazon's model orders_2026-01-01.json of 2026-07-29.
"""

import base64
import binascii
import hashlib
from datetime import datetime, timedelta

import msgspec
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from mfn.simulator.clock import amazon_time, parse_time
from mfn.simulator.local_amazon import LocalAmazon
from mfn.simulator.operations import local_amazon, operations
from mfn.simulator.orderbook import DATA_SETS, Cursor, Family, Search
from mfn.simulator.queries import choice, values
from mfn.simulator.replies import invalid_input, json_reply, not_found

STATUSES = frozenset(
    {"PENDING_AVAILABILITY", "PENDING", "UNSHIPPED", "PARTIALLY_SHIPPED", "SHIPPED", "CANCELLED", "UNFULFILLABLE"}
)
FULFILLERS = frozenset({"MERCHANT", "AMAZON"})
FREE_PARAMETERS = frozenset({"maxResultsPerPage", "includedData", "paginationToken"})
MOST_PER_PAGE = 100
MOST_MARKETPLACES = 50
SETTLING = timedelta(minutes=2)
TOKEN_LIFE = timedelta(hours=24)

router = operations()


class PageToken(msgspec.Struct, array_like=True, frozen=True):
    """What a page token says: where to continue, for which parameters, until when.

    Attributes:
        cursor: Where the page before ended.
        before: The end of the window, as the first page had it.
        parameters: A digest of what must be repeated.
        issued: When, in seconds since 1970.
    """

    cursor: Cursor
    before: str
    parameters: str
    issued: float


@router.get("/orders/2026-01-01/orders", operation_id="searchOrders")
async def search_orders(request: Request) -> Response:
    """One page of orders."""
    amazon, query = local_amazon(request), request.query_params
    token = _page_token(amazon, query)
    search = _search(amazon, query, token)
    included = included_data(query)
    found, cursor = amazon.orders.search(search, token.cursor if token else None, _page_size(query))
    visible = included - {"RECIPIENT"} if amazon.faults.without_recipients else included
    parts = [b'{"orders":[', b",".join([amazon.orders.encoded(order_id, visible) for order_id in found]), b"]"]
    if cursor is not None:
        after = PageToken(cursor, amazon_time(search.before), _digest(query), amazon.clock.now().timestamp())
        parts.append(b',"pagination":' + msgspec.json.encode({"nextToken": _sealed(after)}))
    parts.append(f',"{search.family}Before":"{amazon_time(search.before)}"}}'.encode())
    return json_reply(b"".join(parts))


@router.get("/orders/2026-01-01/orders/{order_id}", operation_id="getOrder")
async def get_order(request: Request) -> Response:
    """One order."""
    amazon = local_amazon(request)
    included = included_data(request.query_params)
    visible = included - {"RECIPIENT"} if amazon.faults.without_recipients else included
    order_id = request.path_params["order_id"]
    if order_id not in amazon.orders:
        raise not_found(f"Order {order_id}")
    return json_reply(b'{"order":' + amazon.orders.encoded(order_id, visible) + b"}")


def included_data(query: QueryParams) -> frozenset[str]:
    """The data sets that a request asks for.

    Raises:
        AmazonError: 400, there is no such set.
    """
    return choice(query, "includedData", DATA_SETS)


def _page_size(query: QueryParams) -> int:
    text = query.get("maxResultsPerPage") or str(MOST_PER_PAGE)
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MOST_PER_PAGE:
        raise invalid_input(f"maxResultsPerPage must be between 1 and {MOST_PER_PAGE}, not {text}.")
    return int(text)


def _search(amazon: LocalAmazon, query: QueryParams, token: PageToken | None) -> Search:
    given = {
        name for name in ("createdAfter", "createdBefore", "lastUpdatedAfter", "lastUpdatedBefore") if query.get(name)
    }
    if len(given & {"createdAfter", "lastUpdatedAfter"}) != 1:
        raise invalid_input("Exactly one of createdAfter and lastUpdatedAfter must be given.")
    family: Family = "created" if "createdAfter" in given else "lastUpdated"
    foreign = sorted(given - {f"{family}After", f"{family}Before"})
    if foreign:
        raise invalid_input(f"{', '.join(foreign)} must not be given together with {family}After.")
    after = _time(query, f"{family}After")
    latest = amazon.clock.now() - SETTLING
    before = _time(query, f"{family}Before") if f"{family}Before" in given else max(latest, after)
    if f"{family}Before" in given and not after <= before <= latest:
        raise invalid_input(f"{family}Before must not be before {family}After, and at least two minutes in the past.")
    marketplaces = values(query, "marketplaceIds")
    if len(marketplaces) > MOST_MARKETPLACES:
        raise invalid_input(f"marketplaceIds holds at most {MOST_MARKETPLACES} values, not {len(marketplaces)}.")
    return Search(
        family=family,
        after=after,
        before=parse_time(token.before) if token else before.replace(microsecond=0),
        statuses=choice(query, "fulfillmentStatuses", STATUSES),
        fulfilled_by=choice(query, "fulfilledBy", FULFILLERS),
        marketplace_ids=frozenset(marketplaces),
    )


def _time(query: QueryParams, name: str) -> datetime:
    try:
        return parse_time(query[name])
    except ValueError:
        raise invalid_input(f"{name} must be a date and time in ISO 8601, not {query[name]}.") from None


def _page_token(amazon: LocalAmazon, query: QueryParams) -> PageToken | None:
    text = query.get("paginationToken")
    if not text:
        return None
    refusal = invalid_input(
        "The paginationToken is not valid.",
        "It lives 24 hours; every parameter but maxResultsPerPage and includedData must be as in the first request.",
    )
    try:
        token = msgspec.json.decode(base64.urlsafe_b64decode(text), type=PageToken)
    except (binascii.Error, msgspec.DecodeError, ValueError):
        raise refusal from None
    age = amazon.clock.now().timestamp() - token.issued
    if token.parameters != _digest(query) or age > TOKEN_LIFE.total_seconds():
        raise refusal
    return token


def _sealed(token: PageToken) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(token)).decode()


def _digest(query: QueryParams) -> str:
    repeated = sorted((name, value) for name, value in query.multi_items() if name not in FREE_PARAMETERS)
    return hashlib.sha256(repr(repeated).encode()).hexdigest()[:32]
