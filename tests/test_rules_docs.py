"""What mappings/README.md says of rules is what the code has; the examples that ship are rules that can be had."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mfn.mappings import load_mappings
from mfn.mappings.rules_file import ACTIONS, KEYS, read_rules
from mfn.rules.condition_kinds import AFTER_A_DOT
from mfn.rules.conditions import MOST_CHARACTERS, read_condition
from mfn.rules.fields import EVENTS
from mfn.rules.frames import address_frame, line_frame

if TYPE_CHECKING:
    from mfn.errors import Problem
    from mfn.rules.rule import Rule

ROOT = Path(__file__).parents[1]
SHIPPED = ROOT / "mappings" / "rules.yaml"
SECTION = (ROOT / "mappings" / "README.md").read_text(encoding="utf-8").split("\n## Rules\n")[1].split("\n## ")[0]
BODY, STOCK, CONDITIONS, FIELDS = re.split(r"\n### (?:Stock|Conditions|Fields)\n", SECTION)
ALL_FIELDS = {name: field for fields in EVENTS.values() for name, field in fields.items()}


def parsed(text: str, tmp_path: Path) -> tuple[dict[str, tuple[Rule, ...]], list[Problem]]:
    path = tmp_path / "rules.yaml"
    path.write_text(text, encoding="utf-8")
    accepted = load_mappings(ROOT / "mappings").accepted_carriers["carrier_code"]
    return read_rules(path, "rules.yaml", accepted_carriers=accepted.tolist())


def rows() -> dict[str, list[str]]:
    """The cells of the table of fields, by field."""
    cells = [row.strip("| ").split(" | ") for row in FIELDS.splitlines() if row.startswith("| `")]
    return {name.strip("`"): rest for name, *rest in cells}


def test_the_table_of_fields_is_exactly_what_rules_can_read_and_set() -> None:
    documented = rows()
    assert set(documented) == set(ALL_FIELDS)
    for name, (events, kind, meaning) in documented.items():
        having = [event for event, fields in EVENTS.items() if name in fields]
        settable = [event for event in having if EVENTS[event][name].is_settable]
        field = EVENTS[having[0]][name]
        assert meaning == field.meaning
        assert kind == f"{field.kind}{', absent' if field.is_optional else ''}"
        assert re.findall(r"`(\S+)`", events) == ([] if events == "every event" else having)
        assert re.findall(r"`(\S+)` ✎", events) == settable


def test_no_rule_sees_who_a_buyer_is() -> None:
    of_buyers = {*address_frame([]).columns, "gift_message", "customization_url", "address", "buyer", "recipient"}
    of_buyers -= {"order_id", "state", "country_code"}
    assert of_buyers.intersection(line_frame([]).columns)
    assert {name.rpartition(".")[2] for name in ALL_FIELDS}.isdisjoint(of_buyers)


def test_every_key_action_event_and_word_of_conditions_is_explained() -> None:
    for word in (*KEYS, *ACTIONS, *EVENTS):
        assert re.search(rf"\b{re.escape(word)}\b", BODY), word
    for word in {name for offered in AFTER_A_DOT.values() for name in offered}:
        assert re.search(rf"\.{word}\b", CONDITIONS), word
    assert f"{MOST_CHARACTERS} characters" in CONDITIONS


@pytest.mark.parametrize("span", re.findall(r"^\| [^|]+\| `([^`]+)`", CONDITIONS, flags=re.MULTILINE))
def test_every_condition_that_is_shown_can_be_written(span: str) -> None:
    assert read_condition(span, ALL_FIELDS).text == span


@pytest.mark.parametrize("block", re.findall(r"```yaml\n(.*?)```", SECTION, flags=re.DOTALL))
def test_every_rule_that_is_shown_can_be_had(block: str, tmp_path: Path) -> None:
    text = block
    if not block.startswith(tuple(EVENTS)):
        text = f"shipment.notification:\n  - name: Shown\n{block}    then:\n      - stop: true\n"
    rules, problems = parsed(text, tmp_path)
    assert problems == []
    assert sum(map(len, rules.values())) == text.count("- name: ")


def test_what_the_documents_say_of_stock_names_fields_that_rules_have() -> None:
    named = set(re.findall(r"`(stock\.\w+)", STOCK))
    assert named
    assert named <= EVENTS["inventory.push"].keys()


def test_the_rules_that_ship_do_nothing_until_somebody_takes_their_comment_signs_away(tmp_path: Path) -> None:
    text = SHIPPED.read_text(encoding="utf-8")
    assert not any(load_mappings(ROOT / "mappings").rules.values())
    rules, problems = parsed(re.sub(r"^#(?=  )", "", text, flags=re.MULTILINE), tmp_path)
    assert problems == []
    assert all(rules.values())
