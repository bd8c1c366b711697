"""`mfn inventory us` as a script runs it, in a small world: four SKUs, ten units of each, five of each on offer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.conftest import mfn, quiet_root_logger
from tests.steps.pushing import Pushing, everywhere
from tests.stock_world import stock_world
from tests.world import set_secrets

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cli.conftest import Mfn

__all__ = ["Push", "everywhere", "mfn", "push", "quiet_root_logger"]

KEYS = {"batch_id", "skus", "pushed", "unchanged", "held", "failed", "api_calls", "report", "seconds"}


class Push(Pushing):
    """The command, its sum checked every time."""

    mfn: Mfn

    def __call__(self, *options: str, connection: str = "us") -> tuple[int, dict[str, Any]]:
        """Run it; its exit status and its one document."""
        status, document = self.mfn("inventory", connection, *options)
        if "skus" in document:
            assert set(document) >= KEYS
            parts = sum(document[name] for name in ("pushed", "unchanged", "held", "failed"))
            assert document["skus"] == parts, document
        if status:
            assert document["error"]
            assert document["remedy"]
            assert "Traceback" not in document["error"]
        return status, document

    def page(self, document: dict[str, Any]) -> str:
        """The report of a run."""
        path = self.stock.world.home / ".mfn" / "reports" / f"{document['batch_id']}.html"
        return path.read_text(encoding="utf-8")


@pytest.fixture
def push(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mfn: Mfn) -> Iterator[Push]:
    """The command in its world, after a complete import."""
    monkeypatch.chdir(tmp_path)
    set_secrets(monkeypatch)
    with stock_world(tmp_path, f"sqlite:///{tmp_path / 'warehouse.db'}") as stock:
        made = Push(stock)
        made.mfn = mfn
        made.set_up()
        yield made
