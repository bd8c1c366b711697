"""Regular expressions in conditions, matched by RE2, whose time is linear in the length of the text.

The library's own are Python's, of which a few characters can hang a run. So the library sees a mark in place of each
pattern, and its expression for the mark is replaced.
"""

from __future__ import annotations

import ast as python
from typing import TYPE_CHECKING, Any

import re2  # type: ignore[import-untyped]  # it has no annotations
from rule_engine import ast  # type: ignore[import-untyped]  # it has annotations, but says so nowhere

from mfn.rules.condition_kinds import Type, change_children
from mfn.rules.condition_words import REGULAR_EXPRESSIONS, ConditionError, refusing_lost_backslashes

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_MEMORY = 1024 * 1024
"""How many bytes a compiled pattern may take, which limits what repetitions such as {1000} can multiply to."""

MAY_FOLLOW = {"AND", "OR", "RPAREN"}
ON_A_FIELD = ("a pattern must be on the right, and a field on the left.", 'Write field =~ "…".')
OF_RE2 = (
    "Patterns use RE2 syntax (github.com/google/re2/wiki/Syntax): no backreferences, and none of (?= (?! (?<= (?<!;"
    " use `and` and `not` instead."
)


def take_out_patterns(text: str, words: Sequence[Any]) -> tuple[str, dict[str, Any]]:
    """A condition with a mark in place of each pattern.

    Returns:
        The text for the library, and the patterns by their marks.

    Raises:
        ConditionError: A pattern is not a text, or not one that RE2 can match in limited time and memory.
    """
    parts: list[str] = []
    patterns: dict[str, Any] = {}
    begin = 0
    for place, word in enumerate(words):
        if word.type not in REGULAR_EXPRESSIONS:
            continue
        written, *after = words[place + 1 : place + 3] or [None]
        if written is None or written.type != "STRING" or (after and after[0].type not in MAY_FOLLOW):
            raise ConditionError((f"{word.value} takes one text in quotation marks.", f'Write field {word.value} "…".'))
        mark = f"<{len(patterns)}>"
        patterns[mark] = _compiled(written.value)
        parts += [text[begin : written.lexpos], f'"{mark}"']
        begin = written.lexpos + len(written.value)
    return "".join([*parts, text[begin:]]), patterns


def put_in_patterns(expression: Any, patterns: dict[str, Any]) -> Any:
    """The library's expression with our own in place of those with marks.

    Args:
        expression: The library's expression of the text.
        patterns: The patterns by their marks.

    Raises:
        ConditionError: A pattern is applied to something other than a field, so that the library has computed it
            already.
    """
    left = dict(patterns)
    replaced = _replaced(expression, left)
    if left:
        raise ConditionError(ON_A_FIELD)
    return replaced


class Matches(ast.ExpressionBase):  # type: ignore[misc]  # see the import
    """Whether a text matches a pattern, from its beginning or anywhere; or does not.

    Args:
        context: The library's.
        left: The expression of the text.
        kind: Which of `REGULAR_EXPRESSIONS`, lower case.
        pattern: The pattern.
    """

    result_type = Type.BOOLEAN

    def __init__(self, context: Any, left: Any, kind: str, pattern: Any) -> None:
        self.context = context
        self.left = left
        self.type = "ne" if kind.startswith("ne") else "eq"
        self._finds = pattern.match if kind.endswith("m") else pattern.search

    def evaluate(self, thing: Any) -> bool:
        """Whether it is true of a record."""
        has_it = self._finds(self.left.evaluate(thing).encode(errors="replace")) is not None
        return has_it == (self.type == "eq")


def _replaced(node: Any, left: dict[str, Any]) -> Any:
    change_children(node, lambda child: _replaced(child, left))
    if not isinstance(node, ast.FuzzyComparisonExpression):
        return node
    pattern = left.pop(node.right.value, None) if isinstance(node.right, ast.StringExpression) else None
    if pattern is None or node.left.result_type != Type.STRING:
        raise ConditionError(ON_A_FIELD)
    return Matches(node.context, node.left, node.type, pattern)


def _compiled(written: str) -> Any:
    try:
        with refusing_lost_backslashes():
            text = python.literal_eval(written)
    except (SyntaxError, ValueError, SyntaxWarning, DeprecationWarning):
        raise ConditionError(("the pattern loses a backslash.", f"Write r{written}.")) from None
    options = re2.Options()
    options.max_mem, options.log_errors = MOST_MEMORY, False
    try:
        return re2.compile(text.encode(), options)
    except (re2.error, UnicodeEncodeError) as error:
        detail = error.args[0].decode(errors="replace") if isinstance(error.args[0], bytes) else error
        raise ConditionError((f"{written} is not a valid pattern: {detail}.", OF_RE2)) from None
