"""`mfn orders release` and `mfn orders dismiss` as a person and as a script use them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from mfn.cli.application import run
from mfn.ledger.leases import lease
from tests.world import an_item, an_order, cancellation

if TYPE_CHECKING:
    from tests.cli.conftest import Mfn
    from tests.world import World


UNKNOWN = "111-9999999-9999999"


@pytest.fixture
def held(world: World) -> str:
    """An order whose buyer asks for a cancellation."""
    (order_id,) = world.put(an_order(an_item(cancellation=cancellation()), minutes_ago=600))
    world.run()
    return order_id


def test_a_decision_prints_the_orders_and_is_in_their_timeline(world: World, mfn: Mfn, held: str) -> None:
    status, document = mfn("orders", "release", held, held, "--why", "wants it after all", "--connection", "us")
    (order,) = document["orders"]
    assert status == 0
    assert set(order) >= {"order_id", "status", "reasons", "is_sfp", "ship_by", "batch_id"}
    assert (order["order_id"], order["status"]) == (held, "held")
    status, document = mfn("orders", "dismiss", held, "--why", "a fraud")
    (order,) = document["orders"]
    assert (status, order["status"], order["reasons"][0]["code"]) == (0, "dismissed", "dismissed")

    _, shown = mfn("orders", "show", held)
    imported, released, dismissed = shown["timeline"]
    assert (imported["kind"], imported["outcome"]) == ("import", "held")
    assert released["reasons"][0]["code"] == "buyer_cancel_requested"
    entry = {"kind": "decision", "by": psutil.Process().username(), "batch_id": None}
    assert released == {**released, **entry, "outcome": "released", "why": "wants it after all"}
    assert dismissed == {**dismissed, **entry, "outcome": "dismissed", "why": "a fraud"}
    assert dismissed == order["decision"]
    assert imported["at"] < released["at"] < dismissed["at"]


def test_a_person_reads_what_comes_next_and_who_decided(
    world: World, held: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["orders", "release", held, "--why", "wants it after all"]) == 0
    assert f"{held} (us): released; the next import checks it again: mfn import us" in capsys.readouterr().out
    assert run(["orders", "dismiss", held, "--why", "a fraud"]) == 0
    assert f"to undo this: mfn orders release {held} --why TEXT" in capsys.readouterr().out
    assert run(["orders", "show", held]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "a fraud" in line]
    assert f"by {psutil.Process().username()}" in line
    assert "dismissed" in line


def test_what_cannot_be_decided_ends_with_2_names_every_order_and_changes_nothing(
    world: World, mfn: Mfn, held: str
) -> None:
    (bad,) = world.put(an_order(an_item(sku="MUG-GREEN"), minutes_ago=10))
    world.run()
    status, document = mfn("orders", "release", held, bad, UNKNOWN, "--why", "all of them")
    assert status == 2
    assert [one["order_id"] for one in document["refused"]] == [bad, UNKNOWN]
    assert set(document["refused"][0]) == {"order_id", "connection", "problem", "remedy"}
    assert bad in document["error"]
    assert UNKNOWN in document["error"]
    assert "mappings/sku_aliases.csv" in document["remedy"]
    assert len(mfn("orders", "show", held)[1]["timeline"]) == len(mfn("orders", "show", bad)[1]["timeline"]) + 1


def test_refusals_for_a_person_go_to_stderr(world: World, held: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["orders", "dismiss", held, UNKNOWN, "--why", "both"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert f"{UNKNOWN}: the ledger has no such order" in said.err
    assert f"mfn import CONNECTION --order {UNKNOWN}" in said.err
    assert world.statuses() == {held: "held"}


def test_wrong_usage_ends_with_2_and_one_document(world: World, mfn: Mfn, held: str) -> None:
    for command in ("release", "dismiss"):
        for words in (
            [],
            [held],
            ["--why", "no order"],
            [held, "--why", " "],
            [held, "--why", "x", "--connection", "nope"],
            [held, "--why", "x", "--no-such-option"],
            ["", "--why", "x"],
        ):
            status, document = mfn("orders", command, *words)
            assert status == 2, words
            assert document["error"], words
            assert document["remedy"], words
    assert world.statuses() == {held: "held"}


def test_a_decision_during_an_import_ends_with_3(world: World, mfn: Mfn, held: str) -> None:
    with lease(world.ledger, "us", "import"):
        status, document = mfn("orders", "dismiss", held, "--why", "a fraud")
    assert status == 3
    assert set(document) >= {"error", "remedy"}
    assert world.statuses() == {held: "held"}


@pytest.mark.parametrize("pasted", [" {}", "\u00a0{}\t\n"])
def test_ids_copied_with_blanks_around_them_are_recognized(world: World, mfn: Mfn, held: str, pasted: str) -> None:
    order_id, rules = pasted.format(held), str(world.home / "mappings" / "rules.yaml")
    Path(rules).write_text("order.import:\n", encoding="utf-8")
    assert mfn("orders", "show", order_id)[1]["order_id"] == held
    assert mfn("rules", "test", rules, "--order", order_id)[0] == 0
    assert mfn("orders", "dismiss", order_id, "--why", "a fraud")[0] == 0
    assert mfn("audit", "--order", order_id)[1]["decisions"][0]["order_id"] == held
    assert mfn("orders", "release", order_id, "--why", "none after all")[0] == 0
    assert mfn("orders", "dismiss", order_id, "--why", "one after all")[0] == 0
    assert mfn("erase", order_id)[0] == 0
    batch_id = mfn("batches")[1]["batches"][0]["batch_id"]
    assert mfn("report", pasted.format(batch_id))[1]["report"].endswith(f"{batch_id}.html")
    assert mfn("rerun", pasted.format(batch_id))[1]["batches"][0]["batch_id"] == batch_id
