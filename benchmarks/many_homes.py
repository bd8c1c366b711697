"""Homes of many connections that share one ledger and one warehouse, both on PostgreSQL."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from benchmarks.homes import CREDENTIALS
from mfn.ledger.encryption import new_key
from mfn.settings import load_settings
from mfn.simulator.catalogue import build_catalogue
from mfn.simulator.warehouse import create_demo_warehouse, write_demo_mappings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mfn.settings import Settings

CONNECTION = """\
  {name}:
    seller_id: A2{seller}
    marketplaces: [US, CA]
    endpoint: {endpoint}
    lwa_endpoint: {endpoint}
    warehouse: {{kind: sql, url: "{warehouse}"}}
    orders: {{hold_alarm_percent: 100}}
"""


def make_home(home: Path, endpoints: Mapping[str, str], *, warehouse: str, ledger: str) -> dict[str, str]:
    """Make a home for connections.

    Args:
        home: A directory that is not there yet.
        endpoints: Of each connection, the base URL of its local Amazon.
        warehouse: URL of the warehouse that serves all of them.
        ledger: URL of the ledger.

    Returns:
        The environment of programs that work there.
    """
    home.mkdir(parents=True)
    entries = "".join(
        CONNECTION.format(name=name, seller=name.replace("_", "").upper(), endpoint=endpoint, warehouse=warehouse)
        for name, endpoint in endpoints.items()
    )
    (home / "connections.yaml").write_text(f"connections:\n{entries}", encoding="utf-8")
    write_demo_mappings(home / "mappings", "")
    return {
        **CREDENTIALS,
        "MFN_HOME": str(home / ".mfn"),
        "MFN_CONNECTIONS": str(home / "connections.yaml"),
        "MFN_MAPPINGS": str(home / "mappings"),
        "MFN_LEDGER_URL": ledger,
        "MFN_PII_KEYS": os.environ.get("MFN_PII_KEYS") or new_key(),
    }


def stock_warehouse(url: str) -> None:
    """Make the warehouse's tables and fill them."""
    create_demo_warehouse(url, build_catalogue())


def work_with(environ: Mapping[str, str]) -> Settings:
    """Make this process, and those that it starts, work with an environment of `make_home`.

    Returns:
        The settings in force.
    """
    for name in [name for name in os.environ if name.startswith(("MFN_", "SP_API_", "LWA_"))]:
        del os.environ[name]
    os.environ.update(environ)
    return load_settings()
