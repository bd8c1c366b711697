"""The kinds of values in a condition: the methods of each, and comparisons that could never be true."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import rule_engine  # type: ignore[import-untyped]  # it has annotations, but says so nowhere
from rule_engine import ast

from mfn.rules.fields import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from mfn.rules.fields import Field

Type = rule_engine.DataType
TYPES = {
    Kind.TEXT: Type.STRING,
    Kind.NUMBER: Type.FLOAT,
    Kind.FLAG: Type.BOOLEAN,
    Kind.TIME: Type.DATETIME,
    Kind.TEXTS: Type.ARRAY(Type.STRING),
}
WORDS = {
    Type.STRING: "text", Type.FLOAT: "a number", Type.BOOLEAN: "true or false", Type.DATETIME: "a time",
    Type.TIMEDELTA: "a duration", Type.NULL: "null", Type.ARRAY(Type.STRING): "a list of texts",
    Type.ARRAY(Type.FLOAT): "a list of numbers",
}  # fmt: skip
TESTS: dict[str, Callable[[Any, Any], bool]] = {
    "contains": lambda value, part: part in value,
    "starts_with": lambda value, part: value.startswith(part),
    "ends_with": lambda value, part: value.endswith(part),
}
"""Methods of a text that take a text in brackets; `contains` is one of a list too."""

AFTER_A_DOT = {
    Type.STRING: (*TESTS, "as_lower", "as_upper", "length"),
    Type.ARRAY(Type.STRING): ("contains", "length"),
    Type.DATETIME: ("year", "month", "day", "weekday", "hour"),
}
"""The attributes and methods of a value, by its type."""

ONE_OF_SEVERAL = 'Compare it with something; for one of several values, write field in ["…", "…"].'

CHILDREN = ("left", "right", "container", "member", "object", "function")
"""The attributes in which the library's expressions hold another expression."""


def kind_faults(expression: Any, fields: Mapping[str, Field]) -> Iterator[tuple[str, str]]:
    """Faults that the library lets pass: comparisons that are never true, and values that are not conditions.

    A text's comparison with null becomes one with an empty text, because that is what an absent text is here.

    Yields:
        Message and remedy of each fault.
    """
    if expression.result_type != Type.BOOLEAN:
        yield f"is {word(expression)}, expected a condition.", "Compare it with something."
    yield from _faults(expression, fields)


def _faults(node: Any, fields: Mapping[str, Field]) -> Iterator[tuple[str, str]]:
    for child in children(node):
        yield from _faults(child, fields)
    if isinstance(node, ast.LogicExpression) or (isinstance(node, ast.UnaryExpression) and node.type == "not"):
        for child in children(node):
            if child.result_type != Type.BOOLEAN:
                is_text = isinstance(child, ast.StringExpression)
                yield f"{word(child)} is not a condition.", ONE_OF_SEVERAL if is_text else "Compare it with something."
    elif isinstance(node, ast.ArrayExpression) and node.result_type not in WORDS:
        yield "a list in [ ] must hold only text or only numbers.", "Write a separate comparison for each kind."
    elif isinstance(node, ast.ContainsExpression) and node.container.result_type in WORDS:
        container = node.container.result_type
        if getattr(container, "value_type", container) != node.member.result_type:
            yield f"{word(node.member)} is never in {word(node.container)}.", _instead(node.member, node.container)
    elif isinstance(node, ast.ComparisonExpression) and node.type in {"eq", "ne"}:
        yield from _never_equal(node, fields)


def _never_equal(node: Any, fields: Mapping[str, Field]) -> Iterator[tuple[str, str]]:
    left, right = node.left, node.right
    if left.result_type == Type.NULL:
        left, right = right, left
    if right.result_type != Type.NULL:
        if left.result_type != right.result_type:
            yield f"{word(left)} never equals {word(right)}.", _instead(left, right)
    elif left.result_type == Type.STRING:
        node.left, node.right = left, ast.StringExpression(node.context, "")
    elif (name := field_name(left)) in fields and not fields[name].is_optional:
        yield f"{name} is never null.", "Remove the comparison."


def _instead(left: Any, right: Any) -> str:
    """What to write instead of a comparison of two kinds; for a list and a text the intention is clear."""
    for one, other in ((left, right), (right, left)):
        name, is_field_a_list = field_name(one), one.result_type == Type.ARRAY(Type.STRING)
        if (
            name
            and is_field_a_list
            and Type.STRING in {other.result_type, getattr(other.result_type, "value_type", "")}
        ):
            return f'To search a list, write {name}.contains("…").'
        if name and one.result_type == Type.STRING and isinstance(other, ast.ArrayExpression):
            return f'For one of several values, write {name} in ["…", "…"].'
    return "Compare values of the same kind."


def children(node: Any) -> list[Any]:
    """The expressions that an expression of the library consists of."""
    found = [getattr(node, name, None) for name in CHILDREN]
    found += getattr(node, "arguments", ())
    found += node.value if isinstance(node, ast.ArrayExpression) else ()
    return [child for child in found if isinstance(child, ast.ExpressionBase)]


def change_children(node: Any, change: Callable[[Any], Any]) -> None:
    """Put others in place of the expressions that an expression of the library works on."""
    for name in CHILDREN:
        if isinstance(child := getattr(node, name, None), ast.ExpressionBase):
            setattr(node, name, change(child))


def field_name(node: Any) -> str:
    """The dotted name of a field; "" for everything else."""
    if isinstance(node, ast.SymbolExpression):
        return str(node.name)
    if isinstance(node, ast.GetAttributeExpression) and isinstance(node.object, ast.SymbolExpression):
        return f"{node.object.name}.{node.name}"
    return ""


def word(node: Any) -> str:
    """An expression in a message: its field or its text, and its kind."""
    kind = WORDS.get(node.result_type, "a function without its brackets")
    name = field_name(node)
    if isinstance(node, ast.StringExpression | ast.FloatExpression):
        name = str(node.value)
    return f"{name} ({kind})" if name else kind
