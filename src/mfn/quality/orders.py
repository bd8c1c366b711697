"""The suite over the checked order frame: `mfn.rules.frames.order_frame` of the due orders, plus what rules computed.

======================== ============================================================================================
warehouse_code           the fulfilment centre's code; None: unmapped, or unknown to the warehouse
missing_address_fields   fields that the country needs and the address lacks; None: complete
address_warning          what looks odd about the address; None: nothing
unsupported_programs     programmes that the warehouse cannot ship; None: none
======================== ============================================================================================

Of `cancel_reason`, of the addresses' fields and of the programmes only whether there are any is looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mfn.amazon.marketplaces import MARKETPLACES
from mfn.amazon.orders import ORDER_ID
from mfn.quality.suites import (
    Fact,
    Rule,
    Suite,
    as_it_is,
    at_least,
    columns_exist,
    holds,
    is_absent,
    is_count,
    is_true,
    not_before,
    present,
    time_of,
)

if TYPE_CHECKING:
    import pandas as pd


def _is_address_complete(frame: pd.DataFrame) -> pd.Series[Any]:
    # An order without any address is one fault (address_missing), not two.
    return frame["missing_address_fields"].isna().where(frame["has_recipient"].eq(other=True))


FACTS = {
    "order_id": as_it_is("order_id"),
    "marketplace_id": Fact(("marketplace_id",), lambda frame: frame["marketplace_id"].fillna("")),
    "created_at": time_of("created_at"),
    "last_updated_at": time_of("last_updated_at"),
    "ship_by": time_of("ship_by"),
    "service_level": as_it_is("service_level"),
    "warehouse_code": as_it_is("warehouse_code"),
    "units_to_ship": is_count("units_to_ship"),
    "has_recipient": is_true("has_recipient"),
    "is_address_complete": Fact(("missing_address_fields", "has_recipient"), _is_address_complete),
    "is_address_plausible": is_absent("address_warning"),
    "is_program_supported": is_absent("unsupported_programs"),
    "is_cancel_requested": Fact(("cancel_reason",), lambda frame: frame["cancel_reason"].notna()),
}

ORDERS = Suite(
    "orders",
    FACTS,
    (
        columns_exist(FACTS),
        present("order_id", "invalid_payload", "critical", "Every order has an id"),
        Rule(
            "ExpectColumnValuesToBeUnique",
            ("order_id",),
            {"column": "order_id"},
            "invalid_payload",
            "critical",
            "No order appears twice",
        ),
        # Amazon always does so but promises it nowhere: worth a look, but no reason to hold.
        Rule(
            "ExpectColumnValuesToMatchRegex",
            ("order_id",),
            {"column": "order_id", "regex": ORDER_ID},
            "order_id_unusual",
            "warning",
            "Order ids look like 123-1234567-1234567",
        ),
        Rule(
            "ExpectColumnValuesToBeInSet",
            ("marketplace_id",),
            {"column": "marketplace_id", "value_set": [place.marketplace_id for place in MARKETPLACES]},
            "marketplace_unknown",
            "warning",
            "Every order comes from a known marketplace",
        ),
        not_before(
            "last_updated_at",
            "created_at",
            "updated_before_created",
            "warning",
            "No order was updated before it was placed",
        ),
        present("ship_by", "ship_by_missing", "warning", "Amazon sent a ship-by date"),
        not_before("ship_by", "created_at", "ship_by_before_order", "warning", "Ship-by is after the order date"),
        at_least("units_to_ship", 1, "no_quantity", "critical", "There are units left to ship"),
        present("service_level", "service_level_missing", "warning", "Amazon sent a service level"),
        present(
            "warehouse_code",
            "shipping_method_unmapped",
            "critical",
            "The shipping method is mapped to an active code in the warehouse",
        ),
        holds(
            "is_program_supported", "program_unsupported", "critical", "The warehouse can ship orders of the programme"
        ),
        holds(
            "is_cancel_requested",
            "buyer_cancel_requested",
            "critical",
            "The buyer has not requested a cancellation",
            expected=False,
        ),
        holds("has_recipient", "address_missing", "critical", "Amazon sent a delivery address"),
        holds(
            "is_address_complete",
            "address_incomplete",
            "critical",
            "The address has every field that its country needs",
        ),
        holds("is_address_plausible", "postal_code_mismatch", "warning", "The postal code fits the country and state"),
    ),
)
