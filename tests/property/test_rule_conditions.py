"""Whatever stands in a condition, and whatever is absent of a record: it is refused in words, or it has an answer."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pandas as pd
from hypothesis import assume, given
from hypothesis import strategies as st

from mfn.rules.condition_words import ConditionError
from mfn.rules.conditions import MOST_CHARACTERS, Condition, read_condition
from mfn.rules.fields import EVENTS, Kind
from mfn.rules.rule import Rule
from mfn.rules.rule_running import apply_rules

FIELDS = EVENTS["shipment.notification"]
LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)
VALUES: dict[Kind, st.SearchStrategy[Any]] = {
    Kind.TEXT: st.sampled_from((None, "", "UPS", "FedEx Ground", float("nan"))),
    Kind.NUMBER: st.sampled_from((None, 0, -1, 3, 10**15, Decimal("0.01"), float("nan"))),
    Kind.FLAG: st.sampled_from((None, True, False)),
    Kind.TIME: st.sampled_from((None, pd.NaT, LONG_AGO, pd.Timestamp("2026-11-27", tz="UTC"))),
    Kind.TEXTS: st.sampled_from((None, (), ("PRIME",), ("PRIME", "PREMIUM"))),
}
records = st.fixed_dictionaries({name: VALUES[field.kind] for name, field in FIELDS.items()})

WORDS = (
    *FIELDS, "order", "shipment", "now", "and", "or", "not", "in", "for", "if", "==", "!=", "<", ">=", "=~", "!~~",
    "+", "-", "*", "/", "**", "//", "%", "<<", ">>", "&", "|", "^", "??", "?", ":", ".", "&.", ",", "(", ")", "[", "]",
    "{", "}", "9", "0", "1e999999999", "0xff", "inf", "nan", "null", "true", "false", '"UPS"', "'a'", 'r"\\d"', 'b"x"',
    'd"2026-11-27"', 't"PT6H"', 't"P999999999D"', "$now", "$range", "$map", "$split", "#", ".contains", ".starts_with",
    ".as_lower", ".length", ".hour", ".encode", ".to_int", ".__class__", '("UPS")', "(5)", '["UPS", "FedEx"]', "[0]",
    "[1:]", "\n", "\\", "“",
)  # fmt: skip
soup = st.lists(st.sampled_from(WORDS), min_size=1, max_size=40).map(lambda words: " ".join(words)[:MOST_CHARACTERS])
glued = st.lists(st.sampled_from(WORDS), min_size=1, max_size=60).map(lambda words: "".join(words)[:MOST_CHARACTERS])

names = {kind: st.sampled_from([name for name, field in FIELDS.items() if field.kind == kind]) for kind in Kind}
numbers = st.recursive(
    names[Kind.NUMBER] | st.sampled_from(("0", "3", "0.5", "999999999999999")),
    lambda inner: st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda parts: f"({' '.join(parts)})"),
    max_leaves=4,
)
times = st.tuples(names[Kind.TIME], st.sampled_from(("", ' + t"P999999D"', ' - t"P999999D"'))).map("".join)
ordered = st.sampled_from(("<", "<=", ">", ">=", "==", "!="))
tests = st.sampled_from(
    ('.contains("UPS")', '.starts_with("")', '.as_lower.ends_with("ground")', ".length > 2", ' != "UPS"')
)
atoms = st.one_of(
    names[Kind.FLAG],
    st.tuples(numbers, ordered, numbers).map(" ".join),
    st.tuples(times, ordered, times).map(" ".join),
    st.tuples(names[Kind.TIME], st.sampled_from((".hour > 3", '.weekday == "Friday"'))).map("".join),
    st.tuples(names[Kind.TEXT], tests).map("".join),
    names[Kind.TEXT].map(lambda name: f'{name} in ["UPS", "FedEx"]'),
    st.tuples(names[Kind.TEXT], names[Kind.TEXTS]).map(" in ".join),
).map("({})".format)
conditions = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(("and", "or", "==", "!=")), inner).map(lambda parts: f"({' '.join(parts)})"),
        inner.map(lambda text: f"not ({text})"),
    ),
    max_leaves=4,
)


BY_CHANCE = ("cannot be computed", "never is", "is never", "can never be both", "always differs from one of")


def condition_of(text: str) -> Condition:
    """A condition that is sound but for what chance puts together: 3 / (3 - 3), or a field that is 0 and 3."""
    assume(len(text) <= MOST_CHARACTERS)
    try:
        return read_condition(text, FIELDS)
    except ConditionError as error:
        is_sound = not any(known in error.faults[0][0] for known in BY_CHANCE)
    assume(is_sound)
    raise AssertionError(text)


@given(soup | glued | st.text(max_size=MOST_CHARACTERS), records)
def test_any_text_is_refused_with_an_explanation_or_evaluates_for_any_record(text: str, record: dict[str, Any]) -> None:
    try:
        condition = read_condition(text, FIELDS)
    except ConditionError as error:
        said = error.faults
    else:
        values = {name: field.read(record[name]) for name, field in condition.reads.items()}
        said = ((str(condition.holds(values)), ""),)
    assert said
    assert all(message for message, _ in said)


@given(conditions, records)
def test_a_valid_condition_is_read_and_not_inverts_its_result(text: str, record: dict[str, Any]) -> None:
    condition, turned = condition_of(text), condition_of(f"not ({text})")
    values = {name: field.read(record[name]) for name, field in condition.reads.items()}
    assert condition.holds(values) is not turned.holds(values)


@given(st.lists(conditions, max_size=3), st.lists(records, max_size=8))
def test_rules_on_a_frame_decide_as_on_each_record_alone(texts: list[str], rows: list[dict[str, Any]]) -> None:
    rules = [
        Rule(str(number), condition_of(text), {"shipment.service": f"S{number}"}) for number, text in enumerate(texts)
    ]
    frame = pd.DataFrame(rows, columns=list(FIELDS), dtype="object")
    run = apply_rules(rules, frame)
    fired = list(zip(run.fired["record"], run.fired["rule"], strict=True))
    alone = []
    for position, row in enumerate(rows):
        values = {name: field.read(row[name]) for name, field in FIELDS.items()}
        for rule in rules:
            if rule.condition.holds(values):
                alone.append((position, rule.name))
                values |= rule.changes
    assert sorted(fired) == sorted(alone)
