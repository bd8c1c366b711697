"""The fields of each event's record, which rules may read and some of which they may set.

No field holds a buyer's name, street, e-mail address or telephone number. The table in mappings/README.md shows these
same fields.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, time
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from rapidfuzz import fuzz, process

from mfn.moments import in_utc
from mfn.plain_text import shortened

if TYPE_CHECKING:
    from collections.abc import Collection

UNITS_AT_MOST = 1_000_000
SIMILAR_PERCENT = 75
"""How alike a name must be to be proposed."""


class Kind(StrEnum):
    """The kind of a field's values, in words for people."""

    TEXT = "text"
    NUMBER = "number"
    FLAG = "true or false"
    TIME = "time"
    TEXTS = "list of texts"


@dataclass(frozen=True)
class Field:
    """One field of a record.

    Attributes:
        kind: The kind of its values.
        meaning: Its meaning, for people who write rules.
        is_settable: Whether a rule may set it.
        is_optional: Whether it may be absent (`null`); a text that is absent is empty.
        at_most: The highest number, or the greatest length of a text, that a rule may set; None for any.
        is_whole: Whether a number that a rule sets has to be a whole one.
    """

    kind: Kind
    meaning: str
    is_settable: bool = False
    is_optional: bool = False
    at_most: int | None = None
    is_whole: bool = True

    def refusal(self, value: object) -> str:
        """What is wrong with a value from YAML that a rule sets; "" if nothing is."""
        if value is None:
            return "" if self.is_optional else f"expected {self._expected()}, got nothing."
        if self.kind == Kind.NUMBER:
            return self._number_refusal(value)
        if self.kind == Kind.TEXT and isinstance(value, str):
            is_long = self.at_most is not None and len(value) > self.at_most
            return f"is {len(value)} characters long; the limit is {self.at_most}." if is_long else ""
        if self.kind == Kind.FLAG and isinstance(value, bool):
            return ""
        if self.kind == Kind.TIME and isinstance(value, date):
            return "" if _is_in_the_calendar(value) else f"{value} is not a valid time in UTC."
        return f"expected {self._expected()}, got {shortened(repr(value), 100)}."

    def _expected(self) -> str:
        return str(self.kind) if self.kind in {Kind.TEXT, Kind.FLAG} else f"a {self.kind}"

    def _number_refusal(self, value: object) -> str:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        is_fit = is_number and (isinstance(value, int) or not self.is_whole)
        if is_fit and 0 <= value <= (self.at_most or value):  # type: ignore[operator]  # it is a number
            return ""
        got = shortened(repr(value), 100)
        return f"expected a {'whole ' if self.is_whole else ''}number from 0 to {self.at_most}, got {got}."

    def read(self, value: Any) -> Any:
        """A cell of a frame, or a value from YAML, as conditions see it: never NaN, NaT or a type of pandas."""
        if self.kind == Kind.TEXTS:
            return tuple(value) if isinstance(value, tuple | list) else ()
        is_absent = bool(pd.isna(value))
        if self.kind == Kind.TEXT:
            return "" if is_absent else str(value)
        if self.kind == Kind.FLAG:
            return not is_absent and bool(value)
        if is_absent:
            return None
        if self.kind == Kind.TIME:
            moment = value.to_pydatetime() if isinstance(value, pd.Timestamp) else value
            return in_utc(moment if isinstance(moment, datetime) else datetime.combine(moment, time()))
        return value.item() if isinstance(value, np.generic) else value


def _is_in_the_calendar(value: object) -> bool:
    try:
        return not isinstance(value, datetime) or in_utc(value) is not None
    except OverflowError:
        return False


EVERYWHERE: dict[str, Field] = {
    "connection": Field(Kind.TEXT, "the connection's name in connections.yaml"),
    "now": Field(Kind.TIME, "when this run began"),
}
ORDER: dict[str, Field] = {
    "order.order_id": Field(Kind.TEXT, "Amazon's order id"),
    "order.marketplace": Field(Kind.TEXT, "where it was placed: `US`, `CA`, `UK`, …", is_optional=True),
    "order.service_level": Field(
        Kind.TEXT, "Amazon's fulfillmentServiceLevel: `STANDARD`, `NEXT_DAY`, …", is_optional=True
    ),
    "order.programs": Field(Kind.TEXTS, "Amazon's programmes: `PRIME`, `PREMIUM`, `AMAZON_BUSINESS`, …"),
    "order.is_sfp": Field(Kind.FLAG, "Seller Fulfilled Prime"),
    "order.is_premium": Field(Kind.FLAG, "Premium Shipping"),
    "order.is_business": Field(Kind.FLAG, "Amazon Business"),
    "order.created_at": Field(Kind.TIME, "when it was placed", is_optional=True),
    "order.ship_by": Field(Kind.TIME, "the latest time to ship it, set by Amazon", is_optional=True),
    "order.ship_method_code": Field(Kind.TEXT, "the warehouse's shipping method", is_optional=True),
    "order.country_code": Field(Kind.TEXT, "where it goes: `US`, `GB`, …", is_optional=True),
    "order.state": Field(Kind.TEXT, "the state or region where it goes, as Amazon writes it", is_optional=True),
    "order.lines": Field(Kind.NUMBER, "number of order items"),
    "order.units": Field(Kind.NUMBER, "units over all items, kits as one"),
    "order.skus": Field(Kind.TEXTS, "the seller's SKUs"),
    "order.warehouse_skus": Field(Kind.TEXTS, "the warehouse's SKUs, kits as their components"),
}
ORDER_IMPORT: dict[str, Field] = {
    "order.is_replacement": Field(Kind.FLAG, "replaces or exchanges another order"),
    "order.deliver_by": Field(Kind.TIME, "the latest time to deliver it, set by Amazon", is_optional=True),
    "order.requires_signature": Field(Kind.FLAG, "the recipient must sign for the delivery", is_settable=True),
    "order.units_to_ship": Field(Kind.NUMBER, "units still to ship"),
    "order.value": Field(Kind.NUMBER, "unit prices times units; absent if a price is absent", is_optional=True),
    "order.currency_code": Field(Kind.TEXT, "the currency of the prices: `USD`, `CAD`, …", is_optional=True),
}
SHIPMENT: dict[str, Field] = {
    "shipment.shipment_id": Field(Kind.TEXT, "the warehouse's id of the parcel"),
    "shipment.carrier": Field(Kind.TEXT, "the carrier as the warehouse writes it", is_settable=True, is_optional=True),
    "shipment.service": Field(
        Kind.TEXT, "the carrier's service as the warehouse writes it", is_settable=True, is_optional=True
    ),
    "shipment.tracking_number": Field(Kind.TEXT, "the tracking number", is_settable=True, is_optional=True),
    "shipment.shipped_at": Field(Kind.TIME, "when it shipped", is_settable=True, is_optional=True),
    "shipment.is_amazon_label": Field(Kind.FLAG, "the label was bought from Amazon"),
    "shipment.units": Field(Kind.NUMBER, "units in this parcel, kits as one"),
    "shipment.parcels_of_order": Field(Kind.NUMBER, "parcels of the same order, including this one"),
    "shipment.carrier_code": Field(Kind.TEXT, "the carrier code sent to Amazon", is_settable=True, is_optional=True),
    "shipment.carrier_name": Field(
        Kind.TEXT, "the carrier's name, if the code is `Other`", is_settable=True, is_optional=True, at_most=50
    ),
    "shipment.shipping_method": Field(Kind.TEXT, "the service sent to Amazon", is_settable=True, is_optional=True),
}
STOCK: dict[str, Field] = {
    "stock.marketplace": Field(Kind.TEXT, "where it is offered: `US`, `CA`, `UK`, …"),
    "stock.sku": Field(Kind.TEXT, "the warehouse's SKU; for a kit, the component that allows the fewest kits"),
    "stock.seller_sku": Field(Kind.TEXT, "the SKU on Amazon"),
    "stock.asin": Field(Kind.TEXT, "Amazon's ASIN", is_optional=True),
    "stock.is_kit": Field(Kind.FLAG, "made of several components, or of several units of one"),
    "stock.on_hand": Field(Kind.NUMBER, "units of this SKU in sellable locations"),
    "stock.allocated": Field(Kind.NUMBER, "units of these that the warehouse has allocated"),
    "stock.promised": Field(Kind.NUMBER, "units accepted from Amazon that are not yet in `allocated`"),
    "stock.available": Field(Kind.NUMBER, "on hand less these two, before the buffer; for a kit, whole kits"),
    "stock.buffer_units": Field(Kind.NUMBER, "units kept back", is_settable=True, at_most=UNITS_AT_MOST),
    "stock.buffer_percent": Field(
        Kind.NUMBER, "percent of the available units kept back", is_settable=True, at_most=100, is_whole=False
    ),
    "stock.minimum_units": Field(Kind.NUMBER, "with fewer left, 0 is pushed", is_settable=True, at_most=UNITS_AT_MOST),
    "stock.maximum_units": Field(
        Kind.NUMBER, "the most that is pushed; absent: no limit", is_settable=True, is_optional=True,
        at_most=UNITS_AT_MOST,
    ),
}  # fmt: skip


EVENTS: dict[str, dict[str, Field]] = {
    "order.import": EVERYWHERE
    | ORDER
    | {"order.ship_method_code": replace(ORDER["order.ship_method_code"], is_settable=True)}
    | ORDER_IMPORT,
    "shipment.notification": EVERYWHERE | SHIPMENT | ORDER,
    "inventory.push": EVERYWHERE | STOCK,
}
"""The fields of each event's record by their names in a condition."""


def unknown_field(name: str, fields: Collection[str]) -> tuple[str, str]:
    """The fault of naming an unknown field: a message, and as the remedy the nearest field, or all of them.

    Args:
        name: What was written.
        fields: The dotted names of the existing ones.
    """
    part, _, own_name = name.rpartition(".")
    of_part = [field for field in fields if field.startswith(name + ".")]
    near = [field for field in fields if field.rpartition(".")[2] == own_name]
    if not near and not of_part:
        of_part = [field for field in fields if field.startswith(part + ".")]
        # The prefix that all fields of a part share makes none of them nearer.
        names = {field: field.rpartition(".")[2] for field in of_part or (() if part else fields)}
        meant = (own_name, names) if names else (name, {field: field for field in fields})
        found = process.extractOne(*meant, scorer=fuzz.ratio, score_cutoff=SIMILAR_PERCENT)
        near = [found[2]] if found else []
    remedy = f"Did you mean {' or '.join(near)}?" if near else f"The fields are: {', '.join(of_part or fields)}."
    return f"there is no field {name}.", remedy
