"""What a check works with: a workplace that creates nothing, and in which wrong mappings stop nothing."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from mfn.connections import load_connections
from mfn.mappings import read_mappings
from mfn.steps.workplace import Workplace, open_workplace
from mfn.warehouse.looking import look_at
from mfn.warehouse.sql import SqlWarehouse

if TYPE_CHECKING:
    from mfn.errors import Problem
    from mfn.mappings import Mappings
    from mfn.settings import Settings
    from mfn.warehouse.looking import WarehouseLook


@dataclass(frozen=True)
class CheckPlace(Workplace):
    """The workplace of a check: the warehouse's tables are not created, and the mappings are those that can be read."""

    @cached_property
    def warehouse(self) -> SqlWarehouse:
        """The warehouse, as it is."""
        return SqlWarehouse(self.connection.warehouse.url, name=self.connection.name)

    def look_at_warehouse(self) -> WarehouseLook:
        """The tables that the warehouse has; see `mfn.warehouse.looking.look_at`."""
        return look_at(self.connection.warehouse.url, what=self.warehouse_name)

    @property
    def mappings(self) -> Mappings:
        """The mapping files as far as they can be read."""
        return self._read_mappings[0]

    def problems_of(self, *files: str) -> list[Problem]:
        """The faults of some of the mapping files, by their names, or of their directory."""
        directory = self.settings.mappings.name
        return [problem for problem in self._read_mappings[1] if problem.file.endswith((*files, directory))]

    @cached_property
    def _read_mappings(self) -> tuple[Mappings, list[Problem]]:
        return read_mappings(self.settings.mappings, connections=load_connections(self.settings))


def open_check_place(settings: Settings, connection: str) -> CheckPlace:
    """The workplace of a connection's check.

    Raises:
        ConfigurationError: The connections file or the ledger's keys are wrong.
        RetriableError: The ledger cannot be reached.
    """
    place = open_workplace(settings, connection)
    return CheckPlace(place.settings, place.connection, place.ledger)
