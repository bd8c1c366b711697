"""The verdict on each parcel: sent to Amazon, held, skipped or failed, with every reason and warning; pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from mfn.models import ParcelStatus, Reason

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

SHIP_PLUS = "FBM_SHIP_PLUS"
"""Amazon answers confirmShipment with 400 for these orders (Amazon's guide "Confirm the shipment status")."""

NAMELESS = {"shipment_id_missing", "shipment_id_ambiguous"}
"""Findings that leave open which of several rows is the right one: what one of them says does not excuse the others."""

IN_OTHER_PARCEL = "kit_in_other_parcel"
"""The only finding of `parcel_items` that is not a fault."""

SHOWN_BY_AMAZON = Reason("shown_by_amazon", "Amazon already shows a parcel with this tracking number")
REMOVED = "its buyer's data was removed from the ledger, and Amazon did not answer which parcels it already shows"
STANDING_REMEDY = (
    "The parcel is confirmed once the order is in the warehouse. To see why it is not there, and what to do:"
)
REMOVED_REMEDY = "The next run asks Amazon again; or fetch the order now:"
UNLISTED_REMEDY = (
    "Correct the carrier in the warehouse, or add this row to mappings/carriers.csv, with another code from"
    " accepted_carriers.csv if that is the right one:"
)
MISSING_REMEDY = (
    "Enter the carrier in the warehouse, or map its service: add a row to mappings/carriers.csv with an empty"
    " warehouse_carrier."
)


@dataclass(frozen=True)
class Verdict:
    """The verdict on one parcel.

    Attributes:
        status: `pending` for one that is confirmed, else `held`, `skipped` or `failed`.
        reasons: Why it is not confirmed.
        warnings: What a person should check anyway.
    """

    status: ParcelStatus
    reasons: tuple[Reason, ...] = ()
    warnings: tuple[Reason, ...] = ()


def judge_parcels(parcels: pd.DataFrame, faults: pd.DataFrame) -> list[Verdict]:
    """The verdict on each parcel.

    A parcel that need not be confirmed is skipped whatever else is wrong with it, unless it is unclear which
    parcel that is; a rule's decision comes before the checks.

    Args:
        parcels: One row a parcel: `shipment_id`, `order_number`, `is_amazon_label`, `programs` (comma separated, or
            None), `is_sfp`, `parcels_of_order`; `is_landed`: whether the ledger has the order as Amazon sent it;
            `is_removed`: whether it no longer has, since the buyer's data was removed; `standing`: the order's status
            in the ledger, or empty; `is_cancelled`: whether Amazon has cancelled it; `is_shown`: whether Amazon shows
            the tracking number; `decision`, `message` and `rule` of the rules; `carrier`, `carrier_reason`,
            `carrier_warning`, `carrier_row`, `tracking_warning`, and `ship_date_warning`, as the functions that make
            them return them; `connection`.
        faults: What keeps parcels back, as `mfn.rules.parcels.parcel_items` returns it.

    Returns:
        One verdict a row.
    """
    by_parcel: dict[str, list[Reason]] = {}
    for shipment_id, code, detail, remedy in faults.itertuples(index=False, name=None):
        by_parcel.setdefault(shipment_id, []).append(Reason(code, detail, remedy))
    return [_verdict(row, by_parcel.get(row["shipment_id"], [])) for row in parcels.to_dict("records")]


def _verdict(parcel: Mapping[Any, Any], faults: Sequence[Reason]) -> Verdict:
    skipped = _skipped(parcel, faults)
    if skipped is not None:
        return Verdict(ParcelStatus.SKIPPED, (skipped,))
    said = f"rule {parcel['rule']}: {parcel['message']}"
    if parcel["decision"] == "fail":
        return Verdict(
            ParcelStatus.FAILED, (Reason("rule_fail", said, "Change the parcel, or the rule in mappings/rules.yaml."),)
        )
    held = [*(_explained(fault, parcel) for fault in faults), *_holding(parcel)]
    if parcel["decision"] == "hold":
        held.insert(0, Reason("rule_hold", said, "Change the parcel, or the rule in mappings/rules.yaml."))
    warnings = tuple(_warnings(parcel))
    return Verdict(ParcelStatus.HELD, tuple(held), warnings) if held else Verdict(ParcelStatus.PENDING, (), warnings)


def _skipped(parcel: Mapping[Any, Any], faults: Sequence[Reason]) -> Reason | None:
    if any(fault.code in NAMELESS for fault in faults):
        return None
    if parcel["is_amazon_label"]:
        return Reason("amazon_label", "its label was bought from Amazon, which confirms it automatically")
    if SHIP_PLUS in (parcel["programs"] or "").split(","):
        return Reason("ship_plus", "a Ship+ order: Amazon confirms it with the label")
    if parcel["decision"] == "skip":
        return Reason("rule_skip", f"rule {parcel['rule']}: {parcel['message']}")
    if parcel["is_shown"]:
        return SHOWN_BY_AMAZON
    return next((fault for fault in faults if fault.code == IN_OTHER_PARCEL), None)


def _explained(fault: Reason, parcel: Mapping[Any, Any]) -> Reason:
    """The fault; for an order that came but is not in the warehouse, its status instead."""
    if fault.code != "order_unknown" or not parcel["standing"]:
        return fault
    detail = f"{fault.detail}; the order came from Amazon and is {parcel['standing']}"
    return Reason(fault.code, detail, f"{STANDING_REMEDY}\nmfn orders show {parcel['order_number']}")


def _holding(parcel: Mapping[Any, Any]) -> list[Reason]:
    found = []
    if parcel["is_order_known"] and not parcel["is_landed"]:
        command = f"mfn import {parcel['connection']} --order {parcel['order_number']}"
        if parcel["is_removed"]:
            found.append(Reason("order_unknown", REMOVED, f"{REMOVED_REMEDY}\n{command}"))
        else:
            remedy = f"Fetch it, so that mfn knows which parcels Amazon already shows:\n{command}"
            found.append(Reason("order_unknown", "the ledger does not have the order as Amazon sent it", remedy))
    if parcel["is_cancelled"]:
        remedy = "Stop the parcel if you still can: Amazon does not pay for it. Then void it in the warehouse."
        found.append(Reason("order_cancelled", "Amazon has cancelled the order", remedy))
    if parcel["carrier_reason"]:
        detail = f"no Amazon carrier code for {parcel['carrier']!r}" if parcel["carrier"] else "it has no carrier"
        found.append(Reason(parcel["carrier_reason"], detail, _carrier_remedy(parcel)))
    return found


def _carrier_remedy(parcel: Mapping[Any, Any]) -> str:
    return f"{UNLISTED_REMEDY}\n{parcel['carrier_row']}" if parcel["carrier_row"] else MISSING_REMEDY


def _warnings(parcel: Mapping[Any, Any]) -> list[Reason]:
    found = []
    if parcel["carrier_warning"]:
        detail = f"{parcel['carrier']!r} is not mapped: it is sent to Amazon as Other with its own name"
        found.append(Reason(parcel["carrier_warning"], detail, _carrier_remedy(parcel)))
    if parcel["tracking_warning"]:
        found.append(Reason("tracking_unusual", parcel["tracking_warning"], "Compare it with the label."))
    if parcel["ship_date_warning"]:
        found.append(Reason(parcel["ship_date_warning"], SHIP_DATES[parcel["ship_date_warning"]]))
    if parcel["is_sfp"] and parcel["parcels_of_order"] > 1:
        detail = f"a Prime order in {parcel['parcels_of_order']} parcels; Amazon wants it in one"
        found.append(Reason("sfp_split", detail))
    return found


SHIP_DATES = {
    "ship_date_missing": "it has no ship date; the current time is sent",
    "ship_date_early": "its ship date is before the order; the time of the order is sent",
    "ship_date_future": "its ship date is in the future; the current time is sent",
}
"""The oddities of ship dates, by their code."""


def ship_dates(parcels: pd.DataFrame, now: datetime) -> pd.DataFrame:
    """The ship date that Amazon accepts: not before the order, and not in the future.

    Args:
        parcels: One row for each parcel: `shipped_at` and `ordered_at`, UTC, or NaT.
        now: The present moment, aware.

    Returns:
        With the index of the parcels: `ship_date` (UTC, whole seconds), the nearest possible moment, and
        `ship_date_warning`, a key of `SHIP_DATES` if that differs from the warehouse's date; else empty.
    """
    moment = pd.Timestamp(now).floor("s")
    shipped, ordered = parcels["shipped_at"], parcels["ordered_at"].dt.ceil("s")
    missing, future, early = shipped.isna(), shipped > moment, shipped < ordered
    warning = pd.Series("", index=parcels.index, dtype="object")
    dates = shipped.dt.floor("s").mask(missing, moment).mask(early, ordered)
    for code, where in (("ship_date_early", early), ("ship_date_future", future), ("ship_date_missing", missing)):
        warning = warning.mask(where, code)
    return pd.DataFrame({"ship_date": dates.clip(upper=moment), "ship_date_warning": warning}, index=parcels.index)
