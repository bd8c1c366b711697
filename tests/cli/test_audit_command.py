"""`mfn audit`: who saw buyers' data, what people decided, and whose data was removed."""

from __future__ import annotations

import platform
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import psutil
import pytest
from sqlalchemy import update

from mfn.cli.application import run
from mfn.ledger.order_ends import note_removed
from mfn.ledger.schema import DataAccess
from tests.world import an_order

if TYPE_CHECKING:
    from tests.cli.conftest import Mfn
    from tests.world import World

USER = psutil.Process().username()
ME = f"{USER}@{platform.node()}"
RULES = "order.import:\nshipment.notification:\ninventory.push:\n"


@pytest.fixture
def orders(world: World) -> tuple[str, str]:
    """One that is loaded, and one that is held and dismissed."""
    loaded, held = world.put(an_order(), an_order(recipient=None))
    world.run()
    assert run(["orders", "dismiss", held, "--why", "a fraud"]) == 0
    return loaded, held


def test_the_trail_lists_each_step_that_saw_buyer_data_once_and_all_decisions(
    world: World, mfn: Mfn, orders: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    status, trail = mfn("audit")
    assert status == 0
    assert set(trail) == {"accesses", "decisions", "removals"}
    accesses = trail["accesses"]
    assert set(accesses[0]) == {"at", "by", "purpose", "connection", "batch_id", "order_id", "orders"}
    assert [(row["purpose"], row["orders"]) for row in accesses if row["order_id"] is None] == [
        ("load", 2),
        ("transform", 2),
        ("validate", 2),
    ], "newest first, once a step"
    assert {row["batch_id"] for row in accesses} == {mfn("batches")[1]["batches"][0]["batch_id"]}
    assert {row["by"] for row in accesses} == {ME}
    (decision,) = trail["decisions"]
    assert (decision["by"], decision["order_id"], decision["kind"]) == (USER, orders[1], "dismissed")
    assert (decision["why"], decision["reasons"][0]["code"]) == ("a fraud", "address_missing")
    assert trail["removals"] == []


def test_the_trail_of_an_order_lists_who_saw_it_alone_or_among_others(
    world: World, mfn: Mfn, orders: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    loaded, held = orders
    (world.home / "mappings" / "rules.yaml").write_text(RULES, encoding="utf-8")
    capsys.readouterr()
    assert mfn("rules", "test", "mappings/rules.yaml", "--order", held)[0] == 0
    (other,) = world.put(an_order(minutes_ago=1))
    world.run()
    seen = mfn("audit", "--order", held)[1]
    assert seen["accesses"][0] == {
        **seen["accesses"][0],
        "purpose": "rules test",
        "order_id": held,
        "batch_id": None,
        "orders": 1,
    }
    assert {row["purpose"] for row in seen["accesses"][1:]} == {"validate", "transform", "load"}
    assert [one["order_id"] for one in seen["decisions"]] == [held]
    assert mfn("audit", "--order", other)[1]["decisions"] == []
    assert {row["order_id"] for row in mfn("audit", "--order", loaded)[1]["accesses"]} == {None}
    assert mfn("audit", "--order", "111-9999999-9999999")[1] == {"accesses": [], "decisions": [], "removals": []}


def test_removals_say_whether_a_person_or_the_retention_period_caused_them(
    world: World, mfn: Mfn, orders: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    loaded, held = orders
    assert mfn("erase", held)[0] == 0
    later = datetime.now(UTC) + timedelta(seconds=1)
    with world.ledger.writing() as database:
        note_removed(database, "us", [loaded], later)
    purged, erased = mfn("audit")[1]["removals"]
    entry = {"connection": "us"}
    assert purged == entry | {"at": purged["at"], "by": None, "order_id": loaded, "kind": "purged"}
    assert erased == entry | {"at": erased["at"], "by": USER, "order_id": held, "kind": "erased"}
    assert run(["audit"]) == 0
    first, *lines = capsys.readouterr().out.splitlines()[1:]
    assert "past retention" in first
    assert any(held in line and "erased" in line and USER in line for line in lines)
    assert any("read: validate" in line for line in lines)


def test_by_default_the_trail_shows_a_week_and_for_one_order_everything(
    world: World, mfn: Mfn, orders: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    long_ago = datetime.now(UTC) - timedelta(days=8)
    with world.ledger.writing() as database:
        database.execute(update(DataAccess).where(DataAccess.purpose == "load").values(at=long_ago))
    assert {row["purpose"] for row in mfn("audit")[1]["accesses"]} == {"validate", "transform"}
    assert len(mfn("audit", "--order", orders[0])[1]["accesses"]) == 3
    assert len(mfn("audit", "--since", (long_ago - timedelta(days=1)).isoformat())[1]["accesses"]) == 3
    assert mfn("audit", "--since", "yesterday")[0] == 2


def test_a_person_reads_a_sentence_if_nothing_happened(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["audit", "--order", "111-9999999-9999999"]) == 0
    assert capsys.readouterr().out == "nothing about 111-9999999-9999999 in the audit trail\n"
