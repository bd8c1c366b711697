"""Runs the suites: Great Expectations decides, our own findings and the rows that were hit come out."""

from __future__ import annotations

import importlib.util
import logging
import os
import re
import sys
import warnings
from functools import cache
from typing import TYPE_CHECKING, Any

import pandas as pd

from mfn.quality.model import Finding, QualityReport

if TYPE_CHECKING:
    from collections.abc import Iterable

    from great_expectations import ExpectationSuite  # noqa: TID251 - this package is where it is known
    from great_expectations.core.batch_definition import BatchDefinition  # noqa: TID251 - as above

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
    broken = _broken(suite, facts)
    for place, rule in enumerate(suite.rules):
        outcome = broken.get(place)
        if outcome is None:
            checked = int(min(applies[fact] for fact in rule.facts)) if rule.facts else len(frame)
            findings.append(_made(suite, rule, checked, 0, None))
            continue
        finding, positions = _finding(suite, rule, outcome, problems, len(frame))
        findings.append(finding)
        rows = frame.index[positions].tolist()
        order_ids = frame["order_id"].iloc[positions].tolist() if "order_id" in frame.columns else [None] * len(rows)
        hits += [
            (suite.name, order_id, rule.code, rule.severity, row) for order_id, row in zip(order_ids, rows, strict=True)
        ]


def _place(outcome: Any) -> int:
    place: int = outcome.expectation_config.meta["place"]
    return place


def _broken(suite: Suite, facts: pd.DataFrame) -> dict[int, Any]:
    """What Great Expectations found of the rules that do not hold, or could not run, by their place in the suite.

    First it is asked only whether each rule holds, which takes half the time and is the answer to most of them.
    """
    definition, expectations = _prepared(suite)
    from great_expectations.core import ExpectationSuite  # noqa: PLC0415, TID251 - loaded by now
    from great_expectations.validator.v1_validator import Validator  # noqa: PLC0415, TID251 - as above

    # One for both questions: each new one goes through the whole frame once, to tell batches apart.
    validator = Validator(definition, "BOOLEAN_ONLY", {"dataframe": facts})
    told = validator.validate_expectation_suite(expectations)
    # Rules that raised come first in the results: each is found by the place that it bears in its meta.
    places = sorted(_place(outcome) for outcome in told.results if not outcome.success)
    if not places:
        return {}
    # COMPLETE without index columns: every offender's label, nothing of its row.
    validator.result_format = "COMPLETE"
    broken = ExpectationSuite(suite.name, [expectations.expectations[place] for place in places])
    return {_place(outcome): outcome for outcome in validator.validate_expectation_suite(broken).results}


def _read(suite: Suite, frame: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, str]]:
    """The facts of a frame under positions instead of its labels, and what is wrong with those that cannot be read."""
    facts, problems = {}, {}
    for name, fact in suite.facts.items():
        missing = [column for column in fact.columns if column not in frame.columns]
        if missing:
            problems[name] = f"The frame has no column {', '.join(missing)}."
            continue
        try:
            facts[name] = fact.read(frame).reset_index(drop=True)
        except (AttributeError, TypeError, ValueError) as error:
            problems[name] = f"{', '.join(fact.columns)} cannot be read ({type(error).__name__})."
    return pd.DataFrame(facts, index=range(len(frame))), problems


def _finding(suite: Suite, rule: Rule, outcome: Any, problems: dict[str, str], rows: int) -> tuple[Finding, list[int]]:
    result = outcome.result
    positions: list[int] = result.get("unexpected_index_list") or []
    checked = (result.get("element_count") or 0) - (result.get("missing_count") or 0)
    problem = None
    if not rule.facts:
        checked, problem = rows, " ".join(dict.fromkeys(problems.values())) or None
    elif not outcome.success and not positions:
        problem = next((problems[fact] for fact in rule.facts if fact in problems), None) or _told(outcome)
        checked = 0
    return _made(suite, rule, checked, len(positions), problem), positions


def _told(outcome: Any) -> str:
    # One exception, or one for each metric that it took with it.
    raised = outcome.exception_info
    messages = [raised] if "exception_message" in raised else list(raised.values())
    return f"The rule could not run: {str(messages[0]['exception_message']).splitlines()[0][:200]}"


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


@cache
def _prepared(suite: Suite) -> tuple[BatchDefinition[Any], ExpectationSuite]:
    """Where a suite's frames are handed in, and its expectations; built once a process."""
    gx, expectations = _great_expectations()
    definition = _frames().add_dataframe_asset(suite.name).add_batch_definition_whole_dataframe(suite.name)
    built = [
        _built_once(getattr(expectations, rule.expectation))(
            **rule.arguments,
            severity=rule.severity,
            description=rule.meaning,
            meta={"code": rule.code, "place": place},
        )
        for place, rule in enumerate(suite.rules)
    ]
    return definition, gx.ExpectationSuite(name=suite.name, expectations=built)


@cache
def _frames() -> Any:
    gx, _ = _great_expectations()
    from great_expectations.data_context.types.base import (  # noqa: PLC0415, TID251 - as in _great_expectations
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )

    # The default of an ephemeral context leaves a temporary directory behind for pages that are never made.
    stores = InMemoryStoreBackendDefaults(init_temp_docs_sites=False)
    bars = ProgressBarsConfig(globally=False, metric_calculations=False)
    configuration = DataContextConfig(store_backend_defaults=stores, progress_bars=bars)
    return gx.get_context(mode="ephemeral", project_config=configuration).data_sources.add_pandas("frames")


@cache
def _built_once(kind: Any) -> Any:
    """An expectation class that builds its configuration once.

    Great Expectations builds it anew some hundred times a rule and run, a third of what the checks of a chunk cost.
    """
    from great_expectations.compatibility import pydantic  # noqa: PLC0415, TID251 - as in _great_expectations

    def configuration(self: Any) -> Any:
        if self._configuration is None:
            self._configuration = kind.configuration.fget(self)
        return self._configuration

    # Registered under a name of its own: Great Expectations' own classes stay as they are.
    return type(kind)(
        f"{kind.__name__}BuiltOnce",
        (kind,),
        {
            "__module__": __name__,
            "__doc__": kind.__doc__,
            "_configuration": pydantic.PrivateAttr(None),
            "configuration": property(configuration),
        },
    )


def _great_expectations() -> tuple[Any, Any]:
    # Before the import, which reads it: nothing is ever sent anywhere.
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    _load_when_used("scipy.stats")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import great_expectations  # noqa: PLC0415, TID251 - takes 3 s, and this package is where it is known
        from great_expectations import expectations  # noqa: PLC0415, TID251 - as above
    # It sends every warning of the whole process to its log; they stay where Python shows them.
    logging.captureWarnings(capture=False)
    return great_expectations, expectations


def _load_when_used(name: str) -> None:
    """Let a module be imported now and loaded once something of it is asked for, as importlib's documentation shows.

    Great Expectations imports `scipy.stats` for expectations that no suite of ours has: a third of what loading it
    costs, and of what a short run costs.

    Args:
        name: Of a module in a package that can be imported.
    """
    if name in sys.modules:
        return
    spec: Any = importlib.util.find_spec(name)
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    package, _, attribute = name.rpartition(".")
    setattr(sys.modules[package], attribute, module)
