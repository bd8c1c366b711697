"""Step `inventory`: whether the warehouse's stock can be believed and pushed."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mfn.ledger.sent_offers import has_sent
from mfn.rules.stock_brake import emptiness, stock_totals
from mfn.rules.stock_faults import REMEDIES, stock_faults
from mfn.steps.checking.findings import SHOWN, counted, failed, more, ok, warning
from mfn.steps.checking.rehearsal import rehearse_push
from mfn.steps.stock.judging import AWAITING_IMPORT, HELD, NOT_BELIEVED, losses_in_words
from mfn.steps.stock.promised import read_stock

if TYPE_CHECKING:
    import pandas as pd

    from mfn.steps.checking.findings import Finding
    from mfn.steps.checking.place import CheckPlace
    from mfn.steps.stock.judging import Judged

OF_ALL = {AWAITING_IMPORT.code, NOT_BELIEVED}
"""Reasons that hold every offer, and that have findings of their own."""


def stock_findings(place: CheckPlace, listings: pd.DataFrame | None) -> list[Finding]:
    """What is in stock, which rows are not believed, how old the counts are, and what the next push would hold.

    Args:
        place: The workplace.
        listings: What `mfn.steps.checking.skus.read_listings` returned; None if Amazon did not answer.

    Raises:
        RetriableError: The warehouse or the ledger cannot be reached.
        FatalError: The warehouse's table cannot be read.
    """
    snapshot = read_stock(place)
    stock, items = snapshot.stock, snapshot.items
    if why := emptiness(stock, items):
        remedy = "Have the warehouse write its stock; until then no level is pushed (the brake holds all of them)."
        return [failed(why, remedy)]
    totals = stock_totals(stock)
    units, skus = totals["units"].tolist()[0], totals["skus"].tolist()[0]
    found = [ok(f"{counted(units, 'unit')} of {counted(skus, 'SKU')} in {counted(len(stock), 'row')}")]
    found += [*_faults(place, stock, items), *_absent(stock, items), *_age(place, stock)]
    if not units:
        found.append(
            failed("nothing is on hand anywhere", "Check that on_hand and is_sellable of wms_inventory are filled in.")
        )
    judged = rehearse_push(place, snapshot, listings)
    # Without Amazon's answer it is not known whether something is listed nowhere.
    left_out = OF_ALL if listings is not None else OF_ALL | {"listing_missing"}
    return [*found, *_held(place, judged, left_out), *_lost(place, judged), _pushed(place)]


def _faults(place: CheckPlace, stock: pd.DataFrame, items: pd.DataFrame) -> list[Finding]:
    age = place.connection.inventory.maximum_age_hours
    faults = stock_faults(stock, items, now=datetime.now(UTC), maximum_age_hours=age)
    found = []
    for code, remedy in REMEDIES.items():
        rows = faults[faults["code"] == code]
        if rows.empty:
            continue
        named = [f"{sku or '(no SKU)'}: {detail}" for sku, detail in zip(rows["sku"], rows["detail"], strict=True)]
        text = f"{code}: {counted(len(rows), 'row')} whose SKUs are held: {', '.join(named[:SHOWN])}"
        text += more(len(rows))
        found.append(warning(text, remedy))
    return found


def _absent(stock: pd.DataFrame, items: pd.DataFrame) -> list[Finding]:
    active = items.loc[items["is_active"].astype(bool), "sku"]
    absent = sorted(active[~active.isin(stock["sku"])].tolist())
    if not absent:
        return []
    text = f"{counted(len(absent), 'active item')} without a row in wms_inventory: {', '.join(absent[:SHOWN])}"
    remedy = "They are offered with 0 units. Have the warehouse write a row for each item that it stocks."
    return [warning(text + more(len(absent)), remedy)]


def _age(place: CheckPlace, stock: pd.DataFrame) -> list[Finding]:
    counted_at = stock.loc[stock["is_sellable"], "counted_at"].dropna()
    limit = place.connection.inventory.maximum_age_hours
    if counted_at.empty:
        text = "counted_at is empty, so the age of the stock is unknown"
        if limit is None:
            return [ok(text)]
        return [warning(text, "Have the warehouse fill in counted_at; maximum_age_hours has no effect without it.")]
    return [ok(f"counted between {counted_at.min():%Y-%m-%d %H:%M} and {counted_at.max():%Y-%m-%d %H:%M} UTC")]


def _held(place: CheckPlace, judged: Judged, left_out: set[str]) -> list[Finding]:
    """What the next push would hold for reasons of single offers, except those that are reported elsewhere."""
    reasons = judged.entries.loc[judged.entries["outcome"] == HELD, "reasons"]
    codes = Counter(code for held in reasons for code in {reason.code for reason in held} - left_out)
    offers = sum(any(reason.code not in left_out for reason in held) for held in reasons)
    if not offers:
        return []
    text = f"{counted(offers, 'offer')} would be held: " + ", ".join(f"{code} {n}" for code, n in codes.most_common())
    return [
        warning(text, f"The report of mfn inventory {place.connection.name} --dry-run shows each, with its remedy.")
    ]


def _lost(place: CheckPlace, judged: Judged) -> list[Finding]:
    brake = judged.findings["brake"]
    if not brake:
        return []
    text = f"the next push would hold every level: {losses_in_words(brake['losses'])}"
    against = "" if has_sent(place.ledger, place.connection.name) else " (before: what Amazon shows)"
    remedy = (
        "Check that the warehouse writes all of its stock; if the difference is real, run"
        f" mfn inventory {place.connection.name} --force."
    )
    return [warning(text + against, remedy)]


def _pushed(place: CheckPlace) -> Finding:
    name = place.connection.name
    if has_sent(place.ledger, name):
        return ok("levels have been pushed before")
    return warning(
        "no level has been pushed yet: the first push sets every quantity at Amazon",
        f"After mfn import {name}, check it with mfn inventory {name} --dry-run; then run mfn inventory {name}.",
    )
