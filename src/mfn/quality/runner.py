"""Running the suites: Great Expectations decides; the results are our own findings and the rows that were hit."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pandas as pd

from mfn.quality.asking import ask
from mfn.quality.model import Finding, QualityReport

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mfn.quality.asking import Broken
    from mfn.quality.suites import Rule, Suite

HIT_COLUMNS = ("suite", "order_id", "code", "severity", "row")


def check(suites: Iterable[tuple[Suite, pd.DataFrame]]) -> tuple[QualityReport, pd.DataFrame]:
    """Runs suites, each over its frame.

    Args:
        suites: Each with the frame that its module describes; any index, any further columns.

    Returns:
        The report, one finding a rule (with `checked` 0 for an empty frame, which would pass every rule), and the frame
        of hits, one row for each row that broke a rule: `suite` (its name), `order_id` (None where the frame has none),
        `code`, `severity`, and `row`, the index label in that suite's frame. A rule that could not run has hit nothing:
        see `QualityReport.not_run` before anything is loaded or sent.
    """
    findings: list[Finding] = []
    hits: list[tuple[Any, ...]] = []
    for suite, frame in suites:
        if len(frame):
            _run(suite, frame, findings, hits)
        else:
            findings += [_made(suite, rule, 0, 0, None) for rule in suite.rules]
    return QualityReport(tuple(findings)), pd.DataFrame(hits, columns=list(HIT_COLUMNS), dtype="object")


def _run(suite: Suite, frame: pd.DataFrame, findings: list[Finding], hits: list[tuple[Any, ...]]) -> None:
    facts, problems = _read(suite, frame)
    applies = facts.notna().sum()
    asked = ask(suite, facts)
    for place, rule in enumerate(suite.rules):
        broken = asked.get(place)
        if broken is None:
            checked = int(min(applies[fact] for fact in rule.facts)) if rule.facts else len(frame)
            findings.append(_made(suite, rule, checked, 0, None))
            continue
        finding, positions = _finding(suite, rule, broken, problems, len(frame))
        findings.append(finding)
        rows = frame.index[positions].tolist()
        order_ids = frame["order_id"].iloc[positions].tolist() if "order_id" in frame.columns else [None] * len(rows)
        hits += [
            (suite.name, order_id, rule.code, rule.severity, row) for order_id, row in zip(order_ids, rows, strict=True)
        ]


def _read(suite: Suite, frame: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, str]]:
    """The facts of a frame under positions instead of labels, and the errors of those that cannot be read."""
    facts, problems = {}, {}
    for name, fact in suite.facts.items():
        missing = [column for column in fact.columns if column not in frame.columns]
        if missing:
            problems[name] = f"The data has no column {', '.join(missing)}."
            continue
        try:
            facts[name] = fact.read(frame).reset_index(drop=True)
        except (AttributeError, TypeError, ValueError) as error:
            problems[name] = f"{', '.join(fact.columns)} cannot be read ({type(error).__name__})."
    return pd.DataFrame(facts, index=range(len(frame))), problems


def _finding(
    suite: Suite, rule: Rule, broken: Broken, problems: dict[str, str], rows: int
) -> tuple[Finding, list[int]]:
    if not rule.facts:
        problem = " ".join(dict.fromkeys(problems.values())) or broken.problem
        return _made(suite, rule, rows, 0, problem), []
    problem = None
    if not broken.positions:
        unread = next((problems[fact] for fact in rule.facts if fact in problems), None)
        problem = unread or broken.problem or "The rule failed, but no failing row was named."
    return _made(suite, rule, 0 if problem else broken.checked, len(broken.positions), problem), broken.positions


def _made(suite: Suite, rule: Rule, checked: int, unexpected: int, problem: str | None) -> Finding:
    columns = dict.fromkeys(column for fact in rule.facts for column in suite.facts[fact].columns)
    return Finding(
        suite=suite.name,
        expectation=re.sub(r"(?<!^)(?=[A-Z])", "_", rule.expectation).lower(),
        column=", ".join(columns),
        meaning=rule.meaning,
        severity=rule.severity,
        checked=checked,
        unexpected=unexpected,
        problem=problem,
        code=rule.code,
    )
