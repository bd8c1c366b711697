"""The rules on `order.import`, applied to orders: what they set, and what they decide; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mfn.models import Reason
from mfn.rules.rule_running import apply_rules

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from mfn.rules.rule import Rule

EVENT = "order.import"
CODES = {"hold": "rule_hold", "fail": "rule_fail", "skip": "rule_skip"}
"""The reason code of each decision."""

CHANGE = "Change the rule in mappings/rules.yaml; the order is checked again on every run."
REMEDIES = {
    "hold": CHANGE,
    "fail": CHANGE,
    "skip": "Nothing to do; to load it after all, change the rule in mappings/rules.yaml and fetch it:"
    " mfn import CONNECTION --order ID.",
}


def rule_orders(
    rules: Sequence[Rule], orders: pd.DataFrame, lines: pd.DataFrame, records: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, Reason]]:
    """Orders and lines as the rules leave them.

    Args:
        rules: The rules on this event, in their order.
        orders: An order frame (`mfn.rules.frames`) with `warehouse_code`.
        lines: A line frame of these orders and possibly of others.
        records: Their records (`mfn.rules.records.order_records`), with the index of the orders.

    Returns:
        The orders with the `warehouse_code` that was set, the lines with the `requires_signature` that was set, and the
        decisions by order id; the code of each (`CODES`) says which it is.
    """
    ran = apply_rules(rules, records)
    codes = ran.records["order.ship_method_code"]
    orders = orders.assign(warehouse_code=codes.where(codes != "", None))
    signature = ran.records["order.requires_signature"].astype(bool)
    changed = (signature != records["order.requires_signature"].astype(bool)).to_numpy()
    if changed.any():
        wanted = dict(zip(orders["order_id"][changed], signature[changed], strict=True))
        mapped = lines["order_id"].map(wanted)
        lines = lines.assign(requires_signature=mapped.where(mapped.notna(), lines["requires_signature"]).astype(bool))
    decided = ran.decisions[ran.decisions["decision"] != ""]
    rows = zip(orders["order_id"].loc[decided.index], *(decided[name] for name in decided.columns), strict=True)
    reasons = {
        order_id: Reason(CODES[decision], f"rule {rule}: {message}", REMEDIES[decision])
        for order_id, decision, message, rule in rows
    }
    return orders, lines, reasons
