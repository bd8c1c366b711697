"""`mfn rules test`: what the rules of a file make of one order or parcel; nothing is written anywhere."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pandas as pd
from sqlalchemy import select

from mfn.amazon.orders import decode_order
from mfn.connections import find_connection, load_connections
from mfn.database.engines import reading
from mfn.errors import ConfigurationError, shown_path
from mfn.ledger.landing import stored_orders
from mfn.ledger.opening import is_there, open_ledger
from mfn.ledger.order_listing import list_orders
from mfn.ledger.schema import LandedOrder
from mfn.mappings.rules_file import read_rules
from mfn.rules.carriers import normalize_carriers
from mfn.rules.fields import EVENTS
from mfn.rules.frames import address_frame, line_frame, order_frame
from mfn.rules.parcels import LEFT_ALONE, parcel_items
from mfn.rules.records import order_records, shipment_records
from mfn.rules.rule_trial import try_rules
from mfn.rules.shipping_methods import resolve_shipping_methods
from mfn.rules.skus import resolve_skus
from mfn.steps.workplace import open_workplace

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from mfn.ledger.opening import Ledger
    from mfn.settings import Settings
    from mfn.steps.workplace import Workplace

NO_ITEMS = pd.DataFrame({"sku": [], "is_active": []})


def rules_on_order(settings: Settings, rules: Path, order_id: str, *, connection: str | None = None) -> dict[str, Any]:
    """What the rules on `order.import` make of an order, as Amazon last sent it.

    Args:
        settings: The settings in force.
        rules: The file with the rules; it exists.
        order_id: Amazon's order id.
        connection: Only this connection's order; None: whichever has it.

    Returns:
        `event`, `id`, `connection`, `rules` (see `mfn.rules.rule_trial`), and `decision`, `message` and `rule` of the
        enabled one that decided, each "" without one.

    Raises:
        ConfigurationError: The file or the mappings are wrong, or the ledger has no such order.
        DataError: The order cannot be read.
    """
    found = _connections_of(open_ledger(settings), order_id) if is_there(settings) else []
    names = [name for name in found if connection in (None, name)]
    if not names:
        raise ConfigurationError(
            f"the ledger has no order {order_id!r}.", remedy=f"Fetch it: mfn import CONNECTION --order {order_id}"
        )
    place = open_workplace(settings, names[0])
    orders = [decode_order(text) for _, text in stored_orders(place.ledger, names[0], [order_id])]
    frame, lines = order_frame(orders), line_frame(orders)
    aliases, methods = place.mappings.sku_aliases, place.mappings.shipping_methods
    marketplaces = dict(zip(frame["order_id"], frame["marketplace_id"], strict=True))
    components = resolve_skus(lines, aliases, NO_ITEMS, connection=names[0], marketplaces=marketplaces)
    frame = resolve_shipping_methods(frame, methods, connection=names[0])
    record = order_records(frame, lines, address_frame(orders), components, connection=names[0], now=datetime.now(UTC))
    return _tried(place, rules, "order.import", record, order_id)


def rules_on_shipment(
    settings: Settings, rules: Path, shipment_id: str, *, connection: str | None = None
) -> dict[str, Any]:
    """What the rules on `shipment.notification` make of a parcel, as the warehouse has it now.

    Args:
        settings: The settings in force.
        rules: The file with the rules; it exists.
        shipment_id: The warehouse's id of the parcel.
        connection: The connection whose warehouse has it; None: whichever has it.

    Returns:
        As `rules_on_order`.

    Raises:
        ConfigurationError: The file or the mappings are wrong, or no parcel of a known order has this id, or parcels of
            several connections have.
        MfnError: A warehouse cannot be asked.
    """
    names = [connection] if connection else list(load_connections(settings))
    places = [open_workplace(settings, find_connection(settings, name).name) for name in names]
    found = [(place, parcels) for place in places if len(parcels := _parcels_of(place, shipment_id))]
    if not found:
        raise ConfigurationError(
            f"the warehouse of {', '.join(names)} has no parcel {shipment_id!r} of an order that it knows.",
            remedy="Give the shipment_id of a row of wms_shipment, neither open nor void, whose order is in wms_order.",
        )
    if len(found) > 1:
        raise ConfigurationError(
            f"{', '.join(place.connection.name for place, _ in found)} each have a parcel {shipment_id!r}.",
            remedy="Say which one with --connection.",
        )
    place, parcels = found[0]
    order_lines = place.warehouse.order_lines(parcels["order_number"].unique())
    items, _ = parcel_items(parcels, place.warehouse.shipment_lines(parcels["shipment_id"]), order_lines)
    carriers = normalize_carriers(
        parcels,
        place.mappings.carriers,
        place.mappings.accepted_carriers,
        connection=place.connection.name,
        unlisted_carrier=place.connection.shipments.unlisted_carrier,
    )
    levels = {
        row.order_id: row.service_level
        for order_id in parcels["order_number"].unique()
        for row in list_orders(place.ledger, connection=place.connection.name, order_id=order_id)
    }
    records = shipment_records(
        parcels.join(carriers), items, order_lines, levels, connection=place.connection.name, now=datetime.now(UTC)
    )
    record = records[records["shipment.shipment_id"] == shipment_id]
    return _tried(place, rules, "shipment.notification", record, shipment_id)


def _connections_of(ledger: Ledger, order_id: str) -> Sequence[str]:
    """The connections that have landed an order."""
    with reading(ledger.engine, what="the ledger") as database:
        statement = select(LandedOrder.connection).where(LandedOrder.order_id == order_id)
        return database.execute(statement.order_by(LandedOrder.connection)).scalars().all()


def _parcels_of(place: Workplace, shipment_id: str) -> pd.DataFrame:
    """A parcel with every other of its order; no row where the warehouse does not have it, or not its order."""
    shipments = place.warehouse.shipments(place.connection.name)
    shipments = shipments[shipments["is_order_known"] & ~shipments["status"].isin(LEFT_ALONE)]
    of = shipments.loc[shipments["shipment_id"] == shipment_id, "order_number"]
    return shipments[shipments["order_number"].isin(of)].reset_index(drop=True)


def _tried(place: Workplace, path: Path, event: str, record: pd.DataFrame, id_: str) -> dict[str, Any]:
    accepted = place.mappings.accepted_carriers["carrier_code"].tolist()
    rules, problems = read_rules(path, shown_path(path), accepted_carriers=accepted)
    if problems:
        raise ConfigurationError(problems=tuple(problems))
    entries = try_rules(rules[event], record, EVENTS[event])
    decided = next((entry for entry in entries if entry["enabled"] and entry["decision"]), None)
    return {
        "event": event,
        "id": id_,
        "connection": place.connection.name,
        "rules": entries,
        "decision": decided["decision"] if decided else "",
        "message": decided["message"] if decided else "",
        "rule": decided["name"] if decided else "",
    }
