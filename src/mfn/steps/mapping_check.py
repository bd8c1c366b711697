"""`mfn mappings check`: the files themselves, and against every warehouse that can be asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mfn.connections import load_connections
from mfn.mappings import check_mappings, read_mappings
from mfn.mappings.against_warehouse import check_against_warehouse
from mfn.warehouse.sql import SqlWarehouse

if TYPE_CHECKING:
    import pandas as pd

    from mfn.connection import Connection
    from mfn.errors import Problem
    from mfn.settings import Settings


def check_all_mappings(settings: Settings) -> list[Problem]:
    """Everything that is wrong with the mapping files.

    Args:
        settings: The settings in force. Where connections are set up, the names in the files are held to them, and the
            codes and SKUs to their warehouses.

    Raises:
        ConfigurationError: The connections file is there and wrong.
        MfnError: A warehouse cannot be asked.
    """
    if not settings.connections.is_file():
        return check_mappings(settings.mappings)
    connections = load_connections(settings)
    mappings, problems = read_mappings(settings.mappings, connections=connections)
    told = {(problem.file, problem.line, problem.column) for problem in problems}
    for connection in connections.values():
        items, ship_methods = _stock_of(connection)
        if len(items) and len(ship_methods):  # a warehouse that is not filled yet says nothing about the files
            found = check_against_warehouse(mappings, items, ship_methods, connection=connection.name)
            here = [problem for problem in found if (problem.file, problem.line, problem.column) not in told]
            problems += [problem for problem in here if problem not in problems]
    return sorted(problems, key=lambda problem: (problem.file, problem.line or 0, problem.column or ""))


def empty_warehouses(settings: Settings) -> list[str]:
    """The connections whose warehouse has no items or no shipping methods yet, so that nothing could be compared."""
    if not settings.connections.is_file():
        return []
    connections = load_connections(settings)
    return [name for name, connection in connections.items() if not all(map(len, _stock_of(connection)))]


def _stock_of(connection: Connection) -> tuple[pd.DataFrame, pd.DataFrame]:
    warehouse = SqlWarehouse(connection.warehouse.url, name=connection.name)
    warehouse.ensure_tables()
    return warehouse.items(), warehouse.ship_methods()
