"""Regular expressions in rules: they say what people expect of them, and none can hang a run or fill the memory."""

from __future__ import annotations

from typing import Any

import pytest

from mfn.rules.condition_words import ConditionError
from mfn.rules.conditions import MOST_CHARACTERS, read_condition
from mfn.rules.fields import EVENTS

FIELDS = EVENTS["shipment.notification"]
RECORD: dict[str, Any] = {
    **dict.fromkeys(FIELDS),
    "shipment.carrier": "FEDEX HOME DELIVERY",
    "shipment.tracking_number": "794612345678",
    "shipment.units": 3,
    "order.is_sfp": True,
}


def holds(text: str, **changes: Any) -> bool:
    condition = read_condition(text, FIELDS)
    record = RECORD | {f"shipment.{name}": value for name, value in changes.items()}
    return condition.holds({name: field.read(record[name]) for name, field in condition.reads.items()})


def faults(text: str) -> str:
    with pytest.raises(ConditionError) as caught:
        read_condition(text, FIELDS)
    return " ".join(f"{message} {remedy}" for message, remedy in caught.value.faults)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('shipment.carrier =~ "FEDEX"', True),
        ('shipment.carrier =~ "HOME"', False),
        ('shipment.carrier =~~ "HOME"', True),
        ('shipment.carrier !~ "HOME"', True),
        ('shipment.carrier !~~ "HOME"', False),
        ('shipment.carrier =~ ".*DELIVERY$"', True),
        ('shipment.carrier =~ "(?i)fedex (home|ground)"', True),
        (r'shipment.tracking_number =~ r"\d{12}\z"', True),
        (r"shipment.tracking_number =~ r'\d{11}\z'", False),
        ('shipment.carrier.as_lower =~ "fedex"', True),
        ('(shipment.carrier =~ "UPS") == false', True),
        ('not shipment.carrier =~ "UPS"', True),
        ('order.is_sfp and shipment.carrier =~ "FEDEX" or shipment.units > 5', True),
        ('shipment.carrier =~ "FEDEX" and shipment.tracking_number =~ "1Z"', False),
        ('shipment.carrier =~ "<1>" or shipment.tracking_number =~ "7946"', True),
        ('shipment.carrier == "<0>" or shipment.carrier =~ "UPS"', False),
        ('shipment.service =~ "^$"', True),
        ('shipment.service !~ "x"', True),
        ('shipment.shipped_at.weekday =~ "F"', False),
        ('shipment.shipped_at.weekday !~ "F"', True),
    ],
)
def test_a_pattern_says_what_people_expect(text: str, expected: bool) -> None:
    assert holds(text) is expected


@pytest.mark.parametrize(
    "pattern", ["^(a+)+$", "^(a|aa)+$", "^(a|a?)+$", "(.*a){20}", "(x+x+)+y", "^(([a-z])+.)+[A-Z]([a-z])+$"]
)
def test_a_pattern_that_would_run_for_ever_has_its_answer(pattern: str) -> None:
    text = "a" * 40_000 + "!"
    assert holds(f'shipment.carrier =~ "{pattern}"', carrier=text) == (pattern == "(.*a){20}")
    assert holds(f'shipment.carrier !~~ "{pattern}"', carrier="x" * 40_000) is True


@pytest.mark.parametrize(
    "pattern", ["((a{100}){100}){100}", "a{1001}", "(((a{30}){30}){30}){30}", r"(\pL{900}){1,900}"]
)
def test_a_pattern_that_would_fill_the_memory_is_refused(pattern: str) -> None:
    assert "is not a valid pattern: " in faults(f'shipment.carrier =~ r"{pattern}"')


@pytest.mark.parametrize("pattern", [r"(a)\1", "a(?=b)", "a(?!b)", "(?<=a)b", "(?<!a)b", "(", "[", "a**", r"a\Z", "*"])
def test_what_re2_cannot_match_is_reported_with_what_to_do(pattern: str) -> None:
    message = faults(f'shipment.carrier =~ r"{pattern}"')
    assert f'r"{pattern}" is not a valid pattern: ' in message
    assert "`and` and `not`" in message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('"aaaa!" =~ "^(a+)+$"', "a field on the left"),
        ('("a" + "b") =~ "a"', "a field on the left"),
        ('"AAAA".as_lower =~ "a"', "a field on the left"),
        ('null =~ "a"', "a field on the left"),
        ('shipment.units =~ "3"', ""),
        ('order.programs =~ "PRIME"', ""),
        ("shipment.carrier =~ shipment.service", "=~ takes one text"),
        ("shipment.carrier =~ 5", "=~ takes one text"),
        ("shipment.carrier =~", "=~ takes one text"),
        ('=~ "a"', ""),
        ('shipment.carrier =~ "a" + "b"', "=~ takes one text"),
        ('shipment.carrier =~ "A".as_lower', "=~ takes one text"),
        ('shipment.carrier =~ "a" =~ "b"', "=~ takes one text"),
        ('shipment.carrier =~ ("a")', "=~ takes one text"),
        ('shipment.carrier =~ ["a"]', "=~ takes one text"),
        (r'shipment.carrier =~ "\d"', r'Write r"\d".'),
        (r'shipment.carrier =~ "\ud800"', "is not a valid pattern"),
        ('shipment.carrier =~ "' + "a" * MOST_CHARACTERS + '"', "characters long"),
    ],
)
def test_a_pattern_elsewhere_than_after_a_field_is_refused(text: str, message: str) -> None:
    assert message in faults(text)


def test_half_a_surrogate_in_a_text_breaks_no_pattern() -> None:
    assert holds('shipment.carrier =~~ "b"', carrier="a\ud800b")
