"""YAML that people edit: limited in length, in depth and in what its aliases expand to; faults come with their line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    NodeEvent,
    ScalarEvent,
)

from mfn.errors import Problem
from mfn.plain_text import shortened

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

MOST_CHARACTERS = 256 * 1024
MOST_DEPTH = 20
MOST_NODES = 100_000
"""Keys, values and lists; those behind an alias count each time it is used."""


def parse_yaml(text: str, shown: str, *, remedy: str = "") -> Any:
    """A document as ruamel.yaml returns it, with the line of every key; or what is wrong with it.

    Args:
        text: The text.
        shown: The file's name in messages.
        remedy: What to do if the text is not YAML.

    Returns:
        The document, or a `Problem`.
    """
    if len(text) > MOST_CHARACTERS:
        message = f"is {len(text)} characters long; the limit is {MOST_CHARACTERS}."
        return Problem(shown, None, None, message, "Remove what is not needed.")
    try:
        return _too_much(text, shown) or YAML().load(text)
    except MarkedYAMLError as error:
        # ruamel's message about a key that occurs twice shows both values, and these may be passwords.
        said = (error.problem or error.context or "").partition(" with value ")[0]
        line = error.problem_mark.line + 1 if error.problem_mark else None
        return Problem(shown, line, None, f"is not valid YAML: {said}.", remedy)
    except YAMLError as error:
        return Problem(shown, None, None, f"is not valid YAML: {str(error).splitlines()[0]}.", remedy)
    except TypeError:
        line = next(
            (place for place, row in enumerate(text.split("\n"), start=1) if row.lstrip(" -{[").startswith("?")), None
        )
        return Problem(shown, line, None, "has a mapping as a key, after a ?.", "Write a text.")
    except (ValueError, OverflowError):
        return _no_value(text, shown)


def _too_much(text: str, shown: str) -> Problem | None:
    """What would take a reader too long, or is not a text, number, time, list or mapping."""
    sizes: dict[str | None, int] = {}
    open_nodes: list[tuple[str | None, int]] = []
    nodes = 0
    for event in YAML().parse(text):
        if isinstance(event, CollectionEndEvent):
            anchor, before = open_nodes.pop()
            sizes[anchor] = nodes - before
        if not isinstance(event, NodeEvent):
            continue
        if fault := _fault(event, sizes, [anchor for anchor, _ in open_nodes], nodes):
            return Problem(shown, event.start_mark.line + 1, None, *fault)
        if isinstance(event, CollectionStartEvent):
            open_nodes.append((event.anchor, nodes))
        nodes += sizes[event.anchor] if isinstance(event, AliasEvent) else 1
        if isinstance(event, ScalarEvent):
            sizes[event.anchor] = 1
    return None


def _fault(
    event: Any, sizes: Mapping[str | None, int], around: Sequence[str | None], nodes: int
) -> tuple[str, str] | None:
    if isinstance(event, AliasEvent):
        if event.anchor not in sizes:
            return f"*{event.anchor} is used inside itself or before its &.", "Write it out."
    elif event.anchor is not None and (event.anchor in sizes or event.anchor in around):
        return f"&{event.anchor} appears twice.", "Give each its own name."
    if nodes > MOST_NODES:
        return f"expands to more than {MOST_NODES} keys and values.", "An alias counts as everything it refers to."
    if getattr(event, "tag", None):
        return f"the tag {event.tag} cannot be used.", "Remove it."
    if len(around) >= MOST_DEPTH and isinstance(event, CollectionStartEvent):
        return f"is nested deeper than {MOST_DEPTH} levels.", "Indent less."
    return None


def _no_value(text: str, shown: str) -> Problem:
    """The value that looks like a number or a time and is not one."""
    for line, value in _plain_values(text):
        try:
            YAML().load(value)
        except (ValueError, OverflowError, YAMLError):
            message = f"{shortened(value, 40)!r} looks like a number or a time, but is not a valid one."
            return Problem(shown, line, None, message, "Correct it; put a text in quotation marks.")
    return Problem(shown, None, None, "has an invalid number or time.", "Correct it.")


def _plain_values(text: str) -> Iterator[tuple[int, str]]:
    for event in YAML().parse(text):
        if isinstance(event, ScalarEvent) and event.style in {None, ""}:
            yield event.start_mark.line + 1, event.value
