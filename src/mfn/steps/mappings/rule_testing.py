"""`mfn rules test`: what the rules of a file do with one order, parcel or offer; only the audit trail is written."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pandas as pd

from mfn.amazon.orders import decode_order
from mfn.amazon.quantities import MERCHANT_CHANNEL
from mfn.connections import find_connection, load_connections
from mfn.errors import ConfigurationError, shown_path
from mfn.ledger.buyers_data import stored_orders
from mfn.ledger.known_connections import of_order
from mfn.ledger.known_orders import known_orders
from mfn.ledger.offers import offers_of
from mfn.ledger.opening import is_there, open_ledger
from mfn.ledger.order_ends import ends_of, removal_in_words
from mfn.ledger.schema import LandedOrder
from mfn.mappings.rules_file import read_rules
from mfn.rules.fields import EVENTS
from mfn.rules.frames import address_frame, line_frame, order_frame
from mfn.rules.parcels import LEFT_ALONE, parcel_items
from mfn.rules.records import order_records, shipment_records, stock_records
from mfn.rules.rule_trial import try_rules
from mfn.rules.shipping_methods import resolve_shipping_methods
from mfn.rules.skus import offer_components
from mfn.rules.stock_levels import item_stock, offer_levels
from mfn.rules.stock_rules import EVENT, limits_of
from mfn.steps.confirming.carriers import carriers_of
from mfn.steps.importing.order_frames import components_of
from mfn.steps.stock.promised import read_promised, read_stock
from mfn.steps.workplace import open_workplace

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from mfn.ledger.opening import Ledger
    from mfn.settings import Settings
    from mfn.steps.workplace import Workplace

RULES_TEST = "rules test"
"""The purpose for the audit trail."""

NO_ITEMS = pd.DataFrame({"sku": [], "is_active": []})


def rules_on_order(settings: Settings, rules: Path, order_id: str, *, connection: str | None = None) -> dict[str, Any]:
    """What the rules on `order.import` do with an order, as Amazon last sent it.

    Args:
        settings: The settings in force.
        rules: The file with the rules; it exists.
        order_id: Amazon's order id.
        connection: The connection that has it, or None.

    Returns:
        `event`, `id`, `connection`, `rules` (see `mfn.rules.rule_trial`), and `decision`, `message` and `rule` of the
        enabled one that decided, each "" without one.

    Raises:
        ConfigurationError: The file or the mappings are wrong, there is no such connection or order, or several
            connections have it.
        DataError: The order cannot be read.
    """
    if connection is not None:
        find_connection(settings, connection)
    found = _connections_of(open_ledger(settings), order_id) if is_there(settings) else []
    names = [name for name in found if connection in (None, name)]
    if not names:
        raise _without_text(settings, order_id, connection)
    if len(names) > 1:
        raise _several(names, f"each have an order {order_id!r}")
    place = open_workplace(settings, names[0])
    texts = stored_orders(place.ledger, names[0], [order_id], purpose=RULES_TEST)
    orders = [decode_order(text) for _, text in texts]
    frame, lines = order_frame(orders), line_frame(orders)
    components = components_of(place, frame, lines, NO_ITEMS)
    frame = resolve_shipping_methods(frame, place.mappings.shipping_methods, connection=names[0])
    record = order_records(frame, lines, address_frame(orders), components, connection=names[0], now=datetime.now(UTC))
    return _tried(place, rules, "order.import", record, order_id)


def _without_text(settings: Settings, order_id: str, connection: str | None) -> ConfigurationError:
    """The error for an order without a text in the ledger: it never had one, or it was removed."""
    ends = ends_of(open_ledger(settings), [order_id], connection=connection) if is_there(settings) else ()
    removed = next((row for row in ends if row.erased_at or row.purged_at), None)
    if removed is None:
        message, name = f"the ledger has no order {order_id!r}.", connection or "CONNECTION"
    else:
        message = f"the buyer's data of order {order_id} was removed from the ledger: {removal_in_words(removed)}."
        name = removed.connection
    return ConfigurationError(message, remedy=f"Fetch it: mfn import {name} --order {order_id}")


def rules_on_shipment(
    settings: Settings, rules: Path, shipment_id: str, *, connection: str | None = None
) -> dict[str, Any]:
    """What the rules on `shipment.notification` do with a parcel, as the warehouse has it now.

    Args:
        settings: The settings in force.
        rules: The file with the rules; it exists.
        shipment_id: The warehouse's id of the parcel.
        connection: The connection whose warehouse has it, or None.

    Returns:
        As `rules_on_order`.

    Raises:
        ConfigurationError: The file or the mappings are wrong, or no parcel of a known order has this id, or parcels of
            several connections have.
        MfnError: A warehouse cannot be asked.
    """
    places = _places(settings, connection)
    found = [(place, parcels) for place in places if len(parcels := _parcels_of(place, shipment_id))]
    if not found:
        raise ConfigurationError(
            f"the warehouse of {_named(places)} has no parcel {shipment_id!r} for an order that it knows.",
            remedy="Give the shipment_id of a wms_shipment row that is not open or void, with its order in wms_order.",
        )
    place, parcels = _only(found, f"each have a parcel {shipment_id!r}")
    order_lines = place.warehouse.order_lines(parcels["order_number"].unique())
    items, _ = parcel_items(parcels, place.warehouse.shipment_lines(parcels["shipment_id"]), order_lines)
    parcels = parcels.join(carriers_of(place, parcels))
    facts = known_orders(place.ledger, place.connection.name, parcels["order_number"].unique())
    levels = {order_id: known.service_level for order_id, known in facts.items()}
    records = shipment_records(
        parcels, items, order_lines, levels, connection=place.connection.name, now=datetime.now(UTC)
    )
    record = records[records["shipment.shipment_id"] == shipment_id]
    return _tried(place, rules, "shipment.notification", record, shipment_id)


def rules_on_offer(
    settings: Settings, rules: Path, seller_sku: str, *, connection: str | None = None
) -> dict[str, Any]:
    """What the rules on `inventory.push` do with an offer, with the stock that the warehouse has now.

    Args:
        settings: The settings in force.
        rules: The file with the rules; it exists.
        seller_sku: Amazon's SKU; in the first marketplace of the connection in which the ledger has it listed, or in
            the first one where no stock run has seen it yet.
        connection: The connection that offers it, or None.

    Returns:
        As `rules_on_order`.

    Raises:
        ConfigurationError: The file or the mappings are wrong, or the SKU leads to no item of the warehouse, or to one
            of the warehouse of several connections.
        MfnError: A warehouse or the ledger cannot be asked.
    """
    places = _places(settings, connection)
    found = [(place, record) for place in places if (record := _offer_record(place, seller_sku)) is not None]
    if not found:
        raise ConfigurationError(
            f"{seller_sku!r} does not lead to an item in the warehouse of {_named(places)}.",
            remedy="Give a seller SKU that is in wms_item, or that sku_aliases.csv maps to a SKU in wms_item.",
        )
    place, record = _only(found, f"can each sell {seller_sku!r}")
    return _tried(place, rules, EVENT, record, seller_sku)


def _places(settings: Settings, connection: str | None) -> list[Workplace]:
    """The workplace of a connection, or of every one."""
    names = [connection] if connection else list(load_connections(settings))
    return [open_workplace(settings, name) for name in names]


def _named(places: Iterable[Workplace]) -> str:
    return ", ".join(place.connection.name for place in places)


def _only(found: Sequence[tuple[Workplace, pd.DataFrame]], claim: str) -> tuple[Workplace, pd.DataFrame]:
    """What is found, if only one connection has it; `claim` is the verb phrase of the error if several do."""
    if len(found) > 1:
        raise _several((place.connection.name for place, _ in found), claim)
    return found[0]


def _several(names: Iterable[str], claim: str) -> ConfigurationError:
    return ConfigurationError(f"{', '.join(names)} {claim}.", remedy="Choose one with --connection.")


def _offer_record(place: Workplace, seller_sku: str) -> pd.DataFrame | None:
    """The record of an offer; None if the warehouse lacks one of its components."""
    name, ids = place.connection.name, place.connection.marketplace_ids
    known = {id_: offers_of(place.ledger, name, ("asin", "channel"), id_, [seller_sku]) for id_ in ids}
    listed = {id_: offer["asin"].iloc[0] for id_, offer in known.items() if offer["channel"].eq(MERCHANT_CHANNEL).any()}
    marketplace_id = next(iter(listed), ids[0])
    offer = pd.DataFrame(
        {"marketplace_id": [marketplace_id], "seller_sku": [seller_sku], "asin": [listed.get(marketplace_id)]}
    )
    components = offer_components(offer, place.mappings.sku_aliases, connection=name)
    snapshot = read_stock(place)
    items = item_stock(snapshot.stock, snapshot.items, read_promised(place, snapshot).units)
    if not components["sku"].isin(items.index).all():
        return None
    limits = limits_of(place.connection.inventory, 1)
    levels = offer_levels(components, items, limits)
    return stock_records(offer, levels, limits, connection=name, now=datetime.now(UTC))


def _connections_of(ledger: Ledger, order_id: str) -> Sequence[str]:
    """The connections that have landed an order."""
    statement = of_order(LandedOrder, order_id).with_only_columns(LandedOrder.connection)
    statement = statement.order_by(LandedOrder.connection)
    with ledger.reading() as database:
        return database.execute(statement).scalars().all()


def _parcels_of(place: Workplace, shipment_id: str) -> pd.DataFrame:
    """A parcel with all others of its order; no row if the warehouse lacks the parcel or its order."""
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
