"""Texts from outside, made safe to show: what would control a terminal, forge a line or reverse text is escaped.

Everything that prints, logs or writes a page uses this; texts that are compared, or stored for that, stay as they are.
"""

from __future__ import annotations

import json
import re
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# Control characters of both sets, separators of lines, what embeds, isolates or overrides the direction of writing,
# half surrogates, and tags, which only machines can see. What merely marks a direction stays, because
# SKUs that were copied somewhere have such marks, and are pasted into mappings with them.
HARMFUL = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufff9-\ufffb\U000e0000-\U000e007f]")
HARMFUL_IN_LINES = re.compile(HARMFUL.pattern.replace("\x00-\x1f", "\x00-\x09\x0b-\x1f"))
UNSEEN = "has a non-printable character, such as a line break, or bytes that are not text"
"""What is said of a text with something `HARMFUL`."""
CUT = "…"
NAMED_AT_MOST = 10


def shown(text: str) -> str:
    r"""A text on one line, with `\x1b` and the like in place of what cannot be shown."""
    return text if text.isprintable() else HARMFUL.sub(_spelled_out, text)


def shown_lines(text: str) -> str:
    """A text of possibly several lines, otherwise as `shown`."""
    return text if text.isprintable() else HARMFUL_IN_LINES.sub(_spelled_out, text)


def shown_json(document: str) -> str:
    """A JSON document on one line, equivalent for every reader, with nothing in its texts that a terminal acts upon."""
    return document if document.isprintable() else HARMFUL.sub(lambda found: json.dumps(found[0])[1:-1], document)


def shortened(text: str, most: int) -> str:
    """A text cut to a number of characters; a longer one ends with `…`.

    Args:
        text: The text.
        most: How many characters it may have.
    """
    return text if len(text) <= most else text[: most - len(CUT)] + CUT


def listed(texts: Iterable[str]) -> str:
    """The first `NAMED_AT_MOST` of some texts, comma separated; `…` stands for the others."""
    first = list(islice(texts, NAMED_AT_MOST + 1))
    return ", ".join(first[:NAMED_AT_MOST]) + (f", {CUT}" if len(first) > NAMED_AT_MOST else "")


def listed_details(details: Sequence[str]) -> str:
    """The first `NAMED_AT_MOST` of some details as one, and how many more there are."""
    more = len(details) - NAMED_AT_MOST
    return "; ".join(details[:NAMED_AT_MOST]) + (f"; and {more} more" if more > 0 else "")


def _spelled_out(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()
