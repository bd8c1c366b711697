"""Texts from outside, fit to be shown: what would command a terminal, forge a line or turn text round is spelled out.

Everything that prints, logs or writes a page shows texts so; what is matched or stored for matching stays as it is.
"""

from __future__ import annotations

import json
import re

# Control characters of both sets, separators of lines, what embeds, isolates or overrides the direction of writing,
# half surrogates, and the tags that are seen by no one and read by machines. What only marks a direction stays, since
# SKUs that were copied somewhere have such marks, and are pasted into mappings with them.
HARMFUL = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufff9-\ufffb\U000e0000-\U000e007f]")
HARMFUL_IN_LINES = re.compile(HARMFUL.pattern.replace("\x00-\x1f", "\x00-\x09\x0b-\x1f"))
CUT = "…"


def shown(text: str) -> str:
    r"""A text on one line, `\x1b` and the like in place of what cannot be shown."""
    return text if text.isprintable() else HARMFUL.sub(_spelled_out, text)


def shown_lines(text: str) -> str:
    """A text that may have several lines, otherwise as `shown`."""
    return text if text.isprintable() else HARMFUL_IN_LINES.sub(_spelled_out, text)


def shown_json(document: str) -> str:
    """A JSON document on one line, the same for every reader, with nothing in its texts that a terminal acts upon."""
    return document if document.isprintable() else HARMFUL.sub(lambda found: json.dumps(found[0])[1:-1], document)


def shortened(text: str, most: int) -> str:
    """A text of at most so many characters; one that is longer ends with `…`.

    Args:
        text: The text.
        most: How many characters it may have.
    """
    return text if len(text) <= most else text[: most - len(CUT)] + CUT


def _spelled_out(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()
