"""A week's orders into two tables, as the documentation of python-amazon-sp-api and of pandas shows it.

Pages are loaded by `load_all_pages` under `throttle_retry`, both as documented for orders; each becomes two frames by
`json_normalize`, which `to_sql` appends. Only the pause of two seconds between pages is left out. The columns are
named, since Amazon leaves out what an order does not have.
"""

from datetime import UTC, datetime, timedelta

import pandas as pd
from sp_api.api import Orders  # noqa: TID251 - what is compared is what others do with it
from sp_api.base import ApiResponse, Marketplaces  # noqa: TID251
from sp_api.util import load_all_pages, throttle_retry  # noqa: TID251
from sqlalchemy import create_engine

ADDRESS = "recipient.deliveryAddress"
ORDER_COLUMNS = [
    "orderId", "createdTime", "lastUpdatedTime", "salesChannel.marketplaceId", "fulfillment.fulfillmentStatus",
    "fulfillment.fulfillmentServiceLevel", "fulfillment.shipByWindow.latestDateTime",
    "fulfillment.deliverByWindow.latestDateTime", "buyer.buyerEmail", f"{ADDRESS}.name", f"{ADDRESS}.addressLine1",
    f"{ADDRESS}.addressLine2", f"{ADDRESS}.city", f"{ADDRESS}.stateOrRegion", f"{ADDRESS}.postalCode",
    f"{ADDRESS}.countryCode", f"{ADDRESS}.phone",
]  # fmt: skip
ITEM_COLUMNS = [
    "orderId", "orderItemId", "quantityOrdered", "product.sellerSku", "product.asin", "product.title",
    "product.price.unitPrice.amount", "product.price.unitPrice.currencyCode",
]  # fmt: skip


def main(database: str) -> None:
    """Fetch, and append.

    Args:
        database: A URL.
    """
    engine = create_engine(database)
    client = Orders(version="2026-01-01", marketplace=Marketplaces.US)

    @throttle_retry()  # type: ignore[untyped-decorator] # the library has no types
    @load_all_pages(next_token_param="paginationToken", throttle_by_seconds=0)  # type: ignore[untyped-decorator] # noqa: S106
    def load_all_orders(**parameters: object) -> ApiResponse:
        return client.search_orders(**parameters)

    for page in load_all_orders(
        lastUpdatedAfter=(datetime.now(UTC) - timedelta(days=7)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        marketplaceIds=[Marketplaces.US.marketplace_id],
        fulfillmentStatuses=["PENDING", "UNSHIPPED", "PARTIALLY_SHIPPED", "CANCELLED"],
        fulfilledBy=["MERCHANT"],
        includedData=["BUYER", "RECIPIENT", "CANCELLATION", "FULFILLMENT", "PACKAGES"],
    ):
        found = page.payload["orders"]
        orders = pd.json_normalize(found).reindex(columns=ORDER_COLUMNS)
        items = pd.json_normalize(found, record_path="orderItems", meta=["orderId"]).reindex(columns=ITEM_COLUMNS)
        orders.to_sql("orders", engine, if_exists="append", index=False)
        items.to_sql("order_items", engine, if_exists="append", index=False)
