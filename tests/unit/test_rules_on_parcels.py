"""What rules on parcels set and decide, and whose carrier is looked up again for it."""

from __future__ import annotations

from typing import Any

import pandas as pd

from mfn.rules.conditions import read_condition
from mfn.rules.fields import EVENTS
from mfn.rules.parcel_rules import EVENT, rule_parcels
from mfn.rules.rule import Rule

FIELDS = EVENTS[EVENT]
SHIPPED = pd.Timestamp("2026-11-02 09:00", tz="UTC")
PARCEL = {
    "carrier": "vans", "service": "", "tracking_number": "1Z", "shipped_at": SHIPPED, "carrier_code": "Other",
    "carrier_name": "vans", "shipping_method": None, "carrier_reason": "", "carrier_warning": "carrier_unlisted",
}  # fmt: skip
IDS = ["S-1", "S-2", "S-3"]
"""Of these the last is of an order that nobody knows, and so has no record."""


def rule(when: str, decision: Any = "", **changes: Any) -> Rule:
    message = "ask first" if decision else ""
    set_to = {f"shipment.{name}": value for name, value in changes.items()}
    return Rule("vans", read_condition(when, FIELDS), set_to, decision, message, is_last=bool(decision))


def normalized_to_ups(parcels: pd.DataFrame) -> pd.DataFrame:
    found = {"carrier_code": "UPS", "carrier_name": None, "shipping_method": parcels["service"].iloc[0]}
    found |= {"carrier_reason": "", "carrier_warning": ""}
    return pd.DataFrame([found] * len(parcels), index=parcels.index, dtype="object")


def ruled(*rules: Rule) -> pd.DataFrame:
    parcels = pd.DataFrame([PARCEL] * 3, index=[7, 3, 5], dtype="object").assign(shipment_id=IDS)
    parcels = parcels.astype({"shipped_at": "datetime64[us, UTC]"})
    known = parcels.iloc[:2]
    facts = {f"shipment.{name}": known[name] for name in ("shipment_id", *PARCEL) if f"shipment.{name}" in FIELDS}
    nothing = dict.fromkeys(FIELDS.keys() - facts.keys())
    records = pd.DataFrame(facts).assign(**nothing)
    return rule_parcels(rules, parcels, records, normalized_to_ups).set_index("shipment_id")


FIRST = 'shipment.shipment_id == "S-1"'
AS_IT_WAS = [*PARCEL.values(), "", "", ""]


def changed(found: pd.DataFrame) -> dict[str, Any]:
    """What of the first parcel is another than before; the others are as they were."""
    assert found.columns.tolist() == [*PARCEL, "decision", "message", "rule"]
    first, *others = found.to_numpy().tolist()
    assert others == [AS_IT_WAS, AS_IT_WAS]
    cells = zip(found.columns.tolist(), first, AS_IT_WAS, strict=True)
    return {name: value for name, value, before in cells if value != before}


def test_what_no_rule_sets_stays_as_it_is_and_nothing_is_decided() -> None:
    assert changed(ruled(rule('shipment.shipment_id == "S-9"', "hold"))) == {}


def test_what_the_warehouse_wrote_is_replaced_and_its_carrier_looked_up_again_only_if_set() -> None:
    later = SHIPPED + pd.Timedelta(hours=1)
    assert changed(ruled(rule(FIRST, tracking_number="1X", shipped_at=later))) == {
        "tracking_number": "1X",
        "shipped_at": later,
    }
    looked_up = {"carrier_code": "UPS", "carrier_name": None, "carrier_warning": ""}
    assert changed(ruled(rule(FIRST, carrier="ups"))) == {"carrier": "ups", "shipping_method": "", **looked_up}
    assert changed(ruled(rule(FIRST, service="Air"))) == {"service": "Air", "shipping_method": "Air", **looked_up}


def test_what_a_rule_says_of_the_outgoing_carrier_is_final() -> None:
    sent = {"carrier_code": "FedEx", "carrier_name": "Van", "shipping_method": "Slow"}
    assert changed(ruled(rule(FIRST, carrier="ups", **sent))) == {"carrier": "ups", "carrier_warning": "", **sent}
    assert changed(ruled(rule(FIRST, **sent))) == {"carrier_warning": "", **sent}
    assert changed(ruled(rule(FIRST, carrier_name="Van"))) == {"carrier_name": "Van"}


def test_what_a_rule_says_of_the_outgoing_carrier_is_final_even_if_it_was_so_before() -> None:
    same = {"carrier_code": "Other", "carrier_name": "vans"}
    assert changed(ruled(rule(FIRST, carrier="ups", **same))) == {
        "carrier": "ups",
        "shipping_method": "",
        "carrier_warning": "",
    }


def test_a_code_that_a_rule_sets_replaces_the_name_that_belonged_to_other() -> None:
    dropped = {"carrier_code": "FedEx", "carrier_name": None, "carrier_warning": ""}
    assert changed(ruled(rule(FIRST, carrier_code="FedEx"))) == dropped
    assert changed(ruled(rule(FIRST, carrier_code="Other"))) == {"carrier_warning": ""}


def test_what_is_decided_names_the_rule() -> None:
    decided = {"decision": "hold", "message": "ask first", "rule": "vans"}
    assert changed(ruled(rule(FIRST, "hold"))) == decided
