"""Amazon and the network fail while stock is pushed: nothing wrong is sent, and the next run corrects it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mfn.amazon.calling import ATTEMPTS
from tests.faults.stock_command import Push, everywhere, mfn, push, quiet_root_logger
from tests.steps.pushing import SKUS
from tests.stock_world import CA

if TYPE_CHECKING:
    from tests.cli.conftest import Mfn

__all__ = ["mfn", "push", "quiet_root_logger"]

pytestmark = pytest.mark.usefixtures("no_pauses")


def test_levels_are_sent_once_and_the_handling_time_is_kept(push: Push) -> None:
    status, document = push()
    assert (status, document["pushed"], document["skus"]) == (0, 4, 4)
    assert push.shown() == everywhere(10)
    assert {push.stock.handling_days(sku) for sku in SKUS} == {2}
    status, document = push()
    assert (status, document["unchanged"]) == (0, 4)
    assert push.calls("patchListingsItem") == 4


def test_a_full_push_sends_all_levels_again(push: Push) -> None:
    push()
    status, document = push("--full")
    assert (status, document["pushed"], push.calls("patchListingsItem")) == (0, 4, 8)


PASSING: dict[str, Any] = {
    "503": lambda f, op: f.answer(op, 503),
    "500 after the deed": lambda f, op: f.answer(op, 500, after_deed=True),
    "429": lambda f, op: f.answer(op, 429, {"errors": [{"code": "QuotaExceeded", "message": "slow down"}]}),
    "dropped": lambda f, op: f.drop(op),
    "dropped after the deed": lambda f, op: f.drop(op, after_deed=True),
    "truncated": lambda f, op: f.truncate(op),
    "not json": lambda f, op: f.answer(op, 200, "<html>a proxy speaks</html>", media_type="text/html"),
}


@pytest.mark.parametrize("operation", ["searchListingsItems", "patchListingsItem"])
def test_transient_faults_are_ridden_out_within_one_run(push: Push, operation: str) -> None:
    faults = push.stock.world.amazon.faults
    for plant in PASSING.values():
        plant(faults, operation)
        faults.let_pass(operation)
    status, document = push()
    assert (status, document["pushed"], push.shown()) == (0, 4, everywhere(10)), document


@pytest.mark.parametrize("operation", ["searchListingsItems", "patchListingsItem"])
def test_a_server_that_keeps_failing_ends_the_run_with_1_and_the_next_run_sends_everything(
    push: Push, operation: str
) -> None:
    push.stock.world.amazon.faults.answer(operation, 503, times=ATTEMPTS * 20)
    status, document = push()
    assert status == 1, document
    push.stock.world.amazon.faults._queues.clear()
    status, document = push()
    assert (status, push.shown()) == (0, everywhere(10)), document


def test_a_dead_server_ends_the_run_with_1_and_the_run_can_be_repeated(
    push: Push, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = push.stock.world.home / "connections.yaml"
    right = path.read_text(encoding="utf-8")
    path.write_text(right.replace(push.stock.world.endpoint, "http://127.0.0.1:9"), encoding="utf-8")
    status, _ = push()
    assert status == 1
    path.write_text(right, encoding="utf-8")
    assert push()[0] == 0
    assert push.shown() == everywhere(10)


def invalid(sku: str) -> dict[str, Any]:
    issue = {"code": "90220", "message": f"{sku} lacks a brand.", "severity": "ERROR", "categories": []}
    return {"sku": sku, "status": "INVALID", "submissionId": "s-1", "issues": [issue]}


def test_an_invalid_answer_with_200_is_a_failure_in_amazons_words_and_is_retried(push: Push, mfn: Mfn) -> None:
    push.stock.world.amazon.faults.answer("patchListingsItem", 200, invalid("BOWL"))
    status, document = push()
    assert (status, document["failed"], document["pushed"]) == (1, 1, 3), document
    page = push.page(document)
    assert "lacks a brand" in page
    status, document = push()
    assert (status, document["failed"], document["pushed"]) == (0, 0, 1)
    assert push.shown() == everywhere(10)


def test_a_refusal_of_one_sku_does_not_stop_the_others(push: Push) -> None:
    said = {"errors": [{"code": "InvalidInput", "message": "not this one"}]}
    push.stock.world.amazon.faults.answer("patchListingsItem", 400, said)
    ended, document = push()
    assert (ended, document["failed"], document["pushed"]) == (1, 1, 3), document


def test_a_denial_of_one_sku_does_not_stop_the_others_and_the_next_run_sends_it(push: Push) -> None:
    push.stock.world.amazon.faults.answer("patchListingsItem", 202)
    status, document = push()
    assert (status, document["pushed"]) == (1, 3), document
    assert document["remedy"].startswith("Others were answered"), document
    broken_off = document["batch_id"]
    status, document = push()
    assert (status, push.shown()) == (0, everywhere(10)), document
    assert (document["batch_id"], document["pushed"]) == (broken_off, 4), "it is carried on"


def test_only_a_listing_that_is_gone_is_held(push: Push) -> None:
    push()
    for sku in SKUS:
        push.stock.receive(sku, 8)
    del push.stock.amazon._listings["ATVPDKIKX0DER", "BOWL"]
    status, document = push()
    assert (status, document["held"], document["pushed"]) == (0, 1, 3), document
    page = push.page(document)
    assert "listing_missing" in page


def test_a_404_is_held_as_a_missing_listing(push: Push) -> None:
    said = {"errors": [{"code": "NOT_FOUND", "message": "no such SKU"}]}
    push.stock.world.amazon.faults.answer("patchListingsItem", 404, said)
    status, document = push()
    assert (status, document["held"], document["pushed"], document["failed"]) == (0, 1, 3, 0), document


def test_a_missing_role_stops_the_run_and_is_named(push: Push) -> None:
    denied = {"errors": [{"code": "Unauthorized", "message": "Access to requested resource is denied."}]}
    push.stock.world.amazon.faults.answer("patchListingsItem", 403, denied, times=50)
    status, document = push()
    assert status == 1
    assert "role" in document["error"]
    push.stock.world.amazon.faults._queues.clear()
    assert push()[0] == 0
    assert push.shown() == everywhere(10)


def test_listings_that_amazon_fulfils_are_never_touched(push: Push) -> None:
    push.stock.list_offer("VASE", 77, channel="AMAZON_NA")
    push.stock.list_offer("FBA-ONLY", 33, channel="AMAZON_NA")
    status, document = push()
    assert status == 0
    assert (document["pushed"], document["skus"]) == (3, 3), document
    entries = push.stock.amazon.find("ATVPDKIKX0DER", "VASE").attributes["fulfillment_availability"]
    assert [(entry["fulfillment_channel_code"], entry["quantity"]) for entry in entries] == [("AMAZON_NA", 77)]


def test_a_sku_that_was_never_sent_waits_for_the_first_complete_import(push: Push) -> None:
    push.stock.world.ledger.engine.dispose()
    push.stock.list_offer("VASE", 5, place=CA)
    status, document = push(connection="ca")
    assert (status, document["pushed"]) == (0, 0), document
    assert push.calls("patchListingsItem") == 0
    assert document["held"] == document["skus"]


def test_a_checkout_is_neither_undone_nor_subtracted_twice(push: Push, mfn: Mfn) -> None:
    push()
    push.stock.minutes_pass(5)
    push.stock.check_out("BOWL", 3)
    push.stock.receive("BOWL", 12)
    push()
    assert push.stock.shown("BOWL") == 9
    push("--full")
    assert push.stock.shown("BOWL") == 9
    push.stock.minutes_pass(5)
    assert mfn("import", "us")[0] == 0
    push()
    assert push.stock.shown("BOWL") == 9
    push.stock.minutes_pass(5)
    assert mfn("import", "us")[0] == 0
    push("--full")
    assert push.stock.shown("BOWL") == 9


def test_a_level_is_not_raised_because_amazon_shows_less_until_an_import_has_covered_it(push: Push, mfn: Mfn) -> None:
    push()
    push.stock.minutes_pass(5)
    push.stock.amazon.sell("ATVPDKIKX0DER", "BOWL", 4, push.stock.world.amazon.clock.now())
    for _ in range(2):
        status, document = push()
        assert (status, document["pushed"], push.stock.shown("BOWL")) == (0, 0, 6), document
    push.stock.minutes_pass(5)
    assert mfn("import", "us")[0] == 0
    for _ in range(2):
        push()
        push.stock.minutes_pass(1)
    assert push.stock.shown("BOWL") == 10, "what no import explains is drift, and is sent again"


def test_a_level_raised_at_amazon_by_somebody_else_is_drift_and_sent_again(push: Push) -> None:
    push()
    push.stock.minutes_pass(20)
    push.stock.list_offer("BOWL", 50)
    status, document = push()
    assert (status, push.stock.shown("BOWL")) == (0, 10), document
    assert document["drift"] == 1


def test_levels_that_fall_to_zero_go_first(push: Push, monkeypatch: pytest.MonkeyPatch) -> None:
    push()
    for sku, units in zip(SKUS, (20, 4, 15, 0), strict=True):
        push.stock.receive(sku, units)
    sent: list[tuple[str, int]] = []
    amazon = push.stock.world.amazon
    plan = amazon.agenda.at

    def remembering(due: Any, action: Any) -> None:
        listing, patches = action.args
        sent.append((listing.sku, patches[0]["value"][0]["quantity"]))
        plan(due, action)

    monkeypatch.setattr(amazon.agenda, "at", remembering)
    push()
    assert sent[0] == ("VASE", 0)
    assert sorted(sent) == [("BOWL", 20), ("LAMP", 4), ("PLATE", 15), ("VASE", 0)]


def test_a_batch_is_run_again_by_its_id(push: Push, mfn: Mfn) -> None:
    push.stock.world.amazon.faults.answer("patchListingsItem", 200, invalid("BOWL"))
    status, document = push()
    assert status == 1
    status, again = mfn("rerun", document["batch_id"])
    assert status == 0, again
    assert push.shown() == everywhere(10)
    for stage in ("read", "compare", "push", "verify"):
        status, again = mfn("rerun", document["batch_id"], "--from-stage", stage)
        assert status == 0, (stage, again)
        (row,) = again["batches"]
        assert row["skus"] == row["pushed"] + row["unchanged"] + row["held"] + row["failed"]
    assert mfn("rerun", document["batch_id"], "--from-stage", "extract")[0] == 2
    assert push.shown() == everywhere(10)
