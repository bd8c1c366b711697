"""rules.yaml: what is read of it, and every fault of it told with its line, its key and what to write instead."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mfn.mappings import load_mappings
from mfn.mappings.rules_file import read_rules
from mfn.rules.fields import EVENTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from mfn.errors import Problem
    from mfn.rules.rule import Rule

    Read = Callable[[str], tuple[dict[str, tuple[Rule, ...]], list[Problem]]]

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden" / "rules_errors.txt"
ACCEPTED = ("UPS", "FedEx", "Royal Mail", "Other")

WRONG = """\
# A comment
order.import:
  - name: No such field
    when: order.service_lvl == "STANDARD" and order.recipient_name == "x"
    then:
      - set: {order.ship_method_code: GROUND}
  - name: No such field
    when: order.is_sfp
    then:
      - set: {order.is_sfp: false, order.ship_methode_code: GROUND, order.ship_method_code: 12}
      - hold: ""
      - set: {order.requires_signature: true}
  - when: order.units > "3"
    then: hold
    priority: 1
  - just a text
shipment.notification:
  - name: A pattern
    enabled: perhaps
    when: shipment.tracking_number =~ "^1Z(?!999)"
    then:
      - set: {shipment.carrier_code: Ups, shipment.carrier_name: A name that is longer than fifty characters can hold}
      - set: {shipment.carrier_code: Nobody's, shipment.shipped_at: yesterday}
      - release: true
      - {hold: a, skip: b}
      - stop: false
  - name: [1]
    when: 5
    then: []
  - name: Computes too much
    when: 9**9**9 > 1 or $range(9) == [x for x in order.skus]
    then:
      - skip
inventory.push:
  - name: Buffer
    when: stock.sku.begins_with("A") or stock.sku in []
    then:
      - set: {stock.buffer_units: 1.5, stock.buffer_percent: 101, stock.minimum_units: -1, stock.available: 3}
      - set: {stock.maximum_units: null, stock.minimum_units: null}
      - fail: 12
shipment.notifications: []
"""

RIGHT = """\
order.import:
  - name: Costly orders are signed for
    when: order.value >= 500 and order.currency_code == "USD"
    then:
      - set: {order.requires_signature: true, order.ship_method_code: SIGNED}
      - stop: true
  - name: Nothing to Alaska yet
    enabled: false
    when: >-
      "PREMIUM" in order.programs and order.state in ["AK", "HI"]
    then:
      - hold: "Ask the carrier: no rate"
shipment.notification:
  - name: Everything
    when: true
    then:
      - set:
          shipment.carrier_code: Royal Mail
          shipment.shipped_at: 2026-11-27T08:00:00
          shipment.service: null
      - set: {shipment.carrier_name: Royal Mail}
      - fail: Not today
inventory.push:
  - name: Mugs break
    when: stock.sku.starts_with("MUG-")
    then:
      - set: {stock.buffer_units: 2, stock.buffer_percent: 2.5, stock.maximum_units: null}
"""


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def write_and_read(text: str) -> tuple[dict[str, tuple[Rule, ...]], list[Problem]]:
        path = tmp_path / "rules.yaml"
        path.write_text(text, encoding="utf-8")
        return read_rules(path, "mappings/rules.yaml", accepted_carriers=ACCEPTED)

    return write_and_read


def test_every_fault_is_reported_at_once_with_its_line_its_key_and_what_to_write_instead(read: Read) -> None:
    _, problems = read(WRONG)
    expected = sorted(problems, key=lambda problem: (problem.line or 0, problem.column or ""))
    assert "".join(f"{problem}\n" for problem in expected) == GOLDEN.read_text(encoding="utf-8")


def test_rules_are_read_in_their_order_with_their_actions(read: Read) -> None:
    rules, problems = read(RIGHT)
    assert problems == []
    costly, alaska = rules["order.import"]
    assert costly.changes == {"order.requires_signature": True, "order.ship_method_code": "SIGNED"}
    assert (costly.decision, costly.is_last, costly.is_enabled) == ("", True, True)
    assert (alaska.decision, alaska.message) == ("hold", "Ask the carrier: no rate")
    assert (alaska.is_last, alaska.is_enabled) == (True, False)
    (everything,) = rules["shipment.notification"]
    assert everything.changes == {
        "shipment.carrier_code": "Royal Mail",
        "shipment.shipped_at": datetime(2026, 11, 27, 8, tzinfo=UTC),
        "shipment.service": "",
        "shipment.carrier_name": "Royal Mail",
    }
    (mugs,) = rules["inventory.push"]
    assert mugs.changes == {"stock.buffer_units": 2, "stock.buffer_percent": 2.5, "stock.maximum_units": None}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('when: "PRIME" in order.programs', "after `when: >-`"),
        ("when: order.is_sfp: true", "after `when: >-`"),
        ("when: {}", "expected a condition, got a mapping with nothing"),
        ("when:", "expected a condition, got nothing"),
        ('when: order.state == "A #1"', "in YAML, # after a space begins a comment"),
    ],
)
def test_what_yaml_makes_of_a_condition_is_reported_with_the_way_to_write_it(
    read: Read, line: str, expected: str
) -> None:
    _, (problem,) = read(f"order.import:\n  - name: One\n    {line}\n    then:\n      - stop: true\n")
    assert problem.line == 3
    assert expected in str(problem)


def test_a_carrier_code_has_to_be_one_of_amazon_s_where_its_list_is_known(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(RIGHT.replace("carrier_code: Royal Mail", "carrier_code: ROYALMAIL"), encoding="utf-8")
    _, (problem,) = read_rules(path, "rules.yaml", accepted_carriers=ACCEPTED)
    assert "Did you mean Royal Mail?" in problem.remedy
    assert read_rules(path, "rules.yaml", accepted_carriers=())[1] == []


def test_the_same_name_may_be_used_under_two_events_but_not_twice_under_one(read: Read) -> None:
    one = "  - name: Same\n    when: true\n    then:\n      - stop: true\n"
    assert read(f"order.import:\n{one}inventory.push:\n{one}")[1] == []
    _, (problem,) = read(f"order.import:\n{one}{one}")
    assert (problem.line, problem.column) == (6, "order.import[1].name")
    assert "lines 2 and 6" in problem.message


def test_what_a_merge_brings_is_read_and_its_faults_are_reported_where_it_is_written(read: Read) -> None:
    one = "  - &one\n    name: One\n    when: order.unit > 1\n    then: [{set: &code {order.ship_method_code: 12}}]\n"
    _, problems = read(f"order.import:\n{one}  - <<: *one\n    name: Two\n    then: [{{set: {{<<: *code}}}}]\n")
    assert sorted(problem.line or 0 for problem in problems) == [4, 5, 6, 8]
    rules, problems = read(
        f"order.import:\n{one}  - <<: *one\n    name: Two\n".replace("unit ", "units ").replace("12", "A")
    )
    assert problems == []
    assert [rule.changes for rule in rules["order.import"]] == [{"order.ship_method_code": "A"}] * 2


def test_two_rules_of_one_name_are_reported_although_they_are_on_one_line(read: Read) -> None:
    one = "{name: Same, when: true, then: [{stop: true}]}"
    _, (problem,) = read(f"order.import: [{one}, {one}]\n")
    assert problem.column == "order.import[1].name"


def test_mappings_have_the_rules_of_every_event_and_none_without_a_file(tmp_path: Path) -> None:
    header = "connection,program,service_level,marketplace,warehouse_code,note\n"
    (tmp_path / "shipping_methods.csv").write_text(header, encoding="utf-8")
    assert load_mappings(tmp_path).rules == dict.fromkeys(EVENTS, ())
    (tmp_path / "rules.yaml").write_text(RIGHT, encoding="utf-8")
    assert {event: len(rules) for event, rules in load_mappings(tmp_path).rules.items()} == dict(
        zip(EVENTS, (2, 1, 1), strict=True)
    )


def test_without_a_rule_the_grammar_of_conditions_is_not_loaded() -> None:
    program = (
        "import sys; from pathlib import Path; from mfn.mappings import load_mappings;"
        "load_mappings(Path('mappings')); sys.exit('rule_engine' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
