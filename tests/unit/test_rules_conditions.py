"""Conditions of rules: what they can say, what is refused when they are read, and that nothing absent breaks one."""

from __future__ import annotations

import ast
import warnings
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest

from mfn.rules.condition_words import ConditionError, refusing_lost_backslashes
from mfn.rules.conditions import MOST_CHARACTERS, read_condition
from mfn.rules.fields import EVENTS

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
FIELDS = EVENTS["shipment.notification"] | EVENTS["order.import"]
RECORD: dict[str, Any] = {
    **dict.fromkeys(FIELDS),
    "now": pd.Timestamp(NOW),
    "shipment.carrier": "FEDEX HOME DELIVERY",
    "shipment.units": 3,
    "order.programs": ("PRIME", "PREMIUM"),
    "order.is_sfp": True,
    "order.ship_by": pd.Timestamp(NOW + timedelta(hours=3)),
    "order.value": Decimal("499.99"),
}
ABSENT: dict[str, Any] = dict.fromkeys(FIELDS)


def holds(text: str, record: dict[str, Any] = RECORD) -> bool:
    condition = read_condition(text, FIELDS)
    return condition.holds({name: field.read(record[name]) for name, field in condition.reads.items()})


def faults(text: str) -> list[str]:
    with pytest.raises(ConditionError) as caught:
        read_condition(text, FIELDS)
    return [f"{message} {remedy}" for message, remedy in caught.value.faults]


@pytest.mark.parametrize(
    "text",
    [
        'shipment.carrier == "FEDEX HOME DELIVERY"',
        'shipment.carrier.contains("HOME")',
        '"HOME" in shipment.carrier',
        'shipment.carrier.starts_with("FEDEX")',
        'shipment.carrier.ends_with("DELIVERY")',
        'shipment.carrier.as_lower.starts_with("fedex")',
        'shipment.carrier in ["UPS", "FEDEX HOME DELIVERY"]',
        'order.programs.contains("PRIME")',
        '"PREMIUM" in order.programs and not ("AMAZON_BUSINESS" in order.programs)',
        "order.programs.length == 2",
        "order.is_sfp and shipment.units >= 3",
        "shipment.units in [1, 2, 3]",
        "shipment.units * 2 - 1 > 4.5",
        "order.value < 500",
        'order.ship_by - now < t"PT6H"',
        'order.ship_by > d"2026-11-27" and order.ship_by < d"2026-11-28T00:00:00Z"',
        'now.weekday == "Friday" and now.hour == 12',
        "order.is_business == false",
        "true",
    ],
)
def test_a_condition_says_what_a_warehouse_wants_to_say(text: str) -> None:
    assert holds(text)
    assert not holds(f"not ({text})")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('order.ship_by < d"2026-11-27"', False),
        ('order.ship_by > d"2026-11-27"', False),
        ("order.ship_by <= order.deliver_by", False),
        ("not order.ship_by < now", True),
        ("(order.ship_by < now) == false", True),
        ("order.ship_by < now or not order.is_sfp", True),
        ("order.ship_by == null and order.value == null", True),
        ("null != order.ship_by", False),
        ("order.ship_by.hour < 12", False),
        ("order.ship_by.hour != 12", True),
        ("order.ship_by - now == null", False),
        ("order.ship_by.hour == null", False),
        ('shipment.service == "" and shipment.service == null', True),
        ("shipment.service != null", False),
        ('shipment.service.starts_with("A")', False),
        ('shipment.service.as_lower != "ground"', True),
        ('order.programs.contains("PRIME")', False),
        ("shipment.units / shipment.parcels_of_order > 1", False),
        ("order.value in [1, 2]", False),
    ],
)
def test_what_is_absent_breaks_no_condition_and_a_comparison_with_it_is_false(text: str, expected: bool) -> None:
    assert holds(text, ABSENT) is expected


@pytest.mark.parametrize(
    ("text", "record"),
    [
        ("shipment.units / shipment.parcels_of_order > 1", {"shipment.parcels_of_order": 0}),
        ('now + t"P999999999D" > now', {}),
    ],
)
def test_what_cannot_be_computed_makes_the_comparison_false(text: str, record: dict[str, Any]) -> None:
    assert holds(text, RECORD | record) is False


def test_a_condition_names_the_fields_that_it_reads_once_each() -> None:
    text = 'order.ship_by - now < t"PT6H" and shipment.carrier.as_lower == "ups" or shipment.carrier == "UPS"'
    assert list(read_condition(text, FIELDS).reads) == ["order.ship_by", "now", "shipment.carrier"]


@pytest.mark.parametrize(
    "text",
    [
        "9**9**9 > 1",
        "1 << 999999999 > 1",
        "5 // 2 == 2",
        "$range(1000000000).length > 1",
        '$map($split, ["a"]) == []',
        '[x for x in order.programs] == ["a"]',
        "[[1 for y in order.skus] for x in order.skus] == []",
        '["a"][1e999999999] == "a"',
        "1e999999999 > 1",
        "0xffff == 1",
        "inf > 1",
        'order.skus[0] == "A"',
        'shipment.carrier[:3] == "UPS"',
        'shipment.carrier&[0] == "U"',
        '{"a": 1}["a"] == 1',
        'shipment.carrier.encode("utf-8") == b"x"',
        'shipment.carrier.__class__ == "x"',
        "shipment.__class__ == null",
        "order.units.to_int == 1",
        "$__builtins__ == null",
        'shipment.carrier ? "a" == "a" : "b" == "b"',
        'shipment.carrier ?? "a" == "a"',
        "-" * 400 + "1 > 0",
        "-order.units < 0",
        "(" * 300 + "true",
        "[" * 400,
        "shipment.units() > 1",
    ],
)
def test_what_could_loop_grow_or_reach_further_is_refused(text: str) -> None:
    assert faults(text)


def test_the_longest_condition_is_read_and_a_longer_one_refused() -> None:
    text = "order.is_sfp".ljust(MOST_CHARACTERS)
    assert holds(text)
    assert "501 characters" in faults(text + " ")[0]


@pytest.mark.parametrize("text", ["not " * 120 + "order.is_sfp", "(" * 240 + "order.is_sfp" + ")" * 240])
def test_any_depth_within_the_longest_condition_works(text: str) -> None:
    assert holds(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('shipment.carier == "UPS"', "Did you mean shipment.carrier?"),
        ('carrier == "UPS"', "Did you mean shipment.carrier?"),
        ('order.carrier == "UPS"', "Did you mean shipment.carrier?"),
        ("units > 1", "Did you mean shipment.units or order.units?"),
        ("order == null", "The fields are: order.order_id, "),
        ('buyer.zip == "x"', "The fields are: connection, now, shipment.shipment_id, "),
        ('order.recipient_name == "x"', "The fields are: order.order_id, "),
        ('order.city == "x"', "The fields are: order.order_id, "),
    ],
)
def test_an_unknown_field_is_reported_with_what_there_is_instead(text: str, message: str) -> None:
    (fault,) = faults(text)
    assert message in fault


def test_every_unknown_field_and_every_refused_word_of_a_condition_is_reported_at_once() -> None:
    found = faults("shipment.carier ** 2 and order.sfp")
    assert [fault.split(".")[0] for fault in found] == [
        "** is not supported",
        "there is no field shipment",
        "there is no field order",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('order.units > "3"', "order.units is a number"),
        ('order.units == "3"', "order.units (a number) never equals 3 (text)"),
        ("shipment.carrier == true", "shipment.carrier (text) never equals true or false"),
        ('order.programs == "PRIME"', "never equals"),
        ('shipment.carrier in ["UPS", 1]', "only text or only numbers"),
        ("shipment.carrier in []", "only text or only numbers"),
        ("shipment.carrier in [1, 2]", "shipment.carrier (text) is never in a list of numbers"),
        ("order.units in order.programs", "order.units (a number) is never in order.programs"),
        ("order.units and order.is_sfp", "order.units (a number) is not a condition"),
        ("not shipment.carrier", "shipment.carrier (text) is not a condition"),
        ("order.units", "is order.units (a number), expected a condition"),
        ("shipment.carrier.starts_with", "without its brackets"),
        ("shipment.carrier.starts_with(5)", "starts_with takes one text"),
        ("shipment.carrier.starts_with()", "starts_with takes one text"),
        ('shipment.carrier.begins("U")', "text has no begins. Allowed after the dot: contains, starts_with"),
        ("order.is_sfp == null", "order.is_sfp is never null"),
        ("order.ship_by - 6 < now", "order.ship_by is a time"),
        ('now > d"yesterday"', "'yesterday' is not a valid time"),
        ('now - now > t"6h"', "'6h' is not a valid duration"),
        ('shipment.carrier = "UPS"', "Write == to compare"),
        ('shipment.carrier == "UPS', "begin and end with the same quotation mark"),
        ('shipment.carrier == "UPS" & order.is_sfp', "Write and."),
        ('shipment.carrier == "UPS" and', "cannot be understood at its end"),
        ('shipment.carrier "UPS"', 'cannot be understood at "UPS"'),
        ('shipment.carrier == "\\d"', "backslash"),
        ("1 / 0 > 1", "cannot be computed"),
        ("", "cannot be understood"),
    ],
)
def test_a_mistake_is_reported_in_words_when_the_condition_is_read(text: str, message: str) -> None:
    assert message in " ".join(faults(text))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('order.state in "AKHI"', 'Write a list: order.state in ["AKHI", "…"].'),
        ('order.state not in "AK, HI"', 'Write a list: order.state in ["AK", "HI"].'),
        ('order.state.as_lower in r"ak|hi"', 'Write a list: order.state.as_lower in ["ak", "hi"].'),
        ('"AK, HI".contains(order.state)', 'Write field in ["…", "…"].'),
        ('order.programs == "PRIME"', 'order.programs.contains("…")'),
        ('order.programs in ["PRIME", "PREMIUM"]', 'order.programs.contains("…")'),
        ('order.state == ["AK", "HI"]', 'order.state in ["…", "…"]'),
        ('order.state == "AK" or "HI"', 'field in ["…", "…"]'),
        ('order.units > "5"', "Write a number without quotation marks"),
        ('order.state in ["AK", null]', 'For absent text, write "".'),
        ('shipment.carrier.as_lower == "UPS"', 'shipment.carrier.as_lower never is "UPS". Write "ups".'),
        ('shipment.carrier.as_lower != "UPS"', 'Write "ups".'),
        ('shipment.carrier.as_upper in ["DHL", "Ups"]', 'Write "UPS".'),
        ('shipment.carrier.as_upper.contains("Ups")', 'shipment.carrier.as_upper never has "Ups". Write "UPS".'),
        ('"Ups" in shipment.carrier.as_upper', 'Write "UPS".'),
        ('now.weekday == "friday"', "Write one of: Monday, "),
        ('now.weekday in ["Friday", "Samstag"]', 'there is no day of the week "Samstag"'),
        ('order.marketplace == "ATVPDKIKX0DER"', 'Write "US".'),
        ('order.marketplace in ["DE", "GB"]', 'Write "UK".'),
        ('order.country_code == "USA"', 'order.country_code is never "USA". Write two capital letters'),
        ('order.country_code in ["CA", "us"]', 'is never "us"'),
        ('order.currency_code != "Usd"', 'Write three capital letters, like "USD".'),
        ('order.state == "AK" and order.state == "HI"', 'Write order.state in ["AK", "HI"].'),
        ('order.state != "AK" or order.is_sfp or "HI" != order.state', 'Write order.state not in ["AK", "HI"].'),
        ("order.units == 1 and order.units == 2", "order.units can never be both 1 and 2."),
        ('"order.state" == "HI"', "Remove its quotation marks."),
        ('"HI" == "HI"', "reads no field"),
    ],
)
def test_what_fits_by_its_kinds_and_is_never_what_is_meant_is_refused_with_what_to_write(
    text: str, message: str
) -> None:
    (fault,) = faults(text)
    assert message in fault


@pytest.mark.parametrize(
    "text",
    [
        '"HOME" in shipment.carrier and shipment.service in shipment.carrier',
        '["UPS", "FEDEX HOME DELIVERY"].contains(shipment.carrier)',
        'order.programs == ["PRIME", "PREMIUM"]',
        'now.weekday.as_lower == "friday" and now.weekday.contains("day") and now.weekday =~ "Fri"',
        'shipment.carrier.as_lower != "ups" and not order.order_id == "a.b"',
        'order.marketplace != "A-NEW-ONE" and connection != "eu_2"',
        'order.country_code == null or order.country_code.starts_with("U")',
        'order.state != "AK" and order.state != "HI" or order.units == 1 or order.units == 2',
        'order.state != "AK" or (order.state != "HI" and order.is_sfp)',
        "not false",
    ],
)
def test_what_may_be_meant_is_not_refused(text: str) -> None:
    assert holds(text)


def test_of_what_python_warns_of_only_a_lost_backslash_is_refused() -> None:
    with refusing_lost_backslashes():
        warnings.warn("a socket was left open elsewhere", ResourceWarning, stacklevel=1)
        with pytest.raises((SyntaxError, Warning), match="escape sequence"):
            ast.literal_eval(r'"\d"')
