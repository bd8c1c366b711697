"""`mfn purge` and `mfn erase` as a person and as a script use them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from mfn.cli.application import run
from mfn.ledger.leases import lease
from mfn.ledger.schema import LandedOrder
from tests.world import an_order

if TYPE_CHECKING:
    from tests.cli.conftest import Mfn
    from tests.world import World


@pytest.fixture
def cancelled(world: World) -> str:
    """A cancelled order; it landed two months ago."""
    (order_id,) = world.put(an_order(status="CANCELLED"))
    world.run()
    long_ago = datetime.now(UTC) - timedelta(days=60)
    with world.ledger.writing() as database:
        database.execute(update(LandedOrder).values(landed_at=long_ago, last_updated_at=long_ago))
    return order_id


def test_a_purge_prints_the_keys_of_the_contract_for_every_connection(world: World, cancelled: str, mfn: Mfn) -> None:
    world.add_connection("mexico", marketplaces="[MX]")
    status, rehearsed = mfn("purge", "--dry-run")
    assert (status, rehearsed["purged"], rehearsed["kept"]) == (0, 1, 0)
    status, document = mfn("purge")
    assert (status, document["purged"], document["kept"], document["scrubbed"]) == (0, 1, 0, 0)
    us, mexico = document["connections"]
    assert set(us) >= {"connection", "batch_id", "purged", "kept", "scrubbed", "report", "api_calls"}
    assert (us["connection"], us["purged"], mexico["connection"], mexico["purged"]) == ("us", 1, "mexico", 0)
    _, shown = mfn("orders", "show", cancelled)
    assert (shown["timeline"][-1]["kind"], shown["timeline"][-1]["outcome"]) == ("removal", "purged")
    _, batches = mfn("batches")
    assert [batch["kind"] for batch in batches["batches"]] == ["purge", "purge", "purge", "purge", "import"]


def test_a_concurrent_purge_ends_with_3_and_a_failed_one_with_1_and_what_to_do(
    world: World, cancelled: str, mfn: Mfn
) -> None:
    with lease(world.ledger, "us", "purge"):
        status, document = mfn("purge")
        assert status == 3
        assert document["error"]
        assert document["remedy"]
    world.add_connection("mexico", marketplaces="[MX]")
    with lease(world.ledger, "mexico", "purge"):
        assert mfn("purge")[0] == 3
    path = world.home / "connections.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(world.warehouse_url, "postgresql://nobody@127.0.0.1:1/none"), encoding="utf-8")
    with path.open("a", encoding="utf-8") as file:
        file.write("    privacy: {scrub_warehouse: true}\n")
    status, document = mfn("purge")
    assert (status, [one["status"] for one in document["connections"]]) == (1, ["done", "failed"])
    assert "mfn" in document["remedy"]
    assert cancelled


def test_a_person_reads_sentences(world: World, cancelled: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["purge"]) == 0
    assert "us: orders with buyers' data: 1 = 1 purged + 0 kept" in capsys.readouterr().out
    assert run(["orders", "show", cancelled]) == 0
    assert "buyer's data removed (past retention)" in capsys.readouterr().out
    assert world.rows() == []


def test_an_erasure_says_where_data_was_and_a_second_one_that_nothing_is_left(
    cancelled: str, mfn: Mfn, capsys: pytest.CaptureFixture[str]
) -> None:
    status, document = mfn("erase", cancelled)
    assert status == 0
    assert set(document) == {"order_id", "connection", "erased", "ledger", "warehouse"}
    assert (document["ledger"], document["warehouse"]) == (True, False)
    assert run(["erase", cancelled, "--connection", "us"]) == 0
    assert "no buyer's data was left" in capsys.readouterr().out
    status, document = mfn("erase", "111-9999999-9999999")
    assert (status, bool(document["remedy"])) == (2, True)


def test_trying_a_rule_on_an_order_without_data_says_why_it_was_removed_and_what_to_do(
    world: World, cancelled: str, mfn: Mfn
) -> None:
    rules = world.home / "mappings" / "rules.yaml"
    rules.write_text("order.import: []\n", encoding="utf-8")
    mfn("purge")
    status, document = mfn("rules", "test", str(rules), "--order", cancelled)
    assert status == 2
    assert "was removed from the ledger: retention period over" in document["error"]
    assert document["remedy"] == f"Fetch it: mfn import us --order {cancelled}"
