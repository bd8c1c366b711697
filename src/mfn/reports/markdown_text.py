"""Texts inside Markdown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mfn.plain_text import shown
from mfn.reports.wording import number

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mfn.reports.grouping import Instruction

MARKS = re.compile(r"([\\`*_\[\]<>|#~&@]|(?<=:)/(?=/)|(?<=www)\.)", re.IGNORECASE)
"""Signs of Markdown, of HTML, and of what becomes a link on its own."""


def plain(text: str) -> str:
    """A text in which Markdown and HTML find nothing to act on, on one line."""
    return MARKS.sub(r"\\\1", shown(" ".join(text.split())))


def more(count: int, command: str = "") -> str:
    """How many more there are, as the last point of a list; empty for none."""
    return f"- and {number(count)} more{': ' + command if command else ''}" if count > 0 else ""


def instructions(given: Iterable[Instruction]) -> list[str]:
    """What to do, as lines."""
    lines = []
    for instruction in given:
        lines += [plain(instruction.text), ""]
        # Indented, not fenced: no row can end the block.
        lines += [f"    {shown(paste)}" for paste in instruction.pastes]
        lines += ["", *([more(instruction.further), ""] if instruction.further else [])]
    return lines
