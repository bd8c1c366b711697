"""Why an order is held, for the person who has to fix it: what is wrong, where, and the row that helps; pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from rapidfuzz import fuzz, process

from mfn.models import Reason
from mfn.rules.nearest_skus import can_be_aliased, nearest_skus, propose_alias_row
from mfn.rules.shipping_methods import propose_shipping_method_row

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from mfn.rules.nearest_skus import NearSku

Record = dict[str, Any]

SIMILAR_PERCENT = 60
"""How alike a code must be to one of the warehouse's for that to be named as the nearest."""


@dataclass(frozen=True)
class Context:
    """The data that explanations draw on.

    Attributes:
        connection: The connection's name.
        methods: `Mappings.shipping_methods`.
        ship_methods: The warehouse's shipping methods.
        items: The warehouse's items.
    """

    connection: str
    methods: pd.DataFrame
    ship_methods: pd.DataFrame
    items: pd.DataFrame


def explain(
    hits: pd.DataFrame, orders: pd.DataFrame, lines: pd.DataFrame, components: pd.DataFrame, context: Context
) -> dict[str, tuple[list[Reason], list[Reason]]]:
    """What the checks found in each order, as reasons that hold it and as warnings.

    Args:
        hits: What `mfn.quality.runner.check` returned: `suite`, `order_id`, `code`, `severity`, `row`.
        orders: The checked order frame; its labels are the rows of order hits.
        lines: The checked line frame; its labels are the rows of line hits.
        components: What `resolve_skus` made of the lines.
        context: What explanations draw on.

    Returns:
        (reasons, warnings) by order id, each code once for each order, with everything of that code in its detail;
        orders without a hit are absent.
    """
    unknown = components[~components["is_known"] & components["order_id"].isin(hits["order_id"])]
    details = _Details(
        context,
        near=nearest_skus(unknown["warehouse_sku"], context.items),
        missing=_missing(unknown),
        kits=_kits(components),
        marketplaces=dict(zip(orders["order_id"].tolist(), orders["marketplace_id"].tolist(), strict=True)),
    )
    records = {"orders": _hit_rows(orders, hits, "orders"), "lines": _hit_rows(lines, hits, "lines")}
    found: dict[str, tuple[dict[str, list[Reason]], dict[str, list[Reason]]]] = defaultdict(
        lambda: (defaultdict(list), defaultdict(list))
    )
    for suite, code, severity, row in zip(hits["suite"], hits["code"], hits["severity"], hits["row"], strict=True):
        record = records[suite][row]
        held, warned = found[record["order_id"]]
        (held if severity == "critical" else warned)[code].append(details.reason(code, record))
    return {
        order_id: ([_one(held[code]) for code in held], [_one(warned[code]) for code in warned])
        for order_id, (held, warned) in found.items()
    }


def _hit_rows(frame: pd.DataFrame, hits: pd.DataFrame, suite: str) -> dict[Any, Record]:
    """The rows that were hit, as plain values by their label."""
    rows = frame.loc[hits.loc[hits["suite"] == suite, "row"].unique()]
    return dict(zip(rows.index, rows.to_dict("records"), strict=True))


def _missing(unknown: pd.DataFrame) -> dict[tuple[str, str], list[str]]:
    """The warehouse SKUs that each order item lacks."""
    missing: dict[tuple[str, str], list[str]] = defaultdict(list)
    for order_id, item, sku in zip(
        unknown["order_id"], unknown["order_item_id"], unknown["warehouse_sku"], strict=True
    ):
        missing[order_id, item].append(sku)
    return missing


def _kits(components: pd.DataFrame) -> frozenset[str]:
    """The seller's SKUs that mean several items of the warehouse, or several units of one."""
    is_kit = components.duplicated(["order_id", "order_item_id"], keep=False) | (components["units_per_kit"] > 1)
    return frozenset(components.loc[is_kit, "seller_sku"])


def _one(reasons: list[Reason]) -> Reason:
    """Several reasons with the same code, merged into one."""
    if len(reasons) == 1:
        return reasons[0]
    details, remedies = dict.fromkeys(r.detail for r in reasons), dict.fromkeys(r.remedy for r in reasons if r.remedy)
    return Reason(reasons[0].code, "; ".join(details), "\n".join(remedies))


class _Details:
    """The data that the texts of hits draw on.

    Args:
        context: What all hits of a run share.
        near: The SKUs that may have been meant by each unknown one.
        missing: The warehouse SKUs that each order item lacks.
        kits: The seller's SKUs that are kits; a kit is no component of itself.
        marketplaces: Amazon's marketplace id by order id.
    """

    def __init__(
        self,
        context: Context,
        *,
        near: dict[str, list[NearSku]],
        missing: dict[tuple[str, str], list[str]],
        kits: frozenset[str],
        marketplaces: dict[str, str | None],
    ) -> None:
        self._context = context
        self._near = near
        self._missing = missing
        self._kits = kits
        self._marketplaces = marketplaces
        # Many orders, few methods and few SKUs.
        self._method_unmapped = cache(self._explain_method)
        self._sku_unmatched = cache(self._explain_sku)

    def reason(self, code: str, record: Record) -> Reason:
        """The reason for one hit of one row."""
        if code == "sku_unknown":
            return self._sku_unknown(record)
        if code == "shipping_method_unmapped":
            keys = ("marketplace_id", "service_level", "programs", "mapped_code")
            return self._method_unmapped(*(record[key] for key in keys))
        explained = EXPLAINED.get(code)
        return explained(record) if explained else Reason(code, code.replace("_", " "))

    def _sku_unknown(self, line: Record) -> Reason:
        seller_sku = line["seller_sku"]
        if not seller_sku:
            return Reason(
                "sku_unknown",
                f"order item {line['order_item_id']} has no seller SKU",
                "Give the listing a SKU in Seller Central; the order is read again from Amazon on every run.",
            )
        order_id = line["order_id"]
        missing = tuple(self._missing[order_id, line["order_item_id"]])
        return self._sku_unmatched(seller_sku, self._marketplaces[order_id], missing)

    def _explain_sku(self, seller_sku: str, marketplace_id: str | None, missing: tuple[str, ...]) -> Reason:
        details, remedies = [], []
        for warehouse_sku in missing:
            itself = seller_sku if seller_sku in self._kits else None
            proposals = [one for one in self._near.get(warehouse_sku, []) if one.warehouse_sku != itself]
            nearest = "; ".join(f"{one.warehouse_sku} {one.difference}" for one in proposals)
            hint = f" (nearest: {nearest})" if proposals else ""
            if warehouse_sku == seller_sku:
                details.append(f"seller SKU {warehouse_sku} is not an active item in the warehouse{hint}")
                proposed = next((one.warehouse_sku for one in proposals if one.warehouse_sku != warehouse_sku), "")
                row = propose_alias_row(
                    warehouse_sku, proposed, connection=self._context.connection, marketplace_id=marketplace_id
                )
                remedies.append(
                    f"Add the item to wms_item, or add this row to mappings/sku_aliases.csv:\n{row}"
                    if can_be_aliased(seller_sku)
                    else "Add the item to wms_item, or give the listing another SKU in Seller Central: no row in"
                    " mappings/sku_aliases.csv can name this one."
                )
            else:
                details.append(
                    f"seller SKU {seller_sku} is mapped to {warehouse_sku},"
                    f" which is not an active item in the warehouse{hint}"
                )
                remedies.append(
                    f"Add {warehouse_sku} to wms_item, or correct mappings/sku_aliases.csv for {seller_sku}."
                )
        return Reason("sku_unknown", "; ".join(details), "\n".join(remedies))

    def _nearest_code(self, code: str) -> str:
        methods = self._context.ship_methods
        active = methods.loc[methods["is_active"].astype(bool), "code"].tolist()
        found = process.extractOne(code, active, scorer=fuzz.ratio, score_cutoff=SIMILAR_PERCENT)
        return f" (nearest: {found[0]})" if found else ""

    def _explain_method(
        self, marketplace_id: str | None, service_level: str | None, programs: tuple[str, ...], mapped_code: str | None
    ) -> Reason:
        method = f"service level {service_level or 'none'}, programmes {', '.join(programs) or 'none'}"
        if mapped_code:
            return Reason(
                "shipping_method_unmapped",
                f"{method}: mapped to {mapped_code}, which is not an active code in the warehouse"
                f"{self._nearest_code(mapped_code)}",
                f"Add {mapped_code} to wms_ship_method, or correct the row in mappings/shipping_methods.csv.",
            )
        row = propose_shipping_method_row(
            marketplace_id=marketplace_id,
            service_level=service_level,
            programs=programs,
            connection=self._context.connection,
            methods=self._context.methods,
            ship_methods=self._context.ship_methods,
        )
        remedy = f"Add this row to mappings/shipping_methods.csv:\n{row}"
        return Reason("shipping_method_unmapped", f"{method}: not mapped", remedy)


EXPLAINED: dict[str, Callable[[Record], Reason]] = {
    "address_missing": lambda _order: Reason(
        "address_missing",
        "Amazon sent no delivery address",
        "The order is read again from Amazon on every run; if many orders lack an address, the application lacks"
        " the role Direct-to-Consumer Delivery (Restricted).",
    ),
    "address_incomplete": lambda order: Reason(
        "address_incomplete",
        f"the delivery address has no {order['missing_address_fields']}",
        "Ask the buyer through Seller Central; the order is read again from Amazon on every run.",
    ),
    "buyer_cancel_requested": lambda _order: Reason(
        "buyer_cancel_requested",
        "the buyer requested a cancellation",
        "Cancel the order in Seller Central; it disappears from this list once Amazon shows it as cancelled.",
    ),
    "program_unsupported": lambda order: Reason(
        "program_unsupported",
        f"programme {order['unsupported_programs']}: not an ordinary parcel",
        "Handle it in Seller Central, or allow the programme with orders.allow_programs in connections.yaml.",
    ),
    "no_quantity": lambda _order: Reason(
        "no_quantity",
        "no units are left to ship",
        "Nothing to do; the order is read again from Amazon on every run until its status changes.",
    ),
    "duplicate_line": lambda line: Reason(
        "duplicate_line",
        f"order item {line['order_item_id']} appears twice in the order",
        "The order is read again from Amazon on every run; report it to Amazon if it stays like this.",
    ),
    "invalid_payload": lambda record: Reason(
        "invalid_payload",
        f"order item {record['order_item_id']}: more units are left to ship than were ordered"
        if record.get("order_item_id")
        else "a value does not have the type that Amazon's model specifies",
        "The order is read again from Amazon on every run; see the checks in the report.",
    ),
    "postal_code_mismatch": lambda order: Reason("postal_code_mismatch", str(order["address_warning"])),
    "ship_by_missing": lambda _order: Reason("ship_by_missing", "Amazon sent no ship-by date"),
}
"""The texts for each code, except those that need the mappings."""
