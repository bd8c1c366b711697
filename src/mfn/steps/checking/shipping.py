"""Steps `shipping methods` and `Seller Fulfilled Prime`: what orders ask for, and what the warehouse ships by."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from sqlalchemy import func, select

from mfn.amazon.marketplaces import BY_ID
from mfn.amazon.orders import DUE, PRIME
from mfn.errors import shown_path
from mfn.ledger.schema import TrackedOrder
from mfn.mappings.against_warehouse import check_codes
from mfn.mappings.tables import SHIPPING_METHODS
from mfn.models import OrderStatus
from mfn.rules.shipping_methods import propose_shipping_method_row, resolve_shipping_methods
from mfn.steps.checking.findings import SHOWN, counted, failed, mapping_findings, more, ok, warning

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mfn.steps.checking.findings import Finding
    from mfn.steps.checking.place import CheckPlace
    from mfn.steps.checking.sample import OrderSample

METHOD = ["marketplace_id", "service_level", "programs"]
UNDECIDED = (OrderStatus.HELD, OrderStatus.READY, OrderStatus.PENDING)
"""Statuses of orders that the warehouse does not have yet."""


def seen_methods(place: CheckPlace, sample: OrderSample | None) -> pd.DataFrame:
    """The shipping methods of the orders in the ledger, and of those that one search has shown.

    Args:
        place: The workplace.
        sample: What one search has shown, or None.

    Returns:
        One row for each method, the most frequent first: `marketplace_id`, `service_level` (texts or None), `programs`
        (tuple), `orders` (how many, of either source the larger number), `due` (how many of them Amazon
        expects to be shipped), `warehouse_code` (None where nothing maps it).
    """
    parts = [_summed(_in_ledger(place))]
    if sample is not None and len(sample.orders):
        is_due = sample.orders["fulfillment_status"].isin(DUE).astype("int64")
        parts.append(_summed(sample.orders[METHOD].assign(orders=1, due=is_due)))
    both = pd.concat(parts, ignore_index=True)
    seen = both.groupby(METHOD, dropna=False, as_index=False).max()
    seen = seen.sort_values("orders", ascending=False, kind="stable")
    seen = seen.reset_index(drop=True)
    # As a Series: pandas would turn an array with None in it into texts again, and None would be lost.
    seen = seen.assign(**{name: seen[name].astype("object").where(seen[name].notna(), None) for name in METHOD[:2]})
    return resolve_shipping_methods(seen, place.mappings.shipping_methods, connection=place.connection.name)


def _summed(methods: pd.DataFrame) -> pd.DataFrame:
    """One row for each method; an empty service level counts as none, since mapping rows cannot tell them apart."""
    level = methods["service_level"]
    return (
        methods.assign(service_level=level.where(level != "", None)).groupby(METHOD, dropna=False, as_index=False).sum()
    )


def _in_ledger(place: CheckPlace) -> pd.DataFrame:
    columns = (TrackedOrder.marketplace_id, TrackedOrder.service_level, TrackedOrder.programs)
    is_undecided = TrackedOrder.status.in_(UNDECIDED)
    statement = (
        select(*columns, func.count(), func.count().filter(is_undecided))
        .where(TrackedOrder.connection == place.connection.name)
        .group_by(*columns)
    )
    with place.ledger.reading() as database:
        rows = [
            (marketplace_id, level, tuple((programs or "").split(",")) if programs else (), orders, due)
            for marketplace_id, level, programs, orders, due in database.execute(statement)
        ]
    # An order that cannot be read has neither a marketplace nor a service level.
    known = [row for row in rows if row[0] or row[1]]
    frame = pd.DataFrame(known, columns=[*METHOD, "orders", "due"], dtype="object")
    return frame.astype({"orders": "int64", "due": "int64"})


def code_findings(place: CheckPlace, ship_methods: pd.DataFrame) -> list[Finding]:
    """Whether the warehouse has any shipping methods, and whether every mapping row leads to one.

    Args:
        place: The workplace.
        ship_methods: The warehouse's shipping methods.
    """
    found = mapping_findings(place.problems_of(SHIPPING_METHODS.file))
    if not ship_methods["is_active"].astype(bool).any():
        text = "is empty" if ship_methods.empty else "has no active row"
        return [*found, failed(f"wms_ship_method {text}", "Have the warehouse fill it with its shipping methods.")]
    name, marketplace_ids = place.connection.name, place.connection.marketplace_ids
    problems = check_codes(place.mappings, ship_methods, connection=name, marketplace_ids=marketplace_ids)
    return [*found, *mapping_findings(problems)]


def method_findings(place: CheckPlace, seen: pd.DataFrame, ship_methods: pd.DataFrame) -> list[Finding]:
    """The methods that orders use, and which of them no row maps.

    Args:
        place: The workplace.
        seen: What `seen_methods` returned.
        ship_methods: The warehouse's shipping methods.
    """
    is_mapped = seen["warehouse_code"].notna()
    if not len(seen):
        return [warning("no orders yet, so no shipping methods", "Run mfn check again once there are orders.")]
    orders = counted(int(seen["orders"].sum()), "order")
    found = [ok(f"{int(is_mapped.sum())} of {counted(len(seen), 'method')} on {orders} are mapped")]
    unmapped = seen[~is_mapped]
    if len(unmapped):
        due = int(unmapped["due"].sum())
        names = "; ".join(_names(unmapped)[:SHOWN]) + more(len(unmapped))
        finding = failed if due else warning
        used = f", used by {counted(due, 'due order')}" if due else ", used by no due order"
        found.append(
            finding(f"{counted(len(unmapped), 'method')} unmapped{used}: {names}", _rows(place, unmapped, ship_methods))
        )
    return found


def _methods(frame: pd.DataFrame) -> list[tuple[str | None, str | None, tuple[str, ...]]]:
    return list(zip(*(frame[name].tolist() for name in METHOD), strict=True))


def _names(methods: pd.DataFrame) -> list[str]:
    names = []
    for marketplace_id, level, programs in _methods(methods):
        place = BY_ID.get(marketplace_id or "")
        where = place.name if place else marketplace_id or "no marketplace"
        of = f" ({', '.join(programs)})" if programs else ""
        names.append(f"{where} {level or 'no service level'}{of}")
    return names


def _rows(place: CheckPlace, unmapped: pd.DataFrame, ship_methods: pd.DataFrame) -> str:
    rows = [
        propose_shipping_method_row(
            marketplace_id=marketplace_id,
            service_level=level,
            programs=programs,
            connection=place.connection.name,
            methods=place.mappings.shipping_methods,
            ship_methods=ship_methods,
        )
        for marketplace_id, level, programs in _methods(unmapped.head(SHOWN))
    ]
    path = shown_path(place.settings.mappings / SHIPPING_METHODS.file)
    return (
        f"Add a row for each to {path}, with the right code: {'; '.join(rows)} (all of them:"
        f" mfn shipping-methods {place.connection.name})."
    )


def prime_findings(place: CheckPlace, seen: pd.DataFrame, ship_methods: pd.DataFrame) -> list[Finding]:
    """Whether orders of Seller Fulfilled Prime have been seen, and whether they lead to a method of their own.

    Args:
        place: The workplace.
        seen: What `seen_methods` returned; every order in it is fulfilled by the seller.
        ship_methods: The warehouse's shipping methods.
    """
    methods, name = place.mappings.shipping_methods, place.connection.name
    rows = methods[(methods["program"] == PRIME) & methods["connection"].isin(("", name))]
    active = ship_methods.loc[ship_methods["is_active"].astype(bool), "code"].tolist()
    prime = seen[seen["programs"].map(lambda programs: PRIME in programs).astype(bool)]
    count = counted(int(prime["orders"].sum()), "Prime order")
    path = shown_path(place.settings.mappings / SHIPPING_METHODS.file)
    if not len(prime):
        text = f"no Prime orders yet; {counted(len(rows), 'row')} of {SHIPPING_METHODS.file} for them"
        return [ok(text), *_inactive(rows["warehouse_code"].tolist(), active, finding_for=path)]
    codes = prime["warehouse_code"]
    unmapped = prime[codes.isna()]
    if len(unmapped):
        text = f"{counted(int(unmapped['orders'].sum()), 'Prime order')} with an unmapped shipping method"
        return [failed(text, _rows(place, unmapped, ship_methods))]
    found = _inactive(codes.tolist(), active, finding_for=path)
    if not found:
        found = [ok(f"{count}, mapped to {', '.join(sorted(set(codes)))}")]
    ordinary = sorted(set(codes) - set(rows["warehouse_code"]))
    if ordinary:
        found.append(
            warning(
                f"Prime orders ship as {', '.join(ordinary)}, by a row that is not for {PRIME}",
                f"If that method does not keep Amazon's Prime promise, add a row with {PRIME} to {path}.",
            )
        )
    return found


def _inactive(codes: Sequence[str], active: Sequence[str], *, finding_for: str) -> list[Finding]:
    wrong = sorted(set(codes) - set(active))
    if not wrong:
        return []
    text = f"Prime is mapped to {', '.join(wrong)}, which is not active in the warehouse"
    return [failed(text, f"Use an active code of wms_ship_method in {finding_for}.")]
