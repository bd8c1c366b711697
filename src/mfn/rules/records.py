"""Records for rules, made from the frames of the steps: one row for each record, one column for each field; pure."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

import pandas as pd

from mfn.amazon.marketplaces import BY_ID
from mfn.rules.fields import EVENTS, SHIPMENT, Kind
from mfn.rules.order_units import units_to_ship
from mfn.rules.programs import is_business, is_premium, is_sfp

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

UNITS, PARCELS = "shipment.units", "shipment.parcels_of_order"


def order_records(
    orders: pd.DataFrame,
    lines: pd.DataFrame,
    addresses: pd.DataFrame,
    components: pd.DataFrame,
    *,
    connection: str,
    now: datetime,
) -> pd.DataFrame:
    """Orders as the rules on `order.import` see them.

    Args:
        orders: An order frame (`mfn.rules.frames`) with `warehouse_code` (`mfn.rules.shipping_methods`).
        lines: Its line frame.
        addresses: Its address frame, of which only the country and the state are read.
        components: What `mfn.rules.skus.resolve_skus` made of the lines.
        connection: The connection's name.
        now: When the run began.

    Returns:
        A column for each field of the event, with the index of the orders.
    """
    ids = orders["order_id"].tolist()
    signed = set(lines.loc[lines["requires_signature"].astype(bool), "order_id"])
    values, currencies = _prices(lines)
    units = lines.groupby("order_id")["quantity_ordered"].sum().to_dict()
    columns = {
        "order.order_id": orders["order_id"],
        "order.marketplace": _marketplaces(orders["marketplace_id"]),
        "order.service_level": orders["service_level"],
        "order.programs": orders["programs"],
        "order.is_sfp": is_sfp(orders),
        "order.is_premium": is_premium(orders),
        "order.is_business": is_business(orders),
        "order.created_at": orders["created_at"],
        "order.ship_by": orders["ship_by"],
        "order.ship_method_code": orders["warehouse_code"],
        "order.country_code": addresses["country_code"].to_numpy(),
        "order.state": addresses["state"].to_numpy(),
        "order.lines": orders["item_count"],
        "order.units": [units.get(order_id, 0) for order_id in ids],
        "order.skus": _gathered(ids, lines["order_id"], lines["seller_sku"]),
        "order.warehouse_skus": _gathered(ids, components["order_id"], components["warehouse_sku"]),
        "order.is_replacement": orders["replaces_order"].notna(),
        "order.deliver_by": orders["deliver_by"],
        "order.requires_signature": [order_id in signed for order_id in ids],
        "order.units_to_ship": orders["units_to_ship"],
        "order.value": [values.get(order_id) for order_id in ids],
        "order.currency_code": [currencies.get(order_id) for order_id in ids],
    }
    return _records("order.import", columns, orders.index, connection, now)


def shipment_records(
    parcels: pd.DataFrame,
    items: pd.DataFrame,
    order_lines: pd.DataFrame,
    service_levels: Mapping[str, str | None],
    *,
    connection: str,
    now: datetime,
) -> pd.DataFrame:
    """Parcels and their orders as the rules on `shipment.notification` see them.

    Args:
        parcels: What `mfn.warehouse.shipments.shipments` returns for known orders, with every parcel of each that is
            not open or void; and with `carrier_code`, `carrier_name` and `shipping_method` (`mfn.rules.carriers`).
        items: What is confirmed of each parcel (`mfn.rules.parcels`).
        order_lines: The lines of their orders (`mfn.warehouse.shipments.order_lines`).
        service_levels: Amazon's fulfillmentServiceLevel by order id, as the ledger has it.
        connection: The connection's name.
        now: When the run began.

    Returns:
        A column for each field of the event, with the index of the parcels.
    """
    ids = parcels["order_number"].tolist()
    units = units_to_ship(order_lines)
    parcel_units = items.groupby("shipment_id")["quantity"].sum().to_dict()
    columns = {
        **{name: parcels[name.partition(".")[2]] for name in SHIPMENT.keys() - {UNITS, PARCELS}},
        UNITS: [parcel_units.get(shipment_id, 0) for shipment_id in parcels["shipment_id"].tolist()],
        PARCELS: parcels["order_number"].map(parcels["order_number"].value_counts()),
        "order.order_id": parcels["order_number"],
        "order.marketplace": _marketplaces(parcels["marketplace_id"]),
        "order.service_level": [service_levels.get(order_id) for order_id in ids],
        "order.programs": [tuple(text.split(",")) if text else () for text in parcels["programs"].tolist()],
        **{f"order.{name}": parcels[name] for name in ("is_sfp", "is_premium", "is_business", "ship_by")},
        "order.created_at": parcels["ordered_at"],
        **{f"order.{name}": parcels[name] for name in ("ship_method_code", "country_code", "state")},
        "order.lines": [len(units.get(order_id, ())) for order_id in ids],
        "order.units": [sum(units.get(order_id, {}).values()) for order_id in ids],
        "order.skus": _gathered(ids, order_lines["order_number"], order_lines["seller_sku"]),
        "order.warehouse_skus": _gathered(ids, order_lines["order_number"], order_lines["sku"]),
    }
    return _records("shipment.notification", columns, parcels.index, connection, now)


def stock_records(
    offers: pd.DataFrame, levels: pd.DataFrame, limits: pd.DataFrame, *, connection: str, now: datetime
) -> pd.DataFrame:
    """Offers and their stock as the rules on `inventory.push` see them.

    Args:
        offers: `marketplace_id`, `seller_sku`, `asin`; three frames with one index.
        levels: What is available of each (`mfn.rules.stock_levels.offer_levels`).
        limits: Buffer, minimum and maximum of each (`mfn.rules.stock_levels.LIMITS`), as the connection has them.
        connection: The connection's name.
        now: When the run began.

    Returns:
        A column for each field of the event, with the index of the offers.
    """
    columns = {
        "stock.marketplace": _marketplaces(offers["marketplace_id"]),
        **{f"stock.{name}": offers[name] for name in ("seller_sku", "asin")},
        **{
            f"stock.{name}": levels[name] for name in ("sku", "is_kit", "on_hand", "allocated", "promised", "available")
        },
        **{f"stock.{name}": limits[name] for name in limits},
    }
    return _records("inventory.push", columns, offers.index, connection, now)


def _records(
    event: str, columns: Mapping[str, Any], index: pd.Index[Any], connection: str, now: datetime
) -> pd.DataFrame:
    values = {**columns, "connection": connection, "now": now}
    kept_as_they_are = {Kind.TEXT, Kind.TEXTS}
    return pd.DataFrame(
        {
            name: pd.Series(values[name], index=index, dtype="object" if field.kind in kept_as_they_are else None)
            for name, field in EVENTS[event].items()
        }
    )


def _marketplaces(ids: pd.Series[Any]) -> list[str | None]:
    """Marketplaces by name; by Amazon's id if there is no name."""
    return [BY_ID[id_].name if id_ in BY_ID else id_ for id_ in ids.tolist()]


def _prices(lines: pd.DataFrame) -> tuple[dict[str, Decimal | None], dict[str, str | None]]:
    """The price of each order's units, None if a price is missing or not a number, and the currency of its prices."""
    values: dict[str, Decimal | None] = {}
    currencies: dict[str, str | None] = {}
    columns = (lines[name].tolist() for name in ("order_id", "unit_price", "quantity_ordered"))
    for order_id, price, units in zip(*columns, strict=True):
        before, value = values.get(order_id, Decimal(0)), _price(price)
        values[order_id] = None if before is None or value is None else before + value * units
    for order_id, currency_code in zip(lines["order_id"], lines["currency_code"], strict=True):
        if currency_code:  # a line may lack its price, and the others still have one
            currencies.setdefault(order_id, currency_code)
    return values, currencies


def _price(text: str | None) -> Decimal | None:
    try:
        price = Decimal(text or "")
    except InvalidOperation:
        return None
    return price if price.is_finite() else None


def _gathered(ids: Sequence[str], of: Iterable[str], values: Iterable[str | None]) -> list[tuple[str, ...]]:
    """The distinct values of each order, in their order, as tuples."""
    found: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for order_id, value in zip(of, values, strict=True):
        if value:
            found[order_id][value] = None
    return [tuple(found[order_id]) for order_id in ids]
