"""A home of its own for each measurement: connections, mappings, a new ledger, the simulator's warehouse."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from mfn.settings import load_settings
from mfn.simulator.catalogue import build_catalogue
from mfn.simulator.warehouse import create_demo_warehouse, write_demo_mappings

if TYPE_CHECKING:
    from pathlib import Path

    from mfn.settings import Settings

CONNECTION = "bench"
CONNECTIONS = """\
connections:
  bench:
    seller_id: A2LOCALSELLER01
    marketplaces: [{marketplaces}]
    endpoint: {endpoint}
    lwa_endpoint: {endpoint}
    warehouse: {{kind: sql, url: "{warehouse}"}}
"""
CREDENTIALS = {"SP_API_REFRESH_TOKEN": "local", "LWA_APP_ID": "local", "LWA_CLIENT_SECRET": "local"}


def enter_home(
    home: Path, *, endpoint: str, warehouse: str = "", ledger: str = "", marketplaces: str = "US, CA"
) -> Settings:
    """Make a home, and make this process work in it.

    Args:
        home: A directory that is not there yet.
        endpoint: Base URL of the local Amazon.
        warehouse: URL of the warehouse's database; empty: a SQLite file in the home.
        ledger: URL of the ledger's database; empty: a SQLite file in the home.
        marketplaces: The connection's, comma separated.

    Returns:
        The settings in force.
    """
    home.mkdir(parents=True)
    warehouse = warehouse or f"sqlite:///{home / 'warehouse.db'}"
    text = CONNECTIONS.format(endpoint=endpoint, warehouse=warehouse, marketplaces=marketplaces)
    (home / "connections.yaml").write_text(text, encoding="utf-8")
    write_demo_mappings(home / "mappings", CONNECTION)
    create_demo_warehouse(warehouse, build_catalogue())
    return work_in(home, ledger=ledger)


def work_in(home: Path, *, ledger: str = "") -> Settings:
    """Make this process work in a home that is there.

    Args:
        home: What `enter_home` made.
        ledger: As there.

    Returns:
        The settings in force.
    """
    for name in [name for name in os.environ if name.startswith(("MFN_", "SP_API_", "LWA_"))]:
        del os.environ[name]
    os.environ.update(CREDENTIALS)
    if ledger:
        os.environ["MFN_LEDGER_URL"] = ledger
    os.chdir(home)
    return load_settings()
