"""Everything that a stock run decides about, one row each: offers, SKUs without listing, stock without item; pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mfn.amazon.quantities import MERCHANT_CHANNEL
from mfn.models import OfferStatus, Reason
from mfn.plain_text import listed_details
from mfn.rules.records import stock_records
from mfn.rules.skus import aliases_without_listing, offer_components
from mfn.rules.stock_faults import REMEDIES
from mfn.rules.stock_levels import offer_levels
from mfn.rules.stock_oversold import oversold_components
from mfn.rules.stock_rules import OUTCOMES, limits_of, rule_offers

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from mfn.connection import Connection
    from mfn.rules.rule import Rule

    Finding = tuple[str, str]

SKU_UNKNOWN = (
    "Add it to wms_item, or map the listing to a SKU that the warehouse knows: mfn skus {} proposes the row for "
    "sku_aliases.csv."
)
LISTING_MISSING = (
    "List it on Amazon as fulfilled by you, or map the listing that sells it: mfn skus {} proposes the row for "
    "sku_aliases.csv. If it is not to be sold on Amazon, make it inactive in wms_item, or remove its row from "
    "sku_aliases.csv."
)


@dataclass(frozen=True, eq=False)
class StockEntries:
    """What a stock run decides about.

    Attributes:
        entries: Index 0…n-1; first the offers in the order of the listings, then what has no listing, sorted by SKU:

            =============== =========================================================================================
            marketplace_id  text; empty where there is no listing
            seller_sku      text; where there is no listing, the SKU that one would have, or that the stock has.
                            Unique within a marketplace
            asin            text or None
            sku             the warehouse's; of a kit, the component that allows fewest; empty: none
            is_kit          bool
            on_hand,        int64, of this SKU
            allocated,
            promised
            available       int64, in units of the offer, before buffer, minimum and maximum; never below zero
            before_limits   int64, after the buffer, before minimum and maximum
            level           int64, what there is to send to Amazon
            is_inactive     bool: the item, or a component, is not active; such an offer's level is 0
            outcome         empty: its level may be sent; `held` or `failed`: it may not
            reasons         tuple of `mfn.models.Reason`; empty where the outcome is
            =============== =========================================================================================
        oversold: What `mfn.rules.stock_oversold.oversold_components` found of the offers whose level may be sent.
    """

    entries: pd.DataFrame
    oversold: pd.DataFrame


def stock_entries(
    listings: pd.DataFrame,
    aliases: pd.DataFrame,
    faults: pd.DataFrame,
    items: pd.DataFrame,
    *,
    rules: Sequence[Rule],
    connection: Connection,
    now: datetime,
) -> StockEntries:
    """The levels, and why some are not sent.

    A fault of a component holds every offer that needs it. A listing that is not the seller's to ship is not an entry,
    but its components count as listed.

    Args:
        listings: Every listing of the connection: `marketplace_id`, `seller_sku`, `asin`, `channel` (`DEFAULT` alone:
            the seller ships it; empty: not listed).
        aliases: `Mappings.sku_aliases`.
        faults: What `mfn.rules.stock_faults.stock_faults` returned.
        items: What `mfn.rules.stock_levels.item_stock` returned.
        rules: The rules on `inventory.push`, in their order.
        connection: The connection.
        now: When the run began.
    """
    listed = listings[listings["channel"] != ""].reset_index(drop=True)
    everything = offer_components(listed, aliases, connection=connection.name)
    offers, components = _own_offers(listed, everything)
    by_sku = _by_sku(faults)
    held = _held(components, by_sku, items)
    limits = limits_of(connection.inventory, len(offers))
    levels = offer_levels(components, items, limits)
    decided: dict[int, tuple[str, Reason]] = {}
    if any(rule.is_enabled for rule in rules):
        free = np.setdiff1d(np.arange(len(offers)), list(held))
        frames = (frame.loc[free] for frame in (offers, levels, limits))
        limits, decisions = rule_offers(rules, limits, stock_records(*frames, connection=connection.name, now=now))
        levels = offer_levels(components, items, limits)
        decided = _decided(decisions)
    remedies = REMEDIES | {
        "sku_unknown": SKU_UNKNOWN.format(connection.name),
        "listing_missing": LISTING_MISSING.format(connection.name),
    }
    outcomes = np.full(len(offers), "", dtype=object)
    reasons: list[tuple[Reason, ...]] = [()] * len(offers)
    for position, findings in held.items():
        outcomes[position], reasons[position] = OfferStatus.HELD.value, _merged(findings, remedies)
    for position, (outcome, reason) in decided.items():
        outcomes[position], reasons[position] = outcome, (reason,)
    entries = offers.join(levels).assign(outcome=outcomes, reasons=pd.Series(reasons, dtype="object"))
    unlisted_aliases = aliases_without_listing(
        aliases, listed["seller_sku"], connection=connection.name, marketplace_ids=connection.marketplace_ids
    )
    unlisted = _without_listing(everything, unlisted_aliases, by_sku, items)
    is_sendable = entries["outcome"].eq("").to_numpy()
    sendable = entries.loc[is_sendable, ["marketplace_id", "seller_sku", "is_kit", "level"]]
    oversold = oversold_components(sendable, components[is_sendable[components["offer"].to_numpy()]], items)
    entries = pd.concat([entries, _entries_of(unlisted, items, remedies)], ignore_index=True)
    return StockEntries(entries, oversold)


def _own_offers(listed: pd.DataFrame, everything: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The listings that are the seller's to ship, index 0…n-1, and their components by that index."""
    is_ours = listed["channel"].eq(MERCHANT_CHANNEL).to_numpy()
    offers = listed.loc[is_ours, ["marketplace_id", "seller_sku", "asin"]].reset_index(drop=True)
    components = everything[is_ours[everything["offer"].to_numpy()]]
    return offers, components.assign(offer=(np.cumsum(is_ours) - 1)[components["offer"].to_numpy()])


def _decided(decisions: pd.DataFrame) -> dict[int, tuple[str, Reason]]:
    """What rules decided, by the position of the offer."""
    found = {}
    for position, decision, message, rule in decisions[decisions["decision"] != ""].itertuples(name=None):
        outcome, code = OUTCOMES[decision]
        remedy = f"Decided by the rule {rule!r} in mappings/rules.yaml; change the rule if it is wrong."
        found[position] = (outcome, Reason(code, message, remedy))
    return found


def _merged(findings: Iterable[Finding], remedies: Mapping[str, str]) -> tuple[Reason, ...]:
    """One reason for each code, in the order of the remedies, with everything that was found in its detail."""
    details: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for code, detail in findings:
        details[code][detail] = None
    return tuple(Reason(code, listed_details([*details[code]]), remedies[code]) for code in remedies if code in details)


def _held(
    components: pd.DataFrame, by_sku: Mapping[str, Sequence[Finding]], items: pd.DataFrame
) -> dict[int, list[Finding]]:
    """The reasons that hold offers, by the position of the offer."""
    concerned = components[~components["sku"].isin(items.index) | components["sku"].isin(list(by_sku))]
    held: defaultdict[int, list[Finding]] = defaultdict(list)
    for offer, sku in zip(concerned["offer"].tolist(), concerned["sku"].tolist(), strict=True):
        held[offer] += by_sku.get(sku) or [("sku_unknown", f"{sku} is not in wms_item")]
    return held


def _by_sku(faults: pd.DataFrame) -> dict[str, list[Finding]]:
    found: defaultdict[str, list[Finding]] = defaultdict(list)
    columns = (faults[name].tolist() for name in ("sku", "location", "code", "detail"))
    for sku, location, code, detail in zip(*columns, strict=True):
        where = f"{sku} in {location}" if sku and location else sku or location
        found[sku].append((code, f"{where}: {detail}" if where else detail))
    return found


def _without_listing(
    everything: pd.DataFrame, aliases: pd.DataFrame, by_sku: Mapping[str, Sequence[Finding]], items: pd.DataFrame
) -> dict[str, tuple[str, list[Finding]]]:
    """What has no listing: the SKU that a listing would have, the warehouse's SKU, and why it is held."""
    found: dict[str, tuple[str, list[Finding]]] = {}
    for seller_sku, sku in zip(aliases["seller_sku"].tolist(), aliases["warehouse_sku"].tolist(), strict=True):
        missing = ("listing_missing", f"Amazon has no listing for {seller_sku}, which sku_aliases.csv maps")
        found.setdefault(seller_sku, (sku, [missing]))[1].extend(by_sku.get(sku, ()))
    is_listed = items.index.isin(everything["sku"]) | items.index.isin(aliases["warehouse_sku"])
    for sku in items.index[items["is_active"].to_numpy() & ~is_listed].tolist():
        missing = ("listing_missing", f"Amazon has no listing for {sku}, and none for a kit that contains it")
        found[sku] = (sku, [*found.get(sku, (sku, []))[1], missing, *by_sku.get(sku, ())])
    for sku in set(by_sku).difference(items.index, everything["sku"]):
        found[sku] = (sku, [*found.get(sku, (sku, []))[1], *by_sku[sku]])
    return dict(sorted(found.items()))


def _entries_of(
    unlisted: Mapping[str, tuple[str, Sequence[Finding]]], items: pd.DataFrame, remedies: Mapping[str, str]
) -> pd.DataFrame:
    """The entries of what has no listing."""
    skus = [sku for sku, _ in unlisted.values()]
    facts = items.reindex(skus)
    numbers = {name: facts[name].fillna(0).to_numpy(dtype="int64") for name in ("on_hand", "allocated", "promised")}
    texts = {"marketplace_id": [""] * len(skus), "seller_sku": list(unlisted), "asin": [None] * len(skus), "sku": skus}
    reasons = [_merged(findings, remedies) for _, findings in unlisted.values()]
    return pd.DataFrame(
        {
            **{name: pd.Series(values, dtype="object") for name, values in texts.items()},
            **numbers,
            "is_kit": np.zeros(len(skus), dtype=bool),
            "is_inactive": np.zeros(len(skus), dtype=bool),
            **{name: np.zeros(len(skus), dtype="int64") for name in ("available", "before_limits", "level")},
            "outcome": pd.Series([OfferStatus.HELD.value] * len(skus), dtype="object"),
            "reasons": pd.Series(reasons, dtype="object"),
        }
    )
