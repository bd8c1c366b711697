"""`mfn inventory` as a person and as a script use it, and what other commands show of its batches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mfn.cli.application import run
from mfn.ledger.leases import lease
from tests.steps.conftest import pushing
from tests.steps.pushing import everywhere

if TYPE_CHECKING:
    import pytest

    from tests.cli.conftest import Mfn
    from tests.steps.pushing import Pushing

__all__ = ["pushing"]

INVENTORY_KEYS = {
    "batch_id", "skus", "pushed", "unchanged", "held", "failed", "api_calls", "report", "seconds",
}  # fmt: skip


def test_a_stock_run_prints_the_keys_of_the_contract_and_held_stock_is_no_failure(pushing: Pushing, mfn: Mfn) -> None:
    pushing.stock.receive("BOWL", -1)
    status, document = mfn("inventory", "us")
    assert status == 0
    assert set(document) >= INVENTORY_KEYS
    assert (document["skus"], document["pushed"], document["held"]) == (4, 3, 1)
    assert document["api_calls"] == {"patchListingsItem": 3, "searchListingsItems": 3}


def test_a_level_that_amazon_refuses_ends_the_command_with_1_and_says_what_to_do(pushing: Pushing, mfn: Mfn) -> None:
    pushing.stock.world.amazon.faults.refused_skus["LAMP"] = "The product type is not valid."
    status, document = mfn("inventory", "us")
    assert (status, document["failed"], document["pushed"]) == (1, 1, 3)
    assert document["error"]
    assert document["remedy"]
    assert pushing.shown() == everywhere(10) | {"LAMP": 5}


def test_a_concurrent_stock_run_ends_with_3_and_an_unknown_connection_with_2(pushing: Pushing, mfn: Mfn) -> None:
    with lease(pushing.stock.world.ledger, "us", "inventory"):
        assert mfn("inventory", "us")[0] == 3
    assert mfn("inventory", "nowhere")[0] == 2


def test_a_stock_run_prints_its_sum_and_where_to_look_for_a_person(
    pushing: Pushing, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["inventory", "us", "--dry-run"]) == 0
    assert "us: 4 SKUs = 4 would be pushed + 0 unchanged + 0 held + 0 failed" in capsys.readouterr().out
    assert pushing.shown() == everywhere(5)
    assert run(["inventory", "us"]) == 0
    said = capsys.readouterr().out
    assert "us: 4 SKUs = 4 pushed + 0 unchanged + 0 held + 0 failed" in said
    assert "report: " in said


def test_stock_batches_are_listed_run_again_and_have_their_report(pushing: Pushing, mfn: Mfn) -> None:
    batch_id = pushing.run()["batch_id"]
    _, document = mfn("batches")
    assert [(row["kind"], row["stage"]) for row in document["batches"]] == [("inventory", "verify"), ("import", "load")]
    status, document = mfn("rerun", batch_id, "--from-stage", "compare")
    assert (status, document["batches"][0]["pushed"]) == (0, 4)
    assert mfn("rerun", batch_id, "--from-stage", "collect")[0] == 2
    status, document = mfn("report", batch_id)
    assert (status, batch_id in document["report"]) == (0, True)
