"""The stock of a connection's warehouse, and the units of it that are promised to orders."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mfn.ledger.imported_units import read_reserved, reserving_orders
from mfn.rules.skus import mapped_by_now
from mfn.rules.stock_levels import promised_units

if TYPE_CHECKING:
    import pandas as pd

    from mfn.ledger.imported_units import Reserved
    from mfn.steps.workplace import Workplace
    from mfn.warehouse.inventory import StockSnapshot


class Promised(NamedTuple):
    """The promised part of a warehouse's stock.

    Attributes:
        reserved: The reservations in the ledger, by order.
        units: The same by the warehouse's SKU, as `mfn.rules.stock_levels.promised_units` returns it.
    """

    reserved: Reserved
    units: pd.Series[int]


def read_stock(place: Workplace) -> StockSnapshot:
    """The stock, the items, and the status of the orders that have units reserved.

    Raises:
        RetriableError: The warehouse or the ledger could not be reached.
        FatalError: The warehouse's tables cannot be read.
    """
    return place.warehouse.stock(reserving_orders(place.ledger, place.warehouse.digest, place.sharing))


def read_promised(place: Workplace, snapshot: StockSnapshot) -> Promised:
    """The promised part of the stock; read after it, so that an order that comes in meanwhile errs towards less stock.

    Args:
        place: The workplace.
        snapshot: What `read_stock` returned.

    Raises:
        RetriableError: The ledger could not be reached.
        ConfigurationError: A mapping file is wrong.
    """
    reserved = read_reserved(place.ledger, place.connection.name, place.warehouse.digest, place.sharing)
    units = mapped_by_now(reserved.units, place.mappings.sku_aliases, snapshot.items)
    promised = promised_units(units, snapshot.orders, is_allocated_at_filled=snapshot.is_allocated_at_filled)
    return Promised(reserved, promised)
