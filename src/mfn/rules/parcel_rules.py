"""The rules on `shipment.notification`, applied to parcels: what they set, and what they decide; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mfn.rules.rule_running import apply_rules

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

    from mfn.rules.rule import Rule

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
    it is kept.

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
    is_set = {
        name: known.index[ran.changes.loc[ran.changes["field"] == f"shipment.{name}", "record"].unique().tolist()]
        for name in after
    }
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
    decisions = ran.decisions.reindex(ruled.index).fillna("")
    return ruled.assign(**{name: decisions[name] for name in DECISION})
