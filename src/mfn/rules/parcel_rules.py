"""The rules on `shipment.notification`, applied to parcels: what they set, and what they decide; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mfn.mappings.tables import OTHER
from mfn.rules.rule_running import apply_rules

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

    from mfn.rules.rule import Rule
    from mfn.rules.rule_running import RuleRun

EVENT = "shipment.notification"
DECISION = ("decision", "message", "rule")
WRITTEN = ("carrier", "service", "tracking_number", "shipped_at")
AS_SENT = ("carrier_code", "carrier_name", "shipping_method")


def rule_parcels(
    rules: Sequence[Rule],
    parcels: pd.DataFrame,
    records: pd.DataFrame,
    normalize: Callable[[pd.DataFrame], pd.DataFrame],
) -> pd.DataFrame:
    """Parcels as the rules leave them.

    If a rule sets the carrier or the service, they are normalized again; what a rule sets of the carrier as Amazon gets
    it is kept, also where it was the same before. A code other than `Other` that a rule sets needs no carrier's name.

    Args:
        rules: The rules on this event, in their order.
        parcels: Parcels with their carriers normalized; `carrier_reason` and `carrier_warning` among the columns.
        records: The records of those of known orders (`mfn.rules.records.shipment_records`), with the parcels' index.
        normalize: Normalizes the carriers of parcels, as `mfn.rules.carriers.normalize_carriers` does.

    Returns:
        The parcels with what was set, and `decision`, `message` and `rule`, each "" if no rule decided.
    """
    ran = apply_rules(rules, records)
    known = parcels.loc[records.index]
    after = {name: ran.records[f"shipment.{name}"] for name in (*WRITTEN, *AS_SENT)}
    is_set = {name: known.index[_positions_set(ran, rules, f"shipment.{name}")] for name in after}
    ruled = parcels.copy()
    for name in WRITTEN:
        ruled.loc[is_set[name], name] = after[name].loc[is_set[name]]
    again = is_set["carrier"].union(is_set["service"])
    if len(again):
        carriers = normalize(ruled.loc[again])
        ruled.loc[again, list(carriers.columns)] = carriers
    for name in AS_SENT:
        ruled.loc[is_set[name], name] = after[name].loc[is_set[name]]
    ruled.loc[is_set["carrier_code"], ["carrier_reason", "carrier_warning"]] = ""
    coded = is_set["carrier_code"].difference(is_set["carrier_name"])
    ruled.loc[coded[ruled.loc[coded, "carrier_code"] != OTHER], "carrier_name"] = None
    decisions = ran.decisions.reindex(ruled.index).fillna("")
    return ruled.assign(**{name: decisions[name] for name in DECISION})


def _positions_set(ran: RuleRun, rules: Sequence[Rule], field: str) -> list[int]:
    """The positions of the records of which a rule that was true set a field, even if to the value that it had."""
    setting = [rule.name for rule in rules if field in rule.changes]
    positions: list[int] = ran.fired.loc[ran.fired["rule"].isin(setting), "record"].unique().tolist()
    return positions
