"""What an expectation found over past runs, and the small chart of it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mfn.quality.model import Finding, QualityReport
from mfn.site.histories import HEIGHT, LEAST, STEP, Bar, Entry, draw, histories, key_of, top_of

AT = datetime(2026, 11, 24, 8, 5, tzinfo=UTC)


def finding(checked: int, unexpected: int = 0, problem: str | None = None, column: str = "a, b") -> Finding:
    return Finding("orders", "expect_x", column, "A and b fit", "critical", checked, unexpected, problem, "")


def entries(*found: Finding) -> list[Entry]:
    return [Entry(f"run-{number}", AT, one) for number, one in enumerate(found)]


def bar(number: int, height: float, mark: str, words: str) -> Bar:
    return Bar(number * STEP, HEIGHT - height, height, mark, f"24 Nov 08:05 UTC: {words}")


@pytest.mark.parametrize(
    ("found", "bars"),
    [
        ([], []),
        ([finding(0)], []),
        ([finding(3)], [bar(3, LEAST, "clean", "0 of 3")]),
        ([finding(0, 0, "no column")], [bar(3, HEIGHT, "unrun", "could not run")]),
        ([finding(5, 1)], [bar(3, HEIGHT, "broken", "1 of 5")]),
        (
            [finding(10, 5), finding(10, 1), finding(1000, 1), finding(7, 1)],
            [
                Bar(0, 28.6, 11.4, "broken", "24 Nov 08:05 UTC: 1 of 7"),
                bar(1, 2 * LEAST, "broken", "1 of 1000"),
                bar(2, HEIGHT / 5, "broken", "1 of 10"),
                bar(3, HEIGHT, "broken", "5 of 10"),
            ],
        ),
        (
            [finding(4), finding(0), finding(0, 0, "no column"), finding(2, 2)],
            [
                bar(0, HEIGHT, "broken", "2 of 2"),
                bar(1, HEIGHT, "unrun", "could not run"),
                bar(3, LEAST, "clean", "0 of 4"),
            ],
        ),
    ],
)
def test_each_run_that_examined_something_is_a_bar_the_newest_at_the_right_edge(
    found: list[Finding], bars: list[Bar]
) -> None:
    assert list(draw(entries(*found), runs=4)) == bars


def test_the_top_is_what_broke_a_rule_most_in_percent_of_what_it_applied_to() -> None:
    assert top_of(entries(finding(10, 1), finding(1000, 90), finding(0), finding(3))) == 10.0
    assert top_of([]) == 0.0


def test_an_expectation_has_one_history_whatever_others_a_run_had() -> None:
    first, second = finding(1, 1), finding(2, column="c")
    runs = [("new", AT, QualityReport((second,))), ("old", AT, QualityReport((first, second)))]
    found = histories("us", "import", runs)
    assert [(one.key, [entry.batch_id for entry in one.entries], one.last.batch_id) for one in found] == [
        ("orders.expect_x.c", ["new", "old"], "new"),
        ("orders.expect_x.a+b", ["old"], "old"),
    ]
    assert key_of(first) == "orders.expect_x.a+b"
