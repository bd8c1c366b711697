"""The suite over the checked parcel frame: `mfn.warehouse.shipments.shipments` plus the results of normalize.

It has one row for each parcel that a run is about to confirm to Amazon.

======================== ============================================================================================
fault_codes              the codes that `mfn.rules.parcels.parcel_items` found for the parcel, a tuple
is_landed, is_cancelled  whether the ledger has the order as Amazon sent it; whether Amazon has cancelled it
decision                 what the rules decided: `hold`, `fail`, or nothing
parcels_of_order         how many parcels the order has
carrier_code             as sent to Amazon, also `carrier_name`; `carrier_reason`, `carrier_warning` as
                         `mfn.rules.carriers.normalize_carriers` returns them
is_carrier_accepted      whether the code is in accepted_carriers.csv exactly so
package_reference_id     of a parcel that is to be sent; None: it is held back
tracking_warning         what is odd about the tracking number; empty: nothing
ship_date_warning        what is odd about the ship date, as `mfn.rules.parcel_verdicts.ship_dates` returns it
is_late                  whether the ship-by has passed
======================== ============================================================================================

No fact is a buyer's: nothing of the order but its facts about shipping is in the frame.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mfn.mappings.tables import OTHER
from mfn.quality.suites import Fact, Rule, Suite, as_it_is, columns_exist, holds, is_true, present
from mfn.rules.parcel_faults import are_numbers

if TYPE_CHECKING:
    import pandas as pd


def _is_free_of(code: str) -> Fact:
    """Whether `parcel_items` found nothing of this kind."""
    return Fact(("fault_codes",), lambda frame: frame["fault_codes"].map(lambda codes: code not in codes))


def _is_not(column: str, code: str) -> Fact:
    """Whether a column says something else, or nothing."""
    return Fact((column,), lambda frame: frame[column].ne(code))


def _is_named(frame: pd.DataFrame) -> pd.Series[Any]:
    return frame["carrier_name"].notna().where(frame["carrier_code"].eq(OTHER))


FACTS = {
    "is_id_missing": is_true("is_id_missing"),
    "is_id_ambiguous": is_true("is_id_ambiguous"),
    "status": as_it_is("status"),
    "is_order_known": is_true("is_order_known"),
    # An unknown order is one fault, not two.
    "is_landed": Fact(
        ("is_landed", "is_order_known"),
        lambda frame: frame["is_landed"].eq(other=True).where(frame["is_order_known"].eq(other=True)),
    ),
    "is_cancelled": is_true("is_cancelled"),
    "has_lines": _is_free_of("parcel_empty"),
    "is_quantity_valid": _is_free_of("quantity_invalid"),
    "is_of_usual_length": _is_free_of("text_too_long"),
    "is_item_known": _is_free_of("order_item_unknown"),
    "is_quantity_ordered": _is_free_of("quantity_excessive"),
    "is_unconfirmed": _is_free_of("units_told"),
    "is_kit_whole": _is_free_of("kit_incomplete"),
    "tracking_number": Fact(
        ("tracking_number",), lambda frame: frame["tracking_number"].where(are_numbers(frame["tracking_number"]), None)
    ),
    "has_carrier": _is_not("carrier_reason", "carrier_missing"),
    "is_carrier_mapped": _is_not("carrier_reason", "carrier_unlisted"),
    "is_carrier_accepted": Fact(
        ("is_carrier_accepted", "carrier_code"),
        lambda frame: frame["is_carrier_accepted"].eq(other=True).where(frame["carrier_code"].notna()),
    ),
    "is_carrier_named": Fact(("carrier_name", "carrier_code"), _is_named),
    "package_reference_id": as_it_is("package_reference_id"),
    "is_let_through": _is_not("decision", "hold"),
    "is_not_refused": _is_not("decision", "fail"),
    "is_carrier_listed": _is_not("carrier_warning", "carrier_unlisted"),
    "is_tracking_usual": Fact(("tracking_warning",), lambda frame: frame["tracking_warning"].eq("")),
    "has_ship_date": _is_not("ship_date_warning", "ship_date_missing"),
    "is_shipped_after_order": _is_not("ship_date_warning", "ship_date_early"),
    "is_shipped_by_now": _is_not("ship_date_warning", "ship_date_future"),
    "is_unsplit": Fact(
        ("is_sfp", "parcels_of_order"),
        lambda frame: frame["parcels_of_order"].eq(1).where(frame["is_sfp"].eq(other=True)),
    ),
    "is_late": Fact(
        ("is_late", "ship_by"), lambda frame: frame["is_late"].eq(other=True).where(frame["ship_by"].notna())
    ),
}

PARCELS = Suite(
    "parcels",
    FACTS,
    (
        columns_exist(FACTS),
        holds("is_id_missing", "shipment_id_missing", "critical", "Every parcel has an id", expected=False),
        holds("is_id_ambiguous", "shipment_id_ambiguous", "critical", "Every parcel id is used once", expected=False),
        Rule(
            "ExpectColumnValuesToBeInSet",
            ("status",),
            {"column": "status", "value_set": ["closed"]},
            "shipment_status_unknown",
            "critical",
            "The parcel's status is known",
        ),
        holds("is_of_usual_length", "text_too_long", "critical", "No text of the parcel is too long"),
        holds("is_order_known", "order_unknown", "critical", "The parcel's order is in wms_order"),
        holds("is_landed", "order_unknown", "critical", "The ledger has the order as Amazon sent it"),
        holds("is_cancelled", "order_cancelled", "critical", "Amazon has not cancelled the order", expected=False),
        holds("has_lines", "parcel_empty", "critical", "The parcel has lines"),
        holds("is_quantity_valid", "quantity_invalid", "critical", "Quantities are whole numbers above zero"),
        holds("is_item_known", "order_item_unknown", "critical", "Every line is an item of the order"),
        holds("is_quantity_ordered", "quantity_excessive", "critical", "No more units shipped than ordered"),
        holds("is_unconfirmed", "units_told", "critical", "Its units were not confirmed with another parcel"),
        holds("is_kit_whole", "kit_incomplete", "critical", "The parcel completes a whole kit"),
        present("tracking_number", "tracking_missing", "critical", "The parcel has a tracking number"),
        holds("has_carrier", "carrier_missing", "critical", "The parcel has a carrier"),
        holds("is_carrier_mapped", "carrier_unlisted", "critical", "The carrier is mapped, or may be sent as Other"),
        holds(
            "is_carrier_accepted", "carrier_not_accepted", "critical", "The carrier code matches Amazon's list exactly"
        ),
        holds("is_carrier_named", "carrier_name_missing", "critical", "A carrier sent as Other has a name"),
        Rule(
            "ExpectColumnValuesToMatchRegex",
            ("package_reference_id",),
            {"column": "package_reference_id", "regex": r"^[1-9][0-9]*$"},
            "package_reference_invalid",
            "critical",
            "The package reference is a number",
        ),
        holds("is_let_through", "rule_hold", "critical", "No rule holds the parcel"),
        holds("is_not_refused", "rule_fail", "critical", "No rule refuses the parcel"),
        holds("is_carrier_listed", "carrier_unlisted", "warning", "Amazon lists the carrier"),
        holds("is_tracking_usual", "tracking_unusual", "warning", "The tracking number fits the carrier's format"),
        holds("has_ship_date", "ship_date_missing", "warning", "The parcel has a ship date"),
        holds("is_shipped_after_order", "ship_date_early", "warning", "The ship date is after the order date"),
        holds("is_shipped_by_now", "ship_date_future", "warning", "The ship date is not in the future"),
        holds("is_unsplit", "sfp_split", "warning", "A Prime order ships in one parcel"),
        holds("is_late", "ship_by_passed", "warning", "The parcel is confirmed before the ship-by", expected=False),
    ),
)
