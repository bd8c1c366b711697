"""A day of stock runs with ledger and warehouse on PostgreSQL: patches, a feed, a sale, bad rows, a rehearsal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.postgres import fresh_schema
from tests.steps.pushing import Pushing, everywhere
from tests.stock_world import stock_world
from tests.world import set_secrets

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def pushing_on_postgres(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, postgres_server: str, postgres_url: str
) -> Iterator[Pushing]:
    """Stock runs in a small world whose ledger and warehouse are on PostgreSQL, nothing pushed yet."""
    monkeypatch.chdir(tmp_path)
    set_secrets(monkeypatch)
    with fresh_schema(postgres_server, "ledger_of_stock") as ledger_url:
        monkeypatch.setenv("MFN_LEDGER_URL", ledger_url)
        with stock_world(tmp_path, postgres_url) as stock:
            pushing = Pushing(stock)
            pushing.set_up()
            yield pushing


def test_a_day_of_stock_runs_on_postgresql(pushing_on_postgres: Pushing) -> None:
    pushing = pushing_on_postgres
    assert pushing.run(dry_run=True)["pushed"] == 4
    assert pushing.shown() == everywhere(5)
    assert pushing.run()["pushed"] == 4
    pushing.stock.minutes_pass(5)
    pushing.stock.check_out("BOWL", 3)
    pushing.stock.receive("BOWL", 12)
    pushing.stock.receive("LAMP", -1)
    summary = pushing.run()
    assert (summary["pushed"], summary["held"], pushing.stock.shown("BOWL")) == (1, 1, 9)
    pushing.stock.minutes_pass(5)
    pushing.stock.world.run()
    pushing.stock.receive("LAMP", 8)
    pushing.make_patches_dear()
    summary = pushing.run(full=True)
    assert (summary["pushed"], summary["held"], summary["drift"], summary["verified"]) == (4, 0, 0, 4)
    assert pushing.shown() == everywhere(10) | {"BOWL": 9, "LAMP": 8}
    assert [feed.status for feed in pushing.feeds()] == ["done"]
