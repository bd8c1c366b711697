"""What the checks find of parcels: everything for which the verdict holds one, and what only they find."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mfn.models import ParcelStatus
from mfn.quality.parcels import FACTS, PARCELS
from mfn.quality.runner import check
from mfn.rules.parcel_faults import REMEDIES
from mfn.rules.parcel_verdicts import IN_OTHER_PARCEL, SHIP_DATES, judge_parcels

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
GOOD: dict[str, Any] = {
    "order_number": "111-0000001-1000001",
    "is_amazon_label": False,
    "programs": None,
    "is_sfp": True,
    "parcels_of_order": 1,
    "status": "closed",
    "is_id_missing": False,
    "is_id_ambiguous": False,
    "is_order_known": True,
    "is_landed": True,
    "is_removed": False,
    "standing": "loaded",
    "is_cancelled": False,
    "is_shown": False,
    "decision": "",
    "message": "",
    "rule": "",
    "tracking_number": "1Z999AA10123456784",
    "carrier": "UPS",
    "carrier_code": "UPS",
    "carrier_name": None,
    "carrier_reason": "",
    "carrier_warning": "",
    "carrier_row": "",
    "is_carrier_accepted": True,
    "tracking_warning": "",
    "ship_date_warning": "",
    "ship_by": NOW + timedelta(hours=3),
    "is_late": False,
    "connection": "us",
    "package_reference_id": "1",
    "fault_codes": (),
}
NOT_CODED = {"carrier_code": None, "is_carrier_accepted": False}
HOLDING: dict[str, dict[str, Any]] = {
    **{code: {"fault_codes": (code,)} for code in REMEDIES if code != IN_OTHER_PARCEL},
    "shipment_id_missing": {"is_id_missing": True, "fault_codes": ("shipment_id_missing",)},
    "shipment_id_ambiguous": {"is_id_ambiguous": True, "fault_codes": ("shipment_id_ambiguous",)},
    "shipment_status_unknown": {"status": "manifested", "fault_codes": ("shipment_status_unknown",)},
    "text_too_long": {"fault_codes": ("text_too_long",)},
    "order_unknown": {"is_order_known": False, "is_landed": False, "fault_codes": ("order_unknown",)},
    "order_unknown, not landed": {"is_landed": False},
    "tracking_missing": {"tracking_number": None, "fault_codes": ("tracking_missing",)},
    "order_cancelled": {"is_cancelled": True},
    "carrier_missing": {"carrier": None, "carrier_reason": "carrier_missing", **NOT_CODED},
    "carrier_unlisted": {"carrier": "Bob's Vans", "carrier_reason": "carrier_unlisted", **NOT_CODED},
    "rule_hold": {"decision": "hold", "message": "ask first", "rule": "vans"},
}
"""Everything for which the verdict holds a parcel, as the columns say it."""
WARNING: dict[str, dict[str, Any]] = {
    "carrier_unlisted": {"carrier_code": "Other", "carrier_name": "Bob's Vans", "carrier_warning": "carrier_unlisted"},
    "tracking_unusual": {"tracking_warning": "its tracking number does not look like one of UPS"},
    "sfp_split": {"parcels_of_order": 2},
    **{code: {"ship_date_warning": code} for code in SHIP_DATES},
}
ONLY_THE_CHECKS: dict[str, dict[str, Any]] = {
    "carrier_not_accepted": {"is_carrier_accepted": False},
    "carrier_name_missing": {"carrier_code": "Other"},
    "package_reference_invalid": {"package_reference_id": "S-1"},
    "rule_fail": {"decision": "fail"},
    "ship_by_passed": {"is_late": True},
}


def parcels(*changes: dict[str, Any]) -> pd.DataFrame:
    rows = [GOOD | change | {"shipment_id": f"S{number}"} for number, change in enumerate(changes)]
    frame = pd.DataFrame(rows, index=range(100, 100 + 3 * len(rows), 3)).astype({"package_reference_id": "object"})
    return frame.assign(ship_by=pd.to_datetime(frame["ship_by"], utc=True))


def faults_of(frame: pd.DataFrame) -> pd.DataFrame:
    rows = [
        (shipment_id, code, "a detail", REMEDIES[code])
        for shipment_id, codes in zip(frame["shipment_id"], frame["fault_codes"], strict=True)
        for code in codes
    ]
    return pd.DataFrame(rows, columns=["shipment_id", "code", "detail", "remedy"])


def hits_of(frame: pd.DataFrame) -> dict[int, set[tuple[str, str]]]:
    report, hits = check([(PARCELS, frame)])
    assert [finding for finding in report.findings if finding.problem] == []
    found: dict[int, set[tuple[str, str]]] = {row: set() for row in frame.index}
    for row, code, severity in zip(hits["row"], hits["code"], hits["severity"], strict=True):
        found[row].add((code, severity))
    return found


def merged(*changes: dict[str, Any]) -> dict[str, Any]:
    """Several faults of one parcel."""
    together: dict[str, Any] = {}
    for change in changes:
        codes = together.get("fault_codes", ()) + change.get("fault_codes", ())
        together |= change | ({"fault_codes": tuple(dict.fromkeys(codes))} if codes else {})
    return together


def test_good_parcels_are_hit_by_nothing() -> None:
    good = parcels({}, {"is_sfp": False, "parcels_of_order": 4}, {"ship_by": None})
    assert list(hits_of(good).values()) == [set(), set(), set()]


@pytest.mark.parametrize("fault", sorted(HOLDING))
def test_everything_for_which_the_verdict_holds_a_parcel_is_found_by_the_checks(fault: str) -> None:
    frame = parcels({}, HOLDING[fault], {})
    verdicts = judge_parcels(frame, faults_of(frame))
    assert [verdict.status for verdict in verdicts] == [ParcelStatus.PENDING, ParcelStatus.HELD, ParcelStatus.PENDING]
    assert [reason.code for reason in verdicts[1].reasons] == [fault.split(",", maxsplit=1)[0]]
    good, bad, other = hits_of(frame).values()
    assert bad == {(reason.code, "critical") for reason in verdicts[1].reasons}
    assert (good, other) == (set(), set())


@pytest.mark.parametrize("fault", sorted(WARNING))
def test_every_warning_of_the_verdict_is_found_and_holds_nothing(fault: str) -> None:
    frame = parcels({}, WARNING[fault])
    verdicts = judge_parcels(frame, faults_of(frame))
    assert [reason.code for reason in verdicts[1].warnings] == [fault]
    assert list(hits_of(frame).values()) == [set(), {(fault, "warning")}]


@pytest.mark.parametrize("fault", sorted(ONLY_THE_CHECKS))
def test_what_only_the_checks_look_at_is_found(fault: str) -> None:
    severity = "warning" if fault == "ship_by_passed" else "critical"
    assert list(hits_of(parcels({}, ONLY_THE_CHECKS[fault])).values()) == [set(), {(fault, severity)}]


def test_every_rule_is_broken_by_a_case_of_this_file() -> None:
    cases = {code.split(",", maxsplit=1)[0] for code in (*HOLDING, *WARNING, *ONLY_THE_CHECKS)}
    assert {rule.code for rule in PARCELS.rules if rule.facts} == cases


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.tuples(
            st.lists(st.sampled_from(sorted(HOLDING)), unique=True, max_size=3),
            st.lists(st.sampled_from(sorted(WARNING)), unique=True, max_size=2),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_a_parcel_is_held_exactly_when_a_critical_rule_hits_it(planted: list[tuple[list[str], list[str]]]) -> None:
    frame = parcels(
        *(
            merged(*(WARNING[fault] for fault in warnings), *(HOLDING[fault] for fault in holding))
            for holding, warnings in planted
        )
    )
    hits = hits_of(frame)
    for row, verdict in zip(frame.index, judge_parcels(frame, faults_of(frame)), strict=True):
        critical = {code for code, severity in hits[row] if severity == "critical"}
        assert bool(critical) == (verdict.status == ParcelStatus.HELD)
        assert {reason.code for reason in verdict.reasons} <= critical


def test_a_missing_column_is_a_rule_that_could_not_run() -> None:
    report, hits = check([(PARCELS, parcels({}).drop(columns="is_landed"))])
    assert "The ledger has the order as Amazon sent it" in {finding.meaning for finding in report.not_run}
    assert hits.empty


def test_no_fact_of_a_parcel_is_a_buyers() -> None:
    read = {column for fact in FACTS.values() for column in fact.columns}
    assert not {name for name in read if any(word in name for word in ("ship_to", "address", "phone", "email", "city"))}
    assert read <= set(GOOD)
