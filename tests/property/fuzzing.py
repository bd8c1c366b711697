"""What the fuzzers have in common: mutations of what is well formed, and how long they go on.

The suite tries the same few each time; `make fuzz` (MFN_FUZZ=1) many times as many, others each time.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from mfn.errors import MfnError

if TYPE_CHECKING:
    from collections.abc import Callable

Read = TypeVar("Read")

IS_LONG = bool(os.environ.get("MFN_FUZZ"))
DEEP = 3_000

texts = st.text(
    st.characters() | st.sampled_from("\x00\x1b\x9b\u202e\u2028\ud800\udc00\r\n\t,;\"'\\<>&=+-@%/.:#*!|[]{}"),
    max_size=40,
)
odd_texts = st.sampled_from(
    ("", " ", "=1+1", "../../x", "<script>", "'; --", "NaN", "1e999", "null", "\x00", "\ud83d", "x" * 300, "x" * 20_000)
)
odd_numbers = st.sampled_from((0, -1, 10**30, -(10**30), 2**63, 1.5, 1e308, float("nan"), float("inf"), -float("inf")))
odd_times = st.sampled_from(
    (
        "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "10000-01-01T00:00:00Z", "2026-02-30T00:00:00Z",
        "2026-11-29", "2026-11-29T24:00:00Z", "1970-01-01T00:00:00", "now", "1600-01-01T00:00:00Z",
    )
)  # fmt: skip
leaves = st.none() | st.booleans() | st.integers() | texts | odd_texts | odd_numbers | odd_times
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=6
)


def many(examples: int) -> settings:
    """So many examples in the suite, a hundred times as many in `make fuzz`."""
    return settings(
        max_examples=examples * 100 if IS_LONG else examples,
        deadline=None,
        derandomize=not IS_LONG,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


def outcome(read: Callable[[], Read], refusal: type[MfnError] = MfnError) -> tuple[Read | None, str]:
    """What was read, and why it was refused; any other exception is a find."""
    try:
        return read(), ""
    except refusal as error:
        return None, error.message


@st.composite
def mutated(draw: st.DrawFn, whole: Any, *, most: int = 3) -> Any:
    """Something well formed with a few places of it replaced, taken out, doubled or renamed."""
    document = json.loads(json.dumps(whole))
    for _ in range(draw(st.integers(0, most))):
        places = list(_places(document))
        if not places:
            break
        node, key = draw(st.sampled_from(places))
        deed = draw(st.sampled_from(("replace", "replace", "replace", "remove", "double", "rename")))
        if deed == "replace":
            node[key] = draw(values)
        elif deed == "remove":
            del node[key]
        elif isinstance(node, list):
            node.append(node[key])
        elif deed == "double":
            node[key] = [node[key], node[key]]
        else:
            node[draw(texts)] = node.pop(key)
    return document


@st.composite
def mutated_bytes(draw: st.DrawFn, whole: Any, *, most: int = 3) -> bytes:
    """The JSON text of something mutated, itself mutated now and then: bytes replaced, cut out, doubled or nested."""
    text = json.dumps(draw(mutated(whole, most=most)), ensure_ascii=draw(st.booleans()))
    raw = text.encode(errors="surrogatepass")
    deed = draw(st.sampled_from(("none", "none", "none", "flip", "cut", "end", "double", "nest", "mark")))
    if deed == "none" or not raw:
        return raw
    start = draw(st.integers(0, len(raw) - 1))
    end = draw(st.integers(start, min(len(raw), start + 50)))
    return {
        "flip": raw[:start] + draw(st.binary(max_size=3)) + raw[start + 1 :],
        "cut": raw[:start] + raw[end:],
        "end": raw[:start],
        "double": raw[:end] + raw[start:],
        "nest": raw[:start] + b"[" * DEEP + raw[start:],
        "mark": b"\xef\xbb\xbf" + raw,
    }[deed]


def _places(node: Any) -> Any:
    keys = list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
    for key in keys:
        yield node, key
        yield from _places(node[key])
