"""Judging stock: faults, levels, rules, checks and the brake, and from these the outcome of every entry."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mfn.amazon.quantities import MERCHANT_CHANNEL
from mfn.ledger.offers import KEY, NOT_LISTED, read_offers
from mfn.ledger.packing import unpacked
from mfn.ledger.stock_locations import believed_stock
from mfn.models import OfferStatus, Reason
from mfn.rules.stock_brake import WHOLE, Loss, emptiness, losses, losses_against_amazon, stock_totals
from mfn.rules.stock_entries import stock_entries
from mfn.rules.stock_faults import stock_faults
from mfn.rules.stock_levels import item_stock
from mfn.rules.stock_rules import EVENT
from mfn.steps.stock.checks import check_stock
from mfn.steps.stock.rows import positions_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from mfn.quality.model import QualityReport
    from mfn.steps.stock.read import ReadChunk
    from mfn.steps.workplace import Workplace

HELD, FAILED = OfferStatus.HELD.value, OfferStatus.FAILED.value

KNOWN = {
    "level": "level_before",
    "level_sent": "level_sent",
    "level_sent_basis": "level_sent_basis",
    "before_limits_sent": "before_limits_sent",
    "status": "status_before",
    "reasons": "reasons_before",
}
"""Columns of the ledger that are compared, and their names next to the new ones."""

OVERSOLD_SHOWN = 50
OFFERS_SHOWN = 10

NOT_BELIEVED = "warehouse_not_believed"
"""The code of the reason that holds every offer while the warehouse is not believed."""

AWAITING_IMPORT = Reason(
    "awaiting_import",
    "no import is complete yet, so the units promised to orders are unknown",
    "Run mfn import for this connection; the first complete one releases its stock.",
)


@dataclass(frozen=True, eq=False)
class Judged:
    """What was found.

    Attributes:
        entries: `StockEntries.entries` with the outcomes of this run and the values of `KNOWN`.
        known: `marketplace_id`, `seller_sku`, `status` of every offer of the ledger.
        totals: What `stock_totals` returned.
        findings: For the report.
        oversold: How many components have more units promised than there are.
        is_braked: Whether the warehouse is not believed.
    """

    entries: pd.DataFrame
    known: pd.DataFrame
    totals: pd.DataFrame
    findings: Mapping[str, Any]
    oversold: int
    is_braked: bool


def judge(place: Workplace, chunk: ReadChunk, *, is_dry_run: bool, is_forced: bool) -> Judged:
    """Judge everything that was read.

    Args:
        place: The workplace.
        chunk: What was read.
        is_dry_run: Whether what was learnt about listings is in the chunk only.
        is_forced: Whether to believe the warehouse, whatever it lost.

    Raises:
        RetriableError: The ledger could not be reached.
        FatalError: A check could not run at all.
    """
    now = datetime.now(UTC)
    checked = _check(chunk, now, place.connection.inventory.maximum_age_hours)
    shown, news, read_at, has_import = chunk.shown, chunk.listings, chunk.at, chunk.covered_until is not None
    del chunk  # the rows are no longer needed, and take as much memory as what follows
    rules = place.mappings.rules[EVENT]
    listed = (*KEY, "channel", *(("asin",) if rules else ()))  # nothing else needs it
    known = read_offers(place.ledger, place.connection.name, (*listed, *KNOWN))
    listings = known[list(listed)]
    if is_dry_run:
        listings = pd.concat([listings, unpacked(news)[list(listed)]], ignore_index=True)
        listings = listings.drop_duplicates(list(KEY), keep="last")
    is_ours = listings["marketplace_id"].isin(place.connection.marketplace_ids)  # the ledger may know of more
    listings = listings[is_ours & (listings["channel"] != NOT_LISTED)]
    found = stock_entries(
        listings if rules else listings.assign(asin=None),
        place.mappings.sku_aliases,
        checked.faults,
        checked.levels,
        rules=rules,
        connection=place.connection,
        now=now,
    )
    entries = _with_known(found.entries, known)
    lost = _lost(place, unpacked(shown), checked, entries)
    is_braked = bool(lost) and not is_forced
    entries = _held_back(entries, lost=lost if is_braked else [], has_import=has_import)
    inactive = int((entries["is_inactive"] & (entries["outcome"] == "")).sum())
    not_ours = int((listings["channel"] != MERCHANT_CHANNEL).sum())
    findings = {
        "quality": checked.quality.to_dict(),
        "warnings": ({"item_inactive": inactive} if inactive else {}) | checked.warned,
        "ignored": {"not_merchant_fulfilled": not_ours} if not_ours else {},
        "brake": {"losses": lost, "is_forced": is_forced} if lost else None,
        "oversold": _oversold(found.oversold),
        "stock": {**checked.totals.loc[0, ["skus", "units"]].to_dict(), "read_at": read_at.isoformat()},
    }
    return Judged(entries, known[[*KEY, "status"]], checked.totals, findings, len(found.oversold), is_braked)


@dataclass(frozen=True, eq=False)
class _Checked:
    """What was found in the rows of the warehouse.

    Attributes:
        faults: What `stock_faults` and the checks found.
        levels: What `item_stock` returned.
        totals: What `stock_totals` returned of items that are active.
        why: In which way the warehouse's answer is empty.
        warned: How many rows or items broke each rule that warns.
        quality: What the checks found, for the report.
    """

    faults: pd.DataFrame
    levels: pd.DataFrame
    totals: pd.DataFrame
    why: str
    warned: dict[str, int]
    quality: QualityReport


def _check(chunk: ReadChunk, now: datetime, age: float | None) -> _Checked:
    stock, items = unpacked(chunk.stock), unpacked(chunk.items)
    faults = stock_faults(stock, items, now=now, maximum_age_hours=age)
    faults, warned, quality = check_stock(stock, items, faults, now=now, maximum_age_hours=age)
    levels = item_stock(stock, items, unpacked(chunk.promised).set_index("sku")["units"])
    inactive = items.loc[~items["is_active"], "sku"]  # none of it is offered: to the brake it is gone
    totals = stock_totals(stock[~stock["sku"].isin(inactive)])
    return _Checked(faults, levels, totals, emptiness(stock, items), warned, quality)


def is_news(entries: pd.DataFrame) -> NDArray[np.bool_]:
    """Whether a level, before or after its limits, differs from the one last sent, or none was sent.

    Args:
        entries: `Judged.entries`.
    """
    is_same = (entries["level"] == entries["level_sent_basis"]) & (
        entries["before_limits"] == entries["before_limits_sent"]
    )
    return ~(entries["level_sent"].notna() & is_same).to_numpy(dtype=bool)


def _with_known(entries: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    """Entries with the ledger's values; empty for one that the ledger does not know."""
    position = positions_in(known, entries)
    return entries.assign(**{new: _taken(known[name].to_numpy(), position) for name, new in KNOWN.items()})


def _taken(values: NDArray[Any], position: NDArray[np.intp]) -> NDArray[Any]:
    """The values at some positions; nothing for -1."""
    nothing: Any = None if values.dtype == object else np.nan
    return np.where(position >= 0, np.append(values, nothing)[position], nothing)


def _lost(place: Workplace, shown: pd.DataFrame, checked: _Checked, entries: pd.DataFrame) -> list[dict[str, Any]]:
    """Losses of the warehouse that are too large to be believed, as the report shows them."""
    before = believed_stock(place.ledger, place.connection.name)
    percent = place.connection.inventory.brake_percent
    if len(before):
        found = losses(before, checked.totals, brake_percent=percent)
    else:
        free = entries[entries["outcome"] == ""]
        quantities = pd.Series(_taken(shown["quantity"].to_numpy(), positions_in(shown, free)), index=free.index)
        found = losses_against_amazon(quantities, free["available"], brake_percent=percent)
    lost = [asdict(loss) for loss in found]
    if checked.why and not lost:
        lost = [asdict(Loss(WHOLE, "SKUs", before=0, now=0))]
    return [{**loss, "why": checked.why} for loss in lost] if checked.why else lost


def _held_back(entries: pd.DataFrame, *, lost: list[dict[str, Any]], has_import: bool) -> pd.DataFrame:
    """Entries with the reasons that hold them whatever their level."""
    held = (entries["outcome"] == "").to_numpy()
    if lost:
        reason = Reason(NOT_BELIEVED, losses_in_words(lost), "See the report of the run for the causes.")
    elif not has_import:
        held, reason = held & entries["level_sent"].isna().to_numpy(), AWAITING_IMPORT
    else:
        return entries
    outcomes, reasons = entries["outcome"].to_numpy(copy=True), entries["reasons"].to_numpy(copy=True)
    outcomes[held] = HELD
    for position in np.flatnonzero(held):
        reasons[position] = (reason,)
    return entries.assign(outcome=outcomes, reasons=reasons)


def losses_in_words(lost: list[dict[str, Any]]) -> str:
    """What a warehouse that is not believed has lost, as one sentence.

    Args:
        lost: `findings["brake"]["losses"]`.
    """
    if lost[0].get("why"):
        return str(lost[0]["why"])
    return "; ".join(str(Loss(loss["location"], loss["what"], loss["before"], loss["now"])) for loss in lost)


def _oversold(found: pd.DataFrame) -> list[dict[str, Any]]:
    """Components with more units promised than there are, the largest shortage first, as the report shows them."""
    lacking = (found["promised_by_offers"] - found["left"]).astype("int64")
    worst = found.loc[lacking.sort_values(ascending=False, kind="stable").index[:OVERSOLD_SHOWN]]
    names = ("sku", "marketplace_id", "left", "promised_by_offers", "offers")
    return [
        {
            "sku": sku,
            "marketplace_id": place,
            "left": left,
            "promised": promised,
            "offers": list(offers)[:OFFERS_SHOWN],
            "further": max(0, len(offers) - OFFERS_SHOWN),
        }
        for sku, place, left, promised, offers in zip(*(worst[name].tolist() for name in names), strict=True)
    ]
