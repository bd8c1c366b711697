"""Conditions of rules: expressions of the rule-engine library, checked as a whole when they are read.

Of absent values, a text or list is empty and a flag is false. A number or a time is `null`, and a comparison with it is
false, except `== null` and `!=`. So no record can make a condition fail.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import rule_engine  # type: ignore[import-untyped]  # it has annotations, but says so nowhere
from rule_engine import ast, errors

from mfn.rules.condition_kinds import AFTER_A_DOT, TESTS, TYPES, WORDS, Type, change_children, kind_faults
from mfn.rules.condition_patterns import Matches, put_in_patterns, take_out_patterns
from mfn.rules.condition_slips import slips, slips_of_words
from mfn.rules.condition_words import ConditionError, check_words, read_words, refusing_lost_backslashes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mfn.rules.fields import Field

MOST_CHARACTERS = 500


@dataclass(frozen=True)
class Condition:
    """A condition that has been checked.

    Attributes:
        text: As it was written.
        reads: The fields that it reads, by their dotted names, in the order of the text.
    """

    text: str
    reads: Mapping[str, Field]
    _rule: Any

    def holds(self, values: Mapping[str, Any]) -> bool:
        """Whether it is true of a record.

        Args:
            values: At least the fields that it reads, each as `Field.read` returns it.
        """
        return bool(self._rule.evaluate(_Record(values)))


def read_condition(text: str, fields: Mapping[str, Field]) -> Condition:
    """A condition, its fields and kinds checked.

    Args:
        text: An expression of the rule-engine library, as far as mappings/README.md offers it.
        fields: The fields that it may read, by their dotted names.

    Raises:
        ConditionError: It is too long, has words that are not offered, names unknown fields, mixes kinds, or cannot be
            understood.
    """
    if len(text) > MOST_CHARACTERS:
        message = f"is {len(text)} characters long; the limit is {MOST_CHARACTERS}."
        raise ConditionError((message, 'Write several rules, or a list: field in ["…", "…"].'))
    words = read_words(text)
    reads = check_words(words, fields)
    marked, patterns = take_out_patterns(text, words)
    try:
        with refusing_lost_backslashes():
            rule = rule_engine.Rule(marked, context=_Context(fields))
    except Exception as error:  # noqa: BLE001 - what can be computed is computed here, which fails in many ways
        kinds = ", ".join(f"{name} is {WORDS[TYPES[fields[name].kind]]}" for name in reads)
        raise ConditionError(_in_words(error, kinds)) from None
    expression = rule.statement.expression
    if faults := tuple(kind_faults(expression, fields)):
        raise ConditionError(*faults)
    expression = put_in_patterns(expression, patterns)
    if faults := (*slips_of_words(words, fields), *slips(expression)):
        raise ConditionError(*faults)
    rule.statement.expression = _guarded(expression)
    return Condition(text, {name: fields[name] for name in reads}, rule)


class _Record:
    """A record's values; not a dictionary, because the library copies one each time it looks at it."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = values


class _Context(rule_engine.Context):  # type: ignore[misc]  # see the import
    """What a condition can reach: the fields of a record, and the attributes after a dot."""

    def __init__(self, fields: Mapping[str, Field]) -> None:
        super().__init__(
            resolver=_resolve, type_resolver=_types(fields), default_timezone="utc", mapping_attribute_lookup=False
        )

    def resolve_attribute_type(self, object_type: Any, name: str) -> Any:
        """The type of an attribute of a value, if it is offered."""
        if name not in AFTER_A_DOT.get(object_type, ()):
            raise errors.AttributeResolutionError(name, object_type)
        if name in TESTS:
            return Type.FUNCTION(name, return_type=Type.BOOLEAN, argument_types=(Type.STRING,))
        return super().resolve_attribute_type(object_type, name)

    def resolve_attribute(self, thing: Any, object_: Any, name: str) -> Any:
        """An attribute of a value."""
        if object_ is None:
            raise errors.EvaluationError("absent")
        return partial(TESTS[name], object_) if name in TESTS else super().resolve_attribute(thing, object_, name)


def _resolve(record: _Record, name: str) -> Any:
    return record.values.get(name, record)  # shipment and order stand for the record itself


def _types(fields: Mapping[str, Field]) -> dict[str, Any]:
    types = {name: TYPES[field.kind] for name, field in fields.items() if "." not in name}
    for part in {name.partition(".")[0] for name in fields} - types.keys():
        own = {name.partition(".")[2]: TYPES[fields[name].kind] for name in fields if name.startswith(part + ".")}
        types[part] = Type.OBJECT(part, own, accessor=partial(_field_of, part))
    return types


def _field_of(part: str, record: _Record, name: str) -> Any:
    return record.values[f"{part}.{name}"]


class _Guarded(ast.ExpressionBase):  # type: ignore[misc]  # see the import
    """A comparison that is false if it cannot be made: something is absent, or cannot be computed."""

    result_type = Type.BOOLEAN

    def __init__(self, inner: Any) -> None:
        self.context = inner.context
        self.inner = inner

    def evaluate(self, thing: Any) -> bool:
        """Whether it is true of a record."""
        inner = self.inner
        try:
            if getattr(inner, "type", None) in {"le", "ge"} and inner.left.evaluate(thing) is None:
                return False  # the library finds null <= null true
            return bool(inner.evaluate(thing))
        except (errors.EngineError, ArithmeticError):
            return bool(getattr(inner, "type", None) == "ne")


def _guarded(node: Any) -> Any:
    """An expression with every comparison in it guarded."""
    change_children(node, _guarded)
    compares = isinstance(
        node, ast.ComparisonExpression | ast.ContainsExpression | ast.FunctionCallExpression | Matches
    )
    return _Guarded(node) if compares else node


_IN_WORDS: dict[type[Exception], Callable[[Any], tuple[str, str]]] = {
    errors.RuleSyntaxError: lambda error: (
        f"cannot be understood at {error.token.value if error.token else 'its end'}.",
        "See the examples in mappings/README.md.",
    ),
    errors.DatetimeSyntaxError: lambda error: (
        f"{error.value!r} is not a valid time.",
        'Write d"2026-11-27" or d"2026-11-27T08:00:00Z".',
    ),
    errors.TimedeltaSyntaxError: lambda error: (
        f"{error.value!r} is not a valid duration.",
        'Write t"PT6H" for six hours, t"P2D" for two days.',
    ),
    errors.AttributeResolutionError: lambda error: (
        f"{WORDS.get(error.object, 'the value before the dot')} has no {error.attribute_name}.",
        f"Allowed after the dot: {', '.join(AFTER_A_DOT.get(error.object, ())) or 'nothing'}.",
    ),
    errors.FunctionCallError: lambda error: (
        f"{error.function_name} takes one text in brackets.",
        f'Write .{error.function_name}("…").',
    ),
}
MISMATCH = "data type mismatch"


def _in_words(error: Exception, kinds: str) -> tuple[str, str]:
    """The library's error, as message and remedy."""
    if type(error) in _IN_WORDS:
        return _IN_WORDS[type(error)](error)
    if isinstance(error, errors.EvaluationError) and error.message.startswith(MISMATCH):
        plain = 'Write a number without quotation marks, and a time as d"2026-11-27".'
        return (
            "compares values of different kinds.",
            f"{kinds}. {plain}" if kinds else "Compare values of the same kind.",
        )
    return f"cannot be computed ({type(error).__name__}).", 'Write plain values; a backslash is allowed in r"…" only.'
