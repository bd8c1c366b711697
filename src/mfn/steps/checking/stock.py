"""Step `inventory`: whether the warehouse's stock can be believed and pushed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mfn.ledger.stock_locations import believed_stock
from mfn.ledger.told_offers import has_sent
from mfn.rules.stock_brake import emptiness, losses, stock_totals
from mfn.rules.stock_faults import REMEDIES, stock_faults
from mfn.steps.checking.findings import SHOWN, counted, failed, more, ok, warning

if TYPE_CHECKING:
    import pandas as pd

    from mfn.steps.checking.findings import Finding
    from mfn.steps.checking.place import CheckPlace


def stock_findings(place: CheckPlace) -> list[Finding]:
    """What lies in the warehouse, what of it is not believed, how old it is, and whether it was ever pushed.

    Args:
        place: The workplace.

    Raises:
        RetriableError: The warehouse or the ledger cannot be reached.
        FatalError: The warehouse's table cannot be read.
    """
    snapshot = place.warehouse.stock(())
    stock, items = snapshot.stock, snapshot.items
    if why := emptiness(stock, items):
        remedy = "Have the warehouse write its stock; until it does, no level is pushed (the brake holds all of them)."
        return [failed(why, remedy)]
    totals = stock_totals(stock)
    units, skus = totals["units"].tolist()[0], totals["skus"].tolist()[0]
    found = [ok(f"{counted(units, 'unit')} of {counted(skus, 'SKU')} in {counted(len(stock), 'row')}")]
    found += [*_faults(place, stock, items), *_absent(stock, items), *_age(place, stock), *_lost(place, totals)]
    if not units:
        found.append(
            failed("nothing is on hand anywhere", "See that on_hand and is_sellable of wms_inventory are filled.")
        )
    return [*found, _pushed(place)]


def _faults(place: CheckPlace, stock: pd.DataFrame, items: pd.DataFrame) -> list[Finding]:
    age = place.connection.inventory.maximum_age_hours
    faults = stock_faults(stock, items, now=datetime.now(UTC), maximum_age_hours=age)
    found = []
    for code, remedy in REMEDIES.items():
        rows = faults[faults["code"] == code]
        if rows.empty:
            continue
        named = [f"{sku or '(no SKU)'}: {detail}" for sku, detail in zip(rows["sku"], rows["detail"], strict=True)]
        told = f"{code}: {counted(len(rows), 'row')} whose SKUs are held: {', '.join(named[:SHOWN])}"
        told += more(len(rows))
        found.append(warning(told, remedy))
    return found


def _absent(stock: pd.DataFrame, items: pd.DataFrame) -> list[Finding]:
    active = items.loc[items["is_active"].astype(bool), "sku"]
    absent = sorted(active[~active.isin(stock["sku"])].tolist())
    if not absent:
        return []
    told = f"{counted(len(absent), 'active item')} without a row in wms_inventory: {', '.join(absent[:SHOWN])}"
    remedy = "They are offered with 0 units. Have the warehouse write a row for each that it stocks."
    return [warning(told + more(len(absent)), remedy)]


def _age(place: CheckPlace, stock: pd.DataFrame) -> list[Finding]:
    counted_at = stock.loc[stock["is_sellable"], "counted_at"].dropna()
    limit = place.connection.inventory.maximum_age_hours
    if counted_at.empty:
        told = "no count says when it was made (counted_at), so nobody can tell how old the stock is"
        if limit is None:
            return [ok(told)]
        return [warning(told, "Have the warehouse write counted_at; maximum_age_hours has no effect without it.")]
    return [ok(f"counted between {counted_at.min():%Y-%m-%d %H:%M} and {counted_at.max():%Y-%m-%d %H:%M} UTC")]


def _lost(place: CheckPlace, totals: pd.DataFrame) -> list[Finding]:
    before = believed_stock(place.ledger, place.connection.name)
    lost = losses(before, totals, brake_percent=place.connection.inventory.brake_percent)
    if not lost:
        return []
    named = "; ".join(map(str, lost[:SHOWN])) + more(len(lost))
    remedy = (
        "The next push holds every level. See that the warehouse writes all of its stock; where the loss is real, run"
        f" mfn inventory {place.connection.name} --force."
    )
    return [warning(f"less than was believed: {named}", remedy)]


def _pushed(place: CheckPlace) -> Finding:
    name = place.connection.name
    if has_sent(place.ledger, name):
        return ok("levels have been pushed before")
    return warning(
        "no level was ever pushed: the next push is the first one and sets every quantity at Amazon",
        f"After mfn import {name}, look at it with mfn inventory {name} --dry-run; then run mfn inventory {name}.",
    )
