"""What benchmarks found has one form, and the documents show it as it is."""

from __future__ import annotations

import hashlib
import json
import time
from argparse import ArgumentParser
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from benchmarks import results as result_files
from benchmarks import write_results
from benchmarks.charts import CHARTS, FOLDER, drawn, mark_of
from benchmarks.cost_curve import find_goals
from benchmarks.goals import Goal
from benchmarks.peers import tables as peers
from benchmarks.results import options_given, published, read_result, write_result
from benchmarks.sampling import sampled
from benchmarks.stored_orders import StoredOrders, first_stored, store_orders, stored_pages
from benchmarks.write_results import DOCUMENTS, publish, with_results

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.results import Row
    from benchmarks.sampling import Place

GOAL = Goal("it is fast", 2, 1.5, "s")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where results are written to, empty."""
    for module in (result_files, write_results):
        monkeypatch.setattr(module, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(result_files, "ROOT", tmp_path)
    return tmp_path / "results"


def point(orders: int, seconds: float, **more: Any) -> Row:
    whole = {"source": "HTTP", "database": "SQLite", "peak_mib": 300.0, "cpu_us_per_order": 100.0, "calls": orders}
    return {"table": "imports", "orders": orders, "returned": orders, "seconds": seconds, **whole, **more}


CURVE = [point(orders, orders / 10_000) for orders in (1_000, 30_000, 1_000_000)]


def test_the_documents_show_what_the_results_say() -> None:
    results = published()
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        assert with_results(text, results) == text, f"run python -m benchmarks.write_results: {document.name}"
    if "peers" in results:
        readme = peers.README.read_text(encoding="utf-8")
        assert peers.within(readme, peers.markdown(results["peers"])) == readme
    for result in results.values():
        for chart in CHARTS.get(result.name, {}):
            assert (FOLDER / f"{chart}.svg").read_text(encoding="utf-8").endswith(f"{mark_of(result)}\n")


def test_a_result_says_when_where_and_with_what(folder: Path) -> None:
    result = read_result(write_result("trial", [{"orders": 5, "way": "HTTP", "disk_mib": None}], [GOAL], load=0.25))
    assert (result.name, result.options, result.machine.load) == ("trial", {}, 0.25)
    assert result.rows == [{"orders": 5, "way": "HTTP", "disk_mib": None}]
    assert [(goal.name, goal.is_met) for goal in result.goals] == [("it is fast", True)]
    assert {"python", "sqlite", "mfn", "pandas"} <= result.versions.keys()
    assert result.machine.processors >= 1


def test_a_file_of_another_form_is_not_a_result(folder: Path) -> None:
    path = write_result("trial", [], [GOAL], load=0)
    path.write_text(json.dumps(json.loads(path.read_bytes()) | {"figures": {}}), encoding="utf-8")
    with pytest.raises(msgspec.ValidationError, match="figures"):
        read_result(path)


@pytest.mark.parametrize("value", [{"a": 1}, [1], float("nan"), float("inf")])
def test_a_row_holds_plain_values_only(folder: Path, value: Any) -> None:
    with pytest.raises(ValueError, match="row 0, figure"):
        write_result("trial", [{"figure": value}], [], load=0)


def test_options_are_those_that_are_not_as_by_default() -> None:
    parser = ArgumentParser()
    parser.add_argument("--sizes", type=int, nargs="+", default=(1, 2))
    parser.add_argument("--orders", type=int, default=7)
    assert options_given(parser, parser.parse_args(["--sizes", "3"])) == {"sizes": [3]}


def test_the_newest_whole_run_is_published(folder: Path) -> None:
    for stamp, orders, options in (("100000", 1, {}), ("110000", 2, {}), ("120000", 3, {"sizes": [3]})):
        path = write_result("trial", [{"orders": orders}], [], load=0, options=options)
        path.rename(folder / f"trial-20261129-{stamp}.json")
    publish([])
    assert published()["trial"].rows == [{"orders": 2}]
    publish([str(folder / "trial-20261129-120000.json")])
    assert published()["trial"].rows == [{"orders": 3}], "a person said which"


def test_a_part_of_a_document_is_made_of_the_result_and_the_rest_stays(folder: Path) -> None:
    marked = "before\n<!-- cost_curve.imports -->\nold\n<!-- /cost_curve.imports -->\nafter\n"
    assert "No figures yet: `python -m benchmarks.cost_curve`" in with_results(marked, {})
    curve = read_result(write_result("cost_curve", CURVE, [GOAL], load=0))
    shown = with_results(marked, {"cost_curve": curve})
    assert shown.startswith("before\n<!-- cost_curve.imports -->\n\n| orders |")
    assert "| 1,000,000 | HTTP | SQLite | 100.0 |" in shown
    assert shown.endswith("\n<!-- /cost_curve.imports -->\nafter\n")
    assert with_results(shown, {"cost_curve": curve}) == shown
    goals = with_results("<!-- all.goals -->\n<!-- /all.goals -->", {"cost_curve": curve})
    assert "| `cost_curve` | it is fast | at most 2 s | 1.5 s | met |" in goals
    with pytest.raises(KeyError, match="nonsense"):
        with_results("<!-- cost_curve.nonsense -->\n<!-- /cost_curve.nonsense -->", {})


def test_a_chart_is_the_same_every_time_and_carries_the_mark_of_its_results(folder: Path) -> None:
    curve = read_result(write_result("cost_curve", CURVE, [], load=0))
    draw = CHARTS["cost_curve"]["memory"]
    svg = drawn(draw(curve), curve)
    assert svg == drawn(draw(curve), curve)
    assert svg.endswith(f"{mark_of(curve)}\n")
    assert "HTTP, SQLite" in svg
    assert "peak memory, MiB" in svg


def test_the_goals_of_the_curve_are_measured_between_its_sizes() -> None:
    floor = [point(orders, orders / 20_000, database="the floor") for orders in (30_000, 1_000_000)]
    grown = [point(30_000, 3), point(1_000_000, 200, peak_mib=450.0, cpu_us_per_order=150.0)]
    found = {goal.name.split(",")[0]: goal for goal in find_goals([*floor, *grown])}
    assert found["it stays flat: the same in times of that at 30"].measured == pytest.approx(1.5)
    assert found["time grows linearly: CPU an order in times of that at 30"].measured == pytest.approx(1.5)
    assert found["marginal cost of an order"].measured == pytest.approx((200 - 3) / (1_000_000 - 30_000) * 20_000)


def digest_for_long(seconds: float) -> None:
    until = time.process_time() + seconds
    while time.process_time() < until:
        hashlib.pbkdf2_hmac("sha256", b"orders", b"salt", 20_000)


def test_what_a_process_works_is_put_down_to_the_function_that_had_it_done() -> None:
    found: dict[Place, float] = {}
    with sampled(found):
        digest_for_long(0.3)
    (_, function, _), seconds = max(found.items(), key=lambda entry: entry[1])
    assert function == "test_results.digest_for_long"
    assert seconds == pytest.approx(sum(found.values()), rel=0.2)
    before = dict(found)
    digest_for_long(0.01)
    assert found == before


def test_orders_of_a_file_are_served_as_they_are_read_from_it(tmp_path: Path) -> None:
    path = tmp_path / "orders.jsonl"
    count = store_orders(path, 250)
    pages = [json.loads(page)["orders"] for page in stored_pages(path)]
    assert 200 < count < 250, "some are fulfilled by Amazon"
    assert [len(page) for page in pages] == [100, 100, count - 200]
    book: Any = StoredOrders(path)
    cursor, served = None, []
    while True:
        found, cursor = book.search(None, cursor, 100)
        served.append([json.loads(book.encoded(place, frozenset())) for place in found])
        if cursor is None:
            break
    assert served == pages
    first = first_stored(path)
    assert first in book
    assert json.loads(book.encoded(first, frozenset())) == pages[0][0]
