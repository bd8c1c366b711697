"""Asking Great Expectations: its result for each rule of a suite, as plain values.

Its own validator works out for every frame again which metrics a rule needs and in which order to compute them: more
than three quarters of the time for a chunk of orders. Here each suite is worked out once in a process; what is left for
a frame is the computation and the verdict, both done by Great Expectations' engine and expectations.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import sys
import warnings
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd
    from great_expectations import ExpectationSuite  # noqa: TID251 - this package is where it is known

    from mfn.quality.suites import Suite

ResultFormat = Literal["BOOLEAN_ONLY", "COMPLETE"]
"""How much Great Expectations returns: whether a rule holds, or the label of every row that breaks it."""


@dataclass(frozen=True)
class Broken:
    """The result for a rule that does not hold, or could not run.

    Attributes:
        checked: How many rows it applied to.
        positions: The rows that broke it, by the frame's labels.
        problem: Why it could not run, or None.
    """

    checked: int
    positions: list[int]
    problem: str | None = None


@dataclass(frozen=True, eq=False)
class _Question:
    """One rule, worked out for one result format.

    Attributes:
        expectation: Great Expectations' own.
        result_format: What it is to return.
        edges: The metrics that it needs, each with one that has to come first (`MetricEdge`).
    """

    expectation: Any
    result_format: ResultFormat
    edges: tuple[Any, ...]


def ask(suite: Suite, facts: pd.DataFrame) -> dict[int, Broken]:
    """Great Expectations' results for the rules that do not hold, or could not run, by their place in the suite.

    First it is asked only whether each rule holds, which is the answer to most; then for the rows of the others.

    Args:
        suite: The suite.
        facts: Its facts, under labels 0…n-1, without those that could not be read.
    """
    questions = _questions(suite, "BOOLEAN_ONLY")
    from great_expectations.execution_engine.pandas_execution_engine import PandasExecutionEngine  # noqa: PLC0415, TID251

    engine = PandasExecutionEngine(batch_data_dict={suite.name: facts})
    metrics: dict[Any, Any] = {}
    places = [place for place, answer in enumerate(_answers(engine, questions, metrics)) if answer is not None]
    # COMPLETE without index columns: every offender's label, nothing of its row.
    closer = [_questions(suite, "COMPLETE")[place] for place in places]
    answers = zip(places, _answers(engine, closer, metrics), strict=True)
    return {place: answer for place, answer in answers if answer is not None}


def _answers(engine: Any, questions: Sequence[_Question], metrics: dict[Any, Any]) -> Iterator[Broken | None]:
    """The result for each question; None for a rule that holds.

    Args:
        engine: Great Expectations', with the frame.
        questions: The questions.
        metrics: What was computed of this frame before, by the metric's id; grows by what is computed now.
    """
    from great_expectations.validator.validation_graph import MetricEdge, ValidationGraph  # noqa: PLC0415, TID251

    # What the engine has computed before is cached, and no longer needed as a dependency.
    edges = [
        edge if edge.right is None or edge.right.id not in metrics else MetricEdge(edge.left)
        for question in questions
        for edge in question.edges
        if edge.left.id not in metrics
    ]
    computed, aborted = ValidationGraph(engine, edges).resolve(show_progress_bars=False)
    metrics.update(computed)
    for question in questions:
        yield _answer(engine, question, metrics, aborted)


def _answer(engine: Any, question: _Question, metrics: dict[Any, Any], aborted: dict[Any, Any]) -> Broken | None:
    for edge in question.edges if aborted else ():
        if edge.left.id in aborted:
            return Broken(0, [], _could_not_run(aborted[edge.left.id]["exception_info"]["exception_message"]))
    try:
        outcome = question.expectation.metrics_validate(
            metrics, execution_engine=engine, runtime_configuration={"result_format": question.result_format}
        )
    except Exception as error:  # noqa: BLE001 - whatever breaks in it, the rule could not run
        return Broken(0, [], _could_not_run(str(error)))
    if outcome.success:
        return None
    result = outcome.result
    checked = (result.get("element_count") or 0) - (result.get("missing_count") or 0)
    return Broken(checked, result.get("unexpected_index_list") or [])


def _could_not_run(message: str) -> str:
    return f"The rule could not run: {message.splitlines()[0][:200] if message else 'no reason was given'}"


@cache
def _questions(suite: Suite, result_format: ResultFormat) -> tuple[_Question, ...]:
    """A suite's rules, worked out."""
    expectations = expectation_suite(suite).expectations
    from great_expectations.execution_engine.pandas_execution_engine import PandasExecutionEngine  # noqa: PLC0415, TID251
    from great_expectations.validator.validation_graph import ValidationGraph  # noqa: PLC0415, TID251 - as above

    engine, asked = PandasExecutionEngine(), {"result_format": result_format}
    questions = []
    for expectation in expectations:
        graph = ValidationGraph(engine)
        needed = expectation.get_validation_dependencies(execution_engine=engine, runtime_configuration=dict(asked))
        for metric in needed.get_metric_configurations():
            graph.build_metric_dependency_graph(metric, runtime_configuration=dict(asked))
        questions.append(_Question(expectation, result_format, tuple(graph.edges)))
    return tuple(questions)


def expectation_suite(suite: Suite) -> ExpectationSuite:
    """A suite as one of Great Expectations' own, with its rules in order and the code of each in its `meta`."""
    expectations = _great_expectations()
    from great_expectations.core import ExpectationSuite  # noqa: PLC0415, TID251 - loaded by now

    return ExpectationSuite(
        suite.name,
        [
            _worked_out_once(getattr(expectations, rule.expectation))(
                **rule.arguments, severity=rule.severity, description=rule.meaning, meta={"code": rule.code}
            )
            for rule in suite.rules
        ],
    )


@cache
def _worked_out_once(kind: Any) -> Any:
    """An expectation class that builds its configuration once, and once what it needs: it is asked one thing only."""
    from great_expectations.compatibility import pydantic  # noqa: PLC0415, TID251 - loaded by now

    def configuration(self: Any) -> Any:
        if self._configuration is None:
            self._configuration = kind.configuration.fget(self)
        return self._configuration

    def get_validation_dependencies(self: Any, **asked: Any) -> Any:
        if self._dependencies is None:
            self._dependencies = kind.get_validation_dependencies(self, **asked)
        return self._dependencies

    # Registered under a name of its own: Great Expectations' own classes stay as they are.
    return type(kind)(
        f"{kind.__name__}WorkedOutOnce",
        (kind,),
        {
            "__module__": __name__,
            "__doc__": kind.__doc__,
            "_configuration": pydantic.PrivateAttr(None),
            "_dependencies": pydantic.PrivateAttr(None),
            "configuration": property(configuration),
            "get_validation_dependencies": get_validation_dependencies,
        },
    )


def _great_expectations() -> Any:
    """The module of its expectations, loaded quietly."""
    # Set before the import, which reads it, so that nothing is ever sent anywhere.
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    for name in ("scipy.stats", "altair"):
        _load_when_used(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from great_expectations import expectations  # noqa: PLC0415, TID251 - takes 3 s, and is known here only
    # It redirects every warning of the whole process to its log; undo that.
    logging.captureWarnings(capture=False)
    return expectations


def _load_when_used(name: str) -> None:
    """Let a module be imported now, but loaded only once something in it is used.

    Great Expectations imports `scipy.stats` and `altair` for expectations that no suite of ours has: a third of what
    loading it costs, and of what a short run costs, and a fifth of the rest. importlib's own LazyLoader would load at
    `import altair`, which looks at the module's `__spec__`.

    Args:
        name: Of a module that can be imported, alone or in a package that can be.
    """
    if name in sys.modules:
        return
    spec: Any = importlib.util.find_spec(name)
    module: Any = importlib.util.module_from_spec(spec)

    def load(attribute: str) -> Any:
        if attribute.startswith("__"):  # whoever looks through all modules asks for nothing of this one
            raise AttributeError(attribute)
        del module.__getattr__
        spec.loader.exec_module(module)
        return getattr(module, attribute)

    module.__getattr__ = load
    sys.modules[name] = module
    package, _, attribute = name.rpartition(".")
    if package:
        setattr(sys.modules[package], attribute, module)
