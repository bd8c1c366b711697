"""Why an order is held, in words for the person who mends it: what is wrong, where, and the row that helps; pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mfn.models import Reason
from mfn.rules.nearest_skus import nearest_skus, propose_alias_row
from mfn.rules.shipping_methods import propose_shipping_method_row

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from mfn.rules.nearest_skus import NearSku


@dataclass(frozen=True)
class Context:
    """What explanations draw on.

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
    """What the checks found of each order, as reasons that hold it and as warnings.

    Args:
        hits: What `mfn.quality.runner.check` returned: `suite`, `order_id`, `code`, `severity`, `row`.
        orders: The checked order frame; its labels are the rows of order hits.
        lines: The checked line frame; its labels are the rows of line hits.
        components: What `resolve_skus` made of the lines.
        context: What explanations draw on.

    Returns:
        (reasons, warnings) by order id, each code once an order, with everything of that code in its detail; orders
        without a hit are absent.
    """
    unknown = components[~components["is_known"]]
    near = nearest_skus(unknown.loc[unknown["order_id"].isin(hits["order_id"]), "warehouse_sku"], context.items)
    found: dict[str, tuple[dict[str, list[Reason]], dict[str, list[Reason]]]] = defaultdict(
        lambda: (defaultdict(list), defaultdict(list))
    )
    for suite, code, severity, row in zip(hits["suite"], hits["code"], hits["severity"], hits["row"], strict=True):
        frame = orders if suite == "orders" else lines
        record = frame.loc[row]
        held, warned = found[record["order_id"]]
        if code == "sku_unknown":
            reason = _sku_unknown(record, unknown, near, orders, context)
        elif code == "shipping_method_unmapped":
            reason = _method_unmapped(record, context)
        else:
            reason = EXPLAINED.get(code, _plain(code))(record)
        (held if severity == "critical" else warned)[code].append(reason)
    return {
        order_id: ([_one(held[code]) for code in held], [_one(warned[code]) for code in warned])
        for order_id, (held, warned) in found.items()
    }


def _one(reasons: list[Reason]) -> Reason:
    """Several reasons of one code as one."""
    details, remedies = dict.fromkeys(r.detail for r in reasons), dict.fromkeys(r.remedy for r in reasons if r.remedy)
    return Reason(reasons[0].code, "; ".join(details), "\n".join(remedies))


def _sku_unknown(
    line: pd.Series, unknown: pd.DataFrame, near: dict[str, list[NearSku]], orders: pd.DataFrame, context: Context
) -> Reason:
    missing = unknown[(unknown["order_id"] == line["order_id"]) & (unknown["order_item_id"] == line["order_item_id"])]
    if not line["seller_sku"]:
        detail = f"order item {line['order_item_id']} has no seller SKU"
        return Reason(
            "sku_unknown", detail, "Give the listing a SKU in Seller Central; the order is read again on every run."
        )
    marketplace = orders.loc[orders["order_id"] == line["order_id"], "marketplace_id"].iloc[0]
    details, remedies = [], []
    for warehouse_sku in missing["warehouse_sku"]:
        proposals = near.get(warehouse_sku, [])
        told = (
            f" (nearest: {'; '.join(f'{one.warehouse_sku} {one.difference}' for one in proposals)})"
            if proposals
            else ""
        )
        if warehouse_sku == line["seller_sku"]:
            details.append(f"seller SKU {warehouse_sku} is no active item of the warehouse{told}")
            proposed = next((one.warehouse_sku for one in proposals if one.warehouse_sku != warehouse_sku), "")
            row = propose_alias_row(warehouse_sku, proposed, connection=context.connection, marketplace_id=marketplace)
            remedies.append(f"Add the item to wms_item, or to mappings/sku_aliases.csv the row:\n{row}")
        else:
            details.append(
                f"seller SKU {line['seller_sku']} is mapped to {warehouse_sku}, no active item of the warehouse{told}"
            )
            remedies.append(
                f"Add {warehouse_sku} to wms_item, or correct mappings/sku_aliases.csv for {line['seller_sku']}."
            )
    return Reason("sku_unknown", "; ".join(details), "\n".join(remedies))


def _method_unmapped(order: pd.Series, context: Context) -> Reason:
    programs = ", ".join(order["programs"]) or "none"
    method = f"service level {order['service_level'] or 'none'}, programmes {programs}"
    if order["mapped_code"]:
        return Reason(
            "shipping_method_unmapped",
            f"{method}: mapped to {order['mapped_code']}, no active code of the warehouse",
            f"Add {order['mapped_code']} to wms_ship_method, or correct the row in mappings/shipping_methods.csv.",
        )
    row = propose_shipping_method_row(
        marketplace_id=order["marketplace_id"],
        service_level=order["service_level"],
        programs=order["programs"],
        connection=context.connection,
        methods=context.methods,
        ship_methods=context.ship_methods,
    )
    return Reason(
        "shipping_method_unmapped", f"{method}: not mapped", f"Add to mappings/shipping_methods.csv the row:\n{row}"
    )


def _plain(code: str) -> Callable[[pd.Series], Reason]:
    return lambda _record: Reason(code, code.replace("_", " "))


EXPLAINED: dict[str, Callable[[pd.Series], Reason]] = {
    "address_missing": lambda _order: Reason(
        "address_missing",
        "Amazon sent no delivery address",
        "It is read again from Amazon on every run; if many orders lack one, the role"
        " Direct-to-Consumer Delivery (Restricted) is missing.",
    ),
    "address_incomplete": lambda order: Reason(
        "address_incomplete",
        f"the delivery address lacks {order['missing_address_fields']}",
        "Ask the buyer through Seller Central; the order is read again from Amazon on every run.",
    ),
    "buyer_cancel_requested": lambda _order: Reason(
        "buyer_cancel_requested",
        "the buyer asks for a cancellation",
        "Cancel the order in Seller Central; it leaves this list once Amazon shows it as cancelled.",
    ),
    "program_unsupported": lambda order: Reason(
        "program_unsupported",
        f"programme {order['unsupported_programs']}: not an ordinary parcel",
        "Handle it in Seller Central, or let it through with orders.allow_programs in connections.yaml.",
    ),
    "no_quantity": lambda _order: Reason(
        "no_quantity",
        "no unit is left to ship",
        "Nothing to ship; it is read again from Amazon on every run until its status says so.",
    ),
    "duplicate_line": lambda line: Reason(
        "duplicate_line",
        f"order item {line['order_item_id']} stands twice in the order",
        "It is read again from Amazon on every run; report it to Amazon if it stays.",
    ),
    "invalid_payload": lambda _record: Reason(
        "invalid_payload",
        "a value is not of the kind that Amazon's model names",
        "It is read again from Amazon on every run; see the checks in the report.",
    ),
    "postal_code_mismatch": lambda order: Reason("postal_code_mismatch", str(order["address_warning"])),
    "ship_by_missing": lambda _order: Reason("ship_by_missing", "Amazon names no ship-by date"),
}
"""The words for each code but those that need the mappings."""
