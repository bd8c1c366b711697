"""rules.yaml: read and checked as a whole, every fault with its line, its key and what to write instead."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from rapidfuzz import process, utils
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from mfn.errors import Problem
from mfn.file_faults import reading_fault, see_that_it_is_a_file
from mfn.plain_text import shortened
from mfn.rules.fields import EVENTS, unknown_field
from mfn.rules.rule import Rule
from mfn.yaml_text import parse_yaml

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

    from mfn.rules.conditions import Condition
    from mfn.rules.fields import Field
    from mfn.rules.rule import DecisionKind

KEYS = ("name", "enabled", "when", "then")
REQUIRED = ("name", "when", "then")
DECISIONS: tuple[DecisionKind, ...] = ("hold", "skip", "fail")
ACTIONS = ("set", *DECISIONS, "stop")
ONE_A_LINE = (
    "Write one action per line: `- set: {field: value}`, `- hold: why`, `- skip: why`, `- fail: why` or `- stop: true`."
)
CARRIER_CODE = "shipment.carrier_code"
MOST_RULES = 1_000
"""The most rules of one event: a thousand take two seconds to check, and every run reads them."""
MOST_CHARACTERS = 500
"""The longest name or message, which reports show."""
QUOTING = (
    "Put text with a colon or a # in quotation marks. Write a condition that contains quotation marks"
    " on the next line, after `when: >-`."
)


def read_rules(
    path: Path, shown: str, *, accepted_carriers: Collection[str]
) -> tuple[dict[str, tuple[Rule, ...]], list[Problem]]:
    """The rules of a file, as far as they can be read, and everything that is wrong with it.

    Args:
        path: The file; it exists.
        shown: The file's name in messages.
        accepted_carriers: Amazon's carrier codes that a rule may set; empty for any.

    Returns:
        The rules of every event in their order, and one problem for each fault.
    """
    reading = _Reading(shown, frozenset(accepted_carriers))
    document = _parsed(path, shown)
    rules: dict[str, tuple[Rule, ...]] = dict.fromkeys(EVENTS, ())
    if isinstance(document, Problem):
        reading.problems.append(document)
    elif isinstance(document, CommentedMap):
        for event in document:
            if reading.knows(document, event, EVENTS, str(event)):
                rules[event] = reading.rules_of(event, document)
    elif document is not None:
        reading.problems.append(Problem(shown, 1, None, f"expected a mapping with the keys {', '.join(EVENTS)}."))
    return rules, reading.problems


def _parsed(path: Path, shown: str) -> Any:
    try:
        see_that_it_is_a_file(path)
        return parse_yaml(path.read_text(encoding="utf-8-sig"), shown, remedy=QUOTING)
    except OSError as error:
        return Problem(shown, None, None, *reading_fault(path, error))
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        return Problem(shown, line, None, f"is not UTF-8 (byte {error.start + 1}).", "Save it as UTF-8.")


@dataclass
class _Actions:
    """The actions of the list under `then`."""

    changes: dict[str, Any] = field(default_factory=dict)
    decision: DecisionKind = ""
    message: str = ""
    is_last: bool = False


class _Reading:
    """One reading of a file, which collects the faults while the rules are read."""

    def __init__(self, shown: str, accepted_carriers: frozenset[str]) -> None:
        self.problems: list[Problem] = []
        self._shown = shown
        self._accepted_carriers = accepted_carriers

    def rules_of(self, event: str, document: CommentedMap) -> tuple[Rule, ...]:
        """The rules of one event."""
        entries = document[event]
        if entries is None:
            return ()
        if not isinstance(entries, CommentedSeq):
            self._add_problem(document, event, event, "expected a list of rules.", "Begin each rule with `- name: …`.")
            return ()
        if len(entries) > MOST_RULES:
            message = f"has {len(entries)} rules; the limit is {MOST_RULES}."
            self._add_problem(document, event, event, message, 'Combine several rules into one: field in ["…", "…"].')
            return ()
        rules: list[Rule] = []
        lines: dict[str, int] = {}
        for place, entry in enumerate(entries):
            where = f"{event}[{place}]"
            if not isinstance(entry, CommentedMap):
                self._add_problem(
                    entries, place, where, f"expected a mapping with {', '.join(KEYS)}, got {_short(entry)}."
                )
                continue
            for key in entry:
                self.knows(entry, key, KEYS, f"{where}.{key}")
            for key in REQUIRED:
                if key not in entry:
                    self._add_problem(entries, place, f"{where}.{key}", f"is missing; a rule has {', '.join(KEYS)}.")
            name = self._name(entry, where, lines) if "name" in entry else None
            rule = self._rule(entry, where, EVENTS[event], name)
            rules += [rule] if rule else []
        return tuple(rules)

    def knows(self, node: CommentedMap, key: Any, known: Iterable[str], where: str) -> bool:
        """Whether a key is known; records a fault if it is not."""
        names = list(known)
        if key not in names:
            near = process.extractOne(str(key), names, score_cutoff=75)
            remedy = f"Did you mean {near[0]}?" if near else ""
            self._add_problem(node, key, where, f"unknown key; valid keys are: {', '.join(names)}.", remedy)
        return key in names

    def _name(self, entry: CommentedMap, where: str, lines: dict[str, int]) -> str | None:
        """The name of a rule, recorded in `lines`; a repeated name is a fault."""
        name, line = self._text(entry, "name", where), _line(entry, "name")
        if name in lines:
            message = f"lines {lines[name]} and {line} have the same name {name!r}."
            self._add_problem(entry, "name", f"{where}.name", message, "Give each rule of an event its own name.")
        elif name:
            lines[name] = line
        return name

    def _rule(self, entry: CommentedMap, where: str, fields: Mapping[str, Field], name: str | None) -> Rule | None:
        """A rule; None if a part of it is missing or wrong, which is recorded as a fault."""
        is_enabled = entry.get("enabled", True)
        if not isinstance(is_enabled, bool):
            self._add_problem(
                entry, "enabled", f"{where}.enabled", f"expected true or false, got {_short(is_enabled)}."
            )
        condition = self._condition(entry, where, fields) if "when" in entry else None
        actions = self._actions(entry, where, fields) if "then" in entry else None
        if name is None or condition is None or actions is None:
            return None
        return Rule(name, condition, **vars(actions), is_enabled=is_enabled)

    def _condition(self, entry: CommentedMap, where: str, fields: Mapping[str, Field]) -> Condition | None:
        # Building its grammar takes the library 0.7 s: only if there is any rule.
        from mfn.rules.condition_words import ConditionError  # noqa: PLC0415 - see above
        from mfn.rules.conditions import read_condition  # noqa: PLC0415

        where = f"{where}.when"
        if isinstance(entry["when"], bool):
            return read_condition(str(entry["when"]).lower(), fields)
        if not isinstance(entry["when"], str):
            self._add_problem(entry, "when", where, f"expected a condition, got {_short(entry['when'])}.", QUOTING)
            return None
        try:
            return read_condition(entry["when"].strip(), fields)
        except ConditionError as error:
            for message, remedy in error.faults:
                self._add_problem(entry, "when", where, message, remedy)
            return None

    def _actions(self, entry: CommentedMap, where: str, fields: Mapping[str, Field]) -> _Actions | None:
        where, before = f"{where}.then", len(self.problems)
        steps, done = entry["then"], _Actions()
        if not isinstance(steps, CommentedSeq) or not steps:
            message = f"expected a list of actions, got {_short(steps)}."
            self._add_problem(entry, "then", where, message, ONE_A_LINE)
            return None
        for place, step in enumerate(steps):
            here = f"{where}[{place}]"
            if not isinstance(step, CommentedMap) or len(step) != 1:
                message = f"expected one action, got {_short(step)}."
                self._add_problem(steps, place, here, message, ONE_A_LINE)
                continue
            (action,) = step
            if not self.knows(step, action, ACTIONS, f"{here}.{action}"):
                continue
            if done.is_last:
                message = "is never reached: the rule ends before it."
                self._add_problem(
                    step, action, f"{here}.{action}", message, "Use one of hold, skip, fail or stop, and put it last."
                )
            elif action == "set":
                self._set(step, here, fields, done)
            else:
                self._end(step, action, here, done)
        return done if len(self.problems) == before else None

    def _end(self, step: CommentedMap, action: Any, where: str, done: _Actions) -> None:
        done.is_last = True
        if action != "stop":
            done.decision, done.message = action, self._text(step, action, where) or ""
        elif step[action] is not True:
            self._add_problem(step, action, f"{where}.stop", f"expected true, got {_short(step[action])}.")

    def _set(self, step: CommentedMap, where: str, fields: Mapping[str, Field], done: _Actions) -> None:
        where, values = f"{where}.set", step["set"]
        settable = [name for name, known in fields.items() if known.is_settable]
        if not isinstance(values, CommentedMap) or not values:
            message = f"expected fields and their values, got {_short(values)}."
            self._add_problem(step, "set", where, message, f"These can be set: {', '.join(settable)}.")
            return
        for name, value in values.items():
            known, here = fields.get(name), f"{where}.{name}"
            if known is None:
                self._add_problem(values, name, here, *unknown_field(str(name), settable))
            elif not known.is_settable:
                self._add_problem(values, name, here, "cannot be set.", f"These can be set: {', '.join(settable)}.")
            elif name in done.changes:
                self._add_problem(values, name, here, "is set twice by the same rule.", "Set it once.")
            elif refusal := known.refusal(value):
                is_number = known.kind == "text" and isinstance(value, int | float)
                self._add_problem(
                    values, name, here, refusal, f"Write '{value}' in quotation marks." if is_number else ""
                )
            elif name == CARRIER_CODE and value and self._accepted_carriers.isdisjoint((value,)):
                self._add_carrier_problem(values, name, here)
            else:
                done.changes[name] = known.read(value)

    def _add_carrier_problem(self, values: CommentedMap, name: str, where: str) -> None:
        if not self._accepted_carriers:
            return
        codes = sorted(self._accepted_carriers)
        near = process.extractOne(values[name], codes, processor=utils.default_process, score_cutoff=75)
        message = f"{values[name]!r} does not exactly match a code in accepted_carriers.csv."
        remedy = f"Did you mean {near[0]}?" if near else "Use a code from that file, or Other with a carrier_name."
        self._add_problem(values, name, where, message, remedy)

    def _text(self, node: CommentedMap, key: str, where: str) -> str | None:
        value = node[key]
        if isinstance(value, str) and len(value) > MOST_CHARACTERS:
            message = f"is {len(value)} characters long; the limit is {MOST_CHARACTERS}."
            self._add_problem(node, key, f"{where}.{key}", message, "Shorten it.")
            return None
        if isinstance(value, str) and value.strip():
            return value.strip()
        remedy = "Put it in quotation marks." if isinstance(value, int | float | date) else ""
        self._add_problem(node, key, f"{where}.{key}", f"expected text, got {_short(value)}.", remedy)
        return None

    def _add_problem(
        self, node: CommentedMap | CommentedSeq, key: Any, where: str, message: str, remedy: str = ""
    ) -> None:
        self.problems.append(Problem(self._shown, _line(node, key), where, message, remedy))


def _line(node: CommentedMap | CommentedSeq, key: Any) -> int:
    try:
        place = node.lc.key(key) if isinstance(node, CommentedMap) else node.lc.item(key)
        return int(place[0]) + 1
    except (KeyError, TypeError):  # what a merge (<<) adds is on no line of this mapping
        return int(node.lc.line) + 1


def _short(value: Any) -> str:
    """A value of the file in a message."""
    if value is None:
        return "nothing"
    if isinstance(value, CommentedMap):
        return f"a mapping with {shortened(', '.join(map(str, value)), 100) or 'nothing'}"
    if isinstance(value, CommentedSeq):
        return "a list" if value else "an empty list"
    return str(value).lower() if isinstance(value, bool) else shortened(repr(value), 100)
