from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from benchmarks.peers.__main__ import find_goals, run_until_done, with_slopes
from benchmarks.peers.amazon import Truth
from benchmarks.peers.judging import Judgement, judge
from benchmarks.peers.orders_v0 import router
from benchmarks.peers.planting import EVERY, KINDS, OPERATIONS, plant
from benchmarks.peers.runs import LAUNCHER, Arrived, Run, last_words
from benchmarks.peers.tables import BEGIN, END, README, cells, within
from benchmarks.peers.ways import Ours, Script
from mfn.simulator.app import create_app
from mfn.simulator.faults import Faults
from mfn.simulator.server import open_amazon

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.results import Row

TRUTH = Truth(
    items={
        "111-0000001-0000001": frozenset({"1", "2"}),
        "111-0000001-0000002": frozenset({"3"}),
        "111-0000001-0000003": frozenset({"4"}),
        "111-0000001-0000004": frozenset(),
    },
    bad=frozenset({"111-0000001-0000003"}),
)
WHOLE = {order_id: items for order_id, items in TRUTH.items.items() if items}


def test_all_that_is_there_once_has_arrived() -> None:
    arrived = Arrived(WHOLE, waiting=frozenset({"111-0000001-0000004"}))
    assert judge(TRUTH, arrived) == Judgement(arrived=4, missing=0, doubled=0, held=0, bad_told=0, bad_taken=1)


def test_an_order_that_lacks_an_item_is_missing_and_one_that_is_unknown_too() -> None:
    arrived = Arrived(WHOLE | {"111-0000001-0000001": frozenset({"1"})})
    assert judge(TRUTH, arrived).missing == 2
    assert judge(TRUTH, Arrived({})).missing == 4


def test_a_broken_order_kept_back_with_the_reason_counts_as_reported_and_not_as_missing() -> None:
    items = {order_id: found for order_id, found in WHOLE.items() if order_id not in TRUTH.bad}
    reasons = {"111-0000001-0000003": "broken_payload: the quantity is no number"}
    arrived = Arrived(items, reasons=reasons, waiting=frozenset({"111-0000001-0000004"}))
    assert judge(TRUTH, arrived) == Judgement(arrived=4, missing=0, doubled=0, held=1, bad_told=1, bad_taken=0)


def test_what_nobody_asked_for_counts_nowhere() -> None:
    foreign = "111-9999999-9999999"
    arrived = Arrived({foreign: frozenset({"9"})}, repeated=frozenset({foreign}), reasons={foreign: "ignored"})
    assert judge(TRUTH, arrived) == Judgement(arrived=0, missing=4, doubled=0, held=0, bad_told=0, bad_taken=0)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_one_reply_in_fifty_fails_and_each_kind_as_often_as_any_other(operation: str) -> None:
    faults = Faults()
    plant(faults, 10 * EVERY)
    taken = [faults.take(operation) for _ in range(11 * EVERY)]
    blocks = [taken[start : start + EVERY] for start in range(0, len(taken), EVERY)]
    assert [sum(fault.kind != "none" for fault in block) for block in blocks] == [1] * 10 + [0]
    kinds = Counter((fault.kind, fault.status) for fault in taken if fault.kind != "none")
    assert set(kinds.values()) == {2}
    assert len(kinds) == len(KINDS)


def test_the_older_api_returns_the_same_orders_page_by_page() -> None:
    amazon = open_amazon(orders=250, seed=1, marketplaces=("US",), malformed=1)
    app = create_app(amazon)
    app.include_router(router)
    pages, items = asyncio.run(everything(httpx.ASGITransport(app)))
    assert [len(page) for page in pages] == [100, 100, 50]
    documents = {order_id: amazon.orders.get(order_id) for order_id in amazon.orders.ids()}
    by_id = {order["AmazonOrderId"]: order for page in pages for order in page}
    assert {order_id: order["LastUpdateDate"] for order_id, order in by_id.items()} == {
        order_id: document["lastUpdatedTime"] for order_id, document in documents.items()
    }
    assert items == {
        order_id: [(item["orderItemId"], item["quantityOrdered"]) for item in document["orderItems"]]
        for order_id, document in documents.items()
    }


async def everything(transport: httpx.ASGITransport) -> tuple[list[list[Any]], dict[str, list[Any]]]:
    """Every page of orders, and the items of each, as id and quantity."""
    pages: list[list[Any]] = []
    items: dict[str, list[Any]] = {}
    query = {"MarketplaceIds": "ATVPDKIKX0DER", "LastUpdatedAfter": "2020-01-01T00:00:00Z"}
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        while True:
            payload = (await client.get("/orders/v0/orders", params=query)).raise_for_status().json()["payload"]
            pages.append(payload["Orders"])
            if "NextToken" not in payload:
                break
            query["NextToken"] = payload["NextToken"]
        for order in (order for page in pages for order in page):
            answer = await client.get(f"/orders/v0/orders/{order['AmazonOrderId']}/orderItems")
            found = answer.json()["payload"]["OrderItems"]
            items[order["AmazonOrderId"]] = [(item["OrderItemId"], item["QuantityOrdered"]) for item in found]
    return pages, items


def launched(*words: str, seconds: float = 30) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-S", str(LAUNCHER), str(seconds), sys.executable, "-S", *words],
        capture_output=True,
        check=True,
    )
    document: dict[str, float] = json.loads(done.stdout)
    return document


def test_the_most_memory_is_the_programs_own() -> None:
    of_this_process = b"x" * (100 * 2**20)
    small = launched("-c", "pass")["peak_mib"]
    large = launched("-c", "b'x' * (60 * 2**20)")["peak_mib"]
    del of_this_process
    assert small < 50
    assert 50 < large - small < 70


def test_a_program_that_fails_or_does_not_end_says_so() -> None:
    assert launched("-c", "raise SystemExit(3)")["status"] == 3
    assert launched("-c", "import threading; threading.Event().wait()", seconds=0.2)["status"] == -9


def test_a_way_that_could_not_run_says_why_in_both_tables() -> None:
    rows: list[Row] = [
        {"table": table, "way": "another", "does": "reads", "why": "no Python 3.11"} for table in ("clean", "faults")
    ]
    for table in ("clean", "faults"):
        ((way, why, *others),) = cells(table, rows)
        assert (way, why) == ("another", "did not run: no Python 3.11")
        assert set(others) == {""}


class Failing:
    """A way that fails some times, and ends well after these."""

    name, does = "failing", "nothing"

    def __init__(self, times: int) -> None:
        self.left = times

    def prepare(self, folder: Path, endpoint: str) -> None:
        raise NotImplementedError

    def run(self) -> Run:
        self.left -= 1
        return Run(status=int(self.left >= 0), seconds=1, cpu=1, peak_mib=1, said="")

    def arrived(self) -> Arrived:
        raise NotImplementedError


@pytest.mark.parametrize(("failures", "runs"), [(0, 1), (1, 2), (2, 3), (9, 3)])
def test_a_way_is_run_again_until_it_ends_well_three_times_at_most(failures: int, runs: int) -> None:
    assert len(run_until_done(Failing(failures))) == runs


def test_the_last_words_of_a_program_name_its_error() -> None:
    text = (
        "Traceback (most recent call last):\n  File …\nhttpx.HTTPStatusError: Server error '503'\nFor more: see there\n"
    )
    assert last_words(text) == "httpx.HTTPStatusError: Server error '503'"
    assert last_words("working\nkilled") == "killed"
    assert not last_words("")


def test_what_one_more_order_costs_leaves_out_the_start() -> None:
    rows: list[Row] = [
        {"table": "few", "way": "one", "orders": 100, "cpu_seconds": 5.1},
        {"table": "clean", "way": "one", "orders": 1_100, "cpu_seconds": 6.1},
        {"table": "faults", "way": "one", "orders": 1_100, "cpu_seconds": 9.0},
    ]
    assert [row["cpu_us_of_one_more"] for row in with_slopes(rows)] == [None, pytest.approx(1_000), None]


def test_what_one_more_order_costs_is_a_goal_only_where_there_are_enough() -> None:
    def row(table: str, way: str, orders: int, cost: float) -> Row:
        found: Row = {"bad": 2, "bad_told": 2, "missing": 1, "doubled": 0, "bad_taken": 0}
        return found | {"table": table, "way": way, "orders": orders, "cpu_us_of_one_more": cost}

    def compared(orders: int) -> list[Row]:
        costs = {Ours.name: 200.0, Script.name: 250.0}
        return [row(table, way, orders, cost) for table in ("clean", "faults") for way, cost in costs.items()]

    few, many = list(find_goals(compared(500))), list(find_goals(compared(25_000)))
    assert [goal.is_met for goal in few] == [False, True, True, True]
    assert [goal.measured for goal in many[len(few) :]] == [0.8]


def test_the_readme_has_a_place_for_the_tables() -> None:
    text = README.read_text(encoding="utf-8")
    replaced = within(text, "| new |\n")
    assert f"{BEGIN}\n| new |\n{END}" in replaced
    assert replaced.split(BEGIN)[0] == text.split(BEGIN)[0]
    assert replaced.split(END)[1] == text.split(END)[1]
