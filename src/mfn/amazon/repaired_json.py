"""JSON that a strict parser would refuse as a whole for one bad value in it, repaired so that the rest can be read.

A title that was cut in the middle of an emoji leaves half a surrogate pair behind; a page of a hundred orders must not
be lost for that. RFC 8259 leaves open what a parser does with half a pair, and lets it limit the depth.
"""

from __future__ import annotations

import codecs
import re
from typing import TypeVar

import msgspec

from mfn.amazon.answers import UNREADABLE

Answer = TypeVar("Answer")

MOST_BYTES = 32 * 1024 * 1024
"""What is longer stays as it is: repairing it would take minutes."""

MOST_DEPTH = 64
"""Amazon's models go ten deep; whatever lies deeper than this becomes null."""

TEXT = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
PART = re.compile(TEXT.pattern + rb"|[\[\]{}]", re.DOTALL)
NO_NUMBER = re.compile(rb"(" + TEXT.pattern + rb")|-?\b(?:NaN|Infinity)\b", re.DOTALL)
CONTROL = re.compile(rb"[\x00-\x1f]")
ESCAPE = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[dD][89a-fA-F][0-9a-fA-F]{2}|\\.", re.DOTALL
)
HALF = len(rb"\ud83d")
REPLACEMENT = rb"\ufffd"


def read_json(content: bytes, kind: type[Answer]) -> Answer:
    """Decode JSON, repaired if it cannot be read as it came; raises one of `UNREADABLE`."""
    try:
        return msgspec.json.decode(content, type=kind)
    except UNREADABLE:
        return msgspec.json.decode(repaired(content), type=kind)


def repaired(content: bytes) -> bytes:
    """Repair what a strict parser refuses in JSON, and cut off what is nested deeper than `MOST_DEPTH`.

    Half a surrogate pair becomes U+FFFD, a bare control character its escape, `NaN` and `Infinity` become null; a byte
    order mark is removed. What is broken otherwise stays so: nobody can say what a text in another encoding was.
    """
    if len(content) > MOST_BYTES:
        return content
    legible = TEXT.sub(lambda text: _repaired_text(text[0]), content.removeprefix(codecs.BOM_UTF8))
    return _flattened(NO_NUMBER.sub(lambda part: part[1] or b"null", legible))


def _repaired_text(text: bytes) -> bytes:
    text = CONTROL.sub(lambda found: b"\\u%04x" % found[0][0], text)
    return ESCAPE.sub(_whole, text) if b"\\u" in text else text


def _whole(escape: re.Match[bytes]) -> bytes:
    return REPLACEMENT if len(escape[0]) == HALF else escape[0]


def _flattened(content: bytes) -> bytes:
    """The JSON with null in place of what is nested too deep."""
    kept, begin, depth = [], 0, 0
    for part in PART.finditer(content):
        if part[0] in b"[{":
            depth += 1
            if depth == MOST_DEPTH + 1:
                kept.append(content[begin : part.start()])
        elif part[0] in b"]}":
            if depth == MOST_DEPTH + 1:
                kept.append(b"null")
                begin = part.end()
            depth -= 1
    return b"".join([*kept, content[begin:]]) if kept else content
