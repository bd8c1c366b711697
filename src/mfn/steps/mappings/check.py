"""`mfn mappings check`: the files by themselves, and against every warehouse that can be reached."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mfn.connections import load_connections
from mfn.errors import ConfigurationError, MfnError, Problem, shown_path, with_rows
from mfn.mappings import check_mappings, first_of_each_file, read_mappings
from mfn.mappings.against_warehouse import check_codes, check_skus
from mfn.warehouse.sql import SqlWarehouse

if TYPE_CHECKING:
    import pandas as pd

    from mfn.connection import Connection
    from mfn.settings import Settings


def check_all_mappings(settings: Settings) -> list[Problem]:
    """Everything that is wrong with the mapping files.

    Args:
        settings: The settings in force. Where connections are set up, the names in the files are held to them, and the
            codes and SKUs to their warehouses; one that cannot be reached is reported with the rest.

    Raises:
        ConfigurationError: The connections file exists and is wrong; the error lists the faults of the mapping files
            too.
    """
    if not settings.connections.is_file():
        return check_mappings(settings.mappings)
    try:
        connections = load_connections(settings)
    except ConfigurationError as error:
        raise with_rows(error, check_mappings(settings.mappings)) from None
    mappings, problems = read_mappings(settings.mappings, connections=connections)
    places = {_place(problem) for problem in problems}
    found: dict[tuple[Any, ...], Problem] = {}  # what two connections on one warehouse have in common is reported once
    for connection in connections.values():
        try:
            items, ship_methods = _stock_of(connection)
        except MfnError as error:
            path, key = shown_path(settings.connections), f"connections.{connection.name}.warehouse.url"
            problems.append(Problem(path, None, key, f"{error.message.rstrip('.')}.", error.remedy))
            continue
        if len(items) and len(ship_methods):  # a warehouse that is not filled yet says nothing about the files
            name, marketplace_ids = connection.name, connection.marketplace_ids
            lacking = check_codes(mappings, ship_methods, connection=name, marketplace_ids=marketplace_ids)
            lacking += check_skus(mappings, items, connection=name, marketplace_ids=marketplace_ids)
            found = {_place(problem): problem for problem in lacking if _place(problem) not in places} | found
    problems += first_of_each_file([*found.values()])
    return sorted(problems, key=lambda problem: (problem.file, problem.line or 0, problem.column or ""))


def _place(problem: Problem) -> tuple[Any, ...]:
    return problem.file, problem.line, problem.column


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
