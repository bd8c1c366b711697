"""The words of a condition, checked before anything is parsed: what is not offered is refused, with an alternative.

Only what cannot loop, hang or grow passes: no comprehensions, no powers, no indexing (which makes whole numbers of any
size of their index), no built-in functions. Regular expressions are matched by RE2 (`mfn.rules.condition_patterns`).
"""

from __future__ import annotations

import re
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import rule_engine  # type: ignore[import-untyped]  # it has annotations, but says so nowhere

from mfn.plain_text import shortened
from mfn.rules.fields import unknown_field

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

SHOWN_CHARACTERS = 21
PLAIN_NUMBER = re.compile(r"[0-9]{1,15}(\.[0-9]{1,15})?")
OPERAND_ENDS = {"SYMBOL", "RPAREN", "RBRACKET", "FLOAT", "STRING", "DATETIME", "TIMEDELTA", "TRUE", "FALSE", "NULL"}
REGULAR_EXPRESSIONS = ("EQ_FZM", "EQ_FZS", "NE_FZM", "NE_FZS")
"""=~ and !~, from the beginning of the text; =~~ and !~~, anywhere in it."""

OFFERED = OPERAND_ENDS | {
    "ATTR", "LPAREN", "LBRACKET", "COMMA", "EQ", "NE", "GT", "GE", "LT", "LE", "AND", "OR", "NOT", "IN",
    "ADD", "SUB", "MUL", "TDIV", *REGULAR_EXPRESSIONS,
}  # fmt: skip
INSTEAD = {
    **dict.fromkeys(("FOR", "IF"), 'There are no loops; to search a list, write list.contains("…").'),
    **dict.fromkeys(("QMARK", "COLON"), "Write two rules."),
    **dict.fromkeys(
        ("COALESCE", "ATTR_SAFE"), "Remove it: a comparison with an absent value is false, and absent text is empty."
    ),
    "BWAND": "Write and.",
    "BWOR": "Write or.",
    **dict.fromkeys(("LBRACE", "RBRACE"), "Write a list in [ ]."),
    "BYTES": "Write text without the b in front.",
    "COMMENT": "Put comments outside the condition.",
    "=": "Write == to compare.",
    "!": "Write not.",
    **dict.fromkeys("“”„‘’", "Write plain quotation marks."),  # noqa: RUF001 - these are meant
    **dict.fromkeys(
        "\"'", "Text must begin and end with the same quotation mark; in YAML, # after a space begins a comment."
    ),
}
OTHERWISE = (
    "Supported are: == != < <= > >= =~ =~~ !~ !~~ and or not in + - * / ( ) [ ], text, numbers, times, true, false,"
    " null."
)


LOST_BACKSLASH = ".*invalid .*escape sequence"
"""Python's warning of one: a DeprecationWarning in 3.11, a SyntaxWarning from 3.12 on."""


class ConditionError(Exception):
    """What is wrong with a condition.

    Args:
        faults: (message, remedy) of each fault.
    """

    def __init__(self, *faults: tuple[str, str]) -> None:
        super().__init__("; ".join(message for message, _ in faults))
        self.faults = faults


def read_words(text: str) -> list[Any]:
    """The library's words of a condition.

    Raises:
        ConditionError: It contains something that is not a word.
    """
    # The library offers its tokens nowhere else; building a separate lexer would take another 0.7 s.
    lexer = rule_engine.Rule.parser._lexer.clone()  # noqa: SLF001 - see above
    lexer.input(text)
    words = []
    try:
        while word := lexer.token():
            words.append(word)
    except rule_engine.RuleSyntaxError as error:
        sign = error.token.value[0] if error.token else None
        found = repr(sign) if sign else "a reserved word"
        raise ConditionError((f"{found} is not allowed here.", INSTEAD.get(sign or "", OTHERWISE))) from None
    return words


def check_words(words: Sequence[Any], fields: Collection[str]) -> tuple[str, ...]:
    """Check that a condition has only words that are offered, and names only existing fields.

    Args:
        words: What `read_words` returned.
        fields: The dotted names of the fields that it may read.

    Returns:
        The fields that it reads, in the order of the text, each once.

    Raises:
        ConditionError: It has other words or names; lists all of them.
    """
    names = tuple(dict.fromkeys(_names(words, fields)))
    faults = dict.fromkeys(_refused(words))
    if not any(word.type == "FOR" for word in words):  # a loop names its own variable
        faults |= dict.fromkeys(unknown_field(name, fields) for name in names if name not in fields)
    if faults:
        raise ConditionError(*faults)
    return names


def _refused(words: Sequence[Any]) -> Iterator[tuple[str, str]]:
    for place, word in enumerate(words):
        after_operand = place > 0 and words[place - 1].type in OPERAND_ENDS
        if word.type not in OFFERED:
            yield f"{word.value} is not supported.", INSTEAD.get(word.type, OTHERWISE)
        elif word.type == "SYMBOL" and word.value.startswith("$"):
            name = word.value[1:]
            yield f"{word.value} is not supported.", f"Write {name}." if name == "now" else OTHERWISE
        elif word.type == "FLOAT" and not PLAIN_NUMBER.fullmatch(word.value):
            yield (
                f"{shortened(word.value, SHOWN_CHARACTERS)} is not a plain number.",
                "Write up to 15 digits, with a decimal point if needed.",
            )
        elif word.type == "LBRACKET" and (after_operand or word.value != "["):
            yield "[ ] after a value is not supported.", 'To search a list, write list.contains("…").'
        elif (
            word.type == "SUB"
            and not after_operand
            and [next_.type for next_ in words[place + 1 : place + 2]] != ["FLOAT"]
        ):
            yield "- in front of anything but a number is not supported.", "Turn the comparison around."


def _names(words: Sequence[Any], fields: Collection[str]) -> Iterator[str]:
    """The names in a condition: `shipment.carrier` of `shipment.carrier.as_lower`, or a name without a dot."""
    for place, word in enumerate(words):
        if word.type != "SYMBOL" or word.value.startswith("$") or (place and words[place - 1].type == "ATTR"):
            continue
        is_dotted = [next_.type for next_ in words[place + 1 : place + 3]] == ["ATTR", "SYMBOL"]
        yield f"{word.value}.{words[place + 2].value}" if is_dotted and word.value not in fields else word.value


@contextmanager
def refusing_lost_backslashes() -> Iterator[None]:
    """Turn Python's warning of a meaningless backslash into an error; any other warning stays one."""
    with warnings.catch_warnings():
        warnings.filterwarnings("error", LOST_BACKSLASH)
        yield
