"""Conditions with matching kinds that cannot be what was intended: always true, always false, or true by accident."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from rule_engine import ast  # type: ignore[import-untyped]  # it has annotations, but says so nowhere

from mfn.amazon.marketplaces import find_marketplace
from mfn.plain_text import shortened
from mfn.rules.condition_kinds import TESTS, Type, children, field_name, word

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
BETWEEN_WORDS = re.compile(r"[\s,;|/]+")
MOST_OF_A_TEXT = 100
CODES = {
    ".country_code": ("[A-Z]{2}", 'two capital letters, like "US"'),
    ".currency_code": ("[A-Z]{3}", 'three capital letters, like "USD"'),
}
"""The form of a field's texts, by the end of its name: a pattern, and the same in words."""


def slips(expression: Any) -> Iterator[tuple[str, str]]:
    """What cannot be intended in a condition whose kinds match.

    Yields:
        Message and remedy of each slip.
    """
    for child in children(expression):
        yield from slips(child)
    if isinstance(expression, ast.ContainsExpression):
        yield from _of_contains(expression)
    elif isinstance(expression, ast.FunctionCallExpression):
        yield from _of_test(expression)
    elif isinstance(expression, ast.LogicExpression):
        yield from _of_two_values(expression)
    elif isinstance(expression, ast.ComparisonExpression) and expression.type in {"eq", "ne"}:
        for node, other in ((expression.left, expression.right), (expression.right, expression.left)):
            yield from _never(node, other)


def slips_of_words(words: Sequence[Any], fields: Collection[str]) -> Iterator[tuple[str, str]]:
    """What the library evaluates while parsing, unseen later: quoted field names, comparisons without fields.

    Yields:
        Message and remedy of each slip.
    """
    texts = [found.value[1:-1] for found in words if found.type == "STRING" and found.value[0] in "\"'"]
    quoted = [text for text in texts if "." in text and text in fields]
    for text in quoted:
        yield f'"{text}" is text here, not the field.', "Remove its quotation marks."
    kinds = [found.type for found in words]
    if not quoted and "SYMBOL" not in kinds and "STRING" in kinds:
        yield (
            "reads no field, so its result is the same for every record.",
            "Compare a field, or write true for always.",
        )
    for asked, dot in pairwise(words):
        if asked.type == "STRING" and dot.type == "ATTR":
            yield f"the text {_quoted(asked.value[1:-1])} cannot be followed by a dot.", 'Write field in ["…", "…"].'


def _of_contains(node: Any) -> Iterator[tuple[str, str]]:
    container, member = node.container, node.member
    if isinstance(container, ast.StringExpression):
        texts = [text for text in BETWEEN_WORDS.split(container.value) if text]
        written = ", ".join(f'"{text}"' for text in texts) if len(texts) > 1 else f'"{container.value}", "…"'
        message = (
            f"{_written(member)} is searched for inside the text {_quoted(container.value)}, any part of which matches."
        )
        yield message, f"Write a list: {_written(member)} in [{shortened(written, MOST_OF_A_TEXT)}]."
    elif isinstance(container, ast.ArrayExpression):
        for entry in container.value:
            if isinstance(entry, ast.NullExpression) and member.result_type == Type.STRING:
                yield f"{word(member)} is never null in a list.", 'For absent text, write "".'
            yield from _never(member, entry)
    else:
        yield from _never(container, member, is_part=True)


def _of_two_values(node: Any) -> Iterator[tuple[str, str]]:
    """A field that would have to be two values at once, or that always differs from one of two."""
    if node.type == "and":
        wanted, joined, written = "eq", "can never be both", "in"
    else:
        wanted, joined, written = "ne", "always differs from one of", "not in"
    for field, left in _values(node.left, node.type, wanted):
        for other, right in _values(node.right, node.type, wanted):
            if field == other and left != right:
                one, two = _constant(left), _constant(right)
                yield f"{field} {joined} {one} and {two}.", f"Write {field} {written} [{one}, {two}]."


def _values(node: Any, logic: str, wanted: str) -> Iterator[tuple[str, Any]]:
    """The fields that a chain of `and` or `or` compares in one way, each with the value that it is compared with."""
    if isinstance(node, ast.LogicExpression) and node.type == logic:
        yield from _values(node.left, logic, wanted)
        yield from _values(node.right, logic, wanted)
    elif isinstance(node, ast.ComparisonExpression) and node.type == wanted:
        for field, value in ((node.left, node.right), (node.right, node.left)):
            if field_name(field) and isinstance(value, ast.StringExpression | ast.FloatExpression):
                yield field_name(field), value.value


def _constant(value: Any) -> str:
    return _quoted(value) if isinstance(value, str) else f"{value:g}"


def _of_test(node: Any) -> Iterator[tuple[str, str]]:
    """A call of contains, starts_with or ends_with on something that is not a constant."""
    tested = getattr(node.function, "object", None)
    if getattr(node.function, "name", "") in TESTS and isinstance(tested, ast.ExpressionBase):
        yield from _never(tested, node.arguments[0], is_part=True)


def _never(node: Any, other: Any, *, is_part: bool = False) -> Iterator[tuple[str, str]]:
    """Why a text can never equal, or be a part of, the other side of a comparison."""
    if not isinstance(other, ast.StringExpression) or node.result_type != Type.STRING:
        return
    text, attribute = str(other.value), str(getattr(node, "name", ""))
    meant = {"as_lower": text.lower(), "as_upper": text.upper()}.get(attribute, text)
    if attribute == "weekday" and not is_part and text not in WEEKDAYS:
        yield f"there is no day of the week {_quoted(text)}.", f"Write one of: {', '.join(WEEKDAYS)}."
    elif (code := CODES.get(f".{field_name(node).rpartition('.')[2]}")) and not is_part and text:
        if not re.fullmatch(code[0], text):
            yield f"{field_name(node)} is never {_quoted(text)}.", f"Write {code[1]}."
        return
    elif field_name(node).endswith(".marketplace") and not is_part and (market := find_marketplace(text)):
        meant = market.name
    if meant != text:
        yield f"{_written(node)} never {'has' if is_part else 'is'} {_quoted(text)}.", f"Write {_quoted(meant)}."


def _written(node: Any) -> str:
    """A field as it is written in the condition, with its attributes: order.state.as_lower."""
    before = field_name(getattr(node, "object", None))
    return field_name(node) or (f"{before}.{node.name}" if before else "field")


def _quoted(text: str) -> str:
    return f'"{shortened(text, MOST_OF_A_TEXT)}"'
