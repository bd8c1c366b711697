"""What becomes of a parcel, in which order its reasons stand and what fixes each; and the ship date that is sent."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pandas as pd
import pytest

from mfn.models import ParcelStatus, Reason
from mfn.rules.parcel_verdicts import MISSING_REMEDY, REMOVED, UNLISTED_REMEDY, Verdict, judge_parcels, ship_dates

ORDER = "111-0000001-1000001"
GOOD: dict[str, Any] = {
    "shipment_id": "S-1", "order_number": ORDER, "connection": "us", "programs": None, "standing": "loaded",
    "is_amazon_label": False, "is_shown": False, "is_sfp": False, "parcels_of_order": 1,
    "is_order_known": True, "is_landed": True, "is_removed": False, "is_cancelled": False,
    "decision": "", "message": "", "rule": "",
    "carrier": "UPS", "carrier_reason": "", "carrier_warning": "", "carrier_row": "",
    "tracking_warning": "", "ship_date_warning": "",
}  # fmt: skip
LABEL, SHOWN = {"is_amazon_label": True}, {"is_shown": True}
SHIP_PLUS = {"programs": "PRIME,FBM_SHIP_PLUS"}
ELSEWHERE = ("kit_in_other_parcel", "its kits are confirmed with S-2", "")
EMPTY = ("parcel_empty", "it has no line", "Write its lines.")
UNKNOWN = ("order_unknown", "wms_order has no such order", "Correct it.")
WRITTEN = {"carrier": "Bob's Vans", "carrier_row": ",Bob's Vans,,Other,Bob's Vans,,"}


def rule(decision: str) -> dict[str, str]:
    return {"decision": decision, "message": "ask first", "rule": "vans"}


def verdict(*faults: tuple[str, str, str], **parcel: Any) -> Verdict:
    columns = ["shipment_id", "code", "detail", "remedy"]
    found = pd.DataFrame([("S-1", *fault) for fault in faults] + [("S-9", *EMPTY)], columns=columns)
    (judged,) = judge_parcels(pd.DataFrame([GOOD | parcel]), found)
    return judged


def test_a_parcel_with_nothing_wrong_is_confirmed() -> None:
    assert verdict() == Verdict(ParcelStatus.PENDING)


@pytest.mark.parametrize(
    ("parcel", "faults", "code"),
    [
        (LABEL | SHIP_PLUS | SHOWN | rule("skip"), [ELSEWHERE, EMPTY], "amazon_label"),
        (SHIP_PLUS | SHOWN | rule("skip"), [ELSEWHERE, EMPTY], "ship_plus"),
        (SHOWN | rule("skip"), [ELSEWHERE, EMPTY], "rule_skip"),
        (SHOWN | rule("fail"), [ELSEWHERE, EMPTY], "shown_by_amazon"),
        (rule("fail"), [EMPTY, ELSEWHERE], "kit_in_other_parcel"),
    ],
)
def test_what_need_not_be_confirmed_is_skipped_for_one_reason_whatever_else_is_wrong(
    parcel: dict[str, Any], faults: list[tuple[str, str, str]], code: str
) -> None:
    judged = verdict(*faults, **parcel, tracking_warning="odd")
    assert (judged.status, [reason.code for reason in judged.reasons], judged.warnings) == ("skipped", [code], ())


@pytest.mark.parametrize("code", ["shipment_id_missing", "shipment_id_ambiguous"])
@pytest.mark.parametrize("parcel", [LABEL, SHIP_PLUS, SHOWN, rule("skip")])
def test_what_one_of_several_rows_says_excuses_none_of_them(parcel: dict[str, Any], code: str) -> None:
    judged = verdict((code, "it is not the only one", "Correct it."), **parcel)
    assert (judged.status, [reason.code for reason in judged.reasons]) == ("held", [code])


def test_a_rule_decides_before_the_checks_and_is_named() -> None:
    assert verdict(**rule("skip")).reasons == (Reason("rule_skip", "rule vans: ask first"),)
    failed = verdict(EMPTY, **rule("fail"))
    assert failed == Verdict(
        ParcelStatus.FAILED,
        (Reason("rule_fail", "rule vans: ask first", "Change the parcel, or the rule in mappings/rules.yaml."),),
    )
    held = verdict(EMPTY, **rule("hold"), is_cancelled=True)
    assert held.status == ParcelStatus.HELD
    assert [reason.code for reason in held.reasons] == ["rule_hold", "parcel_empty", "order_cancelled"]
    assert held.reasons[0].detail == "rule vans: ask first"


def test_an_order_that_came_and_is_not_in_the_warehouse_shows_its_status() -> None:
    parcel = {"is_order_known": False, "is_landed": False, "standing": "held"}
    (reason,) = verdict(UNKNOWN, **parcel).reasons
    assert reason.detail == "wms_order has no such order; the order came from Amazon and is held"
    assert reason.remedy.endswith(f":\nmfn orders show {ORDER}")
    assert verdict(UNKNOWN, **parcel | {"standing": ""}).reasons == (Reason(*UNKNOWN),)
    assert verdict(EMPTY, standing="held").reasons == (Reason(*EMPTY),)


def test_an_order_of_which_the_ledger_has_no_text_is_to_be_fetched_and_says_why() -> None:
    (reason,) = verdict(is_landed=False).reasons
    assert (reason.code, reason.detail) == ("order_unknown", "the ledger does not have the order as Amazon sent it")
    assert reason.remedy.endswith(f":\nmfn import us --order {ORDER}")
    (removed,) = verdict(is_landed=False, is_removed=True).reasons
    assert (removed.code, removed.detail) == ("order_unknown", REMOVED)
    assert removed.remedy.endswith(f":\nmfn import us --order {ORDER}")


@pytest.mark.parametrize(
    ("parcel", "detail", "remedy"),
    [
        ({"carrier": None, "carrier_reason": "carrier_missing"}, "it has no carrier", MISSING_REMEDY),
        (
            WRITTEN | {"carrier_reason": "carrier_unlisted"},
            'no Amazon carrier code for "Bob\'s Vans"',
            f"{UNLISTED_REMEDY}\n,Bob's Vans,,Other,Bob's Vans,,",
        ),
    ],
)
def test_a_carrier_that_holds_a_parcel_comes_with_the_row_that_maps_it(
    parcel: dict[str, Any], detail: str, remedy: str
) -> None:
    assert verdict(**parcel).reasons == (Reason(parcel["carrier_reason"], detail, remedy),)


@pytest.mark.parametrize(
    ("parcel", "codes", "said"),
    [
        (WRITTEN | {"carrier_warning": "carrier_unlisted"}, ["carrier_unlisted"], "sent to Amazon as Other"),
        ({"tracking_warning": "it does not look like one of UPS"}, ["tracking_unusual"], "one of UPS"),
        ({"ship_date_warning": "ship_date_missing"}, ["ship_date_missing"], "has no ship date"),
        ({"is_sfp": True, "parcels_of_order": 2}, ["sfp_split"], "in 2 parcels"),
        ({"is_sfp": True, "parcels_of_order": 1}, [], ""),
        ({"is_sfp": False, "parcels_of_order": 2}, [], ""),
    ],
)
def test_oddities_are_warnings_for_confirmed_and_for_held_parcels(
    parcel: dict[str, Any], codes: list[str], said: str
) -> None:
    for judged, status in ((verdict(**parcel), "pending"), (verdict(EMPTY, **parcel), "held")):
        assert (judged.status, [warning.code for warning in judged.warnings]) == (status, codes)
        assert said in "".join(warning.detail for warning in judged.warnings)


def at(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(f"2026-11-02T{text}+00:00").astimezone(UTC)


@pytest.mark.parametrize(
    ("ordered", "shipped", "expected", "warning"),
    [
        ("09:00:00", "11:00:00.9", "11:00:00", ""),
        ("09:00:00", "09:00:00", "09:00:00", ""),
        ("09:00:00.2", "09:00:00.1", "09:00:01", "ship_date_early"),
        ("09:00:00", "08:59:59", "09:00:00", "ship_date_early"),
        ("09:00:00", "12:00:00", "12:00:00", ""),
        ("09:00:00", "12:00:01", "12:00:00", "ship_date_future"),
        ("09:00:00", None, "12:00:00", "ship_date_missing"),
        (None, "11:00:00", "11:00:00", ""),
        ("12:00:05", "11:00:00", "12:00:00", "ship_date_early"),
        ("12:00:05", "12:00:03", "12:00:00", "ship_date_future"),
        ("12:00:05", None, "12:00:00", "ship_date_missing"),
    ],
)
def test_a_ship_date_is_sent_as_near_as_amazon_accepts_it(
    ordered: str | None, shipped: str | None, expected: str, warning: str
) -> None:
    times = {"shipped_at": [at("10:00:00"), at(shipped)], "ordered_at": [at("09:00:00"), at(ordered)]}
    parcels = pd.DataFrame(times, index=[7, 3]).astype("datetime64[us, UTC]")
    now = datetime(2026, 11, 2, 12, 0, 0, 700_000, tzinfo=UTC)
    found = ship_dates(parcels, now)
    assert found["ship_date"].tolist() == [at("10:00:00"), at(expected)]
    assert found["ship_date_warning"].to_dict() == {7: "", 3: warning}
