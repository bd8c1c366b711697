"""Worlds in which parcels are shipped and confirmed, stock is pushed, and keys rotate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mfn.ledger.opening import ledger_engine
from mfn.settings import load_settings
from tests.steps.pushing import Pushing
from tests.steps.rotating import rotating_in
from tests.steps.shipping import Shipping
from tests.stock_world import stock_world
from tests.world import set_secrets

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.steps.rotating import Rotating
    from tests.world import World


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Amazon is asked again at once."""
    monkeypatch.setattr("mfn.amazon.calling._grow", lambda _state: 0.0)


@pytest.fixture
def shipping(world: World) -> Shipping:
    """Confirm runs in a small world, with the project's own list of carriers that Amazon accepts."""
    world.write_carriers()
    return Shipping(world)


@pytest.fixture
def pushing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pushing]:
    """Stock runs in a small world on SQLite, nothing pushed yet."""
    monkeypatch.chdir(tmp_path)
    set_secrets(monkeypatch)
    with stock_world(tmp_path, f"sqlite:///{tmp_path / 'warehouse.db'}") as stock:
        pushing = Pushing(stock)
        pushing.set_up()
        yield pushing


@pytest.fixture
def rotating(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rotating]:
    """A home with a key in its file, and a new ledger on each database."""
    for name in ("MFN_HOME", "MFN_CONNECTIONS", "MFN_MAPPINGS", "MFN_PII_KEYS", "MFN_PII_KEYS_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MFN_LEDGER_URL", database_url)
    settings = load_settings()
    yield rotating_in(settings)
    ledger_engine(settings.ledger_url.get_secret_value()).dispose()
