"""The parts of a suite: facts that are read from a frame, and rules over them that Great Expectations decides.

Rules are defined without importing Great Expectations, which takes five seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mfn.quality.model import Severity


@dataclass(frozen=True)
class Fact:
    """One plain column that rules check.

    Attributes:
        columns: The columns of the frame that it is read from.
        read: Computes the column; null means "the rule does not apply to this row".
    """

    columns: tuple[str, ...]
    read: Callable[[pd.DataFrame], pd.Series[Any]]


@dataclass(frozen=True)
class Rule:
    """One expectation.

    Attributes:
        expectation: Great Expectations' class, e.g. `ExpectColumnValuesToBeUnique`.
        facts: The facts that it checks.
        arguments: What the class takes.
        code: The reason or warning code of a row that breaks it.
        severity: `critical` holds the order, the parcel or the SKU.
        meaning: What is expected, for the report.
    """

    expectation: str
    facts: tuple[str, ...]
    arguments: Mapping[str, Any]
    code: str
    severity: Severity
    meaning: str


@dataclass(frozen=True, eq=False)
class Suite:
    """The rules over one frame.

    Attributes:
        name: `orders`, `lines`, `parcels`, `stock` or `items`.
        facts: By name; Great Expectations sees nothing else of the frame, and none of them is a buyer's data.
        rules: In the order of the report.
    """

    name: str
    facts: Mapping[str, Fact]
    rules: tuple[Rule, ...]


def as_it_is(column: str) -> Fact:
    """The frame's own column."""
    return Fact((column,), lambda frame: frame[column])


def time_of(column: str) -> Fact:
    """A time in UTC without its zone: Great Expectations compares times in a way that pandas deprecates for zones."""
    return Fact((column,), lambda frame: frame[column].dt.tz_convert(None))


def is_true(column: str) -> Fact:
    """Whether a boolean column is true; null counts as false."""
    return Fact((column,), lambda frame: frame[column].eq(other=True))


def is_absent(column: str) -> Fact:
    """Whether a column is null, whatever else it may hold: texts and tuples stay out of the results."""
    return Fact((column,), lambda frame: frame[column].isna())


def is_count(column: str) -> Fact:
    """A number; anything else counts as 0."""
    return Fact((column,), lambda frame: pd.to_numeric(frame[column], errors="coerce").fillna(0))


def columns_exist(facts: Mapping[str, Fact]) -> Rule:
    """The shape of the frame: every fact could be read."""
    return Rule(
        "ExpectTableColumnsToMatchSet",
        (),
        {"column_set": list(facts), "exact_match": False},
        "invalid_payload",
        "critical",
        "Every checked column exists and can be read",
    )


def holds(fact: str, code: str, severity: Severity, meaning: str, *, expected: bool = True) -> Rule:
    """A yes-or-no fact is as expected."""
    return Rule(
        "ExpectColumnValuesToBeInSet", (fact,), {"column": fact, "value_set": [expected]}, code, severity, meaning
    )


def present(fact: str, code: str, severity: Severity, meaning: str) -> Rule:
    """A fact is not null."""
    return Rule("ExpectColumnValuesToNotBeNull", (fact,), {"column": fact}, code, severity, meaning)


def at_least(fact: str, minimum: int, code: str, severity: Severity, meaning: str) -> Rule:
    """A number is not below a minimum."""
    return Rule(
        "ExpectColumnValuesToBeBetween", (fact,), {"column": fact, "min_value": minimum}, code, severity, meaning
    )


def not_before(later: str, earlier: str, code: str, severity: Severity, meaning: str) -> Rule:
    """One fact is not below another, where both are known."""
    return Rule(
        "ExpectColumnPairValuesAToBeGreaterThanB",
        (later, earlier),
        {"column_A": later, "column_B": earlier, "or_equal": True, "ignore_row_if": "either_value_is_missing"},
        code,
        severity,
        meaning,
    )
