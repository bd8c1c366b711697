"""Typing errors in `.env` or the environment that would otherwise be ignored silently."""

from __future__ import annotations

import logging
import os
from difflib import SequenceMatcher
from pathlib import Path
from typing import TYPE_CHECKING

from dotenv import dotenv_values
from dotenv.parser import parse_stream

from mfn.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Collection

    from dotenv.parser import Original

ALIKE = 0.65
"""How alike every word of a mistyped name is to those of a setting; MFN_LEDGER_USER is alike enough to none."""

logging.getLogger("dotenv.main").setLevel(logging.ERROR)  # it repeats its warnings with each look at the file


def mistyped_names(known: Collection[str], prefix: str) -> list[Problem]:
    """Variables with a mistyped name of a setting, without which data could go into the wrong ledger.

    Args:
        known: The names of all settings.
        prefix: What they begin with.

    Returns:
        One problem for each name; names that resemble no setting are left out, since they are not meant for mfn.
    """
    given = [*((".env", name) for name in dotenv_values(".env")), *(("the environment", name) for name in os.environ)]
    return [
        Problem(
            place,
            _line_of(name) if place == ".env" else None,
            name,
            "is not a setting.",
            f"Did you mean {near}? If not, give it another name.",
        )
        for place, name in given
        if name.upper().startswith(prefix) and name.upper() not in known
        for near in sorted(known)
        if _is_like(name.upper(), near)
    ]


def fault_of(variable: str, message: str, remedy: str = "") -> Problem:
    """A fault of a setting, located where its value is: in the environment, or in a line of `.env`.

    Args:
        variable: Its name in capitals; the case does not matter there.
        message: What is wrong.
        remedy: What to do.
    """
    given = any(value and name.upper() == variable for name, value in os.environ.items())
    line = None if given else _line_of(variable)
    return Problem("the environment" if line is None else ".env", line, variable, message, remedy)


def _line_of(variable: str) -> int | None:
    """The last line of `.env` that sets a variable, which is the one that counts."""
    path = Path(".env")
    if not path.is_file():
        return None
    with path.open(encoding="utf-8") as text:
        found = [entry.original for entry in parse_stream(text) if (entry.key or "").upper() == variable.upper()]
    return _line(found[-1]) if found else None


def _line(part: Original) -> int:
    blanks = part.string[: len(part.string) - len(part.string.lstrip())]
    return part.line + blanks.count("\n")


def _is_like(name: str, setting: str) -> bool:
    words = name.split("_"), setting.split("_")
    return len(words[0]) == len(words[1]) and all(
        SequenceMatcher(None, word, meant).ratio() >= ALIKE for word, meant in zip(*words, strict=True)
    )


def lines_that_say_nothing() -> list[Problem]:
    """Lines of `.env` that neither set a variable nor are comments; their text is not shown: it may be a secret."""
    path = Path(".env")
    if not path.is_file():
        return []
    with path.open(encoding="utf-8") as text:
        wrong = [entry.original for entry in parse_stream(text) if entry.error]
    message = "this line sets nothing: it is not NAME=value, or its quotation mark is never closed."
    return [
        Problem(".env", line, None, message, "Correct it, or put a # in front of it.") for line in map(_line, wrong)
    ]
