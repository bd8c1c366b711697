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
    """What is promised of a warehouse's stock.

    Attributes:
        reserved: What is reserved in the ledger, by orders.
        units: What `mfn.rules.stock_levels.promised_units` made of it: by the warehouse's SKU.
    """

    reserved: Reserved
    units: pd.Series[int]


def read_stock(place: Workplace) -> StockSnapshot:
    """The stock, the items, and how far the orders are that have units reserved.

    Args:
        place: The workplace.

    Raises:
        RetriableError: The warehouse or the ledger could not be reached.
        FatalError: The warehouse's tables cannot be read.
    """
    return place.warehouse.stock(reserving_orders(place.ledger, place.warehouse.digest, place.sharing))


def read_promised(place: Workplace, snapshot: StockSnapshot) -> Promised:
    """What is promised of the stock; read after it, so that an order which comes in meanwhile errs towards less stock.

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
