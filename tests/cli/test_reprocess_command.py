"""`mfn reprocess`: what it prints, and its exit status."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from mfn.cli.application import run
from tests.world import an_order

if TYPE_CHECKING:
    import pytest

    from tests.world import World


def test_it_says_what_became_of_the_orders_of_each_connection(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.put(an_order(), an_order(status="CANCELLED"))
    world.run()
    assert run(["reprocess", "us"]) == 0
    line = "us: 2 orders in 1 batches = 0 loaded + 0 held + 1 unchanged + 1 cancelled + 0 ignored"
    assert capsys.readouterr().out.strip() == line
    assert run(["reprocess", "--status", "cancelled", "--dry-run", "--json"]) == 0
    (done,) = json.loads(capsys.readouterr().out)["connections"]
    assert (done["connection"], done["orders"], done["cancelled"], len(done["batches"])) == ("us", 1, 1, 1)


def test_wrong_usage_starts_nothing(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["reprocess", "uk", "--json"]) == 2
    assert run(["reprocess", "us", "--since", "2026-11-02", "--before", "2026-11-01", "--json"]) == 2
    (world.home / "mappings" / "shipping_methods.csv").write_text("nonsense\n", encoding="utf-8")
    assert run(["reprocess", "us"]) == 2
    assert "shipping_methods.csv" in capsys.readouterr().err
